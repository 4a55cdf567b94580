package snapshot

import (
	"time"

	"stats-recorder/counters"
)

const (
	// allTime is how long after a commit the next one waits for as many batches as
	// that one had, and halfTime how long for half as many.
	allTime  = 500 * time.Microsecond
	halfTime = 2 * time.Millisecond
)

// groupWait says how many batches a commit waits for. A sync is fast on a good
// disk; without waiting, hundreds of clients get a commit for every few of them, and
// much of the processor's time goes into commits. Those who were just answered tend
// to come back together. At full load that takes longer than allTime, and half of
// them are enough: waiting for all would only leave the disk without work. Below
// it, waiting for all takes a twentieth off the processor time and a third off what
// is written, and with that off the slowest acknowledgements: see README,
// "Performance". After halfTime without a commit nobody waits, until the next begin.
// As many batches as the commit before waited for, if they come during a sync, are
// enough for the next commit to follow at once.
type groupWait struct {
	store   *counters.Store
	timer   *time.Timer
	batches int  // that the last commit had
	halved  bool // the time for all is over
}

// newGroupWait returns a groupWait with which nobody waits before the first commit.
// It must be stopped.
func newGroupWait(store *counters.Store) *groupWait {
	return &groupWait{store: store, timer: time.NewTimer(halfTime), halved: true}
}

// begin is called after a commit of so many batches.
func (w *groupWait) begin(batches int) {
	w.batches, w.halved = batches, false
	w.store.Expect(max(batches, 1))
	w.timer.Reset(allTime)
}

// advance is called when the timer has run out.
func (w *groupWait) advance() {
	if w.halved {
		w.store.Expect(1)
		return
	}
	w.halved = true
	w.store.Expect(max(w.batches/2, 1))
	w.timer.Reset(halfTime - allTime)
}

func (w *groupWait) stop() { w.timer.Stop() }
