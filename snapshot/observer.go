package snapshot

import "time"

// An Observer is told what a Keeper does on disk. The persistence goroutine
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
}

// unobserved is the Observer of a Keeper that has none.
type unobserved struct{}

func (unobserved) Committed(int)                        {}
func (unobserved) Synced(time.Duration)                 {}
func (unobserved) Refused()                             {}
func (unobserved) SnapshotWritten(time.Duration, int64) {}
func (unobserved) SnapshotFailed(time.Duration)         {}

// sync makes durable what was written to the journal.
func (k *Keeper) sync() error {
	if err := k.journal.broken(); err != nil {
		return err
	}
	return k.syncJournal(k.journal)
}

// syncJournal may be called by another goroutine than the persistence one.
func (k *Keeper) syncJournal(journal *journalWriter) error {
	began := time.Now()
	err := journal.sync()
	k.options.Observer.Synced(time.Since(began))
	return err
}
