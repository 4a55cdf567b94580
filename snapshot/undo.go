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

// What keeps an import from being undone.
var (
	// ErrNoImport means that there is no import to undo.
	ErrNoImport = errors.New("there is no import to undo")
	// ErrCountedSince means that something was counted after the import.
	ErrCountedSince = errors.New("something was counted after the import")
	// ErrNotKept means that what the directory was before is no longer there.
	ErrNotKept = errors.New("what the directory was before the import is not kept")
)

// An Undone says what undoing the last import takes away.
type Undone struct {
	// Imports are what was imported, one for each input.
	Imports []Imported
	// Events is how many events it had counted.
	Events uint64
}

// UndoImport makes a directory on which no server runs what it was before the last
// import, as one commit: until it returns nil, or the process ends at a later moment, the
// import counts, and it can be called again. It returns ErrNoImport, ErrCountedSince,
// ErrNotKept, or an error of Open.
func UndoImport(options Options) (undone Undone, err error) {
	options.Durability = Snapshot
	k, err := openIdle(options)
	if err != nil {
		return Undone{}, err
	}
	defer func() { err = errors.Join(err, disk.Unlock(k.lock)) }()
	before, undone, err := findUndone(k.options, k.store, k.history.current().Imports)
	if err != nil {
		return Undone{}, err
	}
	return undone, goBack(k, before)
}

// RehearseUndo is UndoImport without the change. A server may be running.
func RehearseUndo(options Options) (Undone, error) {
	options = options.withDefaults()
	found, err := recovery.Find(options.Directory, options.newStore)
	if err != nil {
		return Undone{}, err
	}
	_, undone, err := findUndone(&options, found.Store, found.Loaded.Manifest.Imports)
	return undone, err
}

// findUndone finds what the directory was before its last import, if nothing else has
// happened since.
func findUndone(options *Options, now *counters.Store, imports Imports) (before *recovery.State, undone Undone, err error) {
	if imports.Sequence == 0 {
		return nil, Undone{}, ErrNoImport
	}
	events := eventsIn(now)
	if events != imports.Events {
		return nil, Undone{}, fmt.Errorf("%w: there are %d events, and there were %d", ErrCountedSince, events, imports.Events)
	}
	aside := disk.AsidePath(options.Directory, imports.Sequence)
	if _, err := os.Stat(aside); err != nil {
		return nil, Undone{}, fmt.Errorf("%w: %q: %w; another import was undone, or that directory was removed", ErrNotKept, aside, disk.Plain(err))
	}
	if before, err = recovery.Find(aside, options.newStore); err != nil {
		return nil, Undone{}, fmt.Errorf("%w whole: %w", ErrNotKept, err)
	}
	if have := before.Summary.Sequence; have != imports.Sequence-1 {
		return nil, Undone{}, fmt.Errorf("%w whole: %q ends with commit %d, want %d", ErrNotKept, aside, have, imports.Sequence-1)
	}
	return before, Undone{
		Imports: imports.List[len(before.Loaded.Manifest.Imports.List):],
		Events:  events - eventsIn(before.Store),
	}, nil
}

// goBack writes what a directory was before its last import as new snapshots: two, so
// that none with the import is left to fall back to.
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
