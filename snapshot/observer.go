package snapshot

import (
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// An Observer is told what a Keeper does on disk. The committing goroutine
// calls it, one call at a time, and waits for it: it must not block.
type Observer interface {
	// Committed is called when a commit was written to the journal, as a frame
	// of so many bytes.
	Committed(frameBytes int)
	// Synced is called when the journal was synced.
	Synced(took time.Duration)
	// Refused is called when a commit could not be written.
	Refused()
	// SnapshotWritten is called when a snapshot has its name.
	SnapshotWritten(took time.Duration, bytes int64)
	// SnapshotFailed is called when a snapshot could not be written.
	SnapshotFailed(took time.Duration)
	// DaysDamaged is called when a snapshot was written that had to do without the
	// files of so many closed days, because they are damaged.
	DaysDamaged(days int)
}

// A Follower is told of every commit that is durable, so that other stores can have it
// too, see Keeper.Merge. The committing goroutine calls it, one call at a time, and
// waits for it: it must not block.
type Follower interface {
	// Committed gets each commit, after those who wait for it were woken. The delta is
	// valid during the call.
	Committed(sequence uint64, delta *counters.Delta)
	// Frozen is called when a snapshot is begun of all commits up to a sequence number,
	// with what the directory knows of the log there: shared, read only; nil for nothing.
	Frozen(sequence uint64, known *cluster.Membership)
}

// unfollowed is a Follower that does nothing.
type unfollowed struct{}

func (unfollowed) Committed(uint64, *counters.Delta)  {}
func (unfollowed) Frozen(uint64, *cluster.Membership) {}

// unobserved is the Observer of a Keeper that has none.
type unobserved struct{}

func (unobserved) Committed(int)                        {}
func (unobserved) Synced(time.Duration)                 {}
func (unobserved) Refused()                             {}
func (unobserved) SnapshotWritten(time.Duration, int64) {}
func (unobserved) SnapshotFailed(time.Duration)         {}
func (unobserved) DaysDamaged(int)                      {}
