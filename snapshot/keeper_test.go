package snapshot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
)

func TestEveryScenarioComesBackAfterClosing(t *testing.T) {
	t.Parallel()
	for name, durability := range map[string]snapshot.Durability{
		"always": snapshot.Always, "everysec": snapshot.EverySecond, "snapshot": snapshot.Snapshot,
	} {
		for _, scenario := range storetest.Scenarios() {
			t.Run(name+", "+scenario.Name, func(t *testing.T) {
				t.Parallel()
				options := options(t.TempDir())
				options.Durability = durability
				keeper := opened(t, options)
				scenario.Begin(t, keeper.Store())
				for _, records := range scenario.Batches {
					record(t, keeper, records)
				}
				check(t, keeper, scenario.Model())
				closed(t, keeper)
				for range 2 {
					keeper = opened(t, options)
					check(t, keeper, scenario.Model())
					closed(t, keeper)
				}
			})
		}
	}
}

func TestEveryScenarioComesBackFromTheJournal(t *testing.T) {
	t.Parallel()
	for _, scenario := range storetest.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			scenario.Earlier = nil // it would be in no journal
			directory := crashedAfter(t, t.TempDir(), scenario.Batches...)
			keeper := opened(t, options(directory))
			if recovery := keeper.Recovery(); recovery.Frames != len(scenario.Batches) || recovery.Snapshot != "" || len(recovery.Warnings) > 0 {
				t.Errorf("recovery %+v, want %d frames", recovery, len(scenario.Batches))
			}
			check(t, keeper, scenario.Model())
			closed(t, keeper)
			keeper = opened(t, options(directory))
			check(t, keeper, scenario.Model())
			closed(t, keeper)
		})
	}
}

func TestEveryScenarioComesBackFromSnapshotAndJournalTogether(t *testing.T) {
	t.Parallel()
	for _, scenario := range storetest.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			half := len(scenario.Batches) / 2
			keeper := opened(t, options(directory))
			record(t, keeper, storetest.Page(2, storetest.Noon())) // so that there is something to save
			scenario.Begin(t, keeper.Store())
			for _, records := range scenario.Batches[:half] {
				record(t, keeper, records)
			}
			closed(t, keeper)
			directory = crashedAfter(t, directory, scenario.Batches[half:]...)
			keeper = opened(t, options(directory))
			defer closed(t, keeper)
			if recovery := keeper.Recovery(); recovery.Frames != len(scenario.Batches)-half || recovery.Snapshot == "" {
				t.Errorf("recovery %+v, want a snapshot and %d frames", recovery, len(scenario.Batches)-half)
			}
			model := scenario.Model()
			model.Add(storetest.Page(2, storetest.Noon()))
			check(t, keeper, model)
		})
	}
}

func TestRecordsOfManyAtOnceAreAllDurable(t *testing.T) {
	t.Parallel()
	const recorders, batches = 8, 60
	options := options(t.TempDir())
	options.JournalSize = 4 << 10
	options.SnapshotInterval = 5 * time.Millisecond
	keeper := opened(t, options)
	var mu sync.Mutex
	model := storetest.Model{}
	var all sync.WaitGroup
	for i := range recorders {
		all.Go(func() {
			for j := range batches {
				records := storetest.Page(1+(i+j)%20, storetest.Noon()-5)
				record(t, keeper, records)
				mu.Lock()
				model.Add(records)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	check(t, keeper, model)
	closed(t, keeper)
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}

func TestASecondProcessIsTurnedAway(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	before := files(t, directory)
	for range 2 {
		_, err := snapshot.Open(options(directory))
		if !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), directory) {
			t.Errorf("the second open says %v, want ErrLocked and the directory", err)
		}
	}
	expectUntouched(t, directory, before)
	record(t, keeper, storetest.Page(3, storetest.Noon()))
	closed(t, keeper)
	keeper = opened(t, options(directory))
	check(t, keeper, storetest.ModelOf(storetest.Page(3, storetest.Noon())))
	closed(t, keeper)
}

func TestNothingIsRecordedAfterClose(t *testing.T) {
	t.Parallel()
	for _, durability := range []snapshot.Durability{snapshot.Always, snapshot.EverySecond, snapshot.Snapshot} {
		options := options(t.TempDir())
		options.Durability = durability
		keeper := opened(t, options)
		closed(t, keeper)
		if err := recorded(keeper, keeper.Store().NewBatch()); !errors.Is(err, snapshot.ErrClosing) {
			t.Errorf("durability %d: %v, want ErrClosing", durability, err)
		}
	}
}

func TestADirectoryThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	occupied := filepath.Join(t.TempDir(), "file")
	write(t, occupied, nil)
	for _, directory := range []string{occupied, filepath.Join(occupied, "below"), "\x00"} {
		if _, err := snapshot.Open(options(directory)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", directory)) {
			t.Errorf("open %q says %v", directory, err)
		}
	}
}

func TestFilesThatAreNotOursStayAsTheyAre(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	foreign := []string{
		"notes.txt", "snapshot-", "snapshot-1", "snapshot-0000000000000001.bak", "snapshot-00000000000000001", "snapshot-000000000000000g",
		"journal-00000000000000001", "journal-+000000000000001", "journal-0x0000000000001a", "day-2026-07-15", "day-2026-13-15-0000000000000001", "old.damaged",
	}
	for _, name := range foreign {
		write(t, filepath.Join(directory, name), []byte("mine"))
	}
	page := storetest.Page(5, storetest.Noon())
	for range 4 {
		lived(t, directory, page)
	}
	for _, name := range foreign {
		if got := read(t, filepath.Join(directory, name)); string(got) != "mine" {
			t.Errorf("%q has become %q", name, got)
		}
	}
	keeper := opened(t, options(directory))
	check(t, keeper, storetest.ModelOf(page, page, page, page))
	closed(t, keeper)
}

func TestWhatACrashLeftHalfMadeIsRemoved(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	page := storetest.Page(5, storetest.Noon())
	lived(t, directory, page)
	for _, name := range []string{"snapshot-0000000000000002.tmp", "day-2026-07-15-0000000000000002.tmp"} {
		write(t, filepath.Join(directory, name), []byte("half"))
	}
	lived(t, directory, page)
	if left := names(t, directory, "*.tmp"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	keeper := opened(t, options(directory))
	check(t, keeper, storetest.ModelOf(page, page))
	closed(t, keeper)
}

func TestAClockThatJumpsChangesNothing(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	options := options(directory)
	model := storetest.Model{}
	for life, jump := range []time.Duration{0, -time.Hour, time.Hour, -2 * time.Hour, 0, -100 * time.Hour} {
		options.Now = func() time.Time { return noon().Add(jump) }
		keeper := opened(t, options)
		check(t, keeper, model)
		for i := range 3 {
			records := storetest.Page(life+i+1, storetest.Noon())
			record(t, keeper, records)
			model.Add(records)
		}
		copied := options
		copied.Directory = crashed(t, directory)
		closed(t, keeper)
		if keeper.Recovery().Sequence != uint64(3*life) {
			t.Errorf("life %d began with commit %d", life, keeper.Recovery().Sequence)
		}
		survivor := opened(t, copied)
		check(t, survivor, model)
		closed(t, survivor)
	}
	if kept := names(t, directory, "snapshot-"); !slices.Equal(kept, []string{"snapshot-000000000000000f", "snapshot-0000000000000012"}) {
		t.Errorf("the snapshots %q are kept", kept)
	}
	if _, err := os.Stat(filepath.Join(directory, "journal-0000000000000010")); err != nil {
		t.Error(err)
	}
}
