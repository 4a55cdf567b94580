package snapshot

import (
	"os"
	"sync/atomic"
	"time"
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
	// JournalBytes is the size of the journal's files, and SnapshotBytes that of
	// the newest snapshot.
	JournalBytes, SnapshotBytes int64
	// ClosedDays is how many days have a file of their own, of ClosedBytes together.
	ClosedDays  int
	ClosedBytes int64
}

// pulse is what the persistence goroutine shows of itself.
type pulse struct {
	beat     chan struct{}
	opened   time.Time
	sequence atomic.Uint64
	// covered is when a snapshot was last known to hold everything, and refused
	// when the disk last refused a commit, 0 if it took the last one. Both are
	// times since opened, so that no clock that is set matters.
	covered, refused atomic.Int64
}

func (p *pulse) begin(r Recovery, now time.Time) {
	p.beat, p.opened = make(chan struct{}), time.Now()
	p.sequence.Store(r.Sequence)
	if r.Frames > 0 && !r.Written.IsZero() {
		p.covered.Store(int64(min(0, r.Written.Sub(now))))
	}
}

// noteCovered says that a snapshot held everything there was at that time.
func (p *pulse) noteCovered(at time.Time) { p.covered.Store(int64(at.Sub(p.opened))) }

func (p *pulse) noteRefused(err error) {
	if err == nil {
		p.refused.Store(0)
		return
	}
	p.refused.Store(int64(max(1, time.Since(p.opened))))
}

// Beat receives whenever the persistence goroutine is between two steps of its
// work. If it does not for long, that hangs, and nothing is made durable.
func (k *Keeper) Beat() <-chan struct{} { return k.pulse.beat }

// Refusing says whether records are being refused because the disk does not
// take them.
func (k *Keeper) Refusing() bool {
	refused := time.Duration(k.pulse.refused.Load())
	return refused > 0 && time.Since(k.pulse.opened)-refused < refusalMemory
}

// Status returns what there is to say now. It looks at the directory.
func (k *Keeper) Status() (Status, error) {
	status := Status{
		Sequence:    k.pulse.sequence.Load(),
		SnapshotAge: time.Since(k.pulse.opened) - time.Duration(k.pulse.covered.Load()),
	}
	closed := k.history.current()
	for _, s := range closed.segments {
		status.ClosedDays++
		status.ClosedBytes += s.bytes
	}
	files, err := list(k.options.Directory)
	if err != nil {
		return status, err
	}
	status.JournalBytes, status.SnapshotBytes = sizes(files.journals), sizes(files.snapshots[max(0, len(files.snapshots)-1):])
	return status, nil
}

// noteRefusal logs when the disk begins or ceases to refuse.
func (k *Keeper) noteRefusal(err error) {
	k.pulse.noteRefused(err)
	if err != nil {
		k.options.Observer.Refused()
	}
	if refusing := err != nil; refusing != k.refusing {
		k.refusing = refusing
		if refusing {
			k.log.Error("cannot write the journal: refusing records until the disk takes them again", "error", err)
		} else {
			k.log.Info("the journal can be written again: accepting records")
		}
	}
}

// sizes adds up files. One that is removed meanwhile counts nothing.
func sizes(paths []string) (sum int64) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}
