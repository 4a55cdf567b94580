package snapshot

import (
	"errors"
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
)

const (
	// snapshotPace is how long records gather between commits when nobody waits for
	// them.
	snapshotPace = 10 * time.Millisecond
	// syncInterval is how often commits are synced that nobody waits for, and how often
	// the directory is looked after.
	syncInterval = time.Second
)

// committer is the committing goroutine: it does one thing after the other, so that
// nothing on disk needs a lock. What is done beside it touches other files: a
// snapshotJob removes journals only below what it keeps, and a journal file that is
// full is durable and belongs to who closes it.
type committer struct {
	options *Options
	store   *counters.Store
	keys    *idempotency.Window
	pulse   *pulse

	membership *membership

	lock      *disk.DirectoryLock
	journal   journal
	snapshots snapshotter

	refusing bool              // whether the last commit failed, so that only changes are logged
	broken   error             // a sync failed: nothing can be made durable any more
	requests chan chan<- error // for a snapshot at once, with whom to tell what became of it
	syncs    chan chan<- error // for all commits so far to be durable, in the same way
}

// run commits until quit is closed, or until nothing can be made durable any more,
// which is the error. finish must be called after it.
func (c *committer) run(quit <-chan struct{}) error {
	c.snapshots.lastGood = time.Now()
	snapshots := time.NewTimer(c.options.SnapshotInterval)
	defer snapshots.Stop()
	syncs := time.NewTicker(syncInterval)
	defer syncs.Stop()
	var due <-chan time.Time // of the next commit, where commits are paced
	wait := newGroupWait(c.store)
	defer wait.stop()
	for c.broken == nil {
		wake := c.store.Wake()
		if due != nil {
			wake = nil
		}
		select {
		case <-wake:
			if !c.options.Durability.isJournaled() {
				due = time.After(snapshotPace)
				continue
			}
			expected := 0
			expected, c.broken = c.commit()
			wait.begin(expected)
		case <-wait.timer.C:
			wait.advance()
		case <-due:
			due = nil
			_, c.broken = c.commit()
		case <-syncs.C:
			c.broken = c.lookAfter()
		case outcome := <-c.journal.syncing:
			c.broken = c.journal.endSync(outcome)
			c.pulse.noteUnsynced(c.journal.unsyncedSince())
		case <-snapshots.C:
			var began bool
			if began, c.broken = c.beginSnapshot(); !began {
				snapshots.Reset(c.options.SnapshotInterval)
			}
		case waiting := <-c.syncs:
			c.journal.tellWhenDurable(waiting)
		case waiting := <-c.requests:
			c.broken = c.snapshotFor(waiting)
		case outcome := <-c.snapshots.running:
			snapshots.Reset(c.snapshots.end(outcome))
			c.broken = c.snapshotForThoseWhoAsked()
		case c.pulse.beat <- struct{}{}:
		case <-quit:
			return nil
		}
	}
	return c.broken
}

// beginJournal begins the first file. Where there is no room for it, reads can be
// answered all the same: records are refused until there is.
func (c *committer) beginJournal() error {
	err := c.journal.begin()
	if !disk.IsNoRoom(err) || errors.Is(err, errStrayJournal) {
		return err
	}
	c.noteRefusal(err)
	return nil
}

// lookAfter does what is due every second. An error means that what is written goes
// nowhere.
func (c *committer) lookAfter() error {
	c.snapshots.rule()
	if err := c.lock.Check(); err != nil {
		return fmt.Errorf("data directory %w", err)
	}
	if err := c.journal.check(); err != nil {
		return fmt.Errorf("journal %w", err)
	}
	c.journal.lookAhead()
	c.journal.beginSync()
	return nil
}

// commit seals what has gathered and makes it as durable as it must be. It returns how
// many batches the next commit can expect: as many as this one had, if those who are
// answered come back, and those that came meanwhile. An error means that it is unknown
// what is on disk: nothing may be acknowledged any more.
func (c *committer) commit() (expected int, err error) {
	if c.store.Gathered() == 0 {
		return 0, nil // woken for nothing: no journal file is begun for it
	}
	if err := c.journal.rotateIfFull(); err != nil {
		return 0, err
	}
	delta := c.store.Seal()
	if delta == nil {
		return 0, nil
	}
	at := c.keys.Now()
	if err := c.journal.write(delta, at); err != nil {
		if errors.Is(err, errStrayJournal) {
			return 0, err
		}
		c.noteRefusal(err)
		c.keys.Reject(delta.Marks)
		delta.Reject(fmt.Errorf("%w: %w", ErrNotDurable, err))
		return delta.Batches, nil
	}
	if c.options.Durability == Always {
		if err := c.journal.sync(); err != nil {
			return 0, err
		}
	}
	c.noteRefusal(nil)
	c.keys.Commit(delta.Marks, at)
	expected = delta.Batches + c.store.Gathered() // before those who are answered come back
	return expected, c.commitTo(delta)
}

// commitTo ends a delta that is as durable as it must be.
func (c *committer) commitTo(delta *counters.Delta) error {
	if err := c.membership.apply(delta.Notes); err != nil {
		return err
	}
	if len(delta.Notes) > 0 && c.options.ExpiresTogether {
		c.snapshots.rule() // days expire with the frames that say so
	}
	c.pulse.noteCommitted(c.journal.sequence)
	c.pulse.noteUnsynced(c.journal.unsyncedSince())
	delta.Commit()
	if c.options.Follower != nil {
		c.options.Follower.Committed(c.journal.sequence, delta)
	}
	return nil
}

// commitNothing writes a commit without counts, so that the next snapshot, which
// is named after the last commit, has a name of its own. It says whether the
// disk took it.
func (c *committer) commitNothing() bool {
	if err := c.journal.writeNothing(); err != nil {
		c.options.Logger.Warn("could not write to the journal; days are closed later", "error", err)
		return false
	}
	c.pulse.sequence.Store(c.journal.sequence)
	return true
}

// noteRefusal logs when the disk begins or ceases to refuse.
func (c *committer) noteRefusal(err error) {
	refusing := err != nil
	c.pulse.noteRefused(refusing)
	if refusing {
		c.options.Observer.Refused()
	}
	if refusing == c.refusing {
		return
	}
	c.refusing = refusing
	if refusing {
		c.options.Logger.Error("cannot write the journal: refusing records until the disk takes them again", "error", err)
	} else {
		c.options.Logger.Info("the journal can be written again: accepting records")
	}
}

// beginSnapshot has a snapshot written in the background. It says whether it did:
// there may be nothing new to write, or another one at work.
func (c *committer) beginSnapshot() (began bool, err error) {
	if c.snapshots.running != nil {
		return false, nil
	}
	if c.journal.sequence == c.snapshots.covered {
		c.pulse.noteCovered(time.Now())
		if !c.snapshots.isDue() || !c.commitNothing() {
			return false, nil
		}
	}
	if err := c.journal.rotateIfUsed(); err != nil {
		return false, err
	}
	c.snapshots.begin(&c.journal)
	return true, nil
}

// snapshotFor commits what has gathered and has a snapshot written of it, of which it
// tells who waits for it.
func (c *committer) snapshotFor(waiting chan<- error) error {
	c.snapshots.asked = append(c.snapshots.asked, waiting)
	if _, err := c.commit(); err != nil {
		return err
	}
	return c.snapshotForThoseWhoAsked()
}

// snapshotForThoseWhoAsked begins a snapshot, unless one is at work that began before
// they asked.
func (c *committer) snapshotForThoseWhoAsked() error {
	if c.snapshots.running != nil || len(c.snapshots.asked) == 0 {
		return nil
	}
	began, err := c.beginSnapshot()
	if began || err != nil {
		return err
	}
	for _, waiting := range c.snapshots.asked {
		waiting <- nil // there is nothing to write
	}
	c.snapshots.asked = nil
	return nil
}

// finish makes durable what was taken, writes a last snapshot and closes the
// journal.
func (c *committer) finish() error {
	err := c.broken
	if err == nil {
		_, err = c.commit()
	}
	if err == nil {
		err = c.journal.sync()
	}
	if err != nil { // what is on disk is unknown: the next start finds out
		c.journal.giveUp(err)
		c.snapshots.await()
		c.journal.abandon()
		return err
	}
	return errors.Join(c.snapshots.last(&c.journal), c.journal.close())
}
