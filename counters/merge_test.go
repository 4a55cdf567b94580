package counters_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// told is what a store tells of a delta, by names, in the worst order there is.
func told(t testing.TB, store *counters.Store, delta *counters.Delta) *counters.Foreign {
	t.Helper()
	foreign := &counters.Foreign{}
	for _, name := range store.Benefits.Names() {
		foreign.Benefits = append(foreign.Benefits, []byte(name))
	}
	for _, name := range store.Events.Names() {
		foreign.Events = append(foreign.Events, []byte(name))
	}
	for _, span := range slices.Backward(delta.Spans) {
		for _, entry := range slices.Backward(span.Entries) {
			if err := foreign.Add(span.Hour, entry.Benefit(), []counters.Cell{{Key: entry.Key(), Count: entry.Count}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return foreign
}

// merge merges batches into a store as another one with other numbers counted them.
func merge(t testing.TB, store *counters.Store, records []storetest.Record) *counters.Ticket {
	t.Helper()
	source := counters.NewStore(counters.WhenDurable)
	storetest.Number(t, source, storetest.Record{Benefit: "known to the source only", Event: "event-3", PageTotal: 1, Index: 1})
	_, _ = source.Add(storetest.Batch(t, source, records))
	delta := source.Seal()
	if delta == nil {
		return nil
	}
	ticket, err := store.Merge(nil, told(t, source, delta))
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// stagesOfMerges are those of the way of what is merged: each prepares a store, and brings what was
// merged after that there.
func stagesOfMerges() map[string]func(*counters.Store) (after func()) {
	return map[string]func(*counters.Store) (after func()){
		"added":  func(*counters.Store) func() { return func() {} },
		"sealed": func(store *counters.Store) func() { return func() { store.Seal() } },
		"folded": func(store *counters.Store) func() { return func() { storetest.Commit(store) } },
		"in the overlay": func(store *counters.Store) func() {
			store.Freeze()
			return func() { storetest.Commit(store) }
		},
		"thawed": func(store *counters.Store) func() {
			frozen := store.Freeze()
			return func() {
				storetest.Commit(store)
				frozen.Thaw()
			}
		},
	}
}

func TestWhatIsMergedCountsLikeRecordsAtEveryStageOfItsWay(t *testing.T) {
	t.Parallel()
	for stage, prepare := range stagesOfMerges() {
		for _, scenario := range storetest.Scenarios() {
			if scenario.Name == "the largest position, version and event type" {
				continue // takes all event types, of which the source knows one more
			}
			t.Run(scenario.Name+", "+stage, func(t *testing.T) {
				t.Parallel()
				store := counters.NewStore(counters.WhenAdded)
				scenario.Begin(t, store)
				after := prepare(store)
				for i, records := range scenario.Batches {
					if i%2 == 0 {
						merge(t, store, records)
					} else {
						_, _ = store.Add(storetest.Batch(t, store, records))
					}
				}
				after()
				scenario.Model().Check(t, store)
			})
		}
	}
}

// A stranger says of which versions records are.
func TestAnyNumberOfVersionsOfABenefitIsMerged(t *testing.T) {
	t.Parallel()
	for _, versions := range []int{1, 64, 65, 500} {
		var records []storetest.Record
		for version := range versions {
			record := storetest.Shown("a benefit", 3, uint16(version%3+1), storetest.Noon())
			record.Version = uint16(version)
			records = append(records, record)
		}
		model, store := storetest.Model{}, counters.NewStore(counters.WhenAdded)
		for range 3 {
			model.Add(records)
			merge(t, store, records)
			slices.Reverse(records)
		}
		storetest.Commit(store)
		model.Check(t, store)
	}
}

func TestWhatIsMergedWithoutADayCountsInAllTimeAndOnNoDayAtEveryStageOfItsWay(t *testing.T) {
	t.Parallel()
	for stage, prepare := range stagesOfMerges() {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			store := counters.NewStore(counters.WhenAdded)
			page := storetest.Page(3, storetest.Noon())
			after := prepare(store)
			merge(t, store, page)
			foreign := &counters.Foreign{Benefits: [][]byte{[]byte("benefit-0"), []byte("undated")}, Events: [][]byte{[]byte("show")}}
			for benefit := range counters.Benefit(2) {
				if err := foreign.Add(counters.Undated, benefit, []counters.Cell{{Key: mustKey(t, 1, 2, 3, 1), Count: 5}}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := store.Merge(nil, foreign); err != nil {
				t.Fatal(err)
			}
			after()
			sum := func(q counters.Query) (sum uint64) {
				store.Read(q, nil, func(_ counters.Benefit, cells []counters.Cell) {
					for _, cell := range cells {
						sum += cell.Count
					}
				})
				return sum
			}
			always := []counters.Hour{0, counters.EndOfTime}
			for name, have := range map[string][2]uint64{
				"positions of all time":   {sum(counters.PositionsOf(2, nil)), 13},
				"events of all time":      {sum(counters.EventTotals(nil)), 13},
				"positions of all days":   {sum(counters.PositionsOf(2, always)), 3},
				"events of all days":      {sum(counters.EventTotals(always)), 3},
				"positions of many steps": {sum(counters.PositionsOf(2, append([]counters.Hour{0, 1}, storetest.Noon()-12, counters.EndOfTime))), 3},
				"how many days are open":  {uint64(len(store.OpenDays())), 1},
			} {
				if have[0] != have[1] {
					t.Errorf("%s: %d, want %d", name, have[0], have[1])
				}
			}
		})
	}
}

func TestWhatIsMergedTakesRoomButIsNeverTurnedAway(t *testing.T) {
	t.Parallel()
	for _, frozen := range []bool{false, true} {
		store := counters.NewStore(counters.WhenDurable)
		store.SetLimits(counters.Limits{Benefits: 1, Counters: 3})
		if frozen {
			defer store.Freeze().Thaw()
		}
		page := storetest.Page(5, storetest.Noon())
		ticket := merge(t, store, page)
		storetest.ModelOf().Check(t, store)
		storetest.Commit(store)
		if err := ticket.Wait(); err != nil {
			t.Error(err)
		}
		storetest.ModelOf(page).Check(t, store)
		if got := placed(t, store, storetest.Shown("benefit-1", 9, 9, storetest.Noon())); got != counters.OtherBenefit {
			t.Errorf("frozen: %v: a new record counts for %q, want %q", frozen, got, counters.OtherBenefit)
		}
	}
}

func TestAMergedDeltaIsSortedLikeAnyOther(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	store := counters.NewStore(counters.WhenDurable)
	model := storetest.Model{}
	for i := range 20 {
		records := storetest.RandomBatch(random, 200)
		model.Add(records)
		if i%3 == 0 {
			_, _ = store.Add(storetest.Batch(t, store, records))
		} else {
			merge(t, store, records)
		}
	}
	delta := store.Seal()
	merged := 0
	for _, span := range delta.Spans {
		if !slices.IsSortedFunc(span.Entries, byBenefitAndKey) {
			t.Errorf("a span of hour %d is not sorted, merged: %v", span.Hour, span.Merged)
		}
		if span.Merged {
			merged++
		}
	}
	if merged == 0 || merged == len(delta.Spans) {
		t.Errorf("%d of %d spans are merged, want some", merged, len(delta.Spans))
	}
	delta.Commit()
	model.Check(t, store)
}

func TestADayIsOpenAsSoonAsWhatIsMergedCounts(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenAdded)
	merge(t, store, storetest.Page(5, storetest.Noon()))
	if days := store.OpenDays(); !slices.Equal(days, []counters.Day{storetest.Noon().Day()}) {
		t.Errorf("days %v are open, want the one", days)
	}
}

func TestARejectedMergeWasNeverThere(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	ticket := merge(t, store, storetest.Page(5, storetest.Noon()))
	store.Seal().Reject(errDisk)
	if err := ticket.Wait(); !errors.Is(err, errDisk) {
		t.Errorf("the ticket says %v", err)
	}
	storetest.Model{}.Check(t, store)
	merge(t, store, storetest.Page(2, storetest.Noon()))
	storetest.Commit(store)
	storetest.ModelOf(storetest.Page(2, storetest.Noon())).Check(t, store)
}

func TestImpossibleMergesAreRefused(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, 2, 3, 1)
	for name, test := range map[string]struct {
		benefit counters.Benefit
		hour    counters.Hour
		cell    counters.Cell
	}{
		"a benefit without a name":     {1, 0, counters.Cell{Key: key, Count: 1}},
		"an event type without a name": {0, 0, counters.Cell{Key: mustKey(t, 2, 2, 3, 1), Count: 1}},
		"a key that is none":           {0, 0, counters.Cell{Key: 1 << 63, Count: 1}},
		"no record":                    {0, 0, counters.Cell{Key: key}},
		"more than can be":             {0, 0, counters.Cell{Key: key, Count: 1<<56 + 1}},
		"an hour that is none":         {0, counters.EndOfTime, counters.Cell{Key: key, Count: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			foreign := &counters.Foreign{Benefits: [][]byte{[]byte("rsa")}, Events: [][]byte{[]byte("show")}}
			expectImpossible(t, foreign.Add(test.hour, test.benefit, []counters.Cell{test.cell}))
			store := counters.NewStore(counters.WhenDurable)
			if ticket, err := store.Merge(nil, foreign); ticket != nil || err != nil || store.Seal() != nil {
				t.Errorf("ticket %v, %v; want nothing to wait for", ticket, err)
			}
		})
	}
}

func TestCountsThatAddUpToTooManyAreRefused(t *testing.T) {
	t.Parallel()
	for _, times := range []int{2, 255, 256, 257} { // 256 add up to 0 in 64 bits
		store := counters.NewStore(counters.WhenDurable)
		foreign := &counters.Foreign{Benefits: [][]byte{[]byte("rsa")}, Events: [][]byte{[]byte("show")}}
		for range times {
			if err := foreign.Add(1, 0, []counters.Cell{{Key: mustKey(t, 1, 2, 3, 1), Count: 1 << 56}}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := store.Merge(nil, foreign)
		expectImpossible(t, err)
		if store.Seal() != nil {
			t.Errorf("some of %d is merged", times)
		}
	}
}

func TestAShutStoreMergesNothing(t *testing.T) {
	store := counters.NewStore(counters.WhenDurable)
	store.Shut()
	foreign := &counters.Foreign{Benefits: [][]byte{[]byte("rsa")}, Events: [][]byte{[]byte("show")}}
	if err := foreign.Add(1, 0, []counters.Cell{{Key: mustKey(t, 1, 2, 3, 1), Count: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Merge(nil, foreign); !errors.Is(err, counters.ErrShut) {
		t.Errorf("%v, want ErrShut", err)
	}
}

func TestMoreEventTypesThanAKeyCanTellApartCountAsOther(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	store.KeepEventTypes([]string{"show", "form"})
	foreign := &counters.Foreign{Benefits: [][]byte{[]byte("rsa")}}
	for i := range counters.MaxEventTypes {
		foreign.Events = append(foreign.Events, fmt.Appendf(nil, "type-%d", i))
	}
	for i := range counters.MaxEventTypes {
		if err := foreign.Add(480_000, 0, []counters.Cell{{Key: mustKey(t, counters.EventType(i+1), 2, 3, 1), Count: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Merge(nil, foreign); err != nil {
		t.Fatal(err)
	}
	storetest.Commit(store)
	other, known := store.Events.Lookup([]byte(counters.OtherEvent))
	show, own, err := store.EventType([]byte("show"))
	if !known || !own || err != nil {
		t.Fatalf("%s is known: %v; show has a number of its own: %v, %v", counters.OtherEvent, known, own, err)
	}
	sums := map[counters.EventType]uint64{}
	store.Read(counters.EventTotals(nil), nil, counters.VisitTotals(func(_ counters.Benefit, totals []counters.EventTotal) {
		for _, total := range totals {
			sums[total.Event] += total.Count
		}
	}))
	if got := sums[counters.EventType(other+1)]; got != 3 || len(sums) != counters.MaxEventTypes-2 || sums[show] != 0 {
		t.Errorf("%d events of %d types are others, want 3 of %d", got, len(sums), counters.MaxEventTypes-2)
	}
	_, own, err = store.EventType([]byte("one more"))
	if left := store.EventTypesLeft(); left != 0 || own || err != nil {
		t.Errorf("%d types are left, and one more has a number of its own: %v, %v", left, own, err)
	}
}

func TestAStoreWithoutANumberForOthersRefusesThem(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	for i := range counters.MaxEventTypes {
		if _, err := store.Events.Number([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	foreign := &counters.Foreign{Benefits: [][]byte{[]byte("rsa")}, Events: [][]byte{[]byte("one more")}}
	if _, err := store.Merge(nil, foreign); !errors.Is(err, counters.ErrDirectoryFull) {
		t.Errorf("%v, want ErrDirectoryFull", err)
	}
}

func TestMergedCountsOfAnySizeAndPlaceAddUp(t *testing.T) {
	t.Parallel()
	const most = 1 << 56
	near, far := mustKey(t, 1, 2, 3, 1), mustKey(t, 1, 2, 1023, 1)
	for name, counts := range map[string][]uint64{
		"small":              {1, 2},
		"the largest packed": {4095, 4095},
		"one above":          {4096, 1},
		"both above":         {4096, 4097},
		"very large":         {1 << 40, 4095, 1},
		"the largest":        {most - 1, 1},
		"many":               slices.Repeat([]uint64{4095}, 300),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, cells := range [][]counters.Key{{near}, {near, far}, {far}} {
				store := counters.NewStore(counters.WhenDurable)
				var told []*counters.Foreign
				want := uint64(0)
				for _, count := range counts {
					foreign := counters.NewForeign(1)
					foreign.Benefits, foreign.Events = [][]byte{[]byte("rsa")}, [][]byte{[]byte("show")}
					var counted []counters.Cell
					for _, key := range cells {
						counted = append(counted, counters.Cell{Key: key, Count: count})
					}
					if err := foreign.Add(storetest.Noon(), 0, counted); err != nil {
						t.Fatal(err)
					}
					told, want = append(told, foreign), want+count
				}
				if _, err := store.Merge(nil, told...); err != nil {
					t.Fatal(err)
				}
				storetest.Commit(store)
				have := map[counters.Key]uint64{}
				store.Read(counters.PositionsOf(2, nil), nil, func(_ counters.Benefit, read []counters.Cell) {
					for _, cell := range read {
						have[cell.Key] = cell.Count
					}
				})
				for _, key := range cells {
					if have[key] != want || len(have) != len(cells) {
						t.Errorf("%d counters, one of them %d, want %d of them, each %d", len(have), have[key], len(cells), want)
					}
				}
			}
		})
	}
}
