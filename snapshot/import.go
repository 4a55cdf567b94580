package snapshot

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// Imports are what a directory remembers of its imports.
type Imports = format.Imports

// Imported says what was imported once, so that it is not counted again.
type Imported = format.Imported

// An ImportSource is where imported documents came from.
type ImportSource = format.ImportSource

// An ImportRange is the documents of one source that one import found.
type ImportRange = format.ImportRange

// An Import adds counts from elsewhere to a data directory on which no server
// runs: all of them, or, until Commit has returned nil, none. Add may be called
// by several goroutines at a time; the rest belongs to one.
//
// A directory that counts with others gets nothing at once: see Tell.
type Import struct {
	keeper           *Keeper     // nil for a rehearsal
	told             *toldImport // nil for a directory that counts alone
	store            *counters.Store
	before           *format.Manifest // what there is without the import
	events, sequence uint64
	identity         format.Identity
	began            time.Time
	// mu is held for reading while counts are added, and for writing while days
	// are closed to make room.
	mu   sync.RWMutex
	room int
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
	i := newImport(k.store, k.history.current(), k.recovery.Sequence, k.options.Now())
	i.keeper, i.identity = k, k.committer.snapshots.identity
	if err := i.tellOthers(k.options, k.Membership()); err != nil {
		return nil, errors.Join(err, disk.Unlock(k.lock))
	}
	return i, nil
}

// tellOthers makes the import one that is told, where the directory counts with others.
func (i *Import) tellOthers(options *Options, known *cluster.Membership) error {
	if known == nil {
		return nil
	}
	told, imports, err := newTold(options.Directory, known, i.before.Imports)
	if err != nil {
		return err
	}
	before := *i.before
	before.Imports = imports
	i.told, i.before, i.store = told, &before, options.newStore()
	return nil
}

// RehearseImport is OpenImport for an import that is not to be: it changes nothing, on
// disk. A server may be running on the directory, and it need not be there.
func RehearseImport(options Options) (*Import, error) {
	options = options.withDefaults()
	if _, err := os.Stat(options.Directory); errors.Is(err, os.ErrNotExist) {
		return newImport(options.newStore(), &format.Manifest{}, 0, options.Now()), nil
	}
	found, err := recovery.Find(options.Directory, options.newStore)
	if err != nil {
		return nil, err
	}
	found.Store.GiveBackEventTypes(options.EventTypes)
	i := newImport(found.Store, found.Loaded.Manifest, found.Summary.Sequence, options.Now())
	i.identity = found.Identity
	if err := i.tellOthers(&options, found.Membership); err != nil {
		return nil, err
	}
	return i, nil
}

func newImport(store *counters.Store, before *format.Manifest, sequence uint64, began time.Time) *Import {
	return &Import{
		store: store, before: before, sequence: sequence, events: eventsIn(store),
		began: began, room: store.Counters() + importRoom,
	}
}

// Store is what is added to.
func (i *Import) Store() *counters.Store { return i.store }

// Events is how many events the directory had counted before.
func (i *Import) Events() uint64 { return i.events }

// Identity is that of the directory; empty where a rehearsal finds none.
func (i *Import) Identity() string { return identityText(i.identity) }

// Sequence is the last commit of the directory.
func (i *Import) Sequence() uint64 { return i.sequence }

// Imports are those that the directory remembers. They are shared: read only.
func (i *Import) Imports() Imports { return i.before.Imports }

// Before returns the import that had the fingerprint, if one had.
func (i *Import) Before(fingerprint [16]byte) (Imported, bool) {
	imports := i.before.Imports.List
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
	remembered := i.before.Clock
	if i.told != nil && remembered != nil {
		return remembered.Retention, i.told.known.Expired.Before()
	}
	if remembered == nil || remembered.Retention == 0 {
		return 0, 0
	}
	return remembered.Retention, keptFrom(i.began, remembered.Retention)
}

// Add lets a function add, through Count and CountUndated or to the store itself, through
// Restore, and then makes room if that is needed. The error is the function's, or about
// the disk, or ErrTooManyToTell.
func (i *Import) Add(add func(*counters.Store) error) error {
	if i.told != nil {
		return errors.Join(add(i.store), i.told.checkSize())
	}
	i.mu.RLock()
	err := add(i.store)
	full := i.keeper != nil && i.store.Counters() > i.room
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
	if i.store.Counters() <= i.room {
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
	i.room = i.store.Counters() + importRoom
	return nil
}

func (i *Import) job() *snapshotJob {
	c := i.keeper.committer
	return c.snapshots.newImportJob(&c.journal)
}

// Commit makes everything that was added count, at one moment, and remembers the given
// imports in place of those before; it sets Sequence. What the directory was before is
// kept aside for Undo. A rehearsal commits nothing.
func (i *Import) Commit(imports Imports) error {
	if i.keeper == nil {
		return nil
	}
	job := i.job()
	imports.Sequence = job.header.Sequence
	with := *i.keeper.history.current()
	with.Imports = imports
	aside := disk.AsidePath(job.directory, job.header.Sequence)
	err := keepAside(aside, job.directory, i.keeper.recovery.Snapshot, i.before.Days)
	if err == nil {
		i.keeper.history.install(&with, func() {})
		err = i.keeper.committer.snapshots.write(job)
	} else {
		job.frozen.Thaw()
	}
	if err == nil {
		i.keeper.committer.journal.sequence = job.header.Sequence
		return nil
	}
	if disk.Sizes(disk.SnapshotPath(job.directory, job.header.Sequence)) > 0 {
		return err // the import may count
	}
	return errors.Join(err, disk.RemoveAside(aside))
}

// keepAside keeps the files that hold what a directory was before a change: its journals,
// a snapshot, empty for none, and closed days. Together they are a data directory of their
// own.
func keepAside(aside, directory, snapshot string, days []format.ClosedDay) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	paths := slices.Clone(files.Journals)
	if snapshot != "" {
		paths = append(paths, snapshot)
	}
	for _, closed := range days {
		paths = append(paths, recovery.DayPath(directory, closed))
	}
	if err := disk.KeepAside(aside, paths); err != nil {
		return fmt.Errorf("keep what is there aside: %w", err)
	}
	return nil
}

// isRehearsal says whether nothing may change.
func (i *Import) isRehearsal() bool { return i.keeper == nil }

// Close gives the directory free. What was not committed is gone.
func (i *Import) Close() error {
	if i.keeper == nil {
		return nil
	}
	return disk.Unlock(i.keeper.lock)
}

// eventsIn is how many events a store has counted, of all time. It must be idle.
func eventsIn(store *counters.Store) uint64 {
	frozen := store.Freeze()
	defer frozen.Thaw()
	return eventsOf(frozen)
}

// eventsOf is how many events a frozen base has counted, of all time.
func eventsOf(frozen *counters.Frozen) (sum uint64) {
	for _, events := range eventsOfBenefits(frozen) {
		sum += events
	}
	return sum
}

// eventsByBenefit is how many events a store has counted of each benefit, of all time. It
// must be idle.
func eventsByBenefit(store *counters.Store) []uint64 {
	frozen := store.Freeze()
	defer frozen.Thaw()
	return eventsOfBenefits(frozen)
}

func eventsOfBenefits(frozen *counters.Frozen) []uint64 {
	events := make([]uint64, frozen.Benefits)
	var cells []counters.Cell
	for _, part := range frozen.Parts() {
		if part.Kind != counters.Positions {
			continue
		}
		for benefit := range counters.Benefit(frozen.Benefits) {
			cells = frozen.Cells(part, benefit, cells[:0])
			events[benefit] += sumOf(cells)
		}
	}
	return events
}
