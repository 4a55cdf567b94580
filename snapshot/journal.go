package snapshot

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// journal is the sequence of commits and the files that hold them. Where no journal is
// kept, it only counts them. It belongs to the committing goroutine.
type journal struct {
	store     *counters.Store
	directory string
	size      int64 // at which a file is full
	observer  Observer
	log       *slog.Logger

	sequence uint64 // last commit that was written, or only counted
	durable  uint64 // last commit that was synced
	// knownBenefits and knownEvents are how many names the files define.
	knownBenefits, knownEvents int

	file     *journalFile     // the newest, nil where no journal is kept
	rotateAt int64            // size at which it is full
	ending   sync.WaitGroup   // of files that were full
	syncing  chan syncOutcome // of a sync in the background; nil when there is none
}

// syncOutcome is what became of a sync of the commits up to a sequence number.
type syncOutcome struct {
	sequence uint64
	err      error
}

// begin begins the first file.
func (j *journal) begin() (err error) {
	j.file, err = createJournal(j.directory, j.sequence+1)
	j.rotateAt = j.size
	return err
}

// write writes a delta as the next commit, unsynced. When it fails, there is no such
// commit.
func (j *journal) write(delta *counters.Delta) error {
	benefits, events := j.store.Benefits.Names()[:delta.Benefits], j.store.Events.Names()[:delta.Events]
	err := j.append(func(b []byte) []byte {
		return format.AppendPayload(b, delta, benefits, events, j.knownBenefits, j.knownEvents)
	})
	if err != nil {
		return err
	}
	j.knownBenefits, j.knownEvents = delta.Benefits, delta.Events
	if j.file != nil {
		j.observer.Committed(len(j.file.frame))
	}
	return nil
}

// writeNothing writes a commit without counts.
func (j *journal) writeNothing() error {
	return j.append(func(b []byte) []byte { return format.AppendNothing(b, j.knownBenefits) })
}

func (j *journal) append(payload func([]byte) []byte) error {
	if j.file != nil {
		if err := j.file.write(j.sequence+1, j.durable, payload); err != nil {
			return err
		}
	}
	j.sequence++
	return nil
}

// freeze freezes the base for a snapshot of the commits so far. Where there are files,
// it is without names that no frame defines yet: a start that must fall back to an
// older snapshot could not give those after them the same numbers.
func (j *journal) freeze() *counters.Frozen {
	frozen := j.store.Freeze()
	if j.file != nil {
		frozen.Benefits, frozen.Events = j.knownBenefits, j.knownEvents
	}
	return frozen
}

// sync makes all commits durable, and waits for it. After an error it is unknown what
// is on disk.
func (j *journal) sync() error {
	if j.syncing != nil {
		if err := j.endSync(<-j.syncing); err != nil {
			return err
		}
	}
	if j.file == nil || j.durable == j.sequence {
		return nil
	}
	err := j.file.broken()
	if err == nil {
		err = j.syncFile(j.file)
	}
	if err != nil {
		return fmt.Errorf("sync commits up to %d: %w; what was not acknowledged may or may not be on disk", j.sequence, err)
	}
	j.durable = j.sequence
	return nil
}

// beginSync makes all commits durable in the background: a slow disk must not keep
// what is acknowledged meanwhile from being written, because a crash of the process
// would cost it. The outcome, received from syncing, must be given to endSync.
func (j *journal) beginSync() {
	if j.file == nil || j.durable == j.sequence || j.syncing != nil {
		return
	}
	done := make(chan syncOutcome, 1)
	j.syncing = done
	file, sequence := j.file, j.sequence
	go func() { done <- syncOutcome{sequence, j.syncFile(file)} }()
}

func (j *journal) endSync(outcome syncOutcome) error {
	j.syncing = nil
	if outcome.err != nil {
		return fmt.Errorf("sync commits up to %d: %w", outcome.sequence, outcome.err)
	}
	j.durable = max(j.durable, outcome.sequence)
	return nil
}

// syncFile may be called by another goroutine than the committing one.
func (j *journal) syncFile(file *journalFile) error {
	began := time.Now()
	err := file.sync()
	j.observer.Synced(time.Since(began))
	return err
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

// rotate begins a new journal file. Everything in the old one is durable by
// then, so that only the newest file can end in a torn write. Where there is no
// room for a new file, the old one goes on; only a failed sync is an error, and a
// new file that can neither be used nor removed.
func (j *journal) rotate() error {
	if err := j.sync(); err != nil {
		return err
	}
	if err := j.file.end(); err != nil {
		return fmt.Errorf("end the journal after commit %d: %w", j.sequence, err)
	}
	file, err := createJournal(j.directory, j.sequence+1)
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
	if j.file == nil {
		return nil
	}
	return j.file.close()
}
