package counters_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// counted is a counter of a benefit.
type counted struct {
	benefit counters.Benefit
	key     counters.Key
}

// inPieces is what a store gives in pieces. It fails the test where a benefit comes
// back after another one, or its keys do not ascend.
func inPieces(t *testing.T, store *counters.Store, q counters.Query, closed *counters.Table, piece int) map[counted]uint64 {
	t.Helper()
	found, seen := map[counted]uint64{}, map[counters.Benefit]bool{}
	var at counted
	first := true
	store.ReadInPieces(q, closed, piece, func(benefit counters.Benefit, cells []counters.Cell) {
		if first || benefit != at.benefit {
			if seen[benefit] {
				t.Errorf("benefit %d comes again", benefit)
			}
			seen[benefit], at, first = true, counted{benefit, 0}, false
		}
		for _, cell := range cells {
			if cell.Key <= at.key {
				t.Errorf("benefit %d: key %#x after %#x", benefit, cell.Key, at.key)
			}
			at.key = cell.Key
			found[counted{benefit, cell.Key}] += cell.Count
		}
	})
	return found
}

// manyLayers is a store with counts in every layer, some beyond the low bits of a
// counter, and much of them about one benefit.
func manyLayers(t *testing.T) *counters.Store {
	random := storetest.Random(t)
	store := counters.NewStore(counters.WhenAdded)
	add := func(records int) {
		batch := make([]storetest.Record, records)
		for i := range batch {
			batch[i] = storetest.Shown(fmt.Sprintf("benefit-%d", max(0, random.IntN(40)-20)), uint16(1+random.IntN(60)), 1, storetest.Noon())
			batch[i].Event, batch[i].Version = fmt.Sprintf("event-%d", random.IntN(20)), uint16(2+random.IntN(2))
			batch[i].Index = uint16(1 + random.IntN(int(batch[i].PageTotal)))
		}
		_, _ = store.Add(storetest.Batch(t, store, batch))
	}
	add(5000)
	storetest.Commit(store)
	benefit, key := storetest.Number(t, store, storetest.Shown("benefit-0", 60, 60, storetest.Noon()))
	if err := store.Replay(storetest.Noon(), benefit, []counters.Cell{{Key: key, Count: 1 << 40}}); err != nil {
		t.Fatal(err)
	}
	store.Freeze()
	add(3000)
	storetest.Commit(store)
	add(500)
	return store
}

func TestPiecesAreWhatTheWholeIs(t *testing.T) {
	t.Parallel()
	store := manyLayers(t)
	closed := counters.NewTable(9)
	for n := range uint16(300) {
		closed.Add(0, mustKey(t, 1, 2, 61+n/60, 1+n%60), 5<<30)
	}
	for name, q := range map[string]counters.Query{
		"positions": counters.PositionsOf(2, nil), "totals": counters.EventTotals(nil),
	} {
		for _, days := range []*counters.Table{nil, closed} {
			want := map[counted]uint64{}
			store.Read(q, days, func(benefit counters.Benefit, cells []counters.Cell) {
				for _, cell := range cells {
					want[counted{benefit, cell.Key}] += cell.Count
				}
			})
			for _, piece := range []int{1, 2, 7, 64, 1000, 1 << 20} {
				got := inPieces(t, store, q, days, piece)
				if !maps.Equal(got, want) {
					t.Errorf("%s in pieces of %d: %d counters, want the %d of the whole", name, piece, len(got), len(want))
				}
			}
		}
	}
}

// TestBenefitsOfEverySizeAreReadAsTheyWereCounted has small and large benefits in one piece.
func TestBenefitsOfEverySizeAreReadAsTheyWereCounted(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	store, want := counters.NewStore(counters.WhenDurable), map[counted]uint64{}
	for benefit := range counters.Benefit(100) {
		name := fmt.Sprintf("benefit-%d", benefit)
		for range 1 << random.IntN(10) {
			record := storetest.Shown(name, uint16(1+random.IntN(200)), uint16(1+random.IntN(30)), storetest.Noon())
			number, key := storetest.Number(t, store, record)
			count := uint64(1 + random.IntN(9))
			if err := store.Replay(storetest.Noon(), number, []counters.Cell{{Key: key, Count: count}}); err != nil {
				t.Fatal(err)
			}
			want[counted{number, key}] += count
		}
	}
	for _, piece := range []int{50, 200, 1 << 20} {
		if got := inPieces(t, store, counters.PositionsOf(2, nil), nil, piece); !maps.Equal(got, want) {
			t.Errorf("in pieces of %d: %d counters, want the %d that were counted", piece, len(got), len(want))
		}
	}
}

// TestEveryRecordIsInOnePieceWhileFoldsGoOn adds to the same counters all the time, and
// expects of each no less than before the read and no more than after it.
func TestEveryRecordIsInOnePieceWhileFoldsGoOn(t *testing.T) {
	t.Parallel()
	const positions, rounds = 400, 150
	store := counters.NewStore(counters.WhenDurable)
	page := make([]storetest.Record, positions)
	for i := range page {
		page[i] = storetest.Shown("rsa", uint16(positions), uint16(i+1), storetest.Noon())
	}
	batch := storetest.Batch(t, store, page)
	var committed, begun atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for round := range rounds {
			var frozen *counters.Frozen
			if round%3 == 0 {
				frozen = store.Freeze()
			}
			_, _ = store.Add(batch)
			delta := store.Seal()
			begun.Add(1)
			delta.Commit()
			committed.Add(1)
			if frozen != nil {
				frozen.Thaw()
			}
		}
	}()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		least := uint64(committed.Load())
		got := inPieces(t, store, counters.PositionsOf(2, nil), nil, 50)
		most := uint64(begun.Load())
		counts := slices.Collect(maps.Values(got))
		if least == 0 {
			continue
		}
		if len(counts) != positions || slices.Min(counts) < least || slices.Max(counts) > most {
			t.Fatalf("%d counters of %d to %d, want %d of %d to %d", len(counts), slices.Min(counts), slices.Max(counts), positions, least, most)
		}
	}
}

func TestALargeBenefitIsNeverCopiedWhole(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	storetest.Grow(t, store, 20_000)
	calls := 0
	store.ReadInPieces(counters.PositionsOf(2, nil), nil, 100, func(_ counters.Benefit, cells []counters.Cell) {
		if calls++; len(cells) > 200 {
			t.Errorf("%d counters at a time, want at most 200", len(cells))
		}
	})
	if calls < 100 {
		t.Errorf("%d pieces, want some hundreds", calls)
	}
}
