package snapshot_test

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/recovery"
)

// history is what some lives have left, all of them closed but the last, which
// crashed. Each life has two commits.
type history struct {
	directory string
	// states are what there was to count after each commit.
	states []storetest.Model
}

func newHistory(t testing.TB, lives int) history {
	t.Helper()
	h := history{t.TempDir(), []storetest.Model{{}}}
	var all [][]storetest.Record
	for life := range lives {
		batches := make([][]storetest.Record, 2)
		for i := range batches {
			hour := storetest.Noon() - 5 // all lives count in the same day and in two hours of it
			batches[i] = append(storetest.Page(life+i+1, hour), storetest.Shown(fmt.Sprintf("benefit of life %d", life), 9, 3, hour+1))
			all = append(all, batches[i])
			h.states = append(h.states, storetest.ModelOf(all...))
		}
		if life < lives-1 {
			lived(t, h.directory, batches...)
			continue
		}
		h.directory = crashedAfter(t, h.directory, batches...)
	}
	return h
}

// complete is the state that nothing is missing of.
func (h history) complete() storetest.Model { return h.states[len(h.states)-1] }

func TestTwoGenerationsAreKeptAndTheJournalOfTheOlder(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 5)
	want := []string{
		"LOCK", "journal-0000000000000007", "journal-0000000000000009", "snapshot-0000000000000006", "snapshot-0000000000000008",
	}
	if got := slices.Sorted(maps.Keys(files(t, h.directory))); !slices.Equal(got, want) {
		t.Errorf("%q are kept, want %q", got, want)
	}
}

func TestADamagedNewestSnapshotFallsBackLoudly(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 4)
	path := newest(t, h.directory, "snapshot-")
	damaged := flipped(read(t, path), fileHeader+sectionHeader, 1)
	write(t, path, damaged)

	watch, logger := newWatch()
	options := options(h.directory)
	options.Logger = logger
	keeper := opened(t, options)
	recovery := keeper.Recovery()
	if filepath.Base(recovery.Snapshot) != "snapshot-0000000000000004" || recovery.Frames != 4 || recovery.Sequence != 8 {
		t.Errorf("recovery %+v, want four frames after snapshot 4", recovery)
	}
	if len(recovery.Warnings) != 1 || !strings.Contains(recovery.Warnings[0], path) || !strings.Contains(recovery.Warnings[0], "offset 52") {
		t.Errorf("warnings %q, want one that names %q and offset 52", recovery.Warnings, path)
	}
	if line := watch.wait(t, path); line.Level < slog.LevelWarn {
		t.Errorf("the damage is logged as %v", line.Level)
	}
	check(t, keeper, h.complete())
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the damaged file is still in its place: %v", err)
	}
	if aside := read(t, path+".damaged"); !slices.Equal(aside, damaged) {
		t.Errorf("the file moved aside is not the damaged one")
	}
	closed(t, keeper)
	keeper = opened(t, options)
	check(t, keeper, h.complete())
	if warnings := keeper.Recovery().Warnings; len(warnings) > 0 {
		t.Errorf("the start after it still warns: %q", warnings)
	}
	closed(t, keeper)
}

func TestWithoutAGoodSnapshotAStartIsRefused(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 4)
	for _, name := range names(t, h.directory, "snapshot-") {
		path := filepath.Join(h.directory, name)
		write(t, path, flipped(read(t, path), 70, 1))
	}
	expectRefusal(t, h.directory, recovery.ErrNoGoodSnapshot,
		"snapshot-0000000000000004", "snapshot-0000000000000006", "offset 52", "verify --repair")
}

func TestWithTheWholeJournalNoSnapshotIsNeeded(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 2)
	path := newest(t, h.directory, "snapshot-")
	write(t, path, nil)
	keeper := opened(t, options(h.directory))
	check(t, keeper, h.complete())
	if recovery := keeper.Recovery(); recovery.Snapshot != "" || recovery.Frames != 4 || len(recovery.Warnings) != 1 {
		t.Errorf("recovery %+v, want four frames and a warning", recovery)
	}
	closed(t, keeper)
}

func TestAJournalThatEndsBeforeADamagedSnapshotIsNotEnough(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 3)
	write(t, newest(t, h.directory, "snapshot-"), nil)
	for _, name := range names(t, h.directory, "journal-")[1:] {
		if err := os.Remove(filepath.Join(h.directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(h.directory, names(t, h.directory, "journal-")[0])
	content := read(t, path)
	write(t, path, content[:frames(content)[0].end])
	expectRefusal(t, h.directory, recovery.ErrJournalGap, "snapshot-0000000000000004")
}

// expectRefusal requires that a directory is refused with an error that has the
// given words, and is not changed.
func expectRefusal(t *testing.T, directory string, want error, words ...string) {
	t.Helper()
	before := files(t, directory)
	keeper, err := snapshot.Open(options(directory))
	if err == nil {
		closed(t, keeper)
		t.Fatal("a start is not refused")
	}
	if want != nil && !isOneOf(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want %q in it", err, word)
		}
	}
	expectUntouched(t, directory, before)
}

func TestJournalsRotateBySizeAndLoseNothing(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	options := options(directory)
	options.JournalSize = 300
	keeper := opened(t, options)
	model := storetest.Model{}
	for i := range 40 {
		records := storetest.Page(1+i%10, storetest.Noon())
		record(t, keeper, records)
		model.Add(records)
	}
	if count := len(names(t, directory, "journal-")); count < 5 {
		t.Errorf("there are %d journal files, want some more", count)
	}
	for _, name := range names(t, directory, "journal-") {
		content := read(t, filepath.Join(directory, name))
		parts := frames(content)
		if last := parts[len(parts)-1]; last.start >= 300 {
			t.Errorf("%s has a frame at offset %d, it is full at 300", name, last.start)
		}
	}
	survivor := opened(t, snapshot.Options{Directory: crashed(t, directory), SnapshotInterval: time.Hour, Now: noon})
	check(t, survivor, model)
	if frames := survivor.Recovery().Frames; frames != 40 {
		t.Errorf("%d frames, want 40", frames)
	}
	closed(t, survivor)
	closed(t, keeper)
}

func TestSnapshotsAtWorkKeepWhatAFallbackNeeds(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	watch, logger := newWatch()
	options := options(directory)
	options.Logger, options.SnapshotInterval, options.JournalSize = logger, time.Millisecond, 200
	keeper := opened(t, options)
	model := storetest.Model{}
	for i := range 8 {
		records := storetest.Page(1+i%10, storetest.Noon())
		record(t, keeper, records)
		model.Add(records)
		watch.wait(t, "wrote a snapshot")
	}
	if kept := names(t, directory, "snapshot-"); len(kept) > 3 {
		t.Errorf("the snapshots %q are kept", kept)
	}
	closed(t, keeper)
	check(t, keeper, model)
	write(t, newest(t, directory, "snapshot-"), []byte("damaged"))
	keeper = opened(t, options)
	check(t, keeper, model)
	if recovery := keeper.Recovery(); len(recovery.Warnings) != 1 || recovery.Snapshot == "" {
		t.Errorf("recovery %+v, want the older snapshot and a warning", recovery)
	}
	closed(t, keeper)
}

func TestWithoutAJournalAFallbackSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.Durability = snapshot.Snapshot
	page := storetest.Page(5, storetest.Noon())
	for range 3 {
		keeper := opened(t, options)
		record(t, keeper, page)
		closed(t, keeper)
	}
	write(t, newest(t, options.Directory, "snapshot-"), nil)
	keeper := opened(t, options)
	if warnings := keeper.Recovery().Warnings; len(warnings) != 2 || !strings.Contains(strings.Join(warnings, " "), "3 to 3") {
		t.Errorf("warnings %q, want the damage and the loss of commit 3", warnings)
	}
	check(t, keeper, storetest.ModelOf(page, page))
	closed(t, keeper)
}

func TestChangingTheDurabilityLosesNothing(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	model := storetest.Model{}
	modes := []snapshot.Durability{snapshot.Always, snapshot.EverySecond, snapshot.Snapshot}
	for i := range 12 {
		options.Durability = modes[(i*i+i/3)%3]
		keeper := opened(t, options)
		check(t, keeper, model)
		records := storetest.Page(i+1, storetest.Noon())
		record(t, keeper, records)
		model.Add(records)
		if options.Durability == snapshot.Always && i%2 == 0 {
			directory := crashed(t, options.Directory)
			closed(t, keeper)
			options.Directory = directory
			continue
		}
		closed(t, keeper)
	}
	keeper := opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}
