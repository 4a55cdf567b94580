package member_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
)

func TestFramesWhoseAnswersAreLostAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	random := storetest.Random(t)
	for range 3 {
		w.add()
	}
	w.broker.SetFaults(clustertest.Faults{Lost: 0.2, Unanswered: 0.2, Delayed: 0.1, Doubled: 0.3}, storetest.Random(t))
	for range 60 {
		w.nodes[random.IntN(3)].record(storetest.RandomBatch(random, 60))
	}
	harnesstest.Until(t, "a frame is in the log twice", func() bool {
		w.nodes[0].page(1)
		seen := map[cluster.FrameNumber]bool{}
		for _, frame := range w.broker.Frames() {
			number := cluster.FrameNumber{Origin: frame.Origin, Sequence: frame.Sequence}
			if seen[number] {
				return true
			}
			seen[number] = true
		}
		return false
	})
	w.agree()
}

// A node dies at each point between the seal of a commit and the answer of the log. Others get
// what it had not told by the log alone: no state is shared that would have it, too.
func TestANodeThatDiesBetweenSealAndAnswerLosesNothingAndCountsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		faults clustertest.Faults
		away   error
		at     func(w *world, n *node, framesBefore int) bool
	}{
		{"before a frame is made", clustertest.Faults{}, errors.New("no server answers"),
			func(_ *world, n *node, _ int) bool { return storetest.Events(n.keeper.Store()) == 7 }},
		{"when the frame is in the journal", clustertest.Faults{Lost: 1}, nil,
			func(_ *world, n *node, _ int) bool { return n.member.Status().Failing > 0 }},
		{"when the frame is on its way", clustertest.Faults{Delayed: 1}, nil,
			func(_ *world, n *node, _ int) bool { return n.member.Status().Failing > 0 }},
		{"when the log has the frame and has not answered", clustertest.Faults{Unanswered: 1}, nil,
			func(w *world, _ *node, before int) bool { return len(w.broker.Frames()) > before }},
		{"when the log has answered", clustertest.Faults{}, nil,
			func(_ *world, n *node, _ int) bool {
				return n.member.Status().Appended > 0 && n.member.Status().Waiting == 0
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			shareNothing := func(n *node) { n.options.Share = time.Hour }
			one, two := w.add(shareNothing), w.add(shareNothing)
			two.page(3)
			w.agree()
			one.stop()
			one.setAway(test.away)
			one.start()
			before := len(w.broker.Frames())
			w.broker.SetFaults(test.faults, storetest.Random(t))
			one.page(4)
			harnesstest.Until(t, "the node is "+test.name, func() bool { return test.at(w, one, before) })
			one.kill()
			w.broker.SetFaults(clustertest.Faults{}, storetest.Random(t))
			one.setAway(nil)
			one.start()
			one.page(5)
			w.agree()
		})
	}
}

func TestCountsWaitWhileTheLogIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(func(n *node) { n.options.Backlog = 64 }), w.add()
	w.broker.SetLimit(1)
	one.page(4)
	harnesstest.Until(t, "the node says that the log is full", func() bool { return errors.Is(one.member.Status().Trouble, cluster.ErrFull) })
	full := time.Now()
	harnesstest.Until(t, "the log has answered where it ends since", func() bool { return one.member.Status().ReachedAt.After(full) })
	if trouble := one.member.Status().Trouble; !errors.Is(trouble, cluster.ErrFull) {
		t.Errorf("a log that answers and takes nothing is in trouble: %v, want ErrFull", trouble)
	}
	harnesstest.Until(t, "records are refused", func() bool {
		return errors.Is(one.tryRecord(member.ByDisk, storetest.Page(9, storetest.Noon())), member.ErrBacklog)
	})
	if err := one.member.Takes(member.ByDisk); !errors.Is(err, member.ErrBacklog) {
		t.Errorf("the node says of what it takes: %v, want ErrBacklog", err)
	}
	w.broker.SetLimit(0)
	two.page(5)
	w.agree()
	harnesstest.Until(t, "the trouble is over", func() bool {
		return one.member.Status().Trouble == nil && one.member.Takes(member.ByLog) == nil
	})
	one.page(2)
	w.agree()
}

func TestWhileTheLogTakesNothingNoRecordIsTakenThatItMustHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add()
	one.page(3)
	w.agree()
	w.broker.SetFaults(clustertest.Faults{Lost: 1}, storetest.Random(t))
	waiting := make(chan error, 1)
	go func() { waiting <- one.tryRecord(member.ByLog, storetest.Page(4, storetest.Noon())) }()
	var events uint64
	harnesstest.Until(t, "records are refused before they are counted", func() bool {
		events = storetest.Events(one.keeper.Store())
		return errors.Is(one.tryRecord(member.ByLog, nil), member.ErrLogAway)
	})
	if err := one.tryRecord(member.ByLog, storetest.Page(5, storetest.Noon())); !errors.Is(err, member.ErrLogAway) {
		t.Errorf("%v, want ErrLogAway", err)
	}
	if after := storetest.Events(one.keeper.Store()); after != events {
		t.Errorf("%d events, want %d: what was refused must not be counted", after, events)
	}
	one.page(6) // the disk alone is enough for it
	w.broker.SetFaults(clustertest.Faults{}, storetest.Random(t))
	if err := <-waiting; err != nil {
		t.Errorf("what was counted before was answered %v", err)
	}
	harnesstest.Until(t, "records are taken again", func() bool {
		return one.tryRecord(member.ByLog, storetest.Page(7, storetest.Noon())) == nil
	})
	w.add()
	w.agree()
}

func TestANodeWhoseClockIsFarOffIsNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct {
		name  string
		ahead time.Duration
		want  error
	}{
		{"a second", time.Second, nil},
		{"an hour ahead", time.Hour, member.ErrSkew},
		{"an hour behind", -time.Hour, member.ErrSkew},
	} {
		n := w.add(func(n *node) {
			n.clock = func(context.Context) (time.Time, error) { return time.Now().Add(test.ahead), nil }
		})
		n.page(2) // it takes records all the same
		harnesstest.Until(t, "the node knows: "+test.name, func() bool {
			err := n.member.Ready()
			return test.want == nil && err == nil || test.want != nil && errors.Is(err, test.want)
		})
	}
	w.agree()
}

func TestWhoWaitsForTheLogGetsNoAnswerFromANodeThatEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add()
	w.add()
	w.broker.SetFaults(clustertest.Faults{Lost: 1}, storetest.Random(t))
	records := storetest.Page(4, storetest.Noon())
	ticket, err := one.member.Recorder(one.keeper, member.ByLog).Record(storetest.Batch(t, one.keeper.Store(), records))
	if err != nil {
		t.Fatal(err)
	}
	harnesstest.Until(t, "the record is durable here", func() bool { return storetest.Events(one.keeper.Store()) == 4 })
	one.kill()
	if ticket.Settled() {
		t.Errorf("it was answered %v: it is counted, and the log does not have it", ticket.Wait())
	}
	w.model.Add(records)
	w.broker.SetFaults(clustertest.Faults{}, storetest.Random(t))
	one.start()
	w.agree()
}

// What most nodes had of the log that is gone is in nobody's outbox. A node that lacks it gets
// it by a state, though its own one may be the furthest in the log that is there now.
func TestANodeAdoptsAStateThatHasMoreThoughItsOwnIsTheFurthest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, three := w.add(), w.add(), w.add()
	three.page(2)
	w.agree()
	for _, n := range w.nodes {
		n.shared()
	}
	own, origin := three.covered().Clone(), three.keeper.Membership().Origin
	three.stop()
	one.page(4)
	w.nodes = []*node{one, two}
	w.agree()
	harnesstest.Until(t, "no outbox has the frame", func() bool { return one.member.Status().Outbox == 0 })
	one.stop()
	two.stop()
	w.broker.Recreate()
	_, last, err := w.broker.Open().Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.nodes = []*node{three, one, two}
	for _, n := range w.nodes {
		if err := member.AdoptLog(t.Context(), n.keeping, last.Epoch); err != nil {
			t.Fatal(err)
		}
	}
	one.start()
	two.start()
	one.page(6)
	two.page(7)
	w.nodes = []*node{one, two}
	w.agree()
	one.shared()
	two.shared()
	one.stop()
	two.stop()
	log := w.broker.Open()
	if _, own.Position, err = log.Bounds(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := log.Put(t.Context(), origin, own, strings.NewReader("of no use to itself")); err != nil {
		t.Fatal(err)
	}
	w.nodes = []*node{three, one, two}
	three.start()
	three.page(5)
	w.agree()
}

func TestANodeSaysUntilWhenAllThatItAcknowledgedIsInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add()
	one.page(3)
	told := func(moment time.Time) func() bool {
		return func() bool { return one.member.Status().ToldUntil.After(moment) }
	}
	harnesstest.Until(t, "the record is told", told(time.Now()))
	w.broker.SetFaults(clustertest.Faults{Lost: 1}, storetest.Random(t))
	before := time.Now()
	one.page(4)
	acknowledged := time.Now()
	expectUntold := func(when string) {
		t.Helper()
		if until := one.member.Status().ToldUntil; until.Before(before) || until.After(acknowledged) {
			t.Errorf("%s all is told until %v, want from %v to %v", when, until, before, acknowledged)
		}
	}
	expectUntold("while the log is asked to take it,")
	harnesstest.Until(t, "the log takes nothing", func() bool { return one.member.Status().Failing > 0 })
	one.page(5)
	expectUntold("when more waits behind it,")
	one.kill()
	one.setAway(errors.New("no server answers"))
	one.start()
	if until := one.member.Status().ToldUntil; !until.IsZero() {
		t.Errorf("it does not know what the log has of what it finds, and says that all is told until %v", until)
	}
	one.page(6)
	one.setAway(nil)
	harnesstest.Until(t, "the node knows what it has to tell", func() bool { return one.member.Status().Failing > 0 })
	if until := one.member.Status().ToldUntil; !until.IsZero() {
		t.Errorf("what it found waits, and it says that all is told until %v", until)
	}
	w.broker.SetFaults(clustertest.Faults{}, storetest.Random(t))
	harnesstest.Until(t, "all is told", told(time.Now()))
	w.agree()
}

// A gatedFollower is told of commits while its gate is not locked.
type gatedFollower struct {
	snapshot.Follower
	gate *sync.Mutex
}

func (f gatedFollower) Committed(sequence uint64, delta *counters.Delta) {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.Follower.Committed(sequence, delta)
}

func TestANodeThatFlushesWaitsForWhatWasAcknowledgedJustBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var gate sync.Mutex
	one := w.add(func(n *node) {
		n.follows = func(outbox snapshot.Follower) snapshot.Follower { return gatedFollower{outbox, &gate} }
	})
	one.page(3)
	if err := one.member.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	gate.Lock()
	one.page(4)
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := one.member.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a record is acknowledged and not gathered yet, and all is told: %v", err)
	}
	gate.Unlock()
	if err := one.member.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.agree()
}
