package snapshot

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"stats-recorder/counters"
)

const (
	// everySecondPace and snapshotPace are how long records gather between
	// commits when nobody waits for them.
	everySecondPace = 50 * time.Millisecond
	snapshotPace    = 10 * time.Millisecond
	syncInterval    = time.Second

	firstRetry = time.Second
	lastRetry  = time.Minute
)

// persistence is what the persistence goroutine owns.
type persistence struct {
	sequence uint64 // last commit that was written, or folded where there is no journal
	durable  uint64 // last commit that was synced
	journal  *journalWriter
	rotateAt int64          // size at which the journal file is full
	closing  sync.WaitGroup // of journal files that were full
	broken   error          // a sync failed: nothing can be made durable any more

	// knownBenefits and knownEvents are how many names the files define.
	knownBenefits, knownEvents int

	// batches is how many the last commit had.
	batches int
	// unwritten is an acknowledged delta that the disk did not take yet.
	unwritten *counters.Delta
	// refusing is whether the last commit failed, so that only changes are logged.
	refusing bool

	snapshots   []generation // kept, oldest first
	snapshotted uint64       // last commit in a snapshot
	job         chan jobResult
	syncing     chan syncResult // of a sync in the background; nil when there is none
	jobSequence uint64
	jobBegan    time.Time
	lastGood    time.Time // when the last snapshot was written by this process
	retry       time.Duration
}

// generation is a snapshot that is kept. Its manifest is nil if that could not
// be read; then no closed day's file is removed.
type generation struct {
	sequence uint64
	manifest *manifest
}

// syncResult is what became of a sync of the commits up to a sequence number.
type syncResult struct {
	sequence uint64
	err      error
}

// jobResult is what became of a snapshotJob.
type jobResult struct {
	kept []generation
	err  error
}

// run is the persistence goroutine: it does one thing after the other, so that
// nothing on disk needs a lock. What is done beside it touches other files: a
// snapshotJob removes journals only below what it keeps, and a journal that is full
// is durable and belongs to who closes it.
func (k *Keeper) run() {
	k.lastGood = time.Now()
	snapshots := time.NewTimer(k.options.SnapshotInterval)
	defer snapshots.Stop()
	syncs := time.NewTicker(syncInterval)
	defer syncs.Stop()
	var due <-chan time.Time // of the next commit, where commits are paced
	wait := newGroupWait(k.store)
	defer wait.stop()
	for {
		wake := k.store.Wake()
		if due != nil {
			wake = nil
		}
		var err error
		select {
		case <-wake:
			if pace := k.options.Durability.pace(); pace > 0 {
				due = time.After(pace)
			} else {
				err = k.commit()
				wait.begin(k.batches)
			}
		case <-wait.timer.C:
			wait.advance()
		case <-due:
			due = nil
			err = k.commit()
			if k.unwritten != nil {
				due = time.After(k.options.Durability.pace())
			}
		case <-syncs.C:
			k.beginSync()
		case result := <-k.syncing:
			err = k.endSync(result)
		case <-snapshots.C:
			var began bool
			if began, err = k.beginSnapshot(); !began {
				snapshots.Reset(k.options.SnapshotInterval)
			}
		case result := <-k.job:
			snapshots.Reset(k.endSnapshot(result))
		case k.pulse.beat <- struct{}{}:
		case <-k.quit:
			return
		}
		if err != nil {
			k.broken = err
			k.failed <- err
			return
		}
	}
}

func (d Durability) pace() time.Duration {
	switch d {
	case EverySecond:
		return everySecondPace
	case Snapshot:
		return snapshotPace
	default:
		return 0
	}
}

// commit seals what has gathered and makes it as durable as it must be. An
// error means that it is unknown what is on disk: nothing may be acknowledged
// any more.
func (k *Keeper) commit() error {
	if k.journal != nil && k.journal.offset >= k.rotateAt {
		if err := k.rotate(); err != nil {
			return err
		}
	}
	delta := k.unwritten
	if delta == nil {
		delta = k.store.Seal()
	}
	k.batches = 0
	if delta == nil {
		return nil
	}
	k.batches = delta.Batches
	switch {
	case k.options.Durability == Always:
		return k.commitDurably(delta)
	case k.options.Durability == EverySecond:
		k.commitWritten(delta)
		return nil
	default:
		k.sequence++
		k.pulse.sequence.Store(k.sequence)
		k.fold(delta)
		return nil
	}
}

// commitDurably writes and syncs a delta before it wakes those who wait for it.
func (k *Keeper) commitDurably(delta *counters.Delta) error {
	if err := k.write(delta); err != nil {
		k.noteRefusal(err)
		delta.Settle(fmt.Errorf("%w: %w", ErrNotDurable, err))
		k.store.Drop(delta)
		return nil
	}
	if err := k.sync(); err != nil {
		return fmt.Errorf("commit %d: %w; what was not acknowledged may or may not be on disk", k.sequence, err)
	}
	k.durable = k.sequence
	k.noteRefusal(nil)
	k.store.MakeVisible()
	k.fold(delta)
	return nil
}

// commitWritten writes a delta that is acknowledged already. If the disk does
// not take it, it stays sealed, and new records are refused until it does.
func (k *Keeper) commitWritten(delta *counters.Delta) {
	err := k.write(delta)
	k.noteRefusal(err)
	if err != nil {
		cause := fmt.Errorf("%w: %w", ErrNotDurable, err)
		k.unwritten = delta
		k.stuck.Store(&cause)
		return
	}
	k.unwritten = nil
	k.stuck.Store(nil)
	k.fold(delta)
}

// fold wakes those who wait before it does the work that they need not wait for.
func (k *Keeper) fold(delta *counters.Delta) {
	delta.Settle(nil)
	k.store.Fold(delta)
}

// write appends a delta to the journal as the next commit, unsynced.
func (k *Keeper) write(delta *counters.Delta) error {
	benefits := k.store.Benefits.Names()[:delta.Benefits]
	events := k.store.Events.Names()[:delta.Events]
	err := k.journal.write(k.sequence+1, k.durable, func(b []byte) []byte {
		return appendPayload(b, delta, benefits, events, k.knownBenefits, k.knownEvents)
	})
	if err != nil {
		return err
	}
	k.sequence++
	k.pulse.sequence.Store(k.sequence)
	k.options.Observer.Committed(len(k.journal.frame))
	k.knownBenefits, k.knownEvents = delta.Benefits, delta.Events
	return nil
}

// commitNothing writes a commit without counts, so that the next snapshot, which
// is named after the last commit, has a name of its own. It says whether the
// disk took it.
func (k *Keeper) commitNothing() bool {
	if k.journal != nil {
		known := k.knownBenefits
		err := k.journal.write(k.sequence+1, k.durable, func(b []byte) []byte {
			return appendSection(b, frameBenefits, func(b []byte) []byte {
				return appendNames(b, k.store.Benefits.Names()[:known], known)
			})
		})
		if err != nil {
			k.log.Warn("could not write to the journal; days are closed later", "error", err)
			return false
		}
	}
	k.sequence++
	k.pulse.sequence.Store(k.sequence)
	return true
}

// beginSync has what was written without a sync made durable, in the
// background: a slow disk must not keep what is acknowledged meanwhile from
// being written, because a crash of the process would cost it.
func (k *Keeper) beginSync() {
	if k.journal == nil || k.durable == k.sequence || k.syncing != nil {
		return
	}
	done := make(chan syncResult, 1)
	k.syncing = done
	journal, sequence := k.journal, k.sequence
	go func() { done <- syncResult{sequence, k.syncJournal(journal)} }()
}

func (k *Keeper) endSync(result syncResult) error {
	k.syncing = nil
	if result.err != nil {
		return fmt.Errorf("sync commits up to %d: %w", result.sequence, result.err)
	}
	k.durable = max(k.durable, result.sequence)
	return nil
}

// syncWritten makes durable what was written without a sync, and waits for it.
func (k *Keeper) syncWritten() error {
	if k.syncing != nil {
		if err := k.endSync(<-k.syncing); err != nil {
			return err
		}
	}
	if k.journal == nil || k.durable == k.sequence {
		return nil
	}
	if err := k.sync(); err != nil {
		return fmt.Errorf("sync commits up to %d: %w", k.sequence, err)
	}
	k.durable = k.sequence
	return nil
}

// rotate begins a new journal file. Everything in the old one is durable by
// then, so that only the newest file can end in a torn write. Where there is no
// room for a new file, the old one goes on; only a failed sync is an error, and a
// new file that can neither be used nor removed.
func (k *Keeper) rotate() error {
	if err := k.syncWritten(); err != nil {
		return err
	}
	if err := k.journal.end(); err != nil {
		return fmt.Errorf("end the journal after commit %d: %w", k.sequence, err)
	}
	journal, err := createJournal(k.options.Directory, k.sequence+1)
	if errors.Is(err, errStrayJournal) {
		return err
	}
	if err != nil {
		k.rotateAt = k.journal.offset + k.options.JournalSize
		k.log.Warn("could not begin a new journal file; the old one goes on", "error", err)
		return nil
	}
	full := k.journal
	k.closing.Go(func() { // giving space back takes a millisecond, in which no commit should wait
		if err := full.close(); err != nil {
			k.log.Warn("could not give back a full journal file's spare space", "error", err)
		}
	})
	k.journal, k.rotateAt = journal, k.options.JournalSize
	return nil
}

// finish makes durable what was taken, writes a last snapshot and closes the
// journal, after run has returned.
func (k *Keeper) finish() error {
	defer k.closing.Wait()
	if k.job != nil {
		k.endSnapshot(<-k.job)
	}
	if k.broken != nil {
		return k.broken // what is on disk is unknown: the next start finds out
	}
	for range 2 { // the first one may only write what the disk refused before
		if err := k.commit(); err != nil {
			return err
		}
	}
	err := k.syncWritten()
	if err == nil && k.unwritten != nil {
		err = fmt.Errorf("acknowledged records are lost: %w", *k.stuck.Load())
	}
	if k.sequence != k.snapshotted {
		if snapshotError := k.lastSnapshot(); snapshotError != nil {
			err = errors.Join(err, snapshotError)
		}
	}
	if k.journal != nil {
		err = errors.Join(err, k.journal.close())
	}
	return err
}
