package salvage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// A commit is what was acknowledged at once.
type commit struct {
	dated   storetest.Model
	undated storetest.Model // of an import, without a time
}

// A world is a directory and what was acknowledged in it.
type world struct {
	directory string
	commits   map[uint64]commit
	now       time.Time
	names     int // of benefits so far
	// events are the event types that count, and isFull is set where all numbers were taken
	// at first, most by names that nothing counted under: then others take these over.
	events []string
	isFull bool
}

// newWorld is a directory of random lives: with closings, late records, imports and crashes.
func newWorld(t *testing.T, random *rand.Rand) *world {
	t.Helper()
	w := &world{
		directory: inMemory(t), commits: map[uint64]commit{}, now: storetest.Noon().Time(), names: 2,
		events: []string{"show", "click", "link", "print"}, isFull: random.IntN(2) == 0,
	}
	for range 2 + random.IntN(4) {
		w.live(t, random)
		if random.IntN(4) == 0 {
			w.bring(t, random)
		}
	}
	return w
}

func (w *world) options() snapshot.Options {
	return snapshot.Options{
		Directory:        w.directory,
		Durability:       snapshot.Always,
		SnapshotInterval: time.Hour,
		Now:              func() time.Time { return w.now },
	}
}

// live runs a keeper for a few commits, and ends it well or by a crash.
func (w *world) live(t *testing.T, random *rand.Rand) {
	t.Helper()
	keeper := opened(t, w.options())
	if w.isFull && len(w.commits) == 0 {
		w.takeAllNumbers(t, random, keeper.Store())
	} else if w.isFull && len(w.events) < 40 {
		w.events = append(w.events, fmt.Sprintf("event-%d", len(w.events)), fmt.Sprintf("unused-%d", random.IntN(counters.MaxEventTypes)))
	}
	for range 1 + random.IntN(4) {
		records := w.records(random)
		ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), records))
		if err := errors.Join(err, ticket.Wait()); err != nil {
			t.Fatal(err)
		}
		status, err := keeper.Status()
		if err != nil {
			t.Fatal(err)
		}
		w.commits[status.Sequence] = commit{dated: storetest.ModelOf(records)}
		if random.IntN(5) == 0 {
			if err := keeper.SnapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(time.Duration(random.IntN(40)) * time.Hour)
	}
	abandoned := w.directory
	if random.IntN(3) == 0 {
		w.directory = copied(t, abandoned)
	}
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
}

// takeAllNumbers gives every number of an event type away, as programs did that gave one to
// each name of a setting.
func (w *world) takeAllNumbers(t *testing.T, random *rand.Rand, store *counters.Store) {
	t.Helper()
	names := slices.Clone(w.events)
	for len(names) < counters.MaxEventTypes {
		names = append(names, fmt.Sprintf("unused-%d", len(names)))
	}
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		if _, err := store.Events.Number([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// records are a few of some days, of old names and new ones.
func (w *world) records(random *rand.Rand) []storetest.Record {
	records := make([]storetest.Record, 1+random.IntN(6))
	for i := range records {
		if random.IntN(4) == 0 {
			w.names++
		}
		total := uint16(1 + random.IntN(3))
		records[i] = storetest.Record{
			Benefit:   fmt.Sprintf("benefit-%d", w.names-random.IntN(min(w.names, 8))),
			Event:     w.events[len(w.events)-1-random.IntN(min(len(w.events), 8))],
			Version:   uint16(2 + random.IntN(2)),
			PageTotal: total, Index: uint16(1 + random.IntN(int(total))),
			Hour: counters.HourOf(w.now) - counters.Hour(random.IntN(3)*random.IntN(80)),
		}
	}
	return records
}

// bring imports some counts, of which some have no time.
func (w *world) bring(t *testing.T, random *rand.Rand) {
	t.Helper()
	brought, err := snapshot.OpenImport(w.options())
	if err != nil {
		t.Fatal(err)
	}
	one := commit{storetest.ModelOf(w.records(random)), storetest.ModelOf(w.records(random))}
	for r, count := range one.dated {
		benefit, key := storetest.Number(t, brought.Store(), r)
		if err := brought.Store().Replay(r.Hour, benefit, []counters.Cell{{Key: key, Count: count}}); err != nil {
			t.Fatal(err)
		}
	}
	for r, count := range one.undated {
		benefit, key := storetest.Number(t, brought.Store(), r)
		past := counters.Part{Kind: counters.Positions, Day: counters.Past}
		if err := brought.Store().Restore(past, benefit, []counters.Cell{{Key: key, Count: count}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(brought.Commit(snapshot.Imports{}), brought.Close()); err != nil {
		t.Fatal(err)
	}
	found, err := recovery.Find(w.directory, newStore)
	if err != nil {
		t.Fatal(err)
	}
	w.commits[found.Summary.Sequence] = one
}

// stateOf is what there is to answer of the commits that the two functions choose: for the
// sums of all time, and for a day.
func (w *world) stateOf(ever func(uint64) bool, ofDay func(counters.Day, uint64) bool) state {
	all := state{}
	for sequence, one := range w.commits {
		for r, count := range one.dated {
			if ever(sequence) {
				all[cell{"ever", 0, r.Benefit, r.Event, r.Version, r.PageTotal, r.Index}] += count
			}
			if ofDay(r.Hour.Day(), sequence) {
				all[cell{"day", uint32(r.Hour.Day()), r.Benefit, r.Event, r.Version, r.PageTotal, r.Index}] += count
				all[cell{"hour", uint32(r.Hour), r.Benefit, r.Event, 0, 0, 0}] += count
			}
		}
		for r, count := range one.undated {
			if ever(sequence) {
				all[cell{"ever", 0, r.Benefit, r.Event, r.Version, r.PageTotal, r.Index}] += count
			}
		}
	}
	return all
}

// truth is the state that nothing is missing of.
func (w *world) truth() state {
	return w.stateOf(func(uint64) bool { return true }, func(counters.Day, uint64) bool { return true })
}

// readable is what the files tell that are not among the damaged ones: the newest good
// snapshot and, of each day, the latest good file or snapshot; and the commits in
// good journals after that. A day's file that tells of more than the last commit which
// the names of files tell of may be of an import that never counted.
func (w *world) readable(t *testing.T, damages map[string]string) state {
	t.Helper()
	files := listed(t, w.directory)
	good := func(path string) bool { return damages[filepath.Base(path)] == "" }
	there := func(path string) bool { return damages[filepath.Base(path)] != removed }
	journaled := map[uint64]bool{}
	last := uint64(0)
	for _, path := range files.Journals {
		if there(path) {
			last = max(last, disk.JournalSequence(path)-1)
		}
		if !good(path) {
			continue
		}
		scan, err := recovery.ScanJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range scan.Frames {
			journaled[frame.Sequence] = true
			last = max(last, frame.Sequence)
		}
	}
	ever, days := uint64(0), map[counters.Day]uint64{}
	var snapshots []recovery.Snapshot
	for _, path := range files.Snapshots {
		if there(path) {
			last = max(last, disk.SnapshotSequence(path))
		}
		if !good(path) {
			continue
		}
		loaded, err := recovery.ReadManifest(path, counters.BuiltInKinds())
		if err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, loaded)
		ever = max(ever, loaded.Header.Sequence)
	}
	for _, path := range files.Days {
		if there(path) {
			last = max(last, recovery.DayOf(path).Generation-1)
		}
	}
	for _, path := range files.Days {
		if closed := recovery.DayOf(path); good(path) && closed.Generation <= last {
			days[closed.Day] = max(days[closed.Day], closed.Generation)
		}
	}
	viewed := func(day counters.Day) uint64 {
		until := days[day]
		for _, loaded := range snapshots {
			closed, found := loaded.Manifest.Find(day)
			if !found || good(recovery.DayPath(w.directory, closed)) {
				until = max(until, loaded.Header.Sequence)
			}
		}
		return until
	}
	return w.stateOf(
		func(sequence uint64) bool { return sequence <= ever || journaled[sequence] },
		func(day counters.Day, sequence uint64) bool { return sequence <= viewed(day) || journaled[sequence] },
	)
}

func opened(t *testing.T, options snapshot.Options) *snapshot.Keeper {
	t.Helper()
	keeper, err := snapshot.Open(options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return keeper
}

func listed(t *testing.T, directory string) disk.Contents {
	t.Helper()
	files, err := disk.List(directory)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// inMemory is a directory for one test, in memory where the system has a place for that:
// a repair syncs a dozen times.
func inMemory(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "repair-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	return directory
}

// copied is a copy of a directory, as a crash of the process that owns it leaves it.
func copied(t *testing.T, directory string) string {
	t.Helper()
	copied := filepath.Join(inMemory(t), "data")
	if err := os.CopyFS(copied, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// contents are the files of a directory and those below it, by name, without LOCK.
func contents(t *testing.T, directory string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == directory || entry.Name() == "LOCK" {
			return err
		}
		name := strings.TrimPrefix(path, directory+"/")
		if entry.IsDir() {
			all[name+"/"] = ""
			return nil
		}
		content, err := os.ReadFile(path)
		all[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
