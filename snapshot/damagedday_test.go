package snapshot_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/salvage"
)

// longAgo is an hour of a day that every snapshot closes.
const longAgo = 5 * 24

// damageWatch is an Observer that counts damaged days.
type damageWatch struct{ days atomic.Int64 }

func (*damageWatch) Committed(int)                        {}
func (*damageWatch) Synced(time.Duration)                 {}
func (*damageWatch) Refused()                             {}
func (*damageWatch) SnapshotWritten(time.Duration, int64) {}
func (*damageWatch) SnapshotFailed(time.Duration)         {}
func (w *damageWatch) DaysDamaged(days int)               { w.days.Add(int64(days)) }

// unlimited are options with which late records open closed days again.
func unlimited(directory string) snapshot.Options {
	options := options(directory)
	options.MaxEventAge = 0
	return options
}

// reopenedDay is a directory with two generations of a closed day, each of a snapshot that
// is kept, and the model of all its records. The journal has what lies between the two.
func reopenedDay(t *testing.T) (directory string, model storetest.Model) {
	t.Helper()
	directory, model = t.TempDir(), storetest.Model{}
	for life := range 2 {
		keeper := opened(t, unlimited(directory))
		for _, batch := range [][]storetest.Record{
			storetest.Page(4+life, storetest.Noon()-longAgo),
			{storetest.Shown("benefit of "+string(rune('a'+life)), 3, 2, storetest.Noon()-longAgo-2), storetest.Shown("today", 3, 2, storetest.Noon())},
		} {
			record(t, keeper, batch)
			model.Add(batch)
		}
		closed(t, keeper)
	}
	return directory, model
}

// withoutOlder takes what the day of reopenedDay could be made of again.
func withoutOlder(t *testing.T, directory string) {
	t.Helper()
	for _, prefix := range []string{"snapshot-", "day-"} {
		if all := names(t, directory, prefix); len(all) > 1 {
			if err := os.Remove(filepath.Join(directory, all[0])); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range names(t, directory, "journal-") {
		if err := os.Remove(filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADamagedClosedDayHoldsUpNoSnapshot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(good []byte) []byte // nil for no file
		alone bool                     // without older files
	}{
		{"a flipped bit, and the day can be made again", func(b []byte) []byte { return flipped(b, len(b)-30, 1) }, false},
		{"another header, and the day can be made again", func(b []byte) []byte { return flipped(b, 20, 1) }, false},
		{"another version, and the day can be made again", func(b []byte) []byte { return flipped(b, 8, 4) }, false},
		{"cut off, and the day can be made again", func(b []byte) []byte { return b[:len(b)/2] }, false},
		{"zeros, and the day can be made again", func(b []byte) []byte { return make([]byte, len(b)) }, false},
		{"removed, and the day can be made again", nil, false},
		{"a flipped bit, and nothing older is left", func(b []byte) []byte { return flipped(b, len(b)-30, 1) }, true},
		{"removed, and nothing older is left", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			directory, model := reopenedDay(t)
			if test.alone {
				withoutOlder(t, directory)
			}
			options, observer := unlimited(directory), &damageWatch{}
			watch, logger := newWatch()
			options.Observer, options.Logger = observer, logger
			keeper := opened(t, options)
			path := newest(t, directory, "day-")
			good := read(t, path)
			if test.spoil == nil {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, path, test.spoil(good))
			}
			late := []storetest.Record{storetest.Shown("late", 5, 3, storetest.Noon()-longAgo+1)}
			record(t, keeper, late)
			model.Add(late)
			if err := keeper.SnapshotNow(context.Background()); err != nil {
				t.Fatalf("a snapshot: %v", err)
			}
			watch.wait(t, "the file of a closed day is damaged")
			if test.spoil != nil && !bytes.Equal(read(t, path+".damaged"), test.spoil(good)) {
				t.Error("the file that was set aside is not the damaged one")
			}
			for range 3 { // lives: the first goes on, the others are restarts
				if test.alone {
					checkWithoutDay(t, keeper, model, late)
				} else {
					check(t, keeper, model)
				}
				today := storetest.Page(3, storetest.Noon())
				record(t, keeper, today)
				model.Add(today)
				closed(t, keeper)
				if report, err := salvage.Verify(directory, counters.BuiltInKinds()); err != nil || report.Missing != nil {
					t.Errorf("verify says %v, %v; want that nothing is missing", report.Missing, err)
				}
				keeper = opened(t, options)
				if warnings := keeper.Recovery().Warnings; len(warnings) > 0 {
					t.Errorf("a restart warns of %q", warnings)
				}
			}
			closed(t, keeper)
			if days := observer.days.Load(); days != 1 {
				t.Errorf("%d damaged days were counted, want 1", days)
			}
			if _, err := os.Stat(path + ".damaged"); test.spoil != nil && err != nil {
				t.Errorf("the damaged file is not kept: %v", err)
			}
		})
	}
}

// checkWithoutDay requires the sums of all time, and of the day long ago the late records.
func checkWithoutDay(t *testing.T, keeper *snapshot.Keeper, model storetest.Model, late []storetest.Record) {
	t.Helper()
	want, have := model.Answers(), model.Ask(keeper.Store(), totals(t, keeper.History()))
	for question, count := range want {
		if !question.Totals && have[question] != count {
			t.Errorf("have %d, want %d: %+v", have[question], count, question)
		}
	}
	question := storetest.Question{Totals: true, Since: late[0].Hour, Benefit: late[0].Benefit, Event: late[0].Event}
	if have[question] != 1 {
		t.Errorf("the late record is counted %d times since %d", have[question], question.Since)
	}
}

// TestAnImportGoesOnBesideADamagedClosedDay: an import closes days as a snapshot does.
func TestAnImportGoesOnBesideADamagedClosedDay(t *testing.T) {
	t.Parallel()
	directory, model := reopenedDay(t)
	path := newest(t, directory, "day-")
	damaged := flipped(read(t, path), len(read(t, path))-30, 1)
	write(t, path, damaged)
	imported, err := snapshot.OpenImport(unlimited(directory))
	if err != nil {
		t.Fatal(err)
	}
	late := []storetest.Record{storetest.Shown("imported", 5, 3, storetest.Noon()-longAgo+1)}
	model.Add(late)
	err = imported.Add(func(store *counters.Store) error {
		benefit, key := storetest.Number(t, store, late[0])
		return store.Replay(late[0].Hour, benefit, []counters.Cell{{Key: key, Count: 1}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := imported.Commit(snapshot.Imports{}); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if err := imported.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, path+".damaged"), damaged) {
		t.Error("the file that was set aside is not the damaged one")
	}
	keeper := opened(t, unlimited(directory))
	check(t, keeper, model)
	closed(t, keeper)
}
