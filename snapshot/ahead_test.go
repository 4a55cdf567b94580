package snapshot_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
	"stats-recorder/snapshot/salvage"
)

// ahead are journals of one commit a page each, of which frame n was written when the
// commits up to durable[n-1] were known to be durable. The first file is begun by a
// start; the others were made ahead. files says how many frames each has.
func ahead(t *testing.T, files []int, durable []uint64) (directory string) {
	t.Helper()
	directory = t.TempDir()
	write(t, filepath.Join(directory, "LOCK"), nil) // a start makes it, even one that refuses
	store := counters.NewStore(counters.WhenDurable)
	sequence := uint64(1)
	for number, frames := range files {
		begin := snapshot.NewJournalAhead
		if number == 0 {
			begin = snapshot.NewJournal
		}
		journal, err := begin(directory, sequence)
		if err != nil {
			t.Fatal(err)
		}
		journal.Know(store, number > 0)
		for range frames {
			_, _ = store.Add(storetest.Batch(t, store, storetest.Page(int(sequence), storetest.Noon())))
			delta := store.Seal()
			if err := journal.Append(sequence, durable[sequence-1], store, delta); err != nil {
				t.Fatal(err)
			}
			delta.Commit()
			sequence++
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func TestWhatALossOfPowerTookBeforeItWasDurableIsNoDamage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		files   []int
		durable []uint64
		// lost are the frames of which the disk never got anything.
		lost []int
		// left is how many commits a start has.
		left    int
		refused bool
	}{
		{"the end of a file, the next one is empty", []int{3, 0}, []uint64{0, 0, 0}, []int{3}, 2, false},
		{"the end of a file, the next one has frames", []int{3, 2}, []uint64{0, 0, 0, 0, 0}, []int{2, 3}, 1, false},
		{"a hole in a file, the next one has frames", []int{3, 2}, []uint64{0, 0, 0, 0, 0}, []int{2}, 1, false},
		{"the end of a file, its beginning was durable", []int{3, 2}, []uint64{0, 0, 1, 1, 1}, []int{3}, 2, false},
		{"a whole file between two", []int{1, 2, 2}, []uint64{0, 0, 0, 1, 1}, []int{2, 3}, 1, false},
		{"the end of a file, with two after it", []int{2, 1, 1}, []uint64{0, 0, 0, 1}, []int{2}, 1, false},
		{"the beginning of the newest file", []int{2, 2}, []uint64{0, 0, 0, 0}, []int{3}, 2, false},
		{"all of the newest file", []int{2, 2}, []uint64{0, 0, 0, 0}, []int{3, 4}, 2, false},
		{"nothing", []int{2, 2}, []uint64{0, 0, 0, 1}, nil, 4, false},
		{"a frame that one of its file says was durable", []int{3, 1}, []uint64{0, 0, 2, 2}, []int{2}, 0, true},
		{"a frame that one of the next file says was durable", []int{3, 2}, []uint64{0, 0, 0, 0, 3}, []int{3}, 0, true},
		{"a frame that one of the last file says was durable", []int{2, 1, 1}, []uint64{0, 0, 0, 2}, []int{2}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			directory := ahead(t, test.files, test.durable)
			lose(t, directory, test.lost)
			if test.refused {
				expectRefusal(t, directory, nil, "verify --repair")
				return
			}
			if report, err := salvage.Verify(directory, kinds(t)); err != nil || report.Missing != nil || report.Needless() > 0 {
				t.Errorf("verify: %v, %v, %+v", err, report.Missing, report.Files)
			}
			expectTorn(t, directory, "what was lost", test.left, 1<<20)
			model := storetest.Model{}
			for commit := range test.left {
				model.Add(storetest.Page(commit+1, storetest.Noon()))
			}
			for range 3 { // what a start cut off is never looked at again
				keeper := opened(t, options(directory))
				check(t, keeper, model)
				record(t, keeper, storetest.Page(9, storetest.Noon()))
				model.Add(storetest.Page(9, storetest.Noon()))
				directory = crashed(t, directory)
				closed(t, keeper)
			}
		})
	}
}

// lose makes frames zeros, in whichever file they are.
func lose(t *testing.T, directory string, lost []int) {
	t.Helper()
	number := 0
	for _, name := range names(t, directory, "journal-") {
		path := filepath.Join(directory, name)
		content := read(t, path)
		for _, frame := range frames(content) {
			if number++; slices.Contains(lost, number) {
				content = with(content, frame, make([]byte, frame.end-frame.start))
			}
		}
		write(t, path, content)
	}
}

// TestAnEmptyJournalThatWasNotMadeAheadTellsOfALoss is what "always" holds on to.
func TestAnEmptyJournalThatWasNotMadeAheadTellsOfALoss(t *testing.T) {
	t.Parallel()
	directory := ahead(t, []int{3}, []uint64{0, 0, 0})
	lose(t, directory, []int{3})
	journal, err := snapshot.NewJournal(directory, 4)
	if err := errors.Join(err, journal.Close()); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, directory, recovery.ErrJournalGap, disk.JournalPath(directory, 4))
}

// TestJournalsOfEverySecondRotateAndLoseNothing has files of one commit or a few, which
// are made ahead.
func TestJournalsOfEverySecondRotateAndLoseNothing(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.Durability, options.JournalSize = snapshot.EverySecond, 100
	keeper := opened(t, options)
	model := storetest.Model{}
	deadline := time.Now().Add(20 * time.Second)
	for page := 0; len(names(t, options.Directory, "journal-????????????????")) < 5; page++ {
		if time.Now().After(deadline) {
			t.Fatal("no new files are begun")
		}
		records := storetest.Page(1+page%20, storetest.Noon())
		record(t, keeper, records)
		model.Add(records)
		check(t, keeper, model) // it is seen as soon as it is acknowledged
	}
	crash := options
	crash.Directory = crashed(t, options.Directory)
	survivor := opened(t, crash)
	check(t, survivor, model)
	if survivor.Recovery().Snapshot != "" {
		t.Errorf("recovery %+v, want journals alone", survivor.Recovery())
	}
	closed(t, survivor)
	closed(t, keeper)
	if left := names(t, options.Directory, "*.tmp"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}

func TestAFileOfAnotherDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	page := storetest.Page(5, storetest.Noon())
	old := storetest.Page(3, storetest.Noon()-24*10)
	foreign := t.TempDir()
	lived(t, foreign, page, old)
	lived(t, foreign, page)
	foreign = crashedAfter(t, foreign, page, page)
	for _, test := range []struct {
		name string
		// own makes the directory that gets a file, of as many commits as the foreign one.
		own  func(t *testing.T) string
		kind string
		// when says at which moment it is refused.
		whenRead bool
	}{
		{"a journal that goes on where a snapshot ends", func(t *testing.T) string {
			directory := t.TempDir()
			lived(t, directory, page, page, page)
			return directory
		}, "journal-", false},
		{"a journal that goes on where another ends", func(t *testing.T) string {
			return crashedAfter(t, t.TempDir(), page, page, page)
		}, "journal-", false},
		{"a newer snapshot", func(t *testing.T) string {
			directory := t.TempDir()
			lived(t, directory, page, page)
			return directory
		}, "snapshot-", false},
		{"a closed day of earlier commits, which nobody lists", func(t *testing.T) string {
			directory := t.TempDir()
			lived(t, directory, page, page, page, page, page)
			return directory
		}, "day-", false},
		{"a closed day of later commits, which nobody lists", func(t *testing.T) string {
			directory := t.TempDir()
			lived(t, directory, page)
			return directory
		}, "day-", false},
		{"a closed day", func(t *testing.T) string {
			directory := t.TempDir()
			lived(t, directory, page, old)
			return directory
		}, "day-", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			directory := test.own(t)
			write(t, filepath.Join(directory, "LOCK"), nil)
			path := newest(t, foreign, test.kind)
			write(t, filepath.Join(directory, filepath.Base(path)), read(t, path))
			if test.whenRead {
				report, err := salvage.Verify(directory, kinds(t))
				if err != nil || !errors.Is(report.Missing, format.ErrForeign) {
					t.Errorf("verify: %v, %v, want ErrForeign", err, report.Missing)
				}
				return
			}
			expectRefusal(t, directory, format.ErrForeign, filepath.Base(path), "another data directory", "move the file away")
			report, err := salvage.Verify(directory, kinds(t))
			if err != nil || !errors.Is(report.Missing, format.ErrForeign) || !strings.Contains(fmt.Sprint(report.Files), "FOREIGN: ") {
				t.Errorf("verify: %v, %v, %+v, want ErrForeign", err, report.Missing, report.Files)
			}
			before, err := snapshot.Load(test.own(t))
			if err != nil {
				t.Fatal(err)
			}
			repaired, err := salvage.Repair(directory, counters.BuiltInKinds(), nil, noon())
			if err != nil || !strings.Contains(fmt.Sprint(repaired.Dropped), "another data directory") {
				t.Errorf("repair: %v, dropped %q", err, repaired.Dropped)
			}
			after, err := snapshot.Load(directory)
			if err != nil {
				t.Fatal(err)
			}
			if have, want := storetest.Events(after.Store), storetest.Events(before.Store); have != want {
				t.Errorf("%d events after the repair, %d without the file", have, want)
			}
		})
	}
}
