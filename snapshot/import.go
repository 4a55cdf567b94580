package snapshot

import (
	"errors"
	"slices"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// ErrImportedBefore is returned for content that has been imported already.
var ErrImportedBefore = errors.New("imported before")

// Imported says what was imported once, so that it is not counted again.
type Imported = format.Imported

// An Import adds counts from elsewhere to a data directory on which no server
// runs: all of them, or, until Commit has returned nil, none. Add may be called
// by several goroutines at a time; the rest belongs to one.
type Import struct {
	keeper *Keeper
	// mu is held for reading while counts are added, and for writing while days
	// are closed to make room.
	mu    sync.RWMutex
	room  int
	began time.Time
}

// importRoom is how many counters an import gathers in memory before it closes
// days to make room.
const importRoom = 4_000_000

// OpenImport locks and recovers a directory. The options' durability and
// intervals do not matter. Errors are those of Open.
func OpenImport(options Options) (*Import, error) {
	options.Durability = Snapshot // nothing is acknowledged, so nothing is journaled
	k, err := openIdle(options)
	if err != nil {
		return nil, err
	}
	return &Import{keeper: k, room: k.store.Counters() + importRoom, began: k.options.Now()}, nil
}

// Store is what is added to.
func (i *Import) Store() *counters.Store { return i.keeper.store }

// Before returns the import that had the fingerprint, if one had.
func (i *Import) Before(fingerprint [16]byte) (Imported, bool) {
	imports := i.keeper.history.current().Imports
	at := slices.IndexFunc(imports, func(one Imported) bool { return one.Fingerprint == fingerprint })
	if at < 0 {
		return Imported{}, false
	}
	return imports[at], true
}

// Retention is the RETENTION of the last server that ran on the directory, 0 for none,
// and the first day that it keeps by the clock of the import. Days before that are shown
// in no window, and will be deleted, unless it is changed before the next server starts.
func (i *Import) Retention() (retention time.Duration, kept counters.Day) {
	remembered := i.keeper.history.current().Clock
	if remembered == nil || remembered.Retention == 0 {
		return 0, 0
	}
	return remembered.Retention, keptFrom(i.began, remembered.Retention)
}

// Add lets a function add to the store, through Replay and Restore, and then
// makes room if that is needed. The error is the function's, or about the disk.
func (i *Import) Add(add func(*counters.Store) error) error {
	i.mu.RLock()
	err := add(i.keeper.store)
	full := i.keeper.store.Counters() > i.room
	i.mu.RUnlock()
	if err != nil || !full {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.makeRoom()
}

// makeRoom closes all days, whatever the clock says: it may stand at 1970, and what
// comes later for a day opens it again. Their files mean nothing until a snapshot lists
// them.
func (i *Import) makeRoom() error {
	if i.keeper.store.Counters() <= i.room {
		return nil // another goroutine was first
	}
	job := i.job()
	job.ruling.closeBefore = counters.MaxDay + 1
	defer job.frozen.Thaw()
	closed, err := job.closeDays()
	if err != nil {
		return err
	}
	job.history.install(closed, job.frozen.CloseDays)
	i.room = i.keeper.store.Counters() + importRoom
	return nil
}

func (i *Import) job() *snapshotJob {
	c := i.keeper.committer
	return c.snapshots.newImportJob(&c.journal)
}

// Commit makes everything that was added count, at one moment, and remembers
// the fingerprints of what it was.
func (i *Import) Commit(imports []Imported) error {
	before := i.keeper.history.current()
	with := *before
	with.Imports = slices.Concat(before.Imports, imports)
	i.keeper.history.install(&with, func() {})
	job := i.job()
	err := i.keeper.committer.snapshots.write(job)
	if err == nil {
		i.keeper.committer.journal.sequence = job.header.Sequence
	}
	return err
}

// Close gives the directory free. What was not committed is gone.
func (i *Import) Close() error { return disk.Unlock(i.keeper.lock) }
