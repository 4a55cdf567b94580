package counters_test

import (
	"errors"
	"maps"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// further are kinds that are not built in: with and without hours, kept and not, one that says
// what it looks at, and one that changes the order.
func further() []counters.KindRule {
	ofVersion := func(key counters.Key) counters.Key {
		total, _ := counters.KeyAt(key.Event(), key.Version(), 0)
		return total
	}
	return []counters.KindRule{
		{
			Kind: 40, Name: "versions", Kept: true,
			OfRecord: func(_ counters.Hour, key counters.Key) counters.Key { return ofVersion(key) },
			LooksAt:  counters.EventField | counters.VersionField,
		},
		{
			Kind: 41, Name: "versions by hour", Hourly: true,
			OfRecord: func(hour counters.Hour, key counters.Key) counters.Key { return ofVersion(key).AtHour(hour) },
		},
		{
			Kind: 42, Name: "first on the page",
			OfRecord: func(_ counters.Hour, key counters.Key) counters.Key {
				if _, index := key.Position(); index != 1 {
					return 0
				}
				return key
			},
		},
		{Kind: 43, Name: "nothing of records", Kept: true},
		{
			Kind: 44, Name: "from the end of the page", // in another order than records have
			OfRecord: func(_ counters.Hour, key counters.Key) counters.Key {
				total, index := key.Position()
				mirrored, _ := counters.NewKey(key.Event(), key.Version(), total, max(total, index)-index+1)
				return mirrored
			},
		},
	}
}

func kinds(t testing.TB) counters.Kinds {
	t.Helper()
	all, err := counters.BuiltInKinds().With(further()...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sums are what a store reads of a kind: everything, by step and key.
func sums(store *counters.Store, kind counters.Kind, bounds []counters.Hour) map[place]uint64 {
	counts := map[place]uint64{}
	for step := range uint32(max(len(bounds)-1, 1)) {
		query := counters.Query{Kind: kind, Bounds: bounds, Project: func(at uint32, key counters.Key) (counters.Key, bool) {
			return key, at == step
		}}
		store.Read(query, nil, func(benefit counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				counts[place{benefit | counters.Benefit(step)<<16, cell.Key}] += cell.Count
			}
		})
	}
	return counts
}

// wanted are the same of a model, by the rule alone.
func wanted(t testing.TB, store *counters.Store, model storetest.Model, rule counters.KindRule, bounds []counters.Hour) map[place]uint64 {
	counts := map[place]uint64{}
	for record, count := range model {
		if rule.OfRecord == nil {
			continue
		}
		benefit, key := storetest.Number(t, store, record)
		hour := record.Hour
		if key = rule.OfRecord(hour, key); key == 0 {
			continue
		}
		if rule.Hourly {
			key = key.WithoutHour()
		} else {
			hour = hour.Day().FirstHour()
		}
		for step := range max(len(bounds)-1, 1) {
			if bounds == nil || hour >= bounds[step] && hour < bounds[step+1] {
				counts[place{benefit | counters.Benefit(step)<<16, key}] += count
			}
		}
	}
	return counts
}

func TestEveryKindIsReadByItsRuleAtEveryStage(t *testing.T) {
	t.Parallel()
	noon := storetest.Noon()
	windows := map[string][]counters.Hour{
		"all time": nil, "the last day": {noon - 12, counters.EndOfTime}, "nothing": {noon + 20, noon + 40},
		"steps of some hours": {noon - 60, noon - 31, noon - 12, noon, noon + 1}, "days": {noon - 60, noon - 36, noon - 12, noon + 12},
	}
	for _, scenario := range storetest.Scenarios() {
		for stage, run := range stages() {
			t.Run(scenario.Name+", "+stage, func(t *testing.T) {
				t.Parallel()
				all := kinds(t)
				store := counters.NewStoreOf(all, counters.WhenAdded)
				scenario.Begin(t, store)
				run(t, store, scenario.Batches)
				for _, rule := range all {
					for window, bounds := range windows {
						got, want := sums(store, rule.Kind, bounds), wanted(t, store, scenario.Model(), rule, bounds)
						if !maps.Equal(got, want) {
							t.Errorf("%s of %s: %v, want %v", rule.Name, window, got, want)
						}
					}
				}
			})
		}
	}
}

func TestKindsThatAreKeptAreSummedUpWhenTheirDaysAreClosed(t *testing.T) {
	t.Parallel()
	all := kinds(t)
	store := counters.NewStoreOf(all, counters.WhenDurable)
	random := storetest.Random(t)
	model := storetest.Model{}
	for range 5 {
		records := storetest.RandomBatch(random, 200)
		model.Add(records)
		_, _ = store.Add(storetest.Batch(t, store, records))
		storetest.Commit(store)
		frozen := store.Freeze()
		frozen.Closing(frozen.Days())
		before := frozenCounts(frozen)
		frozen.CloseDays()
		frozen.Closing(nil)
		if after := frozenCounts(frozen); !maps.Equal(before, after) {
			t.Errorf("closed, the base has %v, closing it had %v", after, before)
		}
		frozen.Thaw()
	}
	for _, rule := range all {
		want := map[place]uint64{}
		if rule.Kept {
			want = wanted(t, store, model, rule, nil)
		}
		if got := sums(store, rule.Kind, nil); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", rule.Name, got, want)
		}
	}
	if days := store.OpenDays(); len(days) != 0 {
		t.Errorf("days %v are open", days)
	}
}

func TestKindsThatCannotBeToldApartAreRefused(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]counters.KindRule{
		"without a number":          {{Name: "none"}},
		"with a built-in number":    {{Kind: counters.Hours}},
		"twice the same":            {{Kind: 7}, {Kind: 7}},
		"with too large a number":   {{Kind: counters.MaxKind + 1}},
		"with the largest possible": {{Kind: counters.MaxKind}},
	} {
		_, err := counters.BuiltInKinds().With(rules...)
		if refused := errors.Is(err, counters.ErrKinds); refused == (name == "with the largest possible") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCountsOfPartsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	store := counters.NewStoreOf(kinds(t), counters.WhenDurable)
	benefit, key := storetest.Number(t, store, storetest.Shown("rsa", 3, 1, 0))
	for name, part := range map[string]counters.Part{
		"an unknown kind":                  {Kind: 39, Day: 1},
		"the past of one that is not kept": {Kind: counters.Hours, Day: counters.Past},
		"an hour that no day has":          {Kind: 41, Day: 1},
	} {
		t.Run(name, func(t *testing.T) {
			expectImpossible(t, store.Restore(part, benefit, []counters.Cell{{Key: key.AtHour(0) + 24, Count: 1}}))
		})
	}
}
