package member_test

import (
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
)

// addWithRetention adds a node that keeps ten days, whose clock is set by days.
func (w *world) addWithRetention() (n *node, ahead *atomic.Int64) {
	ahead = &atomic.Int64{}
	return w.add(func(n *node) {
		n.keeping.Retention, n.keeping.ExpiresTogether = 10*24*time.Hour, true
		n.keeping.Now = func() time.Time { return noon().AddDate(0, 0, int(ahead.Load())) }
	}), ahead
}

// confirm has a person confirm the clock of a node.
func (n *node) confirm(ahead *atomic.Int64) {
	n.world.t.Helper()
	today := storetest.Noon().Day() + counters.Day(ahead.Load())
	if err := n.keeper.ConfirmClock(n.world.t.Context(), today); err != nil {
		n.world.t.Fatal(err)
	}
}

// keptFrom is the first day that a node shows, 0 for all.
func (n *node) keptFrom() counters.Day {
	day, _ := n.keeper.History().KeptFrom()
	return day
}

// hasHeard waits until a node has what another one has told.
func (n *node) hasHeard(other *node) {
	n.world.t.Helper()
	harnesstest.Until(n.world.t, "the node has all frames of another one", func() bool {
		return n.covered().Includes(other.covered())
	})
}

func TestADayGoesOnAllNodesOnceTwoSayThatItIsPastRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, ahead := w.addWithRetention()
	two, alsoAhead := w.addWithRetention()
	three, _ := w.addWithRetention() // its clock stays
	one.page(3)
	two.page(4)
	w.agree()

	ahead.Store(30)
	before := one.keeper.Membership().Sequence
	one.confirm(ahead)
	harnesstest.Until(t, "the node has told of it", func() bool { return one.keeper.Membership().Sequence > before })
	three.hasHeard(one)
	two.hasHeard(one)
	for i, n := range w.nodes {
		if day := n.keptFrom(); day != 0 {
			t.Errorf("node %d shows days from %s on though one alone has said so", i+1, day)
		}
	}

	alsoAhead.Store(30)
	two.confirm(alsoAhead)
	kept := storetest.Noon().Day() + 20
	for _, n := range w.nodes {
		harnesstest.Until(t, "the node hides the day", func() bool { return n.keptFrom() == kept })
	}
	late := w.add(func(n *node) {
		n.keeping.Retention, n.keeping.ExpiresTogether = 10*24*time.Hour, true
	})
	harnesstest.Until(t, "a new node hides it too", func() bool { return late.keptFrom() == kept })
	if err := one.keeper.SnapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	late.page(2) // of that day
	if err := late.member.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.nodes {
		for _, other := range w.nodes {
			n.hasHeard(other)
		}
	}
	var hashes []snapshot.Hash
	for _, n := range w.nodes {
		n.stop()
		hash, _, err := snapshot.HashOf(n.keeping.Directory, counters.BuiltInKinds())
		if err != nil {
			t.Fatal(err)
		}
		hash.Commit = 0
		hashes = append(hashes, hash)
	}
	for _, hash := range hashes[1:] {
		if hash != hashes[0] {
			t.Errorf("%+v", hashes)
			break
		}
	}
}

func TestWhatANodeSaidOfRetentionOutlivesItsRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, ahead := w.addWithRetention()
	two, alsoAhead := w.addWithRetention()
	one.page(3)
	w.agree()
	before := one.keeper.Membership().Sequence
	ahead.Store(30)
	one.confirm(ahead)
	harnesstest.Until(t, "the node has told of it", func() bool { return one.keeper.Membership().Sequence > before })
	one.kill()
	two.kill()
	two.start()
	alsoAhead.Store(30)
	two.confirm(alsoAhead)
	kept := storetest.Noon().Day() + 20
	one.start()
	for _, n := range w.nodes {
		harnesstest.Until(t, "the node hides the day", func() bool { return n.keptFrom() == kept })
		n.kill()
		n.start()
		if day := n.keptFrom(); day != kept {
			t.Errorf("after a restart it shows days from %s on, want %s", day, kept)
		}
	}
}
