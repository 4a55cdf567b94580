package counters_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// placed is where a store lets a record count.
func placed(t *testing.T, store *counters.Store, record storetest.Record) string {
	t.Helper()
	event, err := store.Events.Number([]byte(record.Event))
	if err != nil {
		t.Fatal(err)
	}
	key := mustKey(t, counters.EventType(event+1), record.Version, record.PageTotal, record.Index)
	benefit, _, err := store.Place([]byte(record.Benefit), key, record.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return store.Benefits.Names()[benefit]
}

func TestLimitsHoldForWhatThereIsInEveryLayer(t *testing.T) {
	t.Parallel()
	noon := storetest.Noon()
	known, unknown := storetest.Shown("rsa", 3, 1, noon), storetest.Shown("apl", 3, 2, noon)
	count := func(t *testing.T, store *counters.Store) {
		_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
		storetest.Commit(store)
	}
	for _, test := range []struct {
		name     string
		prepare  func(*testing.T, *counters.Store)
		counters int // may there be
		// Where the two records count.
		known, unknown string
	}{
		{"what was recovered counts against a limit that is set later", func(t *testing.T, store *counters.Store) {
			benefit, key := storetest.Number(t, store, known)
			if err := store.Replay(known.Hour, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				t.Fatal(err)
			}
		}, 1, "rsa", counters.OtherBenefit},
		{"what was folded counts on where it is", count, 1, "rsa", counters.OtherBenefit},
		{"what is in the overlay counts on where it is", func(t *testing.T, store *counters.Store) {
			store.Freeze()
			count(t, store)
		}, 1, "rsa", counters.OtherBenefit},
		{"there is room below the limit", count, 3, "rsa", "apl"},
		{"the past takes room too", func(t *testing.T, store *counters.Store) {
			count(t, store)
			frozen := store.Freeze()
			frozen.Closing(frozen.Days())
			frozen.CloseDays()
			frozen.Thaw()
		}, 1, counters.OtherBenefit, counters.OtherBenefit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := counters.NewStore(counters.WhenDurable)
			test.prepare(t, store)
			store.SetLimits(counters.Limits{Benefits: 100, Counters: test.counters})
			if got := placed(t, store, known); got != test.known {
				t.Errorf("a record like one before counts for %q, want %q", got, test.known)
			}
			if got := placed(t, store, unknown); got != test.unknown {
				t.Errorf("a new record counts for %q, want %q", got, test.unknown)
			}
		})
	}
}

func TestACounterThatWasInTwoLayersTakesRoomOnceWhenTheyAreOne(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 4}) // a record is one of positions and one of hours
	noon := storetest.Noon()
	known, unknown := storetest.Shown("rsa", 3, 1, noon), storetest.Shown("apl", 3, 2, noon)
	add := func() {
		_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
		storetest.Commit(store)
	}
	add()
	frozen := store.Freeze()
	add()
	if got := placed(t, store, unknown); got != counters.OtherBenefit {
		t.Errorf("with a counter in two layers, a new record counts for %q, want %q", got, counters.OtherBenefit)
	}
	frozen.Thaw()
	if got := placed(t, store, unknown); got != "apl" || store.Counters() != 2 {
		t.Errorf("with two counters of four, a new record counts for %q, want %q; %d counters", got, "apl", store.Counters())
	}
}

func TestTheLastTicketIsThatOfTheLastBatch(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(3, storetest.Noon())
	if last := store.Shut(); last != nil {
		t.Errorf("a store without a batch has the last ticket %p", last)
	}
	store = counters.NewStore(counters.WhenDurable)
	first, _ := store.Add(storetest.Batch(t, store, page))
	storetest.Commit(store)
	second, _ := store.Add(storetest.Batch(t, store, page))
	if last := store.Shut(); last != second || last == first {
		t.Errorf("before it is sealed, the last ticket is %p, want %p", last, second)
	}
	delta := store.Seal()
	if last := store.Shut(); last != second || last.Settled() {
		t.Errorf("while it is sealed, the last ticket is %p, want %p", last, second)
	}
	delta.Commit()
	if last := store.Shut(); last != second || !last.Settled() {
		t.Errorf("once it is committed, the last ticket is %p, want %p", last, second)
	}
}

// TestOthersAreFewWhateverStrangersVary fills a store up to its limit and then sends
// records of thousands of versions.
func TestOthersAreFewWhateverStrangersVary(t *testing.T) {
	t.Parallel()
	s := counters.NewStore(counters.WhenDurable)
	for range 3 {
		if _, err := s.Events.Number([]byte(fmt.Sprint("event", s.Events.Len()))); err != nil {
			t.Fatal(err)
		}
	}
	s.SetLimits(counters.Limits{Benefits: 100, Counters: 1000})
	batch, sent := s.NewBatch(), uint64(0)
	for version := range 5000 {
		batch.Reset(480_000)
		for event := counters.EventType(1); event <= 3; event++ {
			key, err := counters.NewKey(event, uint16(version), 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			benefit, key, err := s.Place([]byte("RSA"), key, 480_000)
			if err != nil {
				t.Fatal(err)
			}
			batch.Add(benefit, key, 480_000)
			sent++
		}
		if _, err := s.Add(batch); err != nil {
			t.Fatal(err)
		}
		if version%64 == 0 {
			if delta := s.Seal(); delta != nil {
				delta.Commit()
			}
		}
	}
	if delta := s.Seal(); delta != nil {
		delta.Commit()
	}
	// Records on their way when the limit is reached may exceed it a little.
	if got, most := s.Counters(), 1000+64*3*2+3*(8+1)+3; got > most {
		t.Errorf("there are %d counters, want at most %d", got, most)
	}
	total := uint64(0)
	s.Read(counters.EventTotals(nil), nil, func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			total += cell.Count
		}
	})
	if total != sent {
		t.Errorf("%d records count, %d were sent", total, sent)
	}
}

// TestAtTheLimitNothingGrowsWhateverFieldVaries has strangers send what is known, in
// other hours: the counters of hours must not grow either.
func TestAtTheLimitNothingGrowsWhateverFieldVaries(t *testing.T) {
	t.Parallel()
	noon := storetest.Noon()
	store := counters.NewStore(counters.WhenDurable)
	number, _ := store.Events.Number([]byte("show"))
	key := mustKey(t, counters.EventType(number+1), 2, 1, 1)
	store.SetLimits(counters.Limits{Benefits: 1000, Counters: 2 * 500})
	send := func(hour counters.Hour) {
		for benefit := range 1000 {
			batch := store.NewBatch()
			batch.Reset(hour)
			where, placed, err := store.Place(fmt.Appendf(nil, "benefit-%d", benefit), key, hour)
			if err != nil {
				t.Fatal(err)
			}
			batch.Add(where, placed, hour)
			if _, err := store.Add(batch); err != nil {
				t.Fatal(err)
			}
			storetest.Commit(store)
		}
	}
	for hour := noon; hour < noon+48; hour++ {
		send(hour)
	}
	// Of each hour, __other__ has one counter, and of each day one of a position.
	if got, most := store.Counters(), 1000+48+3; got > most {
		t.Errorf("there are %d counters, want at most %d", got, most)
	}
	if got := storetest.Events(store); got != 48*1000 {
		t.Errorf("%d records count, want %d", got, 48*1000)
	}
}

// TestAWriterAtTheLimitDoesNotWaitForAReader holds a reader up in the middle of a shard.
func TestAWriterAtTheLimitDoesNotWaitForAReader(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	known := storetest.Shown("rsa", 3, 1, storetest.Noon())
	_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
	storetest.Commit(store)
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 1})
	inside, proceed, read := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(read)
		q := counters.PositionsOf(2, nil)
		project := q.Project
		q.Project = func(step uint32, key counters.Key) (counters.Key, bool) {
			once.Do(func() { close(inside); <-proceed })
			return project(step, key)
		}
		store.Read(q, nil, func(counters.Benefit, []counters.Cell) {})
	}()
	<-inside
	// A fold that waits for the reader must not hold up the writer either.
	_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
	delta, folded := store.Seal(), make(chan struct{})
	go func() {
		defer close(folded)
		delta.Commit()
	}()
	if got := placed(t, store, known); got != "rsa" {
		t.Errorf("a record like one before counts for %q, want rsa", got)
	}
	select {
	case <-folded:
		t.Error("a fold came between while the reader copied a shard")
	default:
	}
	close(proceed)
	<-read
	<-folded
}

func BenchmarkPlaceAtTheLimit(b *testing.B) {
	store := counters.NewStore(counters.WhenDurable)
	storetest.Grow(b, store, 100_000)
	store.SetLimits(counters.Limits{Benefits: 1000, Counters: 1})
	hour := storetest.Noon()
	names := store.Benefits.Names()
	key := mustKey(b, 1, 2, 1, 1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, _, err := store.Place([]byte(names[i%len(names)]), key, hour); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestNoMoreRecordsWaitThanMay(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 1000, Waiting: 10})
	page := storetest.Page(6, storetest.Noon())
	add := func() error {
		_, err := store.Add(storetest.Batch(t, store, page))
		return err
	}
	for _, settle := range []func(*counters.Delta){(*counters.Delta).Commit, func(d *counters.Delta) { d.Reject(errors.New("full")) }} {
		first, second, third := add(), add(), add()
		if first != nil || second != nil || !errors.Is(third, counters.ErrWaiting) {
			t.Errorf("%v, %v, %v; want room for two batches", first, second, third)
		}
		delta := store.Seal()
		if err := add(); !errors.Is(err, counters.ErrWaiting) {
			t.Errorf("while they are made durable: %v, want ErrWaiting", err)
		}
		settle(delta)
		if err := add(); err != nil {
			t.Errorf("when that is over: %v", err)
		}
		storetest.Commit(store)
	}
}

// BenchmarkCounterMemory measures what a counter takes in the base: while the table of its benefit
// grows, which is the most; and where others' counts are merged, of every key and of every fourth, which
// is the most in stretches.
func BenchmarkCounterMemory(b *testing.B) {
	heap := func() uint64 {
		var memory runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	for _, test := range []struct {
		benefits, apart int
		merged          bool
	}{{1, 1, false}, {600, 1, false}, {1, 1, true}, {600, 1, true}, {1, 4, true}, {600, 4, true}} {
		benefits := test.benefits
		b.Run(fmt.Sprintf("benefits=%d,apart=%d,merged=%t", benefits, test.apart, test.merged), func(b *testing.B) {
			for b.Loop() {
				store, batch := counters.NewStore(counters.WhenDurable), []counters.Cell{}
				for i := range benefits {
					if _, err := store.Benefits.Number(fmt.Append(nil, "benefit ", i)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := store.Events.Number([]byte("show")); err != nil {
					b.Fatal(err)
				}
				if test.merged {
					mergeAll(b, store, allPositions(b, benefits, 1))
				}
				// One more than fills a table to seven eighths has it doubled.
				each := 1<<20*7/8/benefits + 1
				before, total := heap(), 0
				fill := func() {
					for benefit := range benefits {
						for n := range each {
							place := n * test.apart
							key, _ := counters.KeyAt(1, uint16(place>>16), uint32(place&(1<<16-1)))
							if batch = append(batch, counters.Cell{Key: key, Count: 1}); len(batch) == 1000 || n == each-1 {
								if err := store.Replay(storetest.Noon(), counters.Benefit(benefit), batch); err != nil {
									b.Fatal(err)
								}
								total += len(batch)
								batch = batch[:0]
							}
						}
					}
				}
				fill()
				b.ReportMetric(float64(heap()-before)/float64(total), "B/counter")
				runtime.KeepAlive(store)
			}
		})
	}
}
