package counters_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// simulation is a store in the hands of many: adders, readers and one
// goroutine that persists, each with random numbers of its own.
type simulation struct {
	t       testing.TB
	store   *counters.Store
	drops   bool // whether some deltas are dropped
	visible counters.Visibility

	// What readers may see, in records: at least those that are certain when they
	// begin, at most those that are possible when they end.
	certain, possible atomic.Uint64

	mu    sync.Mutex
	model storetest.Model // of what was not dropped
}

func TestARandomConcurrentRunCountsLikeAMap(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*simulation{
		"when durable":           {visible: counters.WhenDurable, drops: true},
		"when added":             {visible: counters.WhenAdded},
		"when added, with drops": {visible: counters.WhenAdded, drops: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.t, s.store, s.model = t, counters.NewStore(s.visible), storetest.Model{}
			s.run(storetest.Random(t))
			s.model.Check(t, s.store)
			if s.model.Events() == 0 {
				t.Error("nothing was counted")
			}
		})
	}
}

// run ends when all adders have added what they have and it is settled.
func (s *simulation) run(random *rand.Rand) {
	const adders, readers = 4, 2
	var adding, others sync.WaitGroup
	for range adders {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		adding.Go(func() { s.adder(own) })
	}
	end := make(chan struct{})
	for range readers {
		others.Go(func() { s.reader(end) })
	}
	own := rand.New(rand.NewPCG(random.Uint64(), 0))
	others.Go(func() { s.persist(own, end) })
	adding.Wait()
	close(end)
	others.Wait()
}

// adder adds batches, a few at a time, and keeps account of what became of them.
func (s *simulation) adder(random *rand.Rand) {
	type sent struct {
		records []storetest.Record
		ticket  *counters.Ticket
	}
	var waiting []sent
	for range 120 {
		records := storetest.RandomBatch(random, 40)
		batch := storetest.Batch(s.t, s.store, records)
		if s.visible == counters.WhenAdded {
			s.possible.Add(uint64(len(records)))
		}
		var ticket *counters.Ticket
		if random.IntN(4) > 0 {
			var err error
			if ticket, err = s.store.Add(batch); errors.Is(err, counters.ErrRenumbered) && s.drops {
				continue // whoever sent it is told so
			} else if err != nil {
				s.t.Error(err)
			}
		} else {
			ticket = merge(s.t, s.store, records) // as another store tells of them
		}
		if s.visible == counters.WhenAdded && !s.drops {
			s.certain.Add(uint64(len(records)))
		}
		waiting = append(waiting, sent{records, ticket})
		if random.IntN(4) > 0 {
			continue
		}
		for _, sent := range waiting {
			s.settled(sent.records, sent.ticket.Wait())
		}
		waiting = waiting[:0]
	}
	for _, sent := range waiting {
		s.settled(sent.records, sent.ticket.Wait())
	}
}

func (s *simulation) settled(records []storetest.Record, err error) {
	if err != nil {
		return
	}
	if s.visible == counters.WhenDurable {
		s.certain.Add(uint64(len(records)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model.Add(records)
}

// reader holds each sum of all events to what it may be, and to the one before.
func (s *simulation) reader(end chan struct{}) {
	previous := uint64(0)
	for {
		least := s.certain.Load()
		sum := storetest.Events(s.store)
		if most := s.possible.Load(); sum < least || sum > most {
			s.t.Errorf("%d events are counted, want %d to %d", sum, least, most)
		}
		if sum < previous && (s.visible == counters.WhenDurable || !s.drops) {
			s.t.Errorf("%d events are counted, %d were before", sum, previous)
		}
		previous = sum
		select {
		case <-end:
			return
		default:
		}
	}
}

// persist is the goroutine that seals, until the end and nothing is left.
func (s *simulation) persist(random *rand.Rand, end chan struct{}) {
	thawed := make(chan struct{}, 1)
	thawed <- struct{}{}
	for ended := false; !ended; {
		select {
		case <-s.store.Wake():
		case <-end:
			ended = true // all tickets were waited for: nothing is left
		}
		if delta := s.store.Seal(); delta != nil {
			s.settle(delta, random)
		}
		select {
		case <-thawed:
			if random.IntN(3) > 0 {
				thawed <- struct{}{}
				continue
			}
			frozen := s.store.Freeze()
			go func() {
				s.readTwice(frozen)
				frozen.Thaw()
				thawed <- struct{}{}
			}()
		default:
		}
	}
	<-thawed
}

func (s *simulation) settle(delta *counters.Delta, random *rand.Rand) {
	if s.drops && random.IntN(5) == 0 {
		delta.Reject(errDisk)
		return
	}
	if s.visible == counters.WhenDurable {
		for _, span := range delta.Spans {
			for _, entry := range span.Entries {
				s.possible.Add(entry.Count)
			}
		}
	}
	delta.Commit()
}

func (s *simulation) readTwice(frozen *counters.Frozen) {
	if first, second := frozenCounts(frozen), frozenCounts(frozen); !maps.Equal(first, second) {
		s.t.Errorf("a frozen base changed")
	}
}

func TestABatchIsSealedWhole(t *testing.T) {
	t.Parallel()
	const adders, batches = 4, 300
	store := counters.NewStore(counters.WhenDurable)
	together := []storetest.Record{
		storetest.Shown("rsa", 3, 1, storetest.Noon()),
		storetest.Shown("apl", 3, 2, storetest.Noon()),
		storetest.Shown("aah", 3, 3, storetest.Noon()-24),
	}
	for _, record := range together {
		storetest.Number(t, store, record)
	}
	var adding sync.WaitGroup
	for range adders {
		adding.Go(func() {
			for range batches {
				store.Add(storetest.Batch(t, store, together))
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		adding.Wait()
		close(ended)
	}()
	sum := uint64(0)
	for sum < adders*batches {
		<-store.Wake()
		delta := store.Seal()
		if delta == nil {
			continue
		}
		counts := [3]uint64{}
		for place, count := range spanCounts(delta) {
			counts[place.benefit] += count
		}
		if counts[0] != counts[1] || counts[0] != counts[2] {
			t.Fatalf("three benefits that are always recorded together have %d records in a delta", counts)
		}
		sum += counts[0]
		delta.Commit()
	}
	<-ended
	if sum != adders*batches {
		t.Errorf("%d batches were sealed, want %d", sum, adders*batches)
	}
}
