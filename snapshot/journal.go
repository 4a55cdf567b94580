package snapshot

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// journal is the sequence of commits and the files that hold them. Where no journal is
// kept, it only counts them. It belongs to the committing goroutine.
type journal struct {
	store     *counters.Store
	directory string
	identity  format.Identity
	size      int64 // at which a file is full
	observer  Observer
	log       *slog.Logger
	// isKept is whether there is a journal at all.
	isKept bool
	// isSyncedLater is whether commits are acknowledged once they are written. Nothing
	// waits for a sync then, until the end.
	isSyncedLater bool

	sequence uint64 // last commit that was written, or only counted
	durable  uint64 // last commit that was synced
	// oldest is when the oldest commit was written that is not synced, or earlier.
	oldest time.Time
	// knownBenefits is how many names of benefits the files define, and knownEvents are
	// those of event types by number.
	knownBenefits int
	knownEvents   []string

	file     *journalFile     // the newest; nil where no journal is kept, or there is no room to begin one
	rotateAt int64            // size at which it is full
	ending   sync.WaitGroup   // of files that were full
	syncing  chan syncOutcome // of a sync in the background; nil when there is none

	spare   spare
	retired []*journalFile // files that were full and are not known to be durable
	waiting []durableWaiter
}

// syncOutcome is what became of a sync of the commits up to a sequence number.
type syncOutcome struct {
	sequence uint64
	began    time.Time
	err      error
}

// durableWaiter waits for the commits up to a sequence number to be durable.
type durableWaiter struct {
	sequence uint64
	done     chan<- error
}

// begin begins a file, once all commits are durable. Where there is no room, there is
// none until one can be begun for the next commit.
func (j *journal) begin() (err error) {
	j.file, err = j.create()
	j.rotateAt = j.size
	return err
}

// create makes the file for the commits from the next one on, durably.
func (j *journal) create() (*journalFile, error) {
	file, err := createJournal(j.directory, j.sequence+1, j.identity)
	if err != nil || j.isSyncedLater {
		return file, err
	}
	if err := file.openRunway(); err != nil {
		return nil, errors.Join(err, file.file.Close(), discardJournal(j.directory, file.file.Name()))
	}
	return file, nil
}

// write writes a delta as the next commit, unsynced, as of a time that servers have run.
// When it fails, there is no such commit.
func (j *journal) write(delta *counters.Delta, at time.Duration) error {
	benefits, events := j.store.Benefits.Names()[:delta.Benefits], j.store.Events.Names()[:delta.Events]
	err := j.append(func(b []byte) []byte {
		b = format.AppendPayload(b, delta, benefits, events, j.knownBenefits, j.knownEvents)
		return format.AppendMarks(b, delta.Marks, at)
	})
	if err != nil {
		return err
	}
	j.knownBenefits, j.knownEvents = delta.Benefits, events
	if j.isKept {
		j.observer.Committed(len(j.file.frame))
	}
	return nil
}

// writeNothing writes a commit without counts.
func (j *journal) writeNothing() error {
	return j.append(func(b []byte) []byte { return format.AppendNothing(b, j.knownBenefits) })
}

func (j *journal) append(payload func([]byte) []byte) error {
	if j.isKept && j.file == nil {
		if err := j.begin(); err != nil {
			return err
		}
	}
	if j.isKept {
		if err := j.file.write(j.sequence+1, j.durable, payload); err != nil {
			return err
		}
	}
	if j.sequence == j.durable {
		j.oldest = time.Now()
	}
	j.sequence++
	return nil
}

// freeze freezes the base for a snapshot of the commits so far. Where there are files,
// it is without names that no frame defines yet: a start that must fall back to an
// older snapshot could not give those after them the same numbers.
func (j *journal) freeze() *counters.Frozen {
	frozen := j.store.Freeze()
	if j.isKept {
		frozen.Benefits, frozen.Events = j.knownBenefits, j.knownEvents
	}
	return frozen
}

// isDurable says whether all commits are durable, as far as they are to be.
func (j *journal) isDurable() bool {
	return j.file == nil || (j.durable == j.sequence && len(j.retired) == 0)
}

// unsyncedSince is when the oldest commit was written that is not synced, or somewhat
// earlier; the zero time where all are as durable as they are to be.
func (j *journal) unsyncedSince() time.Time {
	if j.isDurable() {
		return time.Time{}
	}
	return j.oldest
}

// sync makes all commits durable, and waits for it. After an error it is unknown what
// is on disk.
func (j *journal) sync() error {
	if j.syncing != nil {
		if err := j.endSync(<-j.syncing); err != nil {
			return err
		}
	}
	if j.isDurable() {
		return nil
	}
	began, err := time.Now(), j.file.broken()
	if err == nil {
		err = j.syncFiles(j.retired, j.file)
		j.retired = nil
	}
	if err != nil {
		err = fmt.Errorf("%w; what was not acknowledged may or may not be on disk", err)
	}
	return j.endSync(syncOutcome{j.sequence, began, err})
}

// beginSync makes all commits durable in the background: a slow disk must not keep
// what is acknowledged meanwhile from being written, because a crash of the process
// would cost it. The outcome, received from syncing, must be given to endSync.
func (j *journal) beginSync() {
	if j.isDurable() || j.syncing != nil {
		return
	}
	done := make(chan syncOutcome, 1)
	j.syncing = done
	retired, file, sequence, began := j.retired, j.file, j.sequence, time.Now()
	j.retired = nil
	go func() { done <- syncOutcome{sequence, began, j.syncFiles(retired, file)} }()
}

// endSync takes the outcome of a sync. After an error it is unknown what is on disk.
func (j *journal) endSync(outcome syncOutcome) error {
	j.syncing = nil
	if outcome.err != nil {
		err := fmt.Errorf("sync commits up to %d: %w", outcome.sequence, outcome.err)
		j.giveUp(err)
		return err
	}
	j.durable = max(j.durable, outcome.sequence)
	j.oldest = outcome.began // the commits after it were written later
	waiting := j.waiting
	j.waiting = nil
	for _, w := range waiting {
		if w.sequence > j.durable {
			j.waiting = append(j.waiting, w)
			continue
		}
		w.done <- nil
	}
	if len(j.waiting) > 0 {
		j.beginSync()
	}
	return nil
}

// whenDurable receives nil once the commits so far are durable, or why they never are
// known to be.
func (j *journal) whenDurable() <-chan error {
	done := make(chan error, 1)
	j.tellWhenDurable(done)
	return done
}

// tellWhenDurable has a channel with room for it receive what whenDurable receives.
func (j *journal) tellWhenDurable(done chan<- error) {
	if j.isDurable() {
		done <- nil
		return
	}
	j.waiting = append(j.waiting, durableWaiter{j.sequence, done})
	j.beginSync()
}

// giveUp tells those who wait for commits to be durable why they wait in vain.
func (j *journal) giveUp(err error) {
	for _, w := range j.waiting {
		w.done <- err
	}
	j.waiting = nil
}

// syncFiles syncs files that were full, and closes them, then the newest. It may be
// called by another goroutine than the committing one.
func (j *journal) syncFiles(retired []*journalFile, newest *journalFile) error {
	for _, full := range retired {
		if err := j.syncFile(full); err != nil {
			return err
		}
	}
	if len(retired) > 0 {
		if err := disk.SyncDirectory(j.directory); err != nil {
			return err
		}
	}
	for _, full := range retired {
		if err := full.close(); err != nil {
			j.log.Warn("could not close a full journal file", "error", err)
		}
	}
	return j.syncFile(newest)
}

func (j *journal) syncFile(file *journalFile) error {
	began := time.Now()
	err := file.sync()
	j.observer.Synced(time.Since(began))
	return err
}

// check returns disk.ErrVanished when the newest file is not in its place any more.
func (j *journal) check() error {
	if j.file == nil {
		return nil
	}
	return disk.CheckPlace(j.file.file)
}

// lookAhead has a spare made for a newest file that has commits, where one is needed.
func (j *journal) lookAhead() {
	if !j.isSyncedLater || j.file == nil {
		return
	}
	if err := j.spare.look(); err != nil {
		j.log.Warn("could not make the next journal file; the newest one goes on", "error", err)
	}
	if j.file.firstSequence <= j.sequence {
		j.spare.make(j.directory, j.sequence+1, j.identity)
	}
}

// rotateIfFull begins a new file when the newest is full.
func (j *journal) rotateIfFull() error {
	if j.file == nil || j.file.offset < j.rotateAt {
		return nil
	}
	return j.rotate()
}

// rotateIfUsed begins a new file when the newest has a commit.
func (j *journal) rotateIfUsed() error {
	if j.file == nil || j.file.firstSequence > j.sequence {
		return nil
	}
	return j.rotate()
}

func (j *journal) rotate() error {
	if j.isSyncedLater {
		return j.rotateAhead()
	}
	return j.rotateDurably()
}

// rotateAhead goes on in a file that was made ahead, without waiting for anything: what
// is in the old file becomes durable later. While there is no such file, the old one
// goes on.
func (j *journal) rotateAhead() error {
	j.rotateAt = j.file.offset // it is full from now on
	j.lookAhead()
	next, err := j.spare.take(j.directory, j.sequence+1)
	if errors.Is(err, errStrayJournal) {
		return err
	}
	if err != nil {
		j.rotateAt = j.file.offset + j.size
		j.log.Warn("could not begin a new journal file; the old one goes on", "error", err)
	}
	if next == nil {
		return nil
	}
	j.retired = append(j.retired, j.file)
	j.file, j.rotateAt = next, j.size
	return nil
}

// rotateDurably begins a new journal file. Everything in the old one is durable by
// then, so that only the newest file can end in a torn write. Where there is no
// room for a new file, the old one goes on; only a failed sync is an error, and a
// new file that can neither be used nor removed.
func (j *journal) rotateDurably() error {
	if err := j.sync(); err != nil {
		return err
	}
	if err := j.file.end(); err != nil {
		return fmt.Errorf("end the journal after commit %d: %w", j.sequence, err)
	}
	file, err := j.create()
	if errors.Is(err, errStrayJournal) {
		return err
	}
	if err != nil {
		j.rotateAt = j.file.offset + j.size
		j.log.Warn("could not begin a new journal file; the old one goes on", "error", err)
		return nil
	}
	full := j.file
	j.ending.Go(func() { // giving space back takes a millisecond, in which no commit should wait
		if err := full.close(); err != nil {
			j.log.Warn("could not give back a full journal file's spare space", "error", err)
		}
	})
	j.file, j.rotateAt = file, j.size
	return nil
}

// close closes the files, whose commits must be durable.
func (j *journal) close() error {
	j.ending.Wait()
	err := j.spare.discard()
	if j.file == nil {
		return err
	}
	return errors.Join(err, j.file.close())
}

// abandon waits for what is at work in the background, after it became unknown what is
// on disk.
func (j *journal) abandon() {
	j.ending.Wait()
	if j.syncing != nil {
		<-j.syncing
	}
	_ = j.spare.discard() // the next start removes what is left
}
