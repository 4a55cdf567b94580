package counters_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// The memory of what is merged is used again, but not while a delta has it.
func TestADeltaKeepsWhatWasMergedWhateverIsMergedMeanwhile(t *testing.T) {
	t.Parallel()
	store, other := counters.NewStore(counters.WhenDurable), counters.NewStore(counters.WhenDurable)
	mergeOne := func(into *counters.Store, count uint64) {
		foreign := counters.NewForeign(1)
		foreign.Benefits, foreign.Events = bytesOf([]string{"rsa"}), bytesOf([]string{"show"})
		if err := foreign.Add(storetest.Noon(), 0, []counters.Cell{{Key: mustKey(t, 1, 2, 3, 1), Count: count}}); err != nil {
			t.Fatal(err)
		}
		if _, err := into.Merge(nil, foreign); err != nil {
			t.Fatal(err)
		}
	}
	for count := range uint64(50) {
		mergeOne(store, count+1)
		delta := store.Seal()
		mergeOne(other, 1000)
		if have := delta.Spans[0].Entries[0].Count; have != count+1 {
			t.Fatalf("a sealed delta has %d, want %d", have, count+1)
		}
		delta.Commit()
		if store.Seal() != nil { // its memory is free now, and once only
			t.Fatal("there is something left")
		}
	}
	if have := storetest.Events(store); have != 50*51/2 {
		t.Errorf("%d events are counted, want %d", have, 50*51/2)
	}
}
