package counters_test

import (
	"errors"
	"maps"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// baseCount is a count of a frozen base.
type baseCount struct {
	counters.Part
	place
}

func frozenCounts(frozen *counters.Frozen) map[baseCount]uint64 {
	counts := map[baseCount]uint64{}
	for _, part := range frozen.Parts() {
		for benefit := range counters.Benefit(frozen.Benefits) {
			for _, cell := range frozen.Cells(part, benefit, nil) {
				counts[baseCount{part, place{benefit, cell.Key}}] = cell.Count
			}
		}
	}
	return counts
}

func TestAFrozenBaseDoesNotChangeWhileFoldsGoOn(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	store := counters.NewStore(counters.WhenDurable)
	model := storetest.Model{}
	add := func() {
		records := storetest.RandomBatch(random, 100)
		store.Add(storetest.Batch(t, store, records))
		storetest.Commit(store)
		model.Add(records)
	}
	for range 5 {
		add()
		frozen := store.Freeze()
		before := frozenCounts(frozen)
		for range 3 {
			add()
		}
		if after := frozenCounts(frozen); !maps.Equal(before, after) {
			t.Fatalf("the base changed from %v to %v", before, after)
		}
		model.Check(t, store)
		frozen.Thaw()
		model.Check(t, store)
	}
}

func TestThawingBringsTheOverlayIntoTheBase(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	store, plain := counters.NewStore(counters.WhenDurable), counters.NewStore(counters.WhenDurable)
	add := func() {
		records := storetest.RandomBatch(random, 300)
		for _, each := range []*counters.Store{store, plain} {
			each.Add(storetest.Batch(t, each, records))
			storetest.Commit(each)
		}
	}
	for range 20 {
		frozen := store.Freeze()
		add() // to the overlay
		frozen.Thaw()
		add() // to the base at once
	}
	if !maps.Equal(frozenCounts(store.Freeze()), frozenCounts(plain.Freeze())) {
		t.Error("a store that was frozen all the time has another base than one that never was")
	}
	if store.Counters() != plain.Counters() {
		t.Errorf("%d counters, want %d", store.Counters(), plain.Counters())
	}
}

func TestAFrozenBaseHasOnlyWhatWasFolded(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(10, storetest.Noon())
	store.Add(storetest.Batch(t, store, page))
	if days := store.Freeze().Days(); len(days) != 0 {
		t.Errorf("days %v are in the base before the first fold", days)
	}
}

func TestRestoringAFrozenBaseGivesTheSameAnswers(t *testing.T) {
	t.Parallel()
	for _, scenario := range storetest.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			store := counters.NewStore(counters.WhenDurable)
			scenario.Begin(t, store)
			for _, records := range scenario.Batches {
				store.Add(storetest.Batch(t, store, records))
				storetest.Commit(store)
			}
			restored := restore(t, store)
			scenario.Model().Check(t, restored)
			if !maps.Equal(frozenCounts(store.Freeze()), frozenCounts(restored.Freeze())) {
				t.Error("the restored base is another")
			}
		})
	}
}

func restore(t testing.TB, store *counters.Store) *counters.Store {
	t.Helper()
	restored := counters.NewStore(counters.WhenDurable)
	for from, to := range map[*counters.Directory]*counters.Directory{store.Benefits: restored.Benefits, store.Events: restored.Events} {
		for _, name := range from.Names() {
			if _, err := to.Number([]byte(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	frozen := store.Freeze()
	defer frozen.Thaw()
	for _, part := range frozen.Parts() {
		for benefit := range counters.Benefit(frozen.Benefits) {
			if err := restored.Restore(part, benefit, frozen.Cells(part, benefit, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return restored
}

func TestImpossibleCountsAreRefused(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	benefit, key := storetest.Number(t, store, storetest.Shown("rsa", 3, 1, 0))
	unknownEvent := mustKey(t, 2, 2, 3, 1)
	hour := mustKey(t, 1, 0, 0, 0)
	type restore func(counters.Benefit, ...counters.Cell) error
	for name, test := range map[string]struct {
		good    counters.Key
		bad     []counters.Key
		restore restore
	}{
		"positions": {key, []counters.Key{0, unknownEvent, key | 1<<42, 1 << 63}, func(b counters.Benefit, cells ...counters.Cell) error {
			return store.Restore(counters.Part{Kind: counters.Positions, Day: 1}, b, cells)
		}},
		"hours": {hour, []counters.Key{0, unknownEvent, key, hour + 24, hour | 1<<42}, func(b counters.Benefit, cells ...counters.Cell) error {
			return store.Restore(counters.Part{Kind: counters.Hours, Day: 1}, b, cells)
		}},
		"a frame": {key, []counters.Key{0, unknownEvent, key | 1<<42, 1 << 63}, func(b counters.Benefit, cells ...counters.Cell) error {
			return store.Replay(1, b, cells)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bad := range test.bad {
				expectImpossible(t, test.restore(benefit, counters.Cell{Key: test.good, Count: 1}, counters.Cell{Key: bad, Count: 1}))
			}
			for _, count := range []uint64{0, 1<<56 + 1, 1 << 63} {
				expectImpossible(t, test.restore(benefit, counters.Cell{Key: test.good, Count: count}))
			}
			expectImpossible(t, test.restore(benefit+1, counters.Cell{Key: test.good, Count: 1}))
		})
	}
	storetest.Model{}.Check(t, store)
}

func expectImpossible(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, counters.ErrImpossibleCounts) {
		t.Errorf("error %v, want ErrImpossibleCounts", err)
	}
}
