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
		kept, err := job.run()
		done <- jobResult{kept, err}
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
		kept:        k.snapshots,
		log:         k.log,
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
	k.snapshots, k.snapshotted = result.kept, k.jobSequence
	return k.options.SnapshotInterval
}

func (k *Keeper) lastSnapshot() error {
	kept, err := k.newJob().run()
	if err != nil {
		return fmt.Errorf("last snapshot: %w", err)
	}
	k.snapshots, k.snapshotted = kept, k.sequence
	return nil
}
