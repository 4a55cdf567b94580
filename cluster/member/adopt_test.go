package member_test

import (
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot"
)

// What most nodes have is in no journal any more, and the state that a node adopts may be from
// before it.
func TestANodeHasItsOwnFramesFromTheLogThatTheStateWhichItAdoptedLacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keepsLog := func(n *node) { n.options.KeepInLog = time.Hour }
	one, two := w.add(keepsLog), w.add(keepsLog)
	one.page(3)
	w.agree()
	one.shared()
	log := w.broker.Open()
	covers, state, err := log.Newest(t.Context(), one.covered().Position.Epoch, nil)
	if err != nil {
		t.Fatal(err)
	}
	two.page(4)
	w.agree()
	known := two.keeper.Membership()
	two.stop()
	adopted := &cluster.Membership{Covered: *covers, Origin: known.Origin, Sequence: known.Sequence}
	if err := snapshot.Adopt(two.keeping, state, adopted, nil); err != nil {
		t.Fatal(err)
	}
	two.start()
	w.agree()
	two.page(5)
	w.agree()
	if now := two.keeper.Membership().Origin; now != known.Origin {
		t.Errorf("it counts under %s, want %s as before", now, known.Origin)
	}
}

// Others may have to adopt it, and nothing may be counted until they have.
func TestANodeSharesWhatItHasThoughNothingNewIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(func(n *node) { n.options.Share = time.Hour }), w.add()
	two.page(3)
	w.agree()
	one.stop() // which writes a snapshot
	one.start()
	one.shared()
}
