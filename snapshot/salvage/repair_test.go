package salvage_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/salvage"
)

// longAgo is an hour of a day that every snapshot closes.
func longAgo() counters.Hour { return storetest.Noon() - 5*24 }

// today is a record of an open day, late one of a day long ago.
func today(benefit string) storetest.Record {
	return storetest.Shown(benefit, 3, 2, storetest.Noon())
}
func late(benefit string) storetest.Record { return storetest.Shown(benefit, 4, 1, longAgo()) }

// lived is a directory of lives, each with its commits, all but the last ended well.
func lived(t *testing.T, lives ...[][]storetest.Record) *world {
	t.Helper()
	w := &world{directory: inMemory(t), commits: map[uint64]commit{}, now: storetest.Noon().Time()}
	for i, batches := range lives {
		keeper := opened(t, w.options())
		for _, records := range batches {
			ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), records))
			if err := errors.Join(err, ticket.Wait()); err != nil {
				t.Fatal(err)
			}
			w.commits[uint64(len(w.commits)+1)] = commit{dated: storetest.ModelOf(records)}
		}
		abandoned := w.directory
		if i == len(lives)-1 {
			w.directory = copied(t, abandoned)
		}
		if err := keeper.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// threeLives have two snapshots, of commits 2 and 4, each with a generation of a closed
// day; the journal is there from commit 3 on. Numbers of names lie so that the day's file
// knows those of its own benefits only.
func threeLives(t *testing.T) *world {
	t.Helper()
	return lived(t,
		[][]storetest.Record{{today("a"), late("b")}, {late("b")}},
		[][]storetest.Record{{today("c"), late("d")}, {late("b"), today("a")}},
		[][]storetest.Record{{today("e")}, {today("e"), late("d")}, {today("c"), today("f")}},
	)
}

// path is the last file of a kind, or so many before it.
func (w *world) path(t *testing.T, prefix string, before int) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.directory, prefix+"*"))
	if err != nil || len(paths) <= before {
		t.Fatalf("%d %s files (%v)", len(paths), prefix, err)
	}
	return paths[len(paths)-1-before]
}

func change(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

// flip changes a bit so many bytes before the end.
func flip(fromEnd int) func([]byte) []byte {
	return func(b []byte) []byte { b[len(b)-fromEnd] ^= 1; return b }
}

func zero(start, end int) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[start:min(end, len(b))]); return b }
}

func TestRepairKeepsAllThatCanBeRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(*testing.T, *world)
		// commits are those that must be kept, complete says that nothing may be dropped.
		commits  []uint64
		complete bool
	}{
		{"a damaged closed day is made again from its generation before, snapshot and journal", func(t *testing.T, w *world) {
			change(t, w.path(t, "day-", 0), flip(30))
		}, []uint64{1, 2, 3, 4, 5, 6, 7}, true},
		{"a closed day that is gone is made again", func(t *testing.T, w *world) {
			remove(t, w.path(t, "day-", 0))
		}, []uint64{1, 2, 3, 4, 5, 6, 7}, true},
		{"a damaged closed day and the snapshot that lists it", func(t *testing.T, w *world) {
			change(t, w.path(t, "day-", 0), flip(30))
			change(t, w.path(t, "snapshot-", 0), flip(30))
		}, []uint64{1, 2, 3, 4, 5, 6, 7}, false},
		{"both snapshots: every commit in a journal or a closed day", func(t *testing.T, w *world) {
			change(t, w.path(t, "snapshot-", 0), flip(30))
			change(t, w.path(t, "snapshot-", 1), flip(30))
		}, []uint64{2, 3, 4, 5, 6, 7}, false},
		{"the newest snapshot and its journal: the later file of the closed day", func(t *testing.T, w *world) {
			change(t, w.path(t, "snapshot-", 0), flip(30))
			remove(t, w.path(t, "journal-", 1))
		}, []uint64{1, 2, 5, 6, 7}, false},
		{"a journal's header and first frame: the frames behind them", func(t *testing.T, w *world) {
			change(t, w.path(t, "journal-", 0), zero(0, 80))
		}, []uint64{1, 2, 3, 4, 6, 7}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := threeLives(t)
			n := numbersOf(t, w.directory)
			test.spoil(t, w)
			repaired, err := repair(w.directory)
			if err != nil {
				t.Fatal(err)
			}
			kept := func(sequence uint64) bool { return slices.Contains(test.commits, sequence) }
			least := w.stateOf(kept, func(_ counters.Day, sequence uint64) bool { return kept(sequence) })
			w.expect(t, n, least, repaired)
			if test.complete && len(repaired.Dropped) > 0 {
				t.Errorf("it dropped %q, want nothing", repaired.Dropped)
			}
		})
	}
}

// expect requires of a repaired directory at least some counts, and none that is untrue.
func (w *world) expect(t *testing.T, n numbers, least state, repaired salvage.Repaired) {
	t.Helper()
	have, err := stateOf(w.directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, less := range have.named(n).below(least) {
		t.Errorf("%s\nit dropped %q", less, repaired.Dropped)
	}
	for _, more := range w.truth().below(have.named(n)) {
		t.Errorf("more than was acknowledged: %s", more)
	}
	if report, err := salvage.Verify(w.directory, counters.BuiltInKinds()); err != nil || report.Missing != nil {
		t.Errorf("verify says %v, %v; want that nothing is missing", report.Missing, err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestAPlaceholderIsNoNameThatThereIsAlready(t *testing.T) {
	t.Parallel()
	const stranger = "__unknown_benefit_0__"
	w := lived(t, [][]storetest.Record{{today("lost")}}, [][]storetest.Record{{today(stranger)}, {today("lost")}}, nil)
	for range 2 { // nothing names the first benefit any more
		remove(t, w.path(t, "snapshot-", 0))
	}
	if _, err := repair(w.directory); err != nil {
		t.Fatal(err)
	}
	have, err := stateOf(w.directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, benefit := range []string{stranger, stranger + "_"} {
		if got := have[cell{"ever", 0, benefit, "__unknown_event_0__", 2, 3, 2}]; got != 1 {
			t.Errorf("%q is counted %d times, want once: %v", benefit, got, have)
		}
	}
}

func TestAJournalThatContradictsTheNamesIsNotCounted(t *testing.T) {
	t.Parallel()
	w := lived(t, [][]storetest.Record{{today("a"), today("b")}}, [][]storetest.Record{{today("a")}, {today("b")}})
	foreign := lived(t, [][]storetest.Record{{today("x")}}, [][]storetest.Record{{today("y")}, {today("x")}})
	other, err := os.ReadFile(foreign.path(t, "journal-", 0))
	if err != nil {
		t.Fatal(err)
	}
	change(t, w.path(t, "journal-", 0), func([]byte) []byte { return other })
	repaired, err := repair(w.directory)
	if err != nil {
		t.Fatal(err)
	}
	w.expect(t, numbers{}, w.stateOf(first, func(_ counters.Day, sequence uint64) bool { return first(sequence) }), repaired)
	if said := strings.Join(repaired.Dropped, "\n"); !strings.Contains(said, "of another ") {
		t.Errorf("it does not say why the journal is not counted:\n%s", said)
	}
}

func first(sequence uint64) bool { return sequence == 1 }

func TestARepairThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, call, failure string }{
		{"a full disk", "pwrite64", "ENOSPC"},
		{"a directory that cannot be written", "mkdirat", "EROFS"},
		{"a sync that fails", "fsync", "EIO"},
		{"a file that cannot get its name", "renameat", "EIO"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := threeLives(t)
			change(t, w.path(t, "day-", 0), flip(30)) // it is written again, before the snapshot
			before := contents(t, w.directory)
			for range 2 {
				report := repairWith(t, w.directory, "", test.call, test.failure)
				if !strings.Contains(report.Error, "nothing was changed") || report.Repaired.Originals != "" {
					t.Errorf("the repair says %q, and that originals are in %q", report.Error, report.Repaired.Originals)
				}
			}
			if after := contents(t, w.directory); !maps.Equal(after, before) {
				t.Errorf("the directory has %q, it had %q", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
			}
			if _, err := repair(w.directory); err != nil {
				t.Errorf("once that is over: %v", err)
			}
		})
	}
}

func TestOriginalsAreMovedWhereAFileCanHaveOneNameOnly(t *testing.T) {
	t.Parallel()
	w := threeLives(t)
	n := numbersOf(t, w.directory)
	change(t, w.path(t, "snapshot-", 0), flip(30))
	change(t, w.path(t, "day-", 0), flip(30))
	before := contents(t, w.directory)
	report := repairWith(t, w.directory, "", "linkat", "EPERM")
	if report.Error != "" {
		t.Fatal(report.Error)
	}
	every := func(uint64) bool { return true }
	w.expect(t, n, w.stateOf(every, func(_ counters.Day, sequence uint64) bool { return every(sequence) }), report.Repaired)
	aside, left := contents(t, report.Repaired.Originals), contents(t, w.directory)
	for name, content := range before {
		if kept := left[name] == content; kept == (aside[name] == content) {
			t.Errorf("%s must be either in its place or among the originals; it is in its place: %v", name, kept)
		}
	}
}

func TestRepairDoesWithoutWhatTheDiskCannotRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, prefix string
		before       int
		least        []uint64 // commits
	}{
		{"the newest snapshot", "snapshot-", 0, []uint64{1, 2, 3, 4, 5, 6, 7}},
		{"the older snapshot", "snapshot-", 1, []uint64{1, 2, 3, 4, 5, 6, 7}},
		{"the newest closed day", "day-", 0, []uint64{1, 2, 3, 4, 5, 6, 7}},
		{"the newest journal", "journal-", 0, []uint64{1, 2, 3, 4}},
		{"the journal before", "journal-", 1, []uint64{1, 2, 3, 4, 5, 6, 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := threeLives(t)
			n := numbersOf(t, w.directory)
			path := w.path(t, test.prefix, test.before)
			report := repairWith(t, w.directory, path, "read,pread64", "EIO")
			if report.Error != "" {
				t.Fatal(report.Error)
			}
			kept := func(sequence uint64) bool { return slices.Contains(test.least, sequence) }
			w.expect(t, n, w.stateOf(kept, func(_ counters.Day, sequence uint64) bool { return kept(sequence) }), report.Repaired)
			said := strings.Join(slices.Concat(report.Repaired.Dropped, report.Repaired.Rebuilt), "\n")
			needed := test.name != "the older snapshot"
			if needed && !strings.Contains(said, path) {
				t.Errorf("it does not say that it did without %s:\n%s", path, said)
			}
			if _, err := os.Stat(filepath.Join(report.Repaired.Originals, filepath.Base(path))); err != nil {
				t.Errorf("the file is not kept: %v", err)
			}
			if all, err := filepath.Glob(filepath.Join(w.directory, "before-repair-*")); err != nil || len(all) != 1 {
				t.Errorf("originals are in %q (%v), want one directory", all, err)
			}
		})
	}
}

func TestAFileThatCannotBeOpenedAtTheMomentIsNotDamaged(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"snapshot-", "journal-", "day-"} {
		for _, failure := range []string{"EMFILE", "EACCES", "ENOMEM"} {
			t.Run(failure+" of "+prefix, func(t *testing.T) {
				t.Parallel()
				w := threeLives(t)
				before := contents(t, w.directory)
				path := w.path(t, prefix, 0)
				report := repairWith(t, w.directory, path, "openat", failure)
				if !strings.Contains(report.Error, path) || !strings.Contains(report.Error, "nothing was changed") {
					t.Errorf("the repair says %q, want that %s cannot be opened and nothing was changed", report.Error, path)
				}
				if after := contents(t, w.directory); !maps.Equal(after, before) {
					t.Errorf("the directory has %q, it had %q", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
				}
			})
		}
	}
}

// TestTheCommitsAroundAnUnreadableBlockAreKept has one block of a journal that the disk
// cannot read, in the middle of many commits.
func TestTheCommitsAroundAnUnreadableBlockAreKept(t *testing.T) {
	t.Parallel()
	batches := make([][]storetest.Record, 400)
	for i := range batches {
		batches[i] = storetest.Page(20, storetest.Noon())
	}
	w := lived(t, batches)
	path := w.path(t, "journal-", 0)
	// The first read of all and the smallest step after it fail.
	report := repairWith(t, w.directory, path, "pread64", "EIO:when=1..2")
	if report.Error != "" {
		t.Fatal(report.Error)
	}
	if lost := len(batches) - report.Repaired.Frames; lost > 100 {
		t.Errorf("%d of %d commits are lost with one block, want a few at most: %q", lost, len(batches), report.Repaired.Dropped)
	}
	if said := strings.Join(report.Repaired.Dropped, "\n"); !strings.Contains(said, "the disk cannot read") {
		t.Errorf("it does not say what the disk cannot read:\n%s", said)
	}
}

func TestAStartDoesNotSetAsideASnapshotThatItCannotOpen(t *testing.T) {
	t.Parallel()
	w := threeLives(t)
	before := contents(t, w.directory)
	path := w.path(t, "snapshot-", 0)
	report := childWith(t, childStart, w.directory, path, "openat", "EMFILE")
	if !strings.Contains(report.Error, path) || strings.Contains(report.Error, "verify --repair") {
		t.Errorf("a start says %q, want only that %s cannot be opened", report.Error, path)
	}
	if after := contents(t, w.directory); !maps.Equal(after, before) {
		t.Errorf("the directory has %q, it had %q", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
}
