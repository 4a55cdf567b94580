package snapshot

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// generation is a snapshot that is kept. Its manifest is nil if that could not
// be read; then no closed day's file is removed.
type generation struct {
	sequence uint64
	manifest *format.Manifest
}

// jobOutcome is what became of a snapshotJob.
type jobOutcome struct {
	kept        []generation
	damagedDays int
	passed      counters.Day
	err         error
}

// snapshotter has snapshots written, one at a time, and knows which are kept. It
// belongs to the committing goroutine.
type snapshotter struct {
	options *Options
	store   *counters.Store
	history *History
	// registers are counted beside the store, registered is what they had when the last
	// snapshot began.
	registers  registry
	registered uint64
	almanac    *almanac
	keys       *idempotency.Window

	membership *membership

	pulse *pulse
	hurry <-chan struct{} // closed when there is no time to rest
	// identity is that of the directory.
	identity format.Identity

	kept    []generation // oldest first
	covered uint64       // last commit in a snapshot
	// passed is the first closed day that may have counts of passing kinds which are not
	// kept.
	passed counters.Day

	running  chan jobOutcome // nil when there is none
	sequence uint64          // of the one that is running
	began    time.Time
	lastGood time.Time // when the last snapshot was written by this process
	retry    time.Duration

	asked, served []chan<- error // who waits for a snapshot yet to begin, and for the running one
}

// rule reads the clock, and has what it hides hidden at once.
func (s *snapshotter) rule() ruling {
	ruled := s.almanac.rule()
	if s.options.ExpiresTogether {
		ruled.hideBefore = s.membership.expired()
		ruled.expireBefore = ruled.hideBefore
	}
	s.history.hide(ruled.hideBefore, ruled.hidePassingBefore)
	return ruled
}

// isDue says whether a snapshot without new records would close a day, take one that
// retention no longer keeps, look at one for passing kinds that are not kept, have something
// new of the registers, or renew what is remembered of the clock.
func (s *snapshotter) isDue() bool {
	ruled, closed := s.rule(), s.history.current()
	open := append(s.store.OpenDays(), s.registers.days()...)
	if len(open) > 0 && slices.Min(open) < ruled.closeBefore || s.registers.changes() != s.registered {
		return true
	}
	expired := len(closed.Days) > 0 && closed.Days[0].Day < ruled.expireBefore
	return expired || len(closed.Between(s.passed, ruled.expirePassingBefore)) > 0 || s.almanac.memoryIsDue()
}

// begin freezes the base and has it written in the background. The outcome, received
// from running, must be given to end.
func (s *snapshotter) begin(j *journal) {
	done := make(chan jobOutcome, 1)
	s.running, s.sequence, s.began = done, j.sequence, time.Now()
	s.served, s.asked = s.asked, nil
	job, durable := s.newJob(j), j.whenDurable()
	go func() {
		// The files of closed days tell of commits, which must be in the journal then.
		if err := <-durable; err != nil {
			job.frozen.Thaw()
			done <- jobOutcome{err: err}
			return
		}
		kept, err := job.run()
		s.membership.noteSum(job.header.Sequence, job.sum)
		done <- jobOutcome{kept, job.damagedDays, job.passed, err}
	}()
}

// newJob freezes the base for a snapshot of the commits so far.
func (s *snapshotter) newJob(j *journal) *snapshotJob {
	ruled, known := s.rule(), s.membership.clone()
	if s.options.Follower != nil {
		s.options.Follower.Frozen(j.sequence, known)
	}
	s.registered = s.registers.changes()
	return &snapshotJob{
		directory: s.options.Directory,
		store:     s.store,
		frozen:    j.freeze(),
		history:   s.history,
		registers: s.registers,
		header: format.SnapshotHeader{
			Sequence:  j.sequence,
			Journaled: j.isKept,
			Written:   ruled.reading,
			Identity:  s.identity,
		},
		ruling: ruled,

		membership: known,
		unneeded:   s.membership.unneeded.Load(),
		isFollowed: s.options.Follower != nil,

		clock:   s.almanac.memory(),
		keys:    s.keys.Freeze(),
		maxDays: maxDaysClosed,
		pacer:   newPacer(s.hurry),
		kept:    s.kept,
		passed:  s.passed,
		log:     s.options.Logger,
	}
}

// newImportJob is newJob for counts that are no commits yet: they become the next one,
// and nothing may be left of them in memory.
func (s *snapshotter) newImportJob(j *journal) *snapshotJob {
	job := s.newJob(j)
	job.header.Sequence++
	job.header.Journaled = true
	job.maxDays = math.MaxInt
	job.clock = s.history.current().Clock // an import has no retention, and is over soon
	return job
}

// end takes the outcome of a job and returns when to begin the next.
func (s *snapshotter) end(outcome jobOutcome) time.Duration {
	s.running = nil
	for _, waiting := range s.served {
		waiting <- outcome.err
	}
	took := time.Since(s.began)
	if outcome.err != nil {
		s.registered = 0
		s.options.Observer.SnapshotFailed(took)
		s.retry = min(max(2*s.retry, firstRetry), lastRetry)
		s.options.Logger.Error("could not write a snapshot; it will be tried again", "error", outcome.err,
			"age", time.Since(s.lastGood).Round(time.Second), "retry", s.retry, "journaled", s.options.Durability != Snapshot)
		return s.retry
	}
	s.retry, s.lastGood = 0, time.Now()
	s.options.Logger.Debug("wrote a snapshot", "sequence", s.sequence, "took", took.Round(time.Millisecond))
	s.pulse.noteCovered(s.began)
	s.options.Observer.SnapshotWritten(took, disk.Sizes(disk.SnapshotPath(s.options.Directory, s.sequence)))
	s.kept, s.covered, s.passed = outcome.kept, s.sequence, outcome.passed
	s.noteDamaged(outcome.damagedDays)
	return s.options.SnapshotInterval
}

// write runs a job and waits for it.
func (s *snapshotter) write(job *snapshotJob) error {
	kept, err := job.run()
	if err == nil {
		s.kept, s.covered, s.passed = kept, job.header.Sequence, job.passed
		s.noteDamaged(job.damagedDays)
	}
	return err
}

func (s *snapshotter) noteDamaged(days int) {
	if days > 0 {
		s.options.Observer.DaysDamaged(days)
	}
}

// last waits for the snapshot that is running, and writes another one if that lacks
// something.
func (s *snapshotter) last(j *journal) error {
	s.await()
	if j.sequence == s.covered {
		if s.registers.changes() == s.registered {
			return nil
		}
		if err := errors.Join(j.writeNothing(), j.sync()); err != nil { // for a name of its own
			return fmt.Errorf("last snapshot: %w", err)
		}
	}
	if err := s.write(s.newJob(j)); err != nil {
		return fmt.Errorf("last snapshot: %w", err)
	}
	return nil
}

func (s *snapshotter) await() {
	if s.running != nil {
		s.end(<-s.running)
	}
}
