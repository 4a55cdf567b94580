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
		n.supervise()
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
	harnesstest.Until(t, "a new node hides it too", func() bool {
		late.supervise() // the log may be trimmed while it starts
		return late.keptFrom() == kept
	})
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
	w.haveOneHash()
}

// haveOneHash ends all nodes, and requires the same counts and frames of all.
func (w *world) haveOneHash() {
	w.t.Helper()
	hashes := map[snapshot.Hash]bool{}
	for _, n := range w.nodes {
		n.stop()
		hash, _, err := snapshot.HashOf(n.keeping.Directory, counters.BuiltInKinds())
		if err != nil {
			w.t.Fatal(err)
		}
		hash.Commit = 0 // each one's own
		hashes[hash] = true
	}
	if len(hashes) != 1 {
		w.t.Errorf("%+v", hashes)
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

// All nodes have the events in their sums of all time, and none shows the days.
func TestAnImportOfDaysPastRetentionIsTheSameOnAllNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, ahead := w.addWithRetention()
	two, alsoAhead := w.addWithRetention()
	one.page(3)
	w.agree()
	ahead.Store(30)
	alsoAhead.Store(30)
	one.confirm(ahead)
	two.confirm(alsoAhead)
	kept := storetest.Noon().Day() + 20
	for _, n := range w.nodes {
		harnesstest.Until(t, "the node hides the day", func() bool { return n.keptFrom() == kept })
	}
	records := someMonths("imported", 0)
	records = append(records, storetest.Shown("imported-0", 3, 1, storetest.Noon()+25*24))
	one.imports(records)
	for range 2 { // the second snapshot has the days closed
		two.hasHeard(one)
		for i, n := range w.nodes {
			if err := n.keeper.SnapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			if have, want := storetest.Events(n.keeper.Store()), uint64(3+len(records)); have != want {
				t.Errorf("node %d has %d events, want %d", i+1, have, want)
			}
			shown := uint64(0)
			n.totals()(0, func(_ counters.Benefit, events []counters.EventTotal) {
				for _, event := range events {
					shown += event.Count
				}
			})
			if shown != 1 {
				t.Errorf("node %d shows %d events of days, want 1", i+1, shown)
			}
		}
	}
	w.haveOneHash()
}
