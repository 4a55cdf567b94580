package snapshot

import (
	"time"

	"stats-recorder/counters"
)

const (
	// allTime is how long after a commit the next one waits for all batches that are
	// expected, and halfTime how long for half of them.
	allTime  = 500 * time.Microsecond
	halfTime = 2 * time.Millisecond
)

// groupWait says how many batches a commit waits for. A sync is fast on a good
// disk; without waiting, hundreds of clients get a commit for every few of them, and
// much of the processor's time goes into commits. Those who were just answered tend
// to come back together. So a commit expects as many batches as the one before had,
// beside those that came meanwhile: without them, two halves of the clients would take
// turns, with a commit for each. At full load that takes longer than allTime, and
// half of them are enough: waiting for all would only leave the disk without work.
// Below it, waiting for all takes processor time off, and what is written, and with
// that the slowest acknowledgements: see docs/performance.md. After halfTime without
// a commit nobody waits, until the next begin. As many batches as a commit waited for,
// if they come during its sync, are enough for the next one to follow at once.
type groupWait struct {
	store    *counters.Store
	timer    *time.Timer
	expected int  // batches of the next commit
	halved   bool // the time for all is over
}

// newGroupWait returns a groupWait with which nobody waits before the first commit.
// It must be stopped.
func newGroupWait(store *counters.Store) *groupWait {
	return &groupWait{store: store, timer: time.NewTimer(halfTime), halved: true}
}

// begin is called after a commit, with how many batches the next one can expect.
func (w *groupWait) begin(expected int) {
	w.expected, w.halved = max(expected, 1), false
	w.store.Expect(w.expected)
	w.timer.Reset(allTime)
}

// advance is called when the timer has run out.
func (w *groupWait) advance() {
	if w.halved {
		w.store.Expect(1)
		return
	}
	w.halved = true
	w.store.Expect(max(w.expected/2, 1))
	w.timer.Reset(halfTime - allTime)
}

func (w *groupWait) stop() { w.timer.Stop() }
