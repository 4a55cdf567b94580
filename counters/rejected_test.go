package counters_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

var errRefused = errors.New("the disk is full")

// post adds a batch of one record to a store and returns where it counts.
func post(t *testing.T, store *counters.Store, batch *counters.Batch, name string, hour counters.Hour) (*counters.Ticket, error) {
	t.Helper()
	batch.Reset(storetest.Noon())
	benefit, key, err := store.Place([]byte(name), mustKey(t, 1, 2, 1, 1), hour)
	if err != nil {
		t.Fatal(err)
	}
	batch.Add(benefit, key, hour)
	return store.Add(batch)
}

// sumsOf are the counts by the name of the benefit.
func sumsOf(store *counters.Store) map[string]uint64 {
	sums := map[string]uint64{}
	names := store.Benefits.Names()
	store.Read(counters.EventTotals(nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			sums[names[benefit]] += cell.Count
		}
	})
	return sums
}

func limitedStore(t *testing.T, benefits int) *counters.Store {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	if _, err := store.Events.Number([]byte("show")); err != nil {
		t.Fatal(err)
	}
	store.SetLimits(counters.Limits{Benefits: benefits, Counters: 1 << 20})
	return store
}

// TestRejectedRecordsLeaveNoNames floods a store with new benefits that the disk refuses,
// while records of a known and of a new one wait.
func TestRejectedRecordsLeaveNoNames(t *testing.T) {
	t.Parallel()
	const room, now = 12, 480_000
	store := limitedStore(t, room)
	batch := store.NewBatch()
	mustPost := func(name string, hour counters.Hour) {
		t.Helper()
		if _, err := post(t, store, batch, name, hour); err != nil {
			t.Fatal(err)
		}
	}
	mustPost("known", now)
	storetest.Commit(store)
	for flood := range 3 {
		for i := range 10 {
			mustPost(fmt.Sprintf("flood-%d-%d", flood, i), now)
		}
		delta := store.Seal()
		mustPost("known", now)
		mustPost("waiting", now)
		mustPost("waiting", now-24)
		delta.Reject(errRefused)
		storetest.Commit(store)
	}
	mustPost("new", now)
	storetest.Commit(store)
	want := map[string]uint64{"known": 4, "waiting": 6, "new": 1}
	if got := sumsOf(store); !maps.Equal(got, want) {
		t.Errorf("%v count, want %v", got, want)
	}
	if got := store.Benefits.Len(); got != len(want) {
		t.Errorf("there are %d names %q, want %d", got, store.Benefits.Names(), len(want))
	}
}

func TestABatchThatWasNumberedBeforeARejectionIsRefused(t *testing.T) {
	t.Parallel()
	store := limitedStore(t, 10)
	early, late := store.NewBatch(), store.NewBatch()
	early.Reset(storetest.Noon())
	benefit, key, err := store.Place([]byte("early"), mustKey(t, 1, 2, 1, 1), storetest.Noon())
	if err != nil {
		t.Fatal(err)
	}
	early.Add(benefit, key, storetest.Noon())
	if _, err := post(t, store, late, "late", storetest.Noon()); err != nil {
		t.Fatal(err)
	}
	store.Seal().Reject(errRefused)
	if _, err := store.Add(early); !errors.Is(err, counters.ErrRenumbered) {
		t.Errorf("%v, want ErrRenumbered", err)
	}
	if ticket, err := post(t, store, early, "early", storetest.Noon()); ticket == nil || err != nil {
		t.Errorf("made again: %v", err)
	}
}

// TestNoRecordCountsUnderTheNameOfARejectedOne has many post while every other delta is
// rejected at random, and holds the store to what was acknowledged.
func TestNoRecordCountsUnderTheNameOfARejectedOne(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	store := limitedStore(t, 1<<16)
	const posters = 4
	var acknowledged [posters]map[string]uint64
	var renumbered atomic.Int64
	var all sync.WaitGroup
	ended := make(chan struct{})
	for poster := range posters {
		random := rand.New(rand.NewPCG(random.Uint64(), 1))
		acknowledged[poster] = map[string]uint64{}
		all.Go(func() {
			batch := store.NewBatch()
			for range 1500 {
				name := fmt.Sprint("benefit-", random.IntN(400))
				if random.IntN(8) == 0 { // as another store tells of it
					record := storetest.Shown(name, 3, 1, storetest.Noon())
					if merge(t, store, []storetest.Record{record}).Wait() == nil {
						acknowledged[poster][name]++
					}
					continue
				}
				ticket, err := post(t, store, batch, name, storetest.Noon()-counters.Hour(random.IntN(3)))
				if errors.Is(err, counters.ErrRenumbered) {
					renumbered.Add(1)
					continue
				}
				if err == nil && random.IntN(4) > 0 {
					ticket.Notify(func() {})
				}
				if err = errors.Join(err, ticket.Wait()); err == nil {
					acknowledged[poster][name]++
				} else if !errors.Is(err, errRefused) {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(ended)
	}()
	rejected := 0
	for isOver := false; !isOver; {
		select {
		case <-store.Wake():
		case <-ended:
			isOver = true
		}
		if delta := store.Seal(); delta != nil && random.IntN(2) == 0 {
			delta.Reject(errRefused)
			rejected++
		} else if delta != nil {
			delta.Commit()
		}
	}
	want := map[string]uint64{}
	for _, sums := range acknowledged {
		for name, sum := range sums {
			want[name] += sum
		}
	}
	if got := sumsOf(store); !maps.Equal(got, want) {
		t.Errorf("%v count, want %v", got, want)
	}
	t.Logf("%d deltas were rejected, %d batches were numbered too early", rejected, renumbered.Load())
}
