package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// What keeps an import or a correction from being undone.
var (
	// ErrNoChange means that there is nothing to undo.
	ErrNoChange = errors.New("there is no import to undo, and no correction")
	// ErrCountedSince means that something was counted after it.
	ErrCountedSince = errors.New("something was counted after the import or correction")
	// ErrTold means that all nodes of a cluster have counted it.
	ErrTold = errors.New("the directory counts with other nodes, which keep what they have counted: an import cannot be undone there; stop all of them, " +
		"run `stats-recorder cluster leave` on one, `drop` there what should not count, and have it begin a log of another name; see docs/several-nodes.md")
	// ErrNotKept means that what the directory was before is no longer there.
	ErrNotKept = errors.New("what the directory was before the import or correction is not kept")
)

// An Undone says what undoing the last import or correction does.
type Undone struct {
	// Imports are what was imported, one for each input; none where it is a correction.
	Imports []Imported
	// Now is how many events there are with it, and Before how many there were.
	Now, Before uint64
}

// Undo makes a directory on which no server runs what it was before the last import or
// correction, as one commit: until it returns nil, or the process ends at a later moment,
// that counts, and it can be called again. It returns ErrTold, ErrNoChange,
// ErrCountedSince, ErrNotKept, or an error of Open.
func Undo(options Options) (undone Undone, err error) {
	options.Durability = Snapshot
	k, err := openIdle(options)
	if err != nil {
		return Undone{}, err
	}
	defer func() { err = errors.Join(err, disk.Unlock(k.lock)) }()
	if k.Membership() != nil {
		return Undone{}, ErrTold
	}
	before, undone, err := findUndone(k.options, k.store, k.history.current().Imports)
	if err != nil {
		return Undone{}, err
	}
	return undone, goBack(k, before)
}

// RehearseUndo is Undo without the change. A server may be running.
func RehearseUndo(options Options) (Undone, error) {
	options = options.withDefaults()
	found, err := recovery.Find(options.Directory, options.newStore)
	if err != nil {
		return Undone{}, err
	}
	if found.Membership != nil {
		return Undone{}, ErrTold
	}
	_, undone, err := findUndone(&options, found.Store, found.Loaded.Manifest.Imports)
	return undone, err
}

// findUndone finds what the directory was before its last change, if nothing else has
// happened since.
func findUndone(options *Options, now *counters.Store, imports Imports) (before *recovery.State, undone Undone, err error) {
	if imports.Sequence == 0 {
		return nil, Undone{}, ErrNoChange
	}
	events := eventsIn(now)
	if events != imports.Events {
		return nil, Undone{}, fmt.Errorf("%w: there are %d events, and there were %d", ErrCountedSince, events, imports.Events)
	}
	aside := disk.AsidePath(options.Directory, imports.Sequence)
	if _, err := os.Stat(aside); err != nil {
		return nil, Undone{}, fmt.Errorf("%w: %q: %w; another change was undone, or that directory was removed", ErrNotKept, aside, disk.Plain(err))
	}
	if before, err = recovery.Find(aside, options.newStore); err != nil {
		return nil, Undone{}, fmt.Errorf("%w whole: %w", ErrNotKept, err)
	}
	if have := before.Summary.Sequence; have != imports.Sequence-1 {
		return nil, Undone{}, fmt.Errorf("%w whole: %q ends with commit %d, want %d", ErrNotKept, aside, have, imports.Sequence-1)
	}
	return before, Undone{
		Imports: imports.List[len(before.Loaded.Manifest.Imports.List):],
		Now:     events,
		Before:  eventsIn(before.Store),
	}, nil
}

// goBack writes what a directory was before its last change as new snapshots: two, so
// that none with the change is left to fall back to.
func goBack(k *Keeper, before *recovery.State) error {
	directory := k.options.Directory
	for _, closed := range before.Loaded.Manifest.Days {
		path := recovery.DayPath(directory, closed)
		kept := filepath.Join(disk.AsidePath(directory, k.history.current().Imports.Sequence), filepath.Base(path))
		if err := disk.Link(kept, path); err != nil {
			return err
		}
	}
	if err := disk.SyncDirectory(directory); err != nil {
		return err
	}
	before.Identity = k.committer.snapshots.identity // that there is one is not undone
	again := newKeeper(k.options, before)
	journal, snapshots := &again.committer.journal, &again.committer.snapshots
	journal.sequence = k.committer.journal.sequence
	snapshots.kept = slices.Clone(k.committer.snapshots.kept)
	for range generations {
		job := snapshots.newImportJob(journal)
		job.clock = k.history.current().Clock // what is known of the time is not undone
		job.keys = k.keys.Freeze()            // nor are keys forgotten
		if err := snapshots.write(job); err != nil {
			return err
		}
		journal.sequence = job.header.Sequence
	}
	return nil
}
