package counters

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpansStayAsTheyAreUntilTheGatheringChanges asks for what a window has, of which much is
// tallied, while those who asked before still read it.
func TestSpansStayAsTheyAreUntilTheGatheringChanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	const hour = Hour(1)
	var gathering Gathering
	for window := range 3 {
		gathering.of(hour).addAsSpans(random, entriesOfAWindow(random, []int{30}, 20_000))
		told := gathering.Spans()[0].Entries
		want := slices.Clone(told)
		for range 2 {
			if again := gathering.Spans()[0].Entries; !slices.Equal(again, want) {
				t.Errorf("window %d: %d counters are told another time, want the same %d", window, len(again), len(want))
			}
			if !slices.Equal(told, want) {
				t.Errorf("window %d: what was told first is something else now", window)
			}
		}
		gathering.of(hour).reset()
	}
}
