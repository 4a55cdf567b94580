package snapshot

import (
	"sync/atomic"
	"time"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// refusalMemory is how long after the last record that the disk refused a
// keeper says that it refuses. Nobody knows whether the disk has room again
// until the next record comes; a balancer that sends none to a server which
// refuses must send one at some time.
const refusalMemory = 10 * time.Second

// Status is what there is to say about a keeper at one moment.
type Status struct {
	// Sequence is the last commit.
	Sequence uint64
	// SnapshotAge is how long ago the newest snapshot, or what there was to be
	// written, was known to hold everything.
	SnapshotAge time.Duration
	// Committed is when records last became a commit, the zero time if none did since
	// the keeper was opened.
	Committed time.Time
	// Unsynced is how long the oldest acknowledged commit has waited for what makes it
	// survive a loss of power: a sync, or a snapshot where no journal is kept. It is 0
	// where none waits, and always with Always.
	Unsynced time.Duration
	// JournalBytes is the size of the journal's files, and SnapshotBytes that of
	// the newest snapshot.
	JournalBytes, SnapshotBytes int64
	// ClosedDays is how many days have a file of their own, of ClosedBytes together.
	ClosedDays  int
	ClosedBytes int64
	// ImportWaits is for how long an import has waited to be told to other nodes; 0 for none.
	ImportWaits time.Duration
	// Clock is what the clock shows, and ClockExpected as far as there is no reason to
	// doubt it. ClockDoubted says whether it is more than a while ahead of that.
	Clock, ClockExpected time.Time
	ClockDoubted         bool
	// HeldDays is how many closed days retention would take, were the clock certain.
	HeldDays int
}

// pulse is what the committing goroutine shows of itself.
type pulse struct {
	beat     chan struct{}
	opened   time.Time
	sequence atomic.Uint64
	// covered is when a snapshot was last known to hold everything, and refused
	// when the disk last refused a commit, 0 if it took the last one. Both are
	// times since opened, so that no clock that is set matters.
	covered, refused atomic.Int64
	// committed is when records last became a commit, and unsynced since when the
	// oldest commit waits for a sync, as times since opened; 0 for never and none.
	committed, unsynced atomic.Int64
}

func newPulse(found recovery.Summary, now time.Time) *pulse {
	p := &pulse{beat: make(chan struct{}), opened: time.Now()}
	p.sequence.Store(found.Sequence)
	if found.Frames > 0 && !found.Written.IsZero() {
		p.covered.Store(int64(min(0, found.Written.Sub(now))))
	}
	return p
}

// noteCovered says that a snapshot held everything there was at that time.
func (p *pulse) noteCovered(at time.Time) { p.covered.Store(int64(at.Sub(p.opened))) }

// noteRefused says that the disk refused a commit, or took one.
func (p *pulse) noteRefused(refused bool) {
	if !refused {
		p.refused.Store(0)
		return
	}
	p.refused.Store(int64(max(1, time.Since(p.opened))))
}

// noteCommitted says that records became a commit now.
func (p *pulse) noteCommitted(sequence uint64) {
	p.sequence.Store(sequence)
	p.committed.Store(int64(time.Since(p.opened)))
}

// noteUnsynced says since when the oldest commit waits for a sync; the zero time is
// for none.
func (p *pulse) noteUnsynced(since time.Time) {
	if since.IsZero() {
		p.unsynced.Store(0)
		return
	}
	p.unsynced.Store(int64(max(1, since.Sub(p.opened))))
}

// Beat receives whenever the committing goroutine is between two steps of its
// work. If it does not for long, that hangs, and nothing is made durable.
func (k *Keeper) Beat() <-chan struct{} { return k.pulse.beat }

// Refusing says whether records are being refused because the disk does not
// take them.
func (k *Keeper) Refusing() bool {
	refused := time.Duration(k.pulse.refused.Load())
	return refused > 0 && time.Since(k.pulse.opened)-refused < refusalMemory
}

// lastCommit is when records last became a commit, the zero time if none did.
func (p *pulse) lastCommit() time.Time {
	committed := p.committed.Load()
	if committed == 0 {
		return time.Time{}
	}
	return p.opened.Add(time.Duration(committed))
}

// LastCommit is Committed of Status, without a look at the directory. Who waits for that
// commit is woken afterwards.
func (k *Keeper) LastCommit() time.Time { return k.pulse.lastCommit() }

// describe fills in what the pulse has of a status.
func (p *pulse) describe(status *Status) {
	status.Committed = p.lastCommit()
	if since := p.unsynced.Load(); since > 0 {
		status.Unsynced = time.Since(p.opened) - time.Duration(since)
	}
}

// Status returns what there is to say now. It looks at the directory.
func (k *Keeper) Status() (Status, error) {
	status := Status{
		Sequence:    k.pulse.sequence.Load(),
		SnapshotAge: time.Since(k.pulse.opened) - time.Duration(k.pulse.covered.Load()),
	}
	k.pulse.describe(&status)
	if !k.options.Durability.isJournaled() && k.pulse.committed.Load() > k.pulse.covered.Load() {
		status.Unsynced = status.SnapshotAge
	}
	closed, ruled := k.history.current(), k.almanac.rule()
	status.Clock, status.ClockExpected, status.ClockDoubted = ruled.reading, ruled.expected, ruled.doubted
	status.HeldDays = len(closed.Between(0, ruled.dueBefore))
	for _, day := range closed.Days {
		status.ClosedDays++
		status.ClosedBytes += day.Bytes
	}
	if since, err := k.WaitingSince(); err == nil && !since.IsZero() {
		status.ImportWaits = max(time.Second, k.options.Now().Sub(since))
	}
	files, err := disk.List(k.options.Directory)
	if err != nil {
		return status, err
	}
	status.JournalBytes = disk.Sizes(files.Journals...)
	status.SnapshotBytes = disk.Sizes(files.Snapshots[max(0, len(files.Snapshots)-1):]...)
	return status, nil
}
