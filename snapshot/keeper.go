package snapshot

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"stats-recorder/counters"
)

// What Keeper.Record can return.
var (
	// ErrClosing means that the keeper is shutting down and takes no more records.
	ErrClosing = errors.New("shutting down")
	// ErrNotDurable means that the records could not be written to disk and were
	// dropped: they are not counted, now or after a restart. Wrapped with the cause.
	ErrNotDurable = errors.New("could not be written to disk")
)

// Options say how a Keeper keeps.
type Options struct {
	// Directory holds all files. It is made when missing.
	Directory string
	// Durability is what an acknowledgement means.
	Durability Durability
	// SnapshotInterval is how often a changed state is written; at least a millisecond.
	SnapshotInterval time.Duration
	// MaxEventAge is how old a record may be when it comes; a UTC day that ended
	// longer ago is closed. 0 means no limit: then days are closed after 48 hours
	// and opened again as needed.
	MaxEventAge time.Duration
	// Retention is how long closed days are kept; 0 means for ever. All-time sums
	// keep what they counted.
	Retention time.Duration
	// JournalSize is when a journal file is full; 0 means 64 MiB.
	JournalSize int64
	// Observer is told what happens on disk; nil for nobody.
	Observer Observer
	// Logger gets one line per snapshot and per fault; nil discards.
	Logger *slog.Logger
	// Now says which days are closed, and dates snapshots for people; nil means
	// time.Now. Nothing else goes by it: order is by sequence number.
	Now func() time.Time
}

// Keeper keeps a store durable. Record may be called by any number of
// goroutines until Close. One goroutine, started by Open, owns everything on disk.
type Keeper struct {
	options  Options
	log      *slog.Logger
	lock     *os.File
	store    *counters.Store
	history  *History
	recovery Recovery

	// stuck holds why acknowledged records cannot be written at the moment, in
	// the modes that acknowledge before they write. New ones are refused then.
	stuck atomic.Pointer[error]
	pulse pulse

	quit   chan struct{}
	failed chan error
	ended  chan struct{} // closed when the persistence goroutine has ended

	// The rest belongs to the persistence goroutine.
	persistence
}

// Open locks and recovers the directory and starts to keep. It refuses, with an
// error that says what to do, rather than go on without something that was
// acknowledged. On error everything is as it was.
func Open(options Options) (*Keeper, error) {
	k, err := openIdle(options)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(k.ended)
		k.run()
	}()
	return k, nil
}

// openIdle is Open without the persistence goroutine.
func openIdle(options Options) (*Keeper, error) {
	options = options.withDefaults()
	if err := os.MkdirAll(options.Directory, 0o750); err != nil {
		return nil, fmt.Errorf("make data directory %q: %w", options.Directory, plain(err))
	}
	lock, err := lockDirectory(options.Directory)
	if err != nil {
		return nil, err
	}
	k := &Keeper{
		options: options,
		log:     options.Logger,
		lock:    lock,
		quit:    make(chan struct{}),
		failed:  make(chan error, 1),
		ended:   make(chan struct{}),
	}
	if err := k.recover(); err != nil {
		return nil, errors.Join(err, unlockDirectory(lock))
	}
	return k, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.JournalSize == 0 {
		o.JournalSize = 64 << 20
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	return o
}

// Store is what the keeper keeps. Add to it through Record only.
func (k *Keeper) Store() *counters.Store { return k.store }

// History answers for windows of time.
func (k *Keeper) History() *History { return k.history }

// Recovery is what Open found.
func (k *Keeper) Recovery() Recovery { return k.recovery }

// Failed receives the error after which nothing can be made durable any more.
// The process must then exit without answering those who wait for a ticket: what
// became of their records is not known.
func (k *Keeper) Failed() <-chan error { return k.failed }

// Record adds a batch, which may be reused at once. The batch is as durable as
// the keeper's Durability says once Wait of the ticket returns nil; a nil ticket
// needs no waiting. ErrClosing here, and ErrNotDurable here or from Wait, mean
// that the batch is not counted, now or after a restart.
func (k *Keeper) Record(batch *counters.Batch) (*counters.Ticket, error) {
	waits := k.options.Durability == Always
	if cause := k.stuck.Load(); cause != nil && !waits {
		return nil, *cause
	}
	ticket, err := k.store.Add(batch)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrClosing, err)
	case waits:
		return ticket, nil
	default:
		return nil, nil
	}
}

// Drain makes Record refuse from now on, and returns once nobody waits for a
// ticket any more, or nothing can be made durable. It may be called more than once.
func (k *Keeper) Drain() {
	last := k.store.Shut()
	if last == nil || k.options.Durability != Always {
		return
	}
	select {
	case <-last.Done():
	case <-k.ended:
	}
}

// Close refuses new records, makes durable what was taken, writes a last
// snapshot and gives the directory free. It tries every step and joins the errors.
func (k *Keeper) Close() error {
	k.Drain()
	close(k.quit)
	<-k.ended
	return errors.Join(k.finish(), unlockDirectory(k.lock))
}

// recover loads the newest state and tidies the directory for the next commit.
func (k *Keeper) recover() error {
	r := &recoverer{directory: k.options.Directory, visibility: k.options.Durability.visibility()}
	if err := r.run(); err != nil {
		return err
	}
	k.store, k.recovery = r.store, r.Recovery
	k.pulse.begin(r.Recovery, k.options.Now())
	k.history = newHistory(k.options.Directory, k.store, r.manifest)
	k.sequence = r.Recovery.Sequence
	k.durable = k.sequence
	k.snapshots = goodSnapshots(r)
	k.snapshotted = r.header.sequence
	k.knownBenefits, k.knownEvents = k.store.Benefits.Len(), k.store.Events.Len()
	if err := k.tidy(r); err != nil {
		return err
	}
	for _, warning := range r.Recovery.Warnings {
		k.log.Warn(warning)
	}
	if k.options.Durability == Snapshot {
		return nil
	}
	journal, err := createJournal(k.options.Directory, k.sequence+1)
	k.journal, k.rotateAt = journal, k.options.JournalSize
	return err
}

// goodSnapshots are the snapshots to keep for now: the one that was loaded, and
// older ones, which are not known to be bad.
func goodSnapshots(r *recoverer) []generation {
	var good []generation
	for _, path := range r.files.snapshots {
		sequence, _ := parseName(path, snapshotPrefix)
		switch {
		case sequence < r.header.sequence:
			older := generation{sequence: sequence}
			if loaded, err := readManifest(path); err == nil {
				older.manifest = loaded.manifest
			}
			good = append(good, older)
		case sequence == r.header.sequence:
			good = append(good, generation{sequence, r.manifest})
		}
	}
	return good
}

// tidy moves damaged snapshots aside, cuts off a torn write, and removes what
// a crash left half made. The state is safe without each of these.
func (k *Keeper) tidy(r *recoverer) error {
	for _, path := range r.damaged {
		if err := rename(path, path+damagedSuffix); err != nil {
			return err
		}
	}
	for _, path := range r.files.temporary {
		if err := remove(path); err != nil {
			return err
		}
	}
	if r.newest == nil {
		return nil
	}
	if len(r.newest.frames) == 0 {
		// Created, but nothing acknowledged in it; the next one may get its name.
		if err := remove(r.newest.path); err != nil {
			return err
		}
		return syncDirectory(k.options.Directory)
	}
	if r.newest.tail > 0 {
		k.log.Warn("cut off a write that was never acknowledged",
			"file", r.newest.path, "offset", r.newest.end, "bytes", r.newest.tail)
	}
	// Without a tail too: frames that the process did not live to sync may have
	// been read from memory alone, and the next file builds on them.
	return cutOff(r.newest.path, r.newest.end)
}

func cutOff(path string, end int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, plain(err))
	}
	defer file.Close()
	if err := truncate(file, end); err != nil {
		return err
	}
	return syncFile(file, "journal")
}
