package counters_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

func TestWhatWasGatheredOfSeveralDeltasCountsTheSame(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	source, store := counters.NewStore(counters.WhenDurable), counters.NewStore(counters.WhenDurable)
	model := storetest.Model{}
	var foreign []*counters.Foreign
	var gathering counters.Gathering
	for range 40 {
		records := storetest.RandomBatch(random, 300)
		model.Add(records)
		_, _ = source.Add(storetest.Batch(t, source, records))
		if delta := source.Seal(); delta != nil {
			gathering.Add(delta)
			delta.Commit()
		}
		if random.IntN(3) == 0 {
			foreign = append(foreign, told(t, source, &counters.Delta{Spans: gathering.Spans()}))
			gathering = counters.Gathering{}
		}
	}
	var rest counters.Gathering
	rest.Take(&gathering)
	foreign = append(foreign, told(t, source, &counters.Delta{Spans: rest.Spans()}))
	model.Check(t, source)
	if _, err := store.Merge([]byte("note"), foreign...); err != nil {
		t.Fatal(err)
	}
	delta := store.Seal()
	if len(delta.Notes) != 1 || string(delta.Notes[0]) != "note" {
		t.Errorf("the delta has the notes %q", delta.Notes)
	}
	delta.Commit()
	model.Check(t, store)
}

func TestACounterThatIsBumpedForLongWithoutBeingToldTakesNoMoreMemory(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(30, storetest.Noon())
	_, _ = store.Add(storetest.Batch(t, store, page))
	delta := store.Seal()
	var gathering counters.Gathering
	const deltas = 20_000
	for range deltas {
		gathering.Add(delta)
	}
	if have, most := gathering.Len(), deltas*len(page)/2; have > most {
		t.Errorf("%d entries of %d counters, want at most %d", have, len(page), most)
	}
	entries := gathering.Spans()[0].Entries
	if len(entries) != len(page) {
		t.Errorf("%d entries are told, want %d", len(entries), len(page))
	}
	for _, entry := range entries {
		if entry.Count != deltas {
			t.Errorf("a counter was bumped %d times, want %d", entry.Count, deltas)
		}
	}
	delta.Commit()
}
