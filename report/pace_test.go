package report

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// asks works again and again for a time, as a reader does who asks without pause while
// records come, and returns how long it worked.
func asks(p *pace, work, during time.Duration) (worked time.Duration) {
	start := time.Unix(0, 0)
	now := start
	for edition := uint64(1); now.Sub(start) < during; edition++ {
		now = now.Add(p.rest(now, edition)).Add(work)
		worked += work
		p.worked(now, work, edition)
	}
	return worked
}

func TestWhoAsksWithoutPauseGetsAShareOfAProcessor(t *testing.T) {
	t.Parallel()
	const during = time.Minute
	for _, work := range []time.Duration{time.Millisecond, 5 * time.Millisecond, longestRest / restOfWork, 100 * time.Millisecond} {
		worked := asks(&pace{}, work, during)
		rest := min(work*restOfWork, longestRest)
		share := time.Duration(float64(during) * float64(work) / float64(work+rest))
		if worked > share+freeWork+2*work || worked < share {
			t.Errorf("work of %v is done for %v of %v, want about %v", work, worked, during, share)
		}
	}
}

func TestWhoAsksNowAndThenNeverRests(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(0, 0)
	for edition := range uint64(20) {
		if rest := p.rest(now, edition); rest > 0 {
			t.Fatalf("ask %d rests for %v", edition, rest)
		}
		now = now.Add(freeWork)
		p.worked(now, freeWork, edition)
		now = now.Add(freeWork * restOfWork)
	}
}

func TestWhatABusyTimeHasTakenIsForgottenAfterIt(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(0, 0)
	for edition := range uint64(1000) { // each work takes as long as the processor is busy with posts
		now = now.Add(p.rest(now, edition)).Add(time.Second)
		p.worked(now, time.Second, edition)
	}
	if rest := p.rest(now, 1000); rest != longestRest {
		t.Errorf("a rest of %v at the end of it, want %v", rest, longestRest)
	}
	if rest := p.rest(now.Add(3*time.Second), 1000); rest > 0 {
		t.Errorf("a rest of %v three seconds later", rest)
	}
}

func TestNobodyRestsWhileNoRecordComes(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(0, 0)
	p.worked(now, time.Minute, 7)
	if rest := p.rest(now, 7); rest != 0 {
		t.Errorf("a rest of %v", rest)
	}
	if rest := p.rest(now, 8); rest != longestRest {
		t.Errorf("a rest of %v when a record has come, want %v", rest, longestRest)
	}
}

// at is an edition that stays.
func at(edition uint64) func() uint64 { return func() uint64 { return edition } }

func TestWorkWaitsForTheRestUnlessWhatIsWantedIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{})
		there, made := func() bool { return true }, 0
		make := func(uint64) error { made++; return nil }
		r.pace.worked(time.Now(), time.Minute, 1)
		start := time.Now()
		if err := r.alone(t.Context(), at(2), there, make); err != nil || made > 0 || time.Since(start) > 0 {
			t.Errorf("what is there: %v, made %d times after %v", err, made, time.Since(start))
		}
		missing := func() bool { return false }
		if err := r.alone(t.Context(), at(2), missing, make); err != nil || made != 1 || time.Since(start) != longestRest {
			t.Errorf("what is missing: %v, made %d times after %v", err, made, time.Since(start))
		}
	})
}

func TestWhoCannotWaitForTheRestIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{})
		r.pace.worked(time.Now(), time.Minute, 1)
		ctx, cancel := context.WithTimeout(t.Context(), longestRest/2)
		defer cancel()
		missing, make := func() bool { return false }, func(uint64) error { t.Error("made all the same"); return nil }
		if err := r.alone(ctx, at(2), missing, make); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want that the context has ended", err)
		}
	})
}

func TestThereIsNoRestForRecordsThatCameBeforeTheLastWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{})
		r.pace.worked(time.Now(), time.Minute, 1)
		var edition atomic.Uint64
		edition.Store(2)
		go func() {
			time.Sleep(longestRest / 2)
			edition.Store(3) // a record comes during the rest
		}()
		missing, busy := func() bool { return false }, func(uint64) error { time.Sleep(time.Minute); return nil }
		if err := r.alone(t.Context(), edition.Load, missing, busy); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := r.alone(t.Context(), at(3), missing, func(uint64) error { return nil }); err != nil || time.Since(start) > 0 {
			t.Errorf("%v, after %v", err, time.Since(start))
		}
	})
}

func TestOneAnswerRestsOnceHoweverManyWindowsItIsOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{})
		ctx, start := ForOneAnswer(t.Context()), time.Now()
		missing := func() bool { return false }
		for edition := range uint64(5) {
			r.pace.worked(time.Now(), time.Minute, edition)
			if err := r.alone(ctx, at(edition+1), missing, func(uint64) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if rested := time.Since(start); rested != longestRest {
			t.Errorf("the answer rests for %v, want %v", rested, longestRest)
		}
	})
}

// TestRestsOfOthersKeepNobodyWaitingForLong has many ask for windows of their own while records
// come without pause.
func TestRestsOfOthersKeepNobodyWaitingForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const readers, work = 100, 5 * time.Millisecond
		r := New(Options{})
		r.pace.worked(time.Now(), time.Minute, 0)
		var edition atomic.Uint64
		var served []int
		var waiting sync.WaitGroup
		for reader := range readers {
			time.Sleep(time.Millisecond) // or nobody comes before anybody
			waiting.Go(func() {
				start := time.Now()
				err := r.alone(ForOneAnswer(t.Context()), func() uint64 { return edition.Add(1) }, func() bool { return false }, func(uint64) error {
					served = append(served, reader)
					time.Sleep(work)
					return nil
				})
				if waited := time.Since(start); err != nil || waited > calm+2*longestRest+readers*work {
					t.Errorf("reader %d of %d waits for %v: %v", reader, readers, waited, err)
				}
			})
		}
		waiting.Wait()
		if len(served) != readers || !slices.IsSorted(served) {
			t.Errorf("readers are served in the order %v", served)
		}
		if hurried := r.hurried.Load(); hurried != 0 {
			t.Errorf("%d still hurry when nobody waits any more", hurried)
		}
	})
}
