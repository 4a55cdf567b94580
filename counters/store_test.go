package counters_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

var errDisk = errors.New("the disk is full")

// stages are the places in a store where records can be.
func stages() map[string]func(testing.TB, *counters.Store, [][]storetest.Record) {
	add := func(t testing.TB, store *counters.Store, batches [][]storetest.Record, after func()) {
		for _, records := range batches {
			store.Add(storetest.Batch(t, store, records))
			after()
		}
	}
	return map[string]func(testing.TB, *counters.Store, [][]storetest.Record){
		"added": func(t testing.TB, store *counters.Store, batches [][]storetest.Record) {
			add(t, store, batches, func() {})
		},
		"sealed": func(t testing.TB, store *counters.Store, batches [][]storetest.Record) {
			add(t, store, batches, func() {})
			store.Seal()
		},
		"folded": func(t testing.TB, store *counters.Store, batches [][]storetest.Record) {
			add(t, store, batches, func() { storetest.Commit(store) })
		},
		"in the overlay": func(t testing.TB, store *counters.Store, batches [][]storetest.Record) {
			store.Freeze()
			add(t, store, batches, func() { storetest.Commit(store) })
		},
		"thawed": func(t testing.TB, store *counters.Store, batches [][]storetest.Record) {
			frozen := store.Freeze()
			add(t, store, batches, func() {
				storetest.Commit(store)
				frozen.Thaw()
				frozen = store.Freeze()
			})
			frozen.Thaw()
		},
	}
}

func TestEveryScenarioIsCountedAtEveryStageOfItsWay(t *testing.T) {
	t.Parallel()
	for _, scenario := range storetest.Scenarios() {
		for stage, run := range stages() {
			t.Run(scenario.Name+", "+stage, func(t *testing.T) {
				t.Parallel()
				store := counters.NewStore(counters.WhenAdded)
				scenario.Begin(t, store)
				run(t, store, scenario.Batches)
				scenario.Model().Check(t, store)
			})
		}
	}
}

func TestRecordsCountOnceTheyAreDurable(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(10, storetest.Noon())
	nothing, model := storetest.Model{}, storetest.ModelOf(page)
	ticket, _ := store.Add(storetest.Batch(t, store, page))
	nothing.Check(t, store)
	delta := store.Seal()
	nothing.Check(t, store)
	told := false
	ticket.Notify(func() {
		told = true
		model.Check(t, store)
	})
	delta.Commit()
	if err := ticket.Wait(); err != nil || !told {
		t.Errorf("the ticket says %v; told: %v", err, told)
	}
	model.Check(t, store)
}

func TestADayIsOpenAsSoonAsItsRecordsCount(t *testing.T) {
	t.Parallel()
	for visibility, fromTheStart := range map[counters.Visibility]bool{counters.WhenDurable: false, counters.WhenAdded: true} {
		store := counters.NewStore(visibility)
		expect := func(when string, open bool) {
			t.Helper()
			days := store.OpenDays()
			if open != slices.Equal(days, []counters.Day{storetest.Noon().Day()}) || open != (len(days) > 0) {
				t.Errorf("visibility %d, %s: days %v are open", visibility, when, days)
			}
		}
		expect("empty", false)
		ticket, _ := store.Add(storetest.Batch(t, store, storetest.Page(10, storetest.Noon())))
		expect("added", fromTheStart)
		delta := store.Seal()
		expect("sealed", fromTheStart)
		ticket.Notify(func() { expect("durable", true) })
		delta.Commit()
		expect("folded", true)
	}
}

func TestWhoWantsToIsToldOnceThatATicketIsSettled(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	ticket, _ := store.Add(storetest.Batch(t, store, storetest.Page(1, storetest.Noon())))
	told := [3]int{}
	notify := func(who int) {
		ticket.Notify(func() {
			if told[who]++; !ticket.Settled() || !errors.Is(ticket.Wait(), errDisk) {
				t.Error("it is told before there is anything to tell")
			}
		})
	}
	notify(0)
	notify(1)
	if ticket.Settled() || told != [3]int{} {
		t.Errorf("before the ticket is settled, %v are told", told)
	}
	store.Seal().Reject(errDisk)
	notify(2)
	if told != [3]int{1, 1, 1} {
		t.Errorf("%v are told, want each once", told)
	}
}

func TestADroppedDeltaWasNeverThere(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	kept, dropped := storetest.Page(10, storetest.Noon()), storetest.Page(20, storetest.Noon()-30)
	store.Add(storetest.Batch(t, store, kept))
	storetest.Commit(store)
	model := storetest.ModelOf(kept)

	ticket, _ := store.Add(storetest.Batch(t, store, dropped))
	delta := store.Seal()
	model.Check(t, store)
	delta.Reject(errDisk)
	if err := ticket.Wait(); !errors.Is(err, errDisk) {
		t.Errorf("the ticket of the dropped delta says %v", err)
	}
	model.Check(t, store)

	store.Add(storetest.Batch(t, store, kept))
	storetest.Commit(store)
	model.Add(kept)
	model.Check(t, store)
}

func TestNothingIsSealedTwice(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	if delta := store.Seal(); delta != nil {
		t.Errorf("an empty store sealed %d records", delta.Records)
	}
	store.Add(storetest.Batch(t, store, nil))
	if delta := store.Seal(); delta != nil {
		t.Errorf("an empty batch sealed %d records", delta.Records)
	}
	store.Add(storetest.Batch(t, store, storetest.Page(3, storetest.Noon())))
	storetest.Commit(store)
	if delta := store.Seal(); delta != nil {
		t.Errorf("%d records were sealed again", delta.Records)
	}
}

func TestAnEmptyBatchHasNothingToWaitFor(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	early, err := store.Add(storetest.Batch(t, store, nil))
	told := false
	early.Notify(func() { told = true })
	if err = errors.Join(err, early.Wait()); err != nil || early != nil || !early.Settled() || !told {
		t.Errorf("ticket %v, told: %v, %v", early, told, err)
	}
	if len(store.Wake()) != 0 || store.Seal() != nil {
		t.Error("there is something to seal")
	}
	late, _ := store.Add(storetest.Batch(t, store, storetest.Page(3, storetest.Noon())))
	storetest.Commit(store)
	if err := errors.Join(early.Wait(), late.Wait()); err != nil {
		t.Error(err)
	}
}

func TestAWindowThatEndsWithTheFirstDayIsEmpty(t *testing.T) {
	store := counters.NewStore(counters.WhenDurable)
	store.Add(storetest.Batch(t, store, storetest.Page(3, storetest.Noon())))
	storetest.Commit(store)
	empty := []counters.Hour{0, 0}
	for _, query := range []counters.Query{counters.PositionsOf(2, empty), counters.EventTotals(empty)} {
		store.Read(query, nil, func(benefit counters.Benefit, cells []counters.Cell) {
			t.Errorf("benefit %d has %d counters of kind %d", benefit, len(cells), query.Kind)
		})
	}
}

func TestAShutStoreTakesNothingMore(t *testing.T) {
	store := counters.NewStore(counters.WhenDurable)
	before := storetest.Batch(t, store, storetest.Page(3, storetest.Noon()))
	ticket, err := store.Add(before)
	if err != nil {
		t.Fatal(err)
	}
	store.Shut()
	if _, err := store.Add(before); !errors.Is(err, counters.ErrShut) {
		t.Errorf("Add: %v, want ErrShut", err)
	}
	storetest.Commit(store)
	if err := ticket.Wait(); err != nil || storetest.Events(store) != 3 {
		t.Errorf("%v, and %d events, want the 3 from before", err, storetest.Events(store))
	}
}

func TestTheFirstRecordWakesTheSealerOnce(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(3, storetest.Noon())
	if len(store.Wake()) != 0 {
		t.Error("an empty store wakes its sealer")
	}
	for range 3 {
		store.Add(storetest.Batch(t, store, page))
		store.Add(storetest.Batch(t, store, page))
		select {
		case <-store.Wake():
		default:
			t.Error("records do not wake the sealer")
		}
		if len(store.Wake()) != 0 {
			t.Error("the sealer is woken twice for one delta")
		}
		storetest.Commit(store)
	}
}

// spanCounts adds up a delta by what its entries count.
func spanCounts(delta *counters.Delta) map[place]uint64 {
	counts := map[place]uint64{}
	for _, span := range delta.Spans {
		for _, entry := range span.Entries {
			counts[place{entry.Benefit(), entry.Key()}] += entry.Count
		}
	}
	return counts
}

func TestADeltaIsSortedAndSaysWhatItHolds(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	random := storetest.Random(t)
	model := storetest.Model{}
	for range 20 {
		records := storetest.RandomBatch(random, 50)
		model.Add(records)
		store.Add(storetest.Batch(t, store, records))
	}
	delta := store.Seal()
	want := map[place]uint64{}
	hours := map[counters.Hour]uint64{}
	for record, count := range model {
		benefit, key := storetest.Number(t, store, record)
		want[place{benefit, key}] += count
		hours[record.Hour] += count
	}
	if got := spanCounts(delta); !maps.Equal(got, want) {
		t.Errorf("the delta counts %v, want %v", got, want)
	}
	if delta.Records != int(model.Events()) || delta.Benefits != store.Benefits.Len() || delta.Events != store.Events.Len() {
		t.Errorf("the delta has %d records, %d benefits and %d event types, want %d, %d and %d",
			delta.Records, delta.Benefits, delta.Events, model.Events(), store.Benefits.Len(), store.Events.Len())
	}
	for _, span := range delta.Spans {
		if !slices.IsSortedFunc(span.Entries, byBenefitAndKey) {
			t.Errorf("a span of hour %d is not sorted", span.Hour)
		}
		for _, entry := range span.Entries {
			hours[span.Hour] -= entry.Count
		}
	}
	for hour, rest := range hours {
		if rest != 0 {
			t.Errorf("hour %d has %d records in the wrong span", hour, int64(rest))
		}
	}
}

// byBenefitAndKey takes equal entries for unsorted: each pair comes once.
func byBenefitAndKey(a, b counters.Entry) int {
	if a.Benefit() > b.Benefit() || a.Benefit() == b.Benefit() && a.Key() >= b.Key() {
		return 1
	}
	return -1
}

func TestABatchCanBeReusedAtOnce(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenAdded)
	model := storetest.Model{}
	batch := store.NewBatch()
	for _, records := range [][]storetest.Record{
		storetest.Page(30, storetest.Noon()), storetest.Page(2, storetest.Noon()+1), nil, storetest.Page(5, storetest.Noon()),
	} {
		batch.Reset(storetest.Noon())
		for _, record := range records {
			benefit, key := storetest.Number(t, store, record)
			batch.Add(benefit, key, record.Hour)
		}
		if batch.Len() != len(records) {
			t.Errorf("the batch has %d records, want %d", batch.Len(), len(records))
		}
		store.Add(batch)
		model.Add(records)
	}
	model.Check(t, store)
}
