package counters_test

import (
	"fmt"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// wholeBatch has a record of each of some benefits at each of some places, which are as
// many counters as the store then has.
func wholeBatch(benefits, places int) (batch []storetest.Record) {
	for n := range benefits {
		for place := range places {
			record := storetest.Shown(fmt.Sprintf("benefit-%d", n), uint16(places), uint16(place+1), storetest.Noon())
			batch = append(batch, record)
		}
	}
	return batch
}

// TestAReadIsOfOneMomentThoughBatchesCommitMeanwhile commits a batch between any two
// pieces of a read: none of them may be in it, in part or whole.
func TestAReadIsOfOneMomentThoughBatchesCommitMeanwhile(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]struct{ benefits, places, piece int }{
		"many benefits":                        {120, 3, 10},
		"benefits that take more than a piece": {12, 200, 16},
		"one piece a shard":                    {120, 3, 1 << 16},
	} {
		for _, frozen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, frozen %v", name, frozen), func(t *testing.T) {
				t.Parallel()
				store := counters.NewStore(counters.WhenDurable)
				commit := func() {
					_, _ = store.Add(storetest.Batch(t, store, wholeBatch(shape.benefits, shape.places)))
					storetest.Commit(store)
				}
				commit()
				if frozen {
					defer store.Freeze().Thaw()
				}
				commit()
				found := map[uint64]int{}
				store.ReadInPieces(counters.PositionsOf(2, nil), nil, shape.piece, func(_ counters.Benefit, cells []counters.Cell) {
					for _, cell := range cells {
						found[cell.Count]++
					}
					commit()
				})
				if want := shape.benefits * shape.places; len(found) != 1 || found[2] != want {
					t.Errorf("counters by their count: %v, want %d of 2", found, want)
				}
			})
		}
	}
}

// TestCountersThatBeginDuringAReadAreNotInIt has new benefits and places come between the
// pieces of a read.
func TestCountersThatBeginDuringAReadAreNotInIt(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	commit := func(records []storetest.Record) {
		_, _ = store.Add(storetest.Batch(t, store, records))
		storetest.Commit(store)
	}
	commit(wholeBatch(64, 2))
	counted, round := 0, 0
	store.ReadInPieces(counters.PositionsOf(2, nil), nil, 4, func(benefit counters.Benefit, cells []counters.Cell) {
		counted += len(cells)
		round++
		commit(wholeBatch(64+round, 3))
	})
	if counted != 128 {
		t.Errorf("%d counters are read, want 128", counted)
	}
}

// TestAReadThatIsLeftBehindIsBounded commits more during a read than is kept for it.
func TestAReadThatIsLeftBehindIsBounded(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	batch := storetest.Batch(t, store, wholeBatch(700, 100))
	commit := func() {
		_, _ = store.Add(batch)
		storetest.Commit(store)
	}
	commit()
	behind := false
	store.ReadInPieces(counters.PositionsOf(2, nil), nil, 100, func(counters.Benefit, []counters.Cell) {
		for range 9 {
			if !behind {
				commit()
			}
		}
		behind = true
		if noted := counters.NotedEntries(store); noted > counters.MostNoted {
			t.Fatalf("%d entries are kept, want at most %d", noted, counters.MostNoted)
		}
	})
	if noted := counters.NotedEntries(store); noted != 0 {
		t.Errorf("%d entries are kept after the read", noted)
	}
}
