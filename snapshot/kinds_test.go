package snapshot_test

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/salvage"
)

// further are kinds of counts that the product does not have: these rules are all that
// a new one takes.
func further() []counters.KindRule {
	ofVersion := func(key counters.Key) counters.Key {
		total, _ := counters.KeyAt(key.Event(), key.Version(), 0)
		return total
	}
	return []counters.KindRule{
		{
			Kind: 40, Name: "versions", Kept: true, LooksAt: counters.EventField | counters.VersionField,
			OfRecord: func(_ counters.Hour, key counters.Key) counters.Key { return ofVersion(key) },
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
	}
}

// kinds are the built-in kinds and those.
func kinds(t testing.TB) counters.Kinds {
	t.Helper()
	all, err := counters.BuiltInKinds().With(further()...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// counted is where a kind counts.
type counted struct {
	kind    counters.Kind
	step    uint32
	benefit string
	key     counters.Key
}

// timeframes are all time, windows and steps about the days of the test.
func timeframes() [][]counters.Hour {
	noon := storetest.Noon()
	return [][]counters.Hour{
		nil, {noon - 30, counters.EndOfTime}, {noon - 200, noon - 17}, {noon - 12, noon + 12},
		{noon - 60, noon - 31, noon - 12, noon, noon + 1}, {noon - 84, noon - 60, noon - 36, noon - 12, noon + 12},
	}
}

// readKinds are what a history says of all kinds in a timeframe.
func readKinds(t testing.TB, history *snapshot.History, store *counters.Store, bounds []counters.Hour) map[counted]uint64 {
	t.Helper()
	counts := map[counted]uint64{}
	for _, rule := range store.Kinds() {
		for step := range uint32(max(len(bounds)-1, 1)) {
			query := counters.Query{Kind: rule.Kind, Bounds: bounds, Project: func(at uint32, key counters.Key) (counters.Key, bool) {
				return key, at == step
			}}
			err := history.Read(query, func(benefit counters.Benefit, cells []counters.Cell) {
				for _, cell := range cells {
					counts[counted{rule.Kind, step, store.Benefits.Names()[benefit], cell.Key}] += cell.Count
				}
			})
			if err != nil {
				t.Errorf("%s: %v", rule.Name, err)
			}
		}
	}
	return counts
}

// kindsOf are the same of a model, by the rules alone.
func kindsOf(t testing.TB, store *counters.Store, model storetest.Model, bounds []counters.Hour) map[counted]uint64 {
	t.Helper()
	counts := map[counted]uint64{}
	for _, rule := range store.Kinds() {
		for record, count := range model {
			_, key := storetest.Number(t, store, record)
			hour := record.Hour
			if rule.OfRecord == nil {
				continue
			}
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
					counts[counted{rule.Kind, uint32(step), record.Benefit, key}] += count
				}
			}
		}
	}
	return counts
}

func expectKinds(t testing.TB, when string, history *snapshot.History, store *counters.Store, model storetest.Model) {
	t.Helper()
	for _, bounds := range timeframes() {
		got, want := readKinds(t, history, store, bounds), kindsOf(t, store, model, bounds)
		if !maps.Equal(got, want) {
			t.Errorf("%s, within %v: %d answers, want %d others", when, bounds, len(got), len(want))
		}
	}
}

// TestAKindOfCountsIsItsRule takes kinds that the product does not have through all
// that happens to counts.
func TestAKindOfCountsIsItsRule(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	clock := newClock()
	options := options(t.TempDir())
	options.Kinds, options.Now, options.MaxEventAge = kinds(t), clock.now, 24*time.Hour
	model := storetest.Model{}
	keeper := opened(t, options)
	add := func() {
		for range 4 {
			records := storetest.RandomBatch(random, 200)
			record(t, keeper, records)
			model.Add(records)
		}
	}
	add()
	expectKinds(t, "live", keeper.History(), keeper.Store(), model)
	frozen := keeper.Store().Freeze()
	add()
	expectKinds(t, "frozen", keeper.History(), keeper.Store(), model)
	frozen.Thaw()
	snapshotNow(t, keeper)
	if closed := len(names(t, options.Directory, "day-")); closed == 0 {
		t.Error("no day is closed")
	}
	expectKinds(t, "partly closed", keeper.History(), keeper.Store(), model)
	add() // closed days open again
	expectKinds(t, "open again", keeper.History(), keeper.Store(), model)
	expectExported(t, options, model)

	survivor := options
	survivor.Directory = crashed(t, options.Directory)
	expectExported(t, survivor, model)
	restarted := opened(t, survivor)
	expectKinds(t, "after a crash", restarted.History(), restarted.Store(), model)
	closed(t, restarted)

	clock.turn(10 * 24 * time.Hour)
	snapshotNow(t, keeper)
	expectKinds(t, "all closed", keeper.History(), keeper.Store(), model)
	expectSections(t, options.Directory)
	closed(t, keeper)
	keeper = opened(t, options)
	expectKinds(t, "after a restart", keeper.History(), keeper.Store(), model)
	closed(t, keeper)
	expectExported(t, options, model)

	if report, err := salvage.Verify(options.Directory, options.Kinds); err != nil || report.Missing != nil {
		t.Errorf("verify says %v, %v", report.Missing, err)
	}
	if _, err := salvage.Repair(options.Directory, options.Kinds, nil, clock.now()); err != nil {
		t.Fatal(err)
	}
	keeper = opened(t, options)
	expectKinds(t, "after a repair", keeper.History(), keeper.Store(), model)
	closed(t, keeper)
	if _, err := snapshot.Open(snapshot.Options{Directory: options.Directory}); err == nil {
		t.Error("a program that does not have the kinds starts")
	}
}

// expectExported requires that an export has all kinds, each count once.
func expectExported(t *testing.T, options snapshot.Options, model storetest.Model) {
	t.Helper()
	got := map[counters.Kind]uint64{}
	err := snapshot.Export(options.Directory, options.Kinds, 0, counters.Past, func(row snapshot.Exported) error {
		for _, cell := range row.Cells {
			got[row.Kind] += cell.Count
		}
		return nil
	})
	want := map[counters.Kind]uint64{}
	store := counters.NewStoreOf(options.Kinds, counters.WhenDurable)
	for at, count := range kindsOf(t, store, model, nil) {
		want[at.kind] += count
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("by kind, %v is exported, want %v; %v", got, want, err)
	}
}

// expectSections requires that the files have the kinds where the formats say.
func expectSections(t *testing.T, directory string) {
	t.Helper()
	types := func(path string) (types []uint32) {
		content := read(t, path)
		for _, section := range sections(content) {
			types = append(types, binary.LittleEndian.Uint32(content[section.start:]))
		}
		return types
	}
	if got, want := types(newest(t, directory, "snapshot-")), []uint32{1, 2, 11, 10, 5, 32 + 3*40 + 1, 9}; !slices.Equal(got, want) {
		t.Errorf("the snapshot has sections of types %v, want %v", got, want)
	}
	want := []uint32{7, 2, 8, 32 + 3*41 + 2, 32 + 3*42, 32 + 3*41, 32 + 3*40, 4, 3, 9}
	if got := types(newest(t, directory, "day-")); !slices.Equal(got, want) {
		t.Errorf("a closed day has sections of types %v, want %v", got, want)
	}
}

// snapshotNow has a snapshot written.
func snapshotNow(t testing.TB, keeper *snapshot.Keeper) {
	t.Helper()
	if err := keeper.SnapshotNow(context.Background()); err != nil {
		t.Fatalf("snapshot: %v", err)
	}
}
