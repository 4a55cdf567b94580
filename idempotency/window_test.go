package idempotency_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/idempotency"
)

// clock stands where it is set.
type clock struct{ at time.Duration }

func (c *clock) elapsed() time.Duration { return c.at }

func mark(key string) counters.Mark {
	return counters.Mark{Key: idempotency.SumOf([]byte(key)), Body: idempotency.SumOf([]byte("body of " + key))}
}

func find(w *idempotency.Window, key string) bool {
	m := mark(key)
	_, found := w.Find(m.Key, m.Body)
	return found
}

func bounded(keys int, age time.Duration) (*idempotency.Window, *clock) {
	w, c := idempotency.NewWindow(), &clock{at: time.Hour} // since the machine was started
	w.Begin(idempotency.Bounds{Age: age, Keys: keys}, c.elapsed)
	return w, c
}

func expectKnown(t *testing.T, w *idempotency.Window, known ...string) {
	t.Helper()
	if keys, _ := w.Figures(); keys != len(known) {
		t.Errorf("%d keys are remembered, want %q", keys, known)
	}
	for _, key := range known {
		if !find(w, key) {
			t.Errorf("%q is forgotten", key)
		}
	}
}

func TestAFullWindowForgetsTheOldestKeys(t *testing.T) {
	w, _ := bounded(3, time.Hour)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		w.Commit([]counters.Mark{mark(key)}, w.Now())
	}
	expectKnown(t, w, "c", "d", "e")
	if _, forgotten := w.Figures(); forgotten != 2 {
		t.Errorf("%d keys are said to be forgotten, want 2", forgotten)
	}
}

// TestAnAnswerTakesThePlacesOfKeys has a key with an answer that is as long as three keys.
func TestAnAnswerTakesThePlacesOfKeys(t *testing.T) {
	w, _ := bounded(5, time.Hour)
	rejected := mark("rejected")
	rejected.Answer = strings.Repeat("x", 3*idempotency.KeyBytes)
	w.Commit([]counters.Mark{mark("a"), mark("b"), rejected}, w.Now())
	expectKnown(t, w, "b", "rejected")
	w.Commit([]counters.Mark{mark("c")}, w.Now())
	expectKnown(t, w, "rejected", "c")
	w.Commit([]counters.Mark{mark("d")}, w.Now())
	expectKnown(t, w, "c", "d")
}

// TestAKeyGrowsOldOnlyWhileAServerRuns has a window of an hour over three processes.
func TestAKeyGrowsOldOnlyWhileAServerRuns(t *testing.T) {
	w, c := bounded(10, time.Hour)
	w.Commit([]counters.Mark{mark("first")}, w.Now())
	for process := range 3 {
		c.at += 25 * time.Minute
		if known := find(w, "first"); known != (process < 2) {
			t.Errorf("after %d times 25 minutes, the key is known: %v", process+1, known)
		}
		w.Commit([]counters.Mark{mark(fmt.Sprint(process))}, w.Now())
		frozen, next := w.Freeze(), idempotency.NewWindow()
		frozen.Each(func(m counters.Mark, at time.Duration) error {
			next.Restore(m, at)
			return nil
		})
		c.at = time.Duration(process) * time.Minute // of another start of the machine
		next.Begin(idempotency.Bounds{Age: time.Hour, Keys: 10}, c.elapsed)
		w = next
	}
	expectKnown(t, w, "0", "1", "2")
	if _, forgotten := w.Figures(); forgotten != 0 {
		t.Errorf("%d keys are said to be forgotten in their time", forgotten)
	}
}

func TestAKeyThatComesAgainAfterItsTimeIsANewOne(t *testing.T) {
	w, c := bounded(10, time.Hour)
	w.Commit([]counters.Mark{mark("a"), mark("b")}, w.Now())
	c.at += time.Hour
	w.Commit([]counters.Mark{mark("a")}, w.Now())
	expectKnown(t, w, "a")
	c.at += time.Hour - 1
	expectKnown(t, w, "a")
	c.at++
	expectKnown(t, w)
}

// TestWhatIsFrozenStays keeps and forgets more than a block of keys meanwhile.
func TestWhatIsFrozenStays(t *testing.T) {
	w, _ := bounded(2000, time.Hour)
	keep := func(from, to int) {
		for n := from; n < to; n++ {
			w.Commit([]counters.Mark{mark(fmt.Sprint(n))}, w.Now())
		}
	}
	keep(0, 1500)
	frozen := w.Freeze()
	keep(1500, 9000)
	n := 0
	frozen.Each(func(m counters.Mark, _ time.Duration) error {
		if m != mark(fmt.Sprint(n)) {
			t.Fatalf("key %d is another one", n)
		}
		n++
		return nil
	})
	if n != 1500 || frozen.Len() != 1500 {
		t.Errorf("%d keys are frozen, want 1500", n)
	}
	expectKnown(t, w, sequence(7000, 9000)...)
}

func sequence(from, to int) (texts []string) {
	for n := from; n < to; n++ {
		texts = append(texts, fmt.Sprint(n))
	}
	return texts
}

func TestAKeyTakesAsMuchMemoryAsItSays(t *testing.T) {
	const keys = 70_000
	for name, answer := range map[string]string{"good": "", "rejected": strings.Repeat("x", 2*idempotency.KeyBytes)} {
		places := 1 + len(answer)/idempotency.KeyBytes
		w, _ := bounded(keys*places, time.Hour)
		before := heap()
		for n := range 3 * keys / 100 { // so that it has forgotten many
			w.Commit(hundred(n, answer), w.Now())
		}
		each := float64(heap()-before) / (keys * float64(places))
		if known, _ := w.Figures(); known != keys || each > idempotency.KeyBytes {
			t.Errorf("%s: %d keys take %.0f bytes each place, want %d at most", name, known, each, idempotency.KeyBytes)
		}
		t.Logf("%s: %.0f bytes", name, each)
		runtime.KeepAlive(w)
	}
}

func hundred(n int, answer string) (marks []counters.Mark) {
	for i := range 100 {
		m := mark(fmt.Sprint(n, i))
		m.Answer = strings.Clone(answer)
		marks = append(marks, m)
	}
	return marks
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestEachKeyCountsOnceWhateverTheDiskDoes has many clients send batches of few keys, each
// with one of two bodies, while commits succeed and fail.
func TestEachKeyCountsOnceWhateverTheDiskDoes(t *testing.T) {
	const clients, keys, posts = 8, 400, 1500
	random := storetest.Random(t)
	seed := random.Uint64()
	store := counters.NewStore(counters.WhenDurable)
	w, _ := bounded(1<<20, time.Hour)
	var sending sync.WaitGroup
	said := make(chan outcome, clients*posts)
	for client := range clients {
		random := rand.New(rand.NewPCG(seed, uint64(client)))
		sending.Go(func() {
			for range posts {
				said <- send(t, store, w, random.IntN(keys), random.IntN(2))
			}
		})
	}
	done := make(chan struct{})
	go func() {
		sending.Wait()
		close(done)
	}()
	for running := true; running; {
		select {
		case <-store.Wake():
			commitOrNot(store, w, random)
		case <-done:
			running = false
		}
	}
	close(said)
	expectOnce(t, store, said)
}

var errNoSpace = errors.New("no space")

// commitOrNot ends a commit as the committing goroutine does.
func commitOrNot(store *counters.Store, w *idempotency.Window, random *rand.Rand) {
	delta := store.Seal()
	if delta == nil {
		return
	}
	if random.IntN(3) == 0 {
		w.Reject(delta.Marks)
		delta.Reject(errNoSpace)
		return
	}
	w.Commit(delta.Marks, w.Now())
	delta.Commit()
}

// outcome is what became of a post.
type outcome struct {
	key, body int
	sent      idempotency.Sent
	err       error
}

func send(t *testing.T, store *counters.Store, w *idempotency.Window, key, body int) outcome {
	m := counters.Mark{
		Key: idempotency.SumOf(fmt.Append(nil, key)), Body: idempotency.SumOf(fmt.Append(nil, body)), Answer: fmt.Sprint("of ", body),
	}
	batch := storetest.Batch(t, store, []storetest.Record{storetest.Shown(fmt.Sprint(key, "/", body), 1, 1, storetest.Noon())})
	sent, err := w.Add(batch, m, store.Add)
	if err == nil && !sent.Other {
		err = sent.Ticket.Wait()
	}
	return outcome{key, body, sent, err}
}

// expectOnce requires that each key counts with one body, that all who were told so have it,
// and that nobody else does.
func expectOnce(t *testing.T, store *counters.Store, said <-chan outcome) {
	t.Helper()
	acknowledged := map[int]int{}
	repeats, others := 0, 0
	for o := range said {
		switch {
		case o.err != nil && !errors.Is(o.err, errNoSpace) && !errors.Is(o.err, counters.ErrRenumbered):
			t.Errorf("%+v", o)
		case o.sent.Other:
			others++
		case o.err == nil:
			if o.sent.Answer != fmt.Sprint("of ", o.body) {
				t.Errorf("the answer is %q, want that of the first", o.sent.Answer)
			}
			if first, found := acknowledged[o.key]; found && first != o.body {
				t.Errorf("key %d is acknowledged with both bodies", o.key)
			}
			acknowledged[o.key] = o.body
			if o.sent.Again {
				repeats++
			}
		}
	}
	if repeats == 0 || others == 0 {
		t.Fatalf("%d repeats and %d other bodies: nothing is tried", repeats, others)
	}
	want := map[string]uint64{}
	for key, body := range acknowledged {
		want[fmt.Sprint(key, "/", body)] = 1
	}
	for benefit, count := range totals(store) {
		if want[benefit] != count {
			t.Errorf("%s counts %d, want %d", benefit, count, want[benefit])
		}
		delete(want, benefit)
	}
	if len(want) > 0 {
		t.Errorf("nothing counts of %v", want)
	}
}

// totals are the sums of a store by benefit.
func totals(store *counters.Store) map[string]uint64 {
	sums, names := map[string]uint64{}, store.Benefits.Names()
	store.Read(counters.EventTotals(nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			sums[names[benefit]] += cell.Count
		}
	})
	return sums
}
