package snapshot_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stats-recorder/counters/storetest"
)

// TestNamesWithoutRecordsDoNotStopAFallback has a name in a snapshot that no
// frame defines: a request that was refused, or that came as the snapshot was
// being written, had brought it.
func TestNamesWithoutRecordsDoNotStopAFallback(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	page := storetest.Page(3, storetest.Noon())
	keeper := opened(t, options(directory))
	record(t, keeper, page)
	nobody := storetest.Record{Benefit: "seen without a record", Event: "never happened", PageTotal: 1, Index: 1}
	storetest.Number(t, keeper.Store(), nobody)
	closed(t, keeper)

	later := []storetest.Record{
		storetest.Shown("first seen later", 2, 1, storetest.Noon()),
		{Benefit: "first seen later", Event: "happened later", Version: 2, PageTotal: 2, Index: 1, Hour: storetest.Noon()},
	}
	directory = crashedAfter(t, directory, later)
	write(t, newest(t, directory, "snapshot-"), nil)
	keeper = opened(t, options(directory))
	check(t, keeper, storetest.ModelOf(page, later))
	closed(t, keeper)
}

// obstruct puts directories that are not empty where files will be written,
// until the returned function is called.
func obstruct(t *testing.T, directory string, names ...string) (remove func()) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(directory, name, "obstacle"), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, name := range names {
			if err := os.RemoveAll(filepath.Join(directory, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestASnapshotThatFailsIsTriedAgainAndLosesNothing(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	watch, logger := newWatch()
	options := options(directory)
	options.Logger, options.SnapshotInterval = logger, time.Millisecond
	keeper := opened(t, options)
	remove := obstruct(t, directory, "snapshot-0000000000000001.tmp", "snapshot-0000000000000002.tmp")
	page := storetest.Page(5, storetest.Noon())
	record(t, keeper, page)
	watch.wait(t, "could not write a snapshot")
	record(t, keeper, page)
	model := storetest.ModelOf(page, page)
	check(t, keeper, model)
	surviving := options
	surviving.Directory, surviving.Logger = crashed(t, directory), nil
	survivor := opened(t, surviving)
	check(t, survivor, model)
	if frames := survivor.Recovery().Frames; frames != 2 {
		t.Errorf("%d frames, want 2: the journal must go back to before the snapshot that failed", frames)
	}
	closed(t, survivor)

	remove()
	watch.wait(t, "wrote a snapshot")
	check(t, keeper, model)
	closed(t, keeper)
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}

func TestALastSnapshotThatFailsIsReportedAndLosesNothing(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	remove := obstruct(t, directory, "snapshot-0000000000000001.tmp")
	page := storetest.Page(5, storetest.Noon())
	record(t, keeper, page)
	if err := keeper.Close(); err == nil {
		t.Error("closing says nothing about the snapshot that failed")
	}
	remove()
	keeper = opened(t, options(directory))
	check(t, keeper, storetest.ModelOf(page))
	closed(t, keeper)
}
