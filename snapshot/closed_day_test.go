package snapshot_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
	"stats-recorder/snapshot/recovery"
	"stats-recorder/snapshot/salvage"
)

// closedDays is a directory with two closed days and an open one.
func closedDays(t *testing.T) (directory string) {
	t.Helper()
	directory = t.TempDir()
	for _, ago := range []counters.Hour{0, 5 * 24, 6*24 + 3} {
		for _, hour := range []counters.Hour{storetest.Noon() - ago, storetest.Noon() - ago - 7} {
			lived(t, directory, storetest.Page(4, hour))
		}
	}
	if days := lastGenerations(t, directory); len(days) != 2 {
		t.Fatalf("the closed days are %q, want two", days)
	}
	return directory
}

// lastGenerations are the files of closed days that the newest snapshot lists.
func lastGenerations(t *testing.T, directory string) (last []string) {
	t.Helper()
	const date = len("day-2026-07-15")
	for _, name := range names(t, directory, "day-") {
		if count := len(last); count > 0 && last[count-1][:date] == name[:date] {
			last = last[:count-1]
		}
		last = append(last, name)
	}
	return last
}

// windows are the answers of a history about a few windows of time that need
// different parts of its files.
func windows(history *snapshot.History) (map[string]uint64, error) {
	answers := map[string]uint64{}
	var failures []error
	for _, ago := range []counters.Hour{2 * 24, 5 * 24, 5*24 + 7, 6*24 + 5, 20 * 24} {
		from := storetest.Noon() - ago
		err := history.Read(counters.EventTotals([]counters.Hour{from, counters.EndOfTime}), func(benefit counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				answers[fmt.Sprint("totals since ", ago, benefit, cell.Key.Event())] = cell.Count
			}
		})
		failures = append(failures, err)
		err = history.Read(counters.PositionsOf(2, []counters.Hour{from.Day().FirstHour(), storetest.Noon().Day().FirstHour()}), func(benefit counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				answers[fmt.Sprint("positions since ", ago, benefit, cell.Key)] = cell.Count
			}
		})
		failures = append(failures, err)
	}
	return answers, errors.Join(failures...)
}

func TestEveryByteOfAClosedDayIsCheckedWhenItIsRead(t *testing.T) {
	t.Parallel()
	directory := closedDays(t)
	want := loadedWindows(t, directory)
	for _, name := range lastGenerations(t, directory) {
		path := filepath.Join(directory, name)
		good := read(t, path)
		found := 0
		for at := range good {
			write(t, path, flipped(good, at, 1<<(at%8)))
			loaded, err := snapshot.Load(directory)
			if err != nil {
				t.Fatalf("byte %d of %s: refused, though no length is wrong: %v", at, name, err)
			}
			got, err := windows(loaded.History)
			if err == nil && !maps.Equal(got, want) {
				t.Errorf("byte %d of %s: the answers are %v, want %v", at, name, got, want)
			}
			if err != nil {
				found++
				if !strings.Contains(err.Error(), path) || !isOneOf(err, append(whatCanBeWrong(), format.ErrVersion)...) {
					t.Errorf("byte %d of %s: %v does not say what is wrong and where", at, name, err)
				}
			}
		}
		if found < len(good)/2 {
			t.Errorf("%d of %d changed bytes of %s were found", found, len(good), name)
		}
		write(t, path, good)
	}
}

func loadedWindows(t *testing.T, directory string) map[string]uint64 {
	t.Helper()
	loaded, err := snapshot.Load(directory)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := windows(loaded.History)
	if err != nil || len(answers) == 0 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	return answers
}

func TestDaysAreClosedAndTakenAwayThoughNothingComesAfterThem(t *testing.T) {
	t.Parallel()
	for _, durability := range []snapshot.Durability{snapshot.Always, snapshot.EverySecond, snapshot.Snapshot} {
		var later atomic.Int64 // nanoseconds
		options := options(t.TempDir())
		options.Durability, options.SnapshotInterval, options.Retention = durability, 5*time.Millisecond, 7*24*time.Hour
		options.Elapsed = func() time.Duration { return time.Duration(later.Load()) }
		options.Now = func() time.Time { return noon().Add(options.Elapsed()) }
		keeper := opened(t, options)
		page := storetest.Page(4, storetest.Noon())
		record(t, keeper, page)
		awaitDays(t, keeper, 1, 0)
		later.Store(int64(4 * 24 * time.Hour))
		awaitDays(t, keeper, 0, 1)
		check(t, keeper, storetest.ModelOf(page))
		closed(t, keeper)

		keeper = opened(t, options)
		if warnings := keeper.Recovery().Warnings; len(warnings) > 0 {
			t.Errorf("durability %d: the next start warns of %q", durability, warnings)
		}
		check(t, keeper, storetest.ModelOf(page))
		later.Store(int64(20 * 24 * time.Hour))
		awaitDays(t, keeper, 0, 0)
		if got := storetest.Events(keeper.Store()); got != uint64(len(page)) {
			t.Errorf("durability %d: %d events of all time, want %d", durability, got, len(page))
		}
		closed(t, keeper)
	}
}

// awaitDays waits until so many days are open and closed.
func awaitDays(t *testing.T, keeper *snapshot.Keeper, open, closed int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		status, err := keeper.Status()
		if err != nil {
			t.Fatal(err)
		}
		days := len(keeper.Store().OpenDays())
		if days == open && status.ClosedDays == closed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d days are open and %d closed, want %d and %d", days, status.ClosedDays, open, closed)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAClosedDayThatIsShorterOrGoneIsNoticedAtStart(t *testing.T) {
	t.Parallel()
	directory := closedDays(t)
	for _, name := range lastGenerations(t, directory) {
		path := filepath.Join(directory, name)
		good := read(t, path)
		for length := range good {
			write(t, path, good[:length])
			expectDayMissed(t, directory, path)
		}
		write(t, path, append(good, 0))
		expectDayMissed(t, directory, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expectDayMissed(t, directory, path)
		write(t, path, good)
	}
}

// expectDayMissed requires that a start refuses, or does without the snapshot
// that lists the day, and says so.
func expectDayMissed(t *testing.T, directory, path string) {
	t.Helper()
	loaded, err := snapshot.Load(directory)
	said := fmt.Sprint(err, loaded.Recovery.Warnings)
	if !strings.Contains(said, path) {
		t.Errorf("%q is missed by nobody: %s", path, said)
	}
}

func TestClosedDaysTellOfALossOfAllElse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		kept []string // prefixes of files
		// marked is whether there is a mark that the last generation of all never came to
		// be; dropped is said of that then.
		marked  bool
		dropped string
	}{
		{"only days are left", []string{"day-"}, false, ""},
		{"only days are left, and a mark", []string{"day-"}, true, "nothing says that it ever counted"},
		{"days and journals are left", []string{"day-", "journal-"}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			directory := closedDays(t)
			want := loadedWindows(t, directory)
			for _, prefix := range []string{"snapshot-", "journal-"} {
				for _, name := range names(t, directory, prefix) {
					if !slices.Contains(test.kept, prefix) {
						if err := os.Remove(filepath.Join(directory, name)); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if test.marked {
				write(t, disk.ClosingPath(directory, newestGeneration(t, directory)), nil)
			}
			if _, err := snapshot.Load(directory); !errors.Is(err, recovery.ErrJournalGap) {
				t.Errorf("a start says %v, want ErrJournalGap", err)
			}
			report, err := salvage.Verify(directory, counters.BuiltInKinds())
			if err != nil || !errors.Is(report.Missing, recovery.ErrJournalGap) {
				t.Errorf("verify says %v, %v; want ErrJournalGap", report.Missing, err)
			}
			repaired, err := salvage.Repair(directory, counters.BuiltInKinds(), nil, noon())
			if err != nil || !strings.Contains(strings.Join(repaired.Dropped, "\n"), test.dropped) {
				t.Fatalf("repair: %v, and it dropped %q", err, repaired.Dropped)
			}
			got := loadedWindows(t, directory)
			for question, count := range want {
				if !strings.Contains(question, "positions since") {
					continue // open days went with the snapshot
				}
				if got[question] == 0 || got[question] > count || (test.dropped == "" && got[question] != count) {
					t.Errorf("%s: %d, want %d", question, got[question], count)
				}
			}
			if aside, err := filepath.Glob(filepath.Join(repaired.Originals, "day-*")); test.dropped != "" && len(aside) == 0 {
				t.Errorf("what was dropped is not put aside: %v", err)
			}
		})
	}
}

// newestGeneration is that of the day that was closed last.
func newestGeneration(t *testing.T, directory string) (newest uint64) {
	t.Helper()
	for _, name := range names(t, directory, "day-") {
		_, generation, _ := disk.ParseDay(name)
		newest = max(newest, generation)
	}
	return newest
}

func TestClosedDaysTellOfNoLossWhereNoJournalWasKept(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.Durability = snapshot.Snapshot
	keeper := opened(t, options)
	record(t, keeper, storetest.Page(4, storetest.Noon()-5*24))
	closed(t, keeper)
	for _, name := range names(t, options.Directory, "snapshot-") {
		if err := os.Remove(filepath.Join(options.Directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	day := newest(t, options.Directory, "day-")
	_, generation, _ := disk.ParseDay(day)
	if _, err := snapshot.Load(options.Directory); !errors.Is(err, recovery.ErrJournalGap) || !strings.Contains(err.Error(), day) {
		t.Errorf("without its snapshots, a start says %v, want ErrJournalGap and the day", err)
	}
	before := files(t, options.Directory)
	if _, err := snapshot.Open(options); !errors.Is(err, recovery.ErrJournalGap) {
		t.Errorf("without its snapshots, a start says %v, want ErrJournalGap", err)
	}
	expectUntouched(t, options.Directory, before)

	// With its mark, a crash leaves a directory while its first snapshot is written.
	write(t, disk.ClosingPath(options.Directory, generation), nil)
	if report, err := salvage.Verify(options.Directory, counters.BuiltInKinds()); err != nil || report.Missing != nil {
		t.Errorf("verify says %v, %v; want that nothing is missing", report.Missing, err)
	}
	closed(t, opened(t, options))
	if left := append(names(t, options.Directory, "day-"), names(t, options.Directory, "closing-")...); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// TestNoModeForgetsClosedDaysWhoseSnapshotsAreGone removes all snapshots, or the newest.
func TestNoModeForgetsClosedDaysWhoseSnapshotsAreGone(t *testing.T) {
	t.Parallel()
	old := storetest.Page(4, storetest.Noon()-5*24)
	lives := map[string]func(t *testing.T, options snapshot.Options){
		"an import": func(t *testing.T, options snapshot.Options) {
			session, err := snapshot.OpenImport(options)
			if err != nil {
				t.Fatal(err)
			}
			err = session.Add(func(store *counters.Store) error {
				_, err := store.Add(storetest.Batch(t, store, old))
				store.Seal().Commit()
				return err
			})
			if err = errors.Join(err, session.Commit(snapshot.Imports{}), session.Close()); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, durability := range map[string]snapshot.Durability{
		"always": snapshot.Always, "everysec": snapshot.EverySecond, "snapshot": snapshot.Snapshot,
	} {
		lives[name] = func(t *testing.T, options snapshot.Options) {
			options.Durability = durability
			keeper := opened(t, options)
			record(t, keeper, old)
			closed(t, keeper)
		}
	}
	for name, live := range lives {
		for _, count := range []int{1, 2} { // of lives before
			t.Run(fmt.Sprintf("%s, %d lives", name, count), func(t *testing.T) {
				t.Parallel()
				options := options(t.TempDir())
				for range count {
					live(t, options)
				}
				if err := os.Remove(newest(t, options.Directory, "snapshot-")); err != nil {
					t.Fatal(err)
				}
				for _, path := range names(t, options.Directory, "journal-") {
					if err := os.Remove(filepath.Join(options.Directory, path)); err != nil {
						t.Fatal(err)
					}
				}
				expectRefusal(t, options.Directory, recovery.ErrJournalGap, "day-", "verify --repair")
			})
		}
	}
}

// TestClosedDaysOfADamagedSnapshotAreMovedAside is what DURABILITY=snapshot may go on
// without: it says so, and deletes nothing.
func TestClosedDaysOfADamagedSnapshotAreMovedAside(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.Durability = snapshot.Snapshot
	for _, ago := range []counters.Hour{5 * 24, 6 * 24} {
		keeper := opened(t, options)
		record(t, keeper, storetest.Page(4, storetest.Noon()-ago))
		closed(t, keeper)
	}
	day := newest(t, options.Directory, "day-2026-07-09")
	content := read(t, day)
	write(t, newest(t, options.Directory, "snapshot-"), nil)
	keeper := opened(t, options)
	check(t, keeper, storetest.ModelOf(storetest.Page(4, storetest.Noon()-5*24)))
	closed(t, keeper)
	if aside := read(t, day+".damaged"); !slices.Equal(aside, content) {
		t.Error("the file moved aside is not the day's")
	}
}

func TestASnapshotWithoutItsClosedDaysIsRefused(t *testing.T) {
	t.Parallel()
	directory := closedDays(t)
	for _, name := range names(t, directory, "journal-") {
		if err := os.Remove(filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	older := filepath.Join(directory, names(t, directory, "snapshot-")[0])
	if err := os.Remove(older); err != nil {
		t.Fatal(err)
	}
	path := newest(t, directory, "snapshot-")
	good := read(t, path)
	for i, section := range sections(good) {
		content := with(good, section, nil)
		formattest.SealSnapshot(content)
		write(t, path, content)
		if loaded, err := snapshot.Load(directory); err == nil {
			t.Errorf("without section %d, but with right checksums: %+v was loaded", i, loaded.Recovery)
		}
	}
}
