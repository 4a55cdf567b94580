package snapshot

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"stats-recorder/counters"
)

// ErrImportedBefore is returned for content that has been imported already.
var ErrImportedBefore = errors.New("imported before")

// Imported says what was imported once, so that it is not counted again.
type Imported struct {
	// Fingerprint is of the content, whatever its order and format.
	Fingerprint [16]byte
	// At is when, Documents how many.
	At        time.Time
	Documents uint64
}

// appendImports encodes what has been imported:
//
//	for each: fingerprint (16), uvarint milliseconds since 1970, uvarint documents
func appendImports(b []byte, imports []Imported) []byte {
	for _, one := range imports {
		b = append(b, one.Fingerprint[:]...)
		b = binary.AppendUvarint(b, uint64(one.At.UnixMilli()))
		b = binary.AppendUvarint(b, one.Documents)
	}
	return b
}

func (l *loadedSnapshot) readImports(content []byte) (uint64, error) {
	c := &cursor{data: content}
	for c.more() {
		var one Imported
		copy(one.Fingerprint[:], c.bytes(uint64(len(one.Fingerprint))))
		one.At = time.UnixMilli(int64(c.uvarint()))
		one.Documents = c.uvarint()
		l.manifest.imports = append(l.manifest.imports, one)
	}
	return 0, c.end()
}

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
	imports := i.keeper.history.current().imports
	at := slices.IndexFunc(imports, func(one Imported) bool { return one.Fingerprint == fingerprint })
	if at < 0 {
		return Imported{}, false
	}
	return imports[at], true
}

// Add lets a function add to the store, through Replay and RestorePast, and then
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

// makeRoom closes all days that it can. Their files mean nothing until a
// snapshot lists them.
func (i *Import) makeRoom() error {
	if i.keeper.store.Counters() <= i.room {
		return nil // another goroutine was first
	}
	job := i.job()
	defer job.frozen.Thaw()
	closing, closed, err := job.closeDays()
	if err != nil {
		return err
	}
	job.history.install(closed, func() { job.frozen.CloseDays(closing) })
	i.room = i.keeper.store.Counters() + importRoom
	return nil
}

func (i *Import) job() *snapshotJob {
	job := i.keeper.newJob()
	job.header.sequence++ // the import is a commit of its own
	job.header.journaled = true
	job.maxDays = math.MaxInt
	return job
}

// Commit makes everything that was added count, at one moment, and remembers
// the fingerprints of what it was.
func (i *Import) Commit(imports []Imported) error {
	before := i.keeper.history.current()
	with := *before
	with.imports = slices.Concat(before.imports, imports)
	i.keeper.history.install(&with, func() {})
	job := i.job()
	kept, err := job.run()
	if err != nil {
		return err
	}
	i.keeper.sequence = job.header.sequence
	i.keeper.snapshots, i.keeper.snapshotted = kept, job.header.sequence
	return nil
}

// Close gives the directory free. What was not committed is gone.
func (i *Import) Close() error { return unlockDirectory(i.keeper.lock) }
