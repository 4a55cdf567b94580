package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
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
	// Keys are the bounds within which the keys of batches are remembered; nil forgets none.
	Keys *idempotency.Bounds
	// Retention is how long closed days are kept; 0 means for ever. All-time sums
	// keep what they counted.
	Retention time.Duration
	// PassingRetention is how long closed days keep what they have of passing kinds; 0
	// means as long as they are kept.
	PassingRetention time.Duration
	// ExpiresTogether is set for a node that hides and deletes days when the nodes of its
	// cluster agree that they are past Retention, and not by its own clock.
	ExpiresTogether bool
	// JournalSize is when a journal file is full; 0 means 64 MiB.
	JournalSize int64
	// CachedCounters is how many counters of windows of closed days are kept for the next
	// who asks, of some 18 bytes each; 0 means two million.
	CachedCounters int
	// Adders is how many goroutines add up the days of a window, each of which may take as
	// much memory as all its counters; 0 means as many as there are processors.
	Adders int
	// EventTypes keep their numbers though nothing counts under them: the built-in ones,
	// whose numbers a repair knows.
	EventTypes []string
	// Kinds are what is counted; nil means counters.BuiltInKinds. More come from
	// counters.Kinds.With.
	Kinds counters.Kinds
	// Registers are made for the store that was found; nil for none.
	Registers func(*counters.Store) ([]Register, error)
	// Observer is told what happens on disk; nil for nobody.
	Observer Observer
	// Follower is told what is counted, so that others can have it too; nil for nobody.
	Follower Follower
	// Logger gets one line per snapshot and per fault; nil discards.
	Logger *slog.Logger
	// Now says which days are closed, hidden and deleted, as far as it is believed, and
	// dates snapshots for people; nil means time.Now. Nothing else goes by it: order is
	// by sequence number.
	Now func() time.Time
	// Elapsed is the time since some moment, by a clock that nobody sets. What Now says
	// is held against it. Nil means that of the system.
	Elapsed func() time.Duration
}

// Recovery is what Open found.
type Recovery = recovery.Summary

// Keeper keeps a store durable. Record may be called by any number of
// goroutines until Close. One goroutine, started by Open, owns everything on disk.
type Keeper struct {
	options  *Options
	lock     *disk.DirectoryLock
	store    *counters.Store
	history  *History
	almanac  *almanac
	keys     *idempotency.Window
	recovery Recovery
	pulse    *pulse

	membership *membership

	committer *committer

	quit   chan struct{}
	failed chan error
	ended  chan struct{} // closed when the committing goroutine has ended
	close  func() error  // ends all, once
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
		if err := k.committer.run(k.quit); err != nil {
			k.failed <- err
		}
	}()
	return k, nil
}

// openIdle is Open without the committing goroutine.
func openIdle(options Options) (*Keeper, error) {
	options = options.withDefaults()
	lock, found, err := recovered(&options)
	if err != nil {
		return nil, err
	}
	k := newKeeper(&options, found)
	k.lock, k.committer.lock = lock, lock
	// They may give names numbers, which no file of the journal defines yet.
	if options.Registers != nil {
		if k.committer.snapshots.registers, err = options.Registers(k.store); err != nil {
			return nil, errors.Join(err, disk.Unlock(lock))
		}
	}
	if options.Durability.isJournaled() {
		if err := k.committer.beginJournal(); err != nil {
			return nil, errors.Join(err, disk.Unlock(lock))
		}
	}
	return k, nil
}

// recovered locks a directory, finds the newest state in it, and tidies it.
func recovered(options *Options) (*disk.DirectoryLock, *recovery.State, error) {
	if err := disk.MakeDirectory(options.Directory); err != nil {
		return nil, nil, err
	}
	lock, err := disk.Lock(options.Directory)
	if err != nil {
		return nil, nil, err
	}
	err = errors.Join(finishAdoption(options.Directory, options.Now()), removeSharing(options.Directory))
	if err != nil {
		return nil, nil, errors.Join(err, disk.Unlock(lock))
	}
	found, err := recovery.Find(options.Directory, options.newStore)
	if err == nil {
		err = tidy(found, options)
	}
	if err != nil {
		return nil, nil, errors.Join(err, disk.Unlock(lock))
	}
	return lock, found, nil
}

func (o *Options) newStore() *counters.Store {
	return counters.NewStoreOf(o.Kinds, o.Durability.visibility())
}

// newKeeper goes on from what was found.
func newKeeper(options *Options, found *recovery.State) *Keeper {
	store, sequence := found.Store, found.Summary.Sequence
	store.GiveBackEventTypes(options.EventTypes)
	store.KeepBenefits()
	identity := found.Identity
	if identity.IsZero() {
		identity = format.NewIdentity()
	}
	k := &Keeper{
		options:  options,
		store:    store,
		history:  newHistory(options, store, found.Loaded.Manifest),
		almanac:  newAlmanac(options, found),
		keys:     found.Keys,
		recovery: found.Summary,
		pulse:    newPulse(found.Summary, options.Now()),

		membership: newMembership(found.Membership, options.Follower),

		quit:   make(chan struct{}),
		failed: make(chan error, 1),
		ended:  make(chan struct{}),
	}
	k.keys.Begin(*options.Keys, options.Elapsed)
	k.close = sync.OnceValue(k.end)
	k.committer = &committer{
		options: options, store: store, keys: k.keys, pulse: k.pulse, membership: k.membership,
		requests: make(chan chan<- error), syncs: make(chan chan<- error),
		journal: journal{
			store: store, directory: options.Directory, identity: identity, size: options.JournalSize,
			observer: options.Observer, log: options.Logger,
			isKept: options.Durability.isJournaled(), isSyncedLater: options.Durability == EverySecond,
			sequence: sequence, durable: sequence,
			knownBenefits: store.Benefits.Len(), knownEvents: store.Events.Names(),
		},
		snapshots: snapshotter{
			options: options, store: store, history: k.history, almanac: k.almanac, keys: k.keys, membership: k.membership,
			pulse: k.pulse, hurry: k.quit, identity: identity,
			kept: goodSnapshots(found, options.Kinds), covered: found.Loaded.Header.Sequence,
		},
	}
	k.committer.snapshots.rule() // so that the first reader sees no more than the next
	return k
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Elapsed == nil {
		began := time.Now()
		o.Elapsed = func() time.Duration { return time.Since(began) }
	}
	o.JournalSize = cmp.Or(o.JournalSize, 64<<20)
	o.CachedCounters = cmp.Or(o.CachedCounters, 2_000_000)
	o.Adders = cmp.Or(o.Adders, runtime.GOMAXPROCS(0))
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Keys == nil {
		o.Keys = &idempotency.Bounds{Age: math.MaxInt64, Keys: math.MaxInt}
	}
	if o.Kinds == nil {
		o.Kinds = counters.BuiltInKinds()
	}
	return o
}

// Store is what the keeper keeps. Add to it through Record only.
func (k *Keeper) Store() *counters.Store { return k.store }

// History answers for all of time.
func (k *Keeper) History() *History { return k.history }

// Recovery is what Open found.
func (k *Keeper) Recovery() Recovery { return k.recovery }

// Scratch makes a file without a name in the directory, for what memory has no room for.
// It is gone once it is closed.
func (k *Keeper) Scratch() (*os.File, error) { return disk.Unnamed(k.options.Directory) }

// Failed receives the error after which nothing can be made durable any more.
// The process must then exit without answering those who wait for a ticket: what
// became of their records is not known.
func (k *Keeper) Failed() <-chan error { return k.failed }

// Record adds a batch, which may be reused at once. The batch is as durable as
// the keeper's Durability says once Wait of the ticket returns nil; a nil ticket
// needs no waiting. ErrClosing here, and ErrNotDurable from Wait, mean that the
// batch is not counted, now or after a restart.
func (k *Keeper) Record(batch *counters.Batch) (*counters.Ticket, error) {
	return k.acknowledgement(k.store.Add(batch))
}

// Sent returns the batch that came with a key before, with its body or another one, if it
// is remembered. Both are from idempotency.SumOf.
func (k *Keeper) Sent(key, body idempotency.Sum) (idempotency.Sent, bool) {
	sent, found := k.keys.Find(key, body)
	return k.acknowledged(sent), found
}

// RecordOnce is Record for a batch that is known by a mark, and has no records if all were
// rejected: it is added if no other one came with the mark's key. It returns that other one
// or, with its ticket, this one.
func (k *Keeper) RecordOnce(batch *counters.Batch, mark counters.Mark) (idempotency.Sent, error) {
	sent, err := k.keys.Add(batch, mark, k.store.Add)
	_, err = k.acknowledgement(nil, err)
	return k.acknowledged(sent), err
}

// acknowledged is a batch with what there is to wait for.
func (k *Keeper) acknowledged(sent idempotency.Sent) idempotency.Sent {
	sent.Ticket, _ = k.acknowledgement(sent.Ticket, nil)
	return sent
}

// Keys are how many keys of batches are remembered, and how many were forgotten since the
// start because there were too many.
func (k *Keeper) Keys() (remembered int, forgotten uint64) { return k.keys.Figures() }

// acknowledgement says what there is to wait for of what was added.
func (k *Keeper) acknowledgement(ticket *counters.Ticket, err error) (*counters.Ticket, error) {
	switch {
	case errors.Is(err, counters.ErrShut):
		return nil, fmt.Errorf("%w: %w", ErrClosing, err)
	case err != nil || !k.options.Durability.isJournaled():
		return nil, err
	default:
		return ticket, nil
	}
}

// ExpectedTime is what there is no reason to doubt of the time, and whether the clock shows
// another one.
func (k *Keeper) ExpectedTime() (at time.Time, differs bool) { return k.almanac.instead() }

// SnapshotNow has a snapshot written of all that was recorded before the call, and
// closes the days that are due, without waiting for SnapshotInterval. It returns when
// that is done, or what went wrong; ErrClosing when the keeper ends first. Where
// nothing is new, it writes nothing.
func (k *Keeper) SnapshotNow(ctx context.Context) error { return k.ask(ctx, k.committer.requests) }

// awaitDurable returns once all commits so far survive a loss of power, which is later than
// their acknowledgement with EverySecond; errors are those of SnapshotNow.
func (k *Keeper) awaitDurable() error { return k.ask(context.Background(), k.committer.syncs) }

// ask has the committing goroutine do something, and waits for it.
func (k *Keeper) ask(ctx context.Context, requests chan<- chan<- error) error {
	done := make(chan error, 1)
	select {
	case requests <- done:
	case <-k.ended:
		return ErrClosing
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-k.ended:
		return ErrClosing
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ConfirmClock takes the word of a person for it that today is the day that the clock
// shows in UTC, has days closed, hidden and deleted by that from now on, and a snapshot
// written. It returns ErrAnotherDay when the clock shows another day, else what
// SnapshotNow returns.
func (k *Keeper) ConfirmClock(ctx context.Context, today counters.Day) error {
	if err := k.almanac.confirm(today); err != nil {
		return err
	}
	return k.SnapshotNow(ctx)
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
// Called again, it returns the same.
func (k *Keeper) Close() error { return k.close() }

func (k *Keeper) end() error {
	k.Drain()
	close(k.quit)
	<-k.ended
	return errors.Join(k.committer.finish(), disk.Unlock(k.lock))
}

// goodSnapshots are the snapshots to keep for now: the one that was loaded, and
// older ones, which are not known to be bad.
func goodSnapshots(found *recovery.State, kinds counters.Kinds) []generation {
	var good []generation
	for _, path := range found.Files.Snapshots {
		sequence := disk.SnapshotSequence(path)
		switch loaded := found.Loaded; {
		case sequence < loaded.Header.Sequence:
			older := generation{sequence: sequence}
			if read, err := recovery.ReadManifest(path, kinds); err == nil {
				older.manifest = read.Manifest
			}
			good = append(good, older)
		case sequence == loaded.Header.Sequence:
			good = append(good, generation{sequence, loaded.Manifest})
		}
	}
	return good
}
