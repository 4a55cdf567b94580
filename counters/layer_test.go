package counters

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEntriesAreAddedLikeToAMap adds sorted entries to tables in which counters move, collide and
// carry meanwhile.
func TestEntriesAreAddedLikeToAMap(t *testing.T) {
	t.Parallel()
	for _, traffic := range []struct {
		name             string
		benefits, places int
		largest          uint64
	}{
		{"many benefits", 600, 30, 2},
		{"one benefit", 1, 5000, 2},
		{"few counters, far beyond their low bits", 3, 2, 1 << 40},
		{"counts beside the low bits", 8, 40, 2 * countMask},
	} {
		t.Run(traffic.name, func(t *testing.T) {
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			table, want := newShardTable(seed, 3, 8), map[increment]uint64{}
			for range 40 {
				bumped := map[increment]uint64{}
				for range random.IntN(300) {
					benefit := Benefit(3 + 8*random.IntN(traffic.benefits))
					bumped[newIncrement(benefit, TotalKey(1)|Key(random.IntN(traffic.places)))] += 1 + random.Uint64N(traffic.largest)
				}
				entries, before := []Entry(nil), len(want)
				for _, increment := range slices.Sorted(maps.Keys(bumped)) {
					entries = append(entries, Entry{increment, bumped[increment]})
					want[increment] += bumped[increment]
				}
				if added := table.addEntries(entries); added != len(want)-before {
					t.Fatalf("seed %d: %d counters are new, want %d", seed, added, len(want)-before)
				}
			}
			got := map[increment]uint64{}
			for benefit := Benefit(3); benefit < Benefit(3+8*traffic.benefits); benefit += 8 {
				for _, cell := range table.Cells(benefit, nil) {
					got[newIncrement(benefit, cell.Key)] = cell.Count
				}
			}
			if !maps.Equal(got, want) || table.Len() != len(want) {
				t.Errorf("seed %d: the table has not what was added to it: %d counters, want %d", seed, table.Len(), len(want))
			}
		})
	}
}
