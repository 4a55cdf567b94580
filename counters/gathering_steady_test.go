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

// TestHoursHaveTheCountersOfSpans asks for the runs of windows of which much is tallied, and then takes
// what could not be told into another gathering.
func TestHoursHaveTheCountersOfSpans(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	tallied := 0
	for window, pages := range [][]int{{30}, {30, 31}, {10, 30}, {10}, {30, 500}, {500}} {
		told, plain := Gathering{hours: map[Hour]*gathered{7: taught(random, pages), 6: taught(random, pages)}}, Gathering{}
		for _, hour := range []Hour{7, 6} {
			list := entriesOfAWindow(random, pages, leastLearned-1)
			for _, gathering := range []*Gathering{&told, &plain} {
				gathering.of(hour).addAsSpans(random, list)
			}
		}
		want := plain.Spans()
		heads := map[increment]int{}
		for head := range told.Heads() {
			heads[head.increment&^placeMask]++
		}
		have := entriesOfRuns(t, &told)
		for i, span := range want {
			if !slices.Equal(have[i].Entries, span.Entries) || have[i].Hour != span.Hour {
				t.Fatalf("window %d: hour %d has %d counters, want %d of hour %d", window, have[i].Hour, len(have[i].Entries), len(span.Entries), span.Hour)
			}
			for _, entry := range span.Entries {
				if heads[entry.increment&^placeMask] == 0 {
					t.Fatalf("window %d: no head for %x", window, entry.increment)
				}
			}
		}
		if told.of(7).inTallies > 0 {
			tallied++
		}
		var another Gathering
		first := Entry{newIncrement(0, TotalKey(1)), 1}
		another.of(7).addAsSpans(random, []Entry{first})
		another.Take(&told)
		want[1].Entries = slices.Insert(want[1].Entries, 0, first)
		for i, span := range another.Spans() {
			if !slices.Equal(span.Entries, want[i].Entries) {
				t.Fatalf("window %d: hour %d has %d counters once it is taken, want %d", window, span.Hour, len(span.Entries), len(want[i].Entries))
			}
		}
		another.Release()
		plain.Release()
	}
	if tallied < 3 {
		t.Errorf("%d windows were tallied, want at least 3: nothing is tested without", tallied)
	}
}

// taught has learned what a window of such pages has.
func taught(random *rand.Rand, pages []int) *gathered {
	g := new(gathered)
	g.addAsSpans(random, entriesOfAWindow(random, pages, 20_000))
	g.addUp()
	g.reset()
	return g
}

// entriesOfRuns are the runs as spans.
func entriesOfRuns(t *testing.T, gathering *Gathering) (spans []Span) {
	t.Helper()
	for hour, runs := range gathering.Hours() {
		span := Span{Hour: hour}
		for run := range runs {
			if n := len(span.Entries); RunLength(run) != len(run) || n > 0 && span.Entries[n-1].DiffersInPlaceAlone(run[0]) {
				t.Fatalf("hour %d: a run of %d counters has others, or is a part of one", hour, len(run))
			}
			span.Entries = append(span.Entries, run...)
		}
		spans = append(spans, span)
	}
	return spans
}

// TestDeltasOfManyRecordsAndFewCountersHoldLittleMemory has deltas of many records and of one by turns, each
// of which has a block of its own: for small ones the large blocks are not kept. Hardly any entry waits.
func TestDeltasOfManyRecordsAndFewCountersHoldLittleMemory(t *testing.T) {
	t.Parallel()
	const many, pairs = 225_000, 6
	store := NewStore(WhenDurable)
	var gathering Gathering
	for range pairs {
		for _, records := range []int{many, 1} {
			batch := store.NewBatch()
			batch.Reset(7)
			for range records {
				batch.Add(0, TotalKey(1), 7)
			}
			if _, err := store.Add(batch); err != nil {
				t.Fatal(err)
			}
			delta := store.Seal()
			gathering.Add(delta)
			delta.Commit()
			if most := mostHeld * leastGathered; gathering.held > most {
				t.Errorf("blocks with room for %d entries are held, want at most %d", gathering.held, most)
			}
		}
	}
	want := uint64(pairs * (many + 1))
	if told := gathering.Spans(); len(told) != 1 || len(told[0].Entries) != 1 || told[0].Entries[0].Count != want {
		t.Errorf("told are %v, want one counter with %d", told, want)
	}
}
