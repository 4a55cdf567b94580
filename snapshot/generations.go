package snapshot

import (
	"fmt"
	"slices"
	"time"

	"stats-recorder/counters"
)

// beginSnapshot freezes the base and has it written in the background. It says
// whether it did: there may be nothing new to write.
func (k *Keeper) beginSnapshot() (began bool, err error) {
	if k.job != nil {
		return false, nil
	}
	if k.sequence == k.snapshotted {
		k.pulse.noteCovered(time.Now())
		if !k.daysAreDue() || !k.commitNothing() {
			return false, nil
		}
	}
	if k.journal != nil && k.journal.firstSequence <= k.sequence {
		if err := k.rotate(); err != nil {
			return false, err
		}
	}
	done := make(chan jobResult, 1)
	k.job, k.jobSequence, k.jobBegan = done, k.sequence, time.Now()
	job := k.newJob()
	go func() {
		closed, err := job.run()
		done <- jobResult{closed, err}
	}()
	return true, nil
}

// daysAreDue says whether a snapshot would close a day, or take one that
// retention no longer keeps, though nothing has come since the last one.
func (k *Keeper) daysAreDue() bool {
	now, closed := k.options.Now(), k.history.current()
	if open := k.store.OpenDays(); len(open) > 0 && slices.Min(open) < closedBefore(now, k.options.MaxEventAge) {
		return true
	}
	return len(closed.segments) > 0 && closed.segments[0].day < k.keepFrom(now)
}

// keepFrom is the first day that retention keeps.
func (k *Keeper) keepFrom(now time.Time) counters.Day {
	if k.options.Retention == 0 {
		return 0
	}
	return counters.HourOf(now.Add(-k.options.Retention)).Day()
}

// newJob freezes the base for a snapshot of the commits so far.
func (k *Keeper) newJob() *snapshotJob {
	now, frozen := k.options.Now(), k.store.Freeze()
	if k.journal != nil {
		// Without names that no frame defines yet: a start that must fall back to an
		// older snapshot could not give those after them the same numbers.
		frozen.Benefits, frozen.Events = k.knownBenefits, k.knownEvents
	}
	return &snapshotJob{
		directory: k.options.Directory,
		store:     k.store,
		frozen:    frozen,
		history:   k.history,
		header: snapshotHeader{
			sequence:  k.sequence,
			journaled: k.options.Durability != Snapshot,
			written:   now,
		},
		closeBefore: closedBefore(now, k.options.MaxEventAge),
		keepFrom:    k.keepFrom(now),
		maxDays:     maxDaysClosed,
		pacer:       newPacer(k.quit),
	}
}

// endSnapshot takes the result of the job and returns when to begin the next.
func (k *Keeper) endSnapshot(result jobResult) time.Duration {
	k.job = nil
	took := time.Since(k.jobBegan)
	if err := result.err; err != nil {
		k.options.Observer.SnapshotFailed(took)
		k.retry = min(max(2*k.retry, firstRetry), lastRetry)
		k.log.Error("could not write a snapshot; it will be tried again", "error", err,
			"age", time.Since(k.lastGood).Round(time.Second), "retry", k.retry, "journaled", k.journal != nil)
		return k.retry
	}
	k.retry, k.lastGood = 0, time.Now()
	k.log.Debug("wrote a snapshot", "sequence", k.jobSequence, "took", took.Round(time.Millisecond))
	k.pulse.noteCovered(k.jobBegan)
	k.options.Observer.SnapshotWritten(took, sizes([]string{snapshotPath(k.options.Directory, k.jobSequence)}))
	k.keep(generation{k.jobSequence, result.manifest})
	return k.options.SnapshotInterval
}

// keep remembers a new good snapshot and removes what it and the one before it
// make superfluous. What cannot be removed now is found again next time.
func (k *Keeper) keep(newest generation) {
	const generations = 2
	k.snapshotted = newest.sequence
	k.snapshots = append(k.snapshots, newest)
	for len(k.snapshots) > generations {
		if err := remove(snapshotPath(k.options.Directory, k.snapshots[0].sequence)); err != nil {
			k.log.Warn("could not remove an old snapshot", "error", err)
			return
		}
		k.snapshots = k.snapshots[1:]
	}
	if len(k.snapshots) < generations {
		return // without its journal, the only snapshot would have nothing to fall back to
	}
	if err := removeJournalsBelow(k.options.Directory, k.snapshots[0].sequence); err != nil {
		k.log.Warn("could not remove old journal files", "error", err)
	}
	kept := []*manifest{k.snapshots[0].manifest, k.snapshots[1].manifest}
	if slices.Contains(kept, nil) {
		return
	}
	if err := removeUnreferenced(k.options.Directory, kept); err != nil {
		k.log.Warn("could not remove old files of closed days", "error", err)
	}
}

// removeJournalsBelow removes the journal files all of whose frames are in the
// snapshot of that sequence number.
func removeJournalsBelow(directory string, sequence uint64) error {
	files, err := list(directory)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(files.journals); i++ {
		if next, _ := parseName(files.journals[i+1], journalPrefix); next > sequence+1 {
			break
		}
		if err := remove(files.journals[i]); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) lastSnapshot() error {
	closed, err := k.newJob().run()
	if err != nil {
		return fmt.Errorf("last snapshot: %w", err)
	}
	k.keep(generation{k.sequence, closed})
	return nil
}
