package counters_test

import (
	"fmt"
	"reflect"
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

// TestWhatAnotherGatheringTakesStaysAsItWas has much of two hours wait in two gatherings, adds one to the
// other, and goes on counting, as a node does that cannot tell while its states are shared.
func TestWhatAnotherGatheringTakesStaysAsItWas(t *testing.T) {
	t.Parallel()
	source := counters.NewStore(counters.WhenDurable)
	waits := map[counters.Hour]map[counters.Entry]uint64{}
	deltas := 0
	count := func(gathering *counters.Gathering, most int) {
		for range most {
			deltas++
			for _, hour := range []counters.Hour{storetest.Noon(), storetest.Noon() - 1} {
				for total := range uint16(60) {
					_, _ = source.Add(storetest.Batch(t, source, manyPages(deltas, total+1, hour)))
				}
			}
			delta := source.Seal()
			if gathering != nil {
				addTo(waits, delta.Spans)
				gathering.Add(delta)
			}
			delta.Commit()
		}
	}
	var closed, open counters.Gathering
	count(&closed, 3)
	count(&open, 3)
	if closed.Len() > 1<<18 || open.Len()+closed.Len() < 1<<18 {
		t.Fatalf("%d and %d counters wait: nothing is added up as the second are taken", closed.Len(), open.Len())
	}
	closed.Take(&open)
	count(nil, 1)
	count(&open, 3) // into memory that is free again
	closed.Take(&open)
	told := map[counters.Hour]map[counters.Entry]uint64{}
	addTo(told, closed.Spans())
	if !reflect.DeepEqual(told, waits) {
		t.Fatal("other counts are told than were counted")
	}
	closed.Release()
}

// manyPages are pages of a length, of other benefits than pages of another number.
func manyPages(number int, total uint16, hour counters.Hour) (records []storetest.Record) {
	for page := range 20 {
		for index := range total {
			records = append(records, storetest.Shown(fmt.Sprintf("benefit %d of %d", page, number), total, index+1, hour))
		}
	}
	return records
}

// addTo adds up the entries of spans by hour and counter.
func addTo(sums map[counters.Hour]map[counters.Entry]uint64, spans []counters.Span) {
	for _, span := range spans {
		if sums[span.Hour] == nil {
			sums[span.Hour] = map[counters.Entry]uint64{}
		}
		for _, entry := range span.Entries {
			counter := entry
			counter.Count = 0
			sums[span.Hour][counter] += entry.Count
		}
	}
}
