package member_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/harness/harnesstest"
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

// refusedShares is Shared that takes nothing, and remembers of which commits the states were.
type refusedShares struct {
	cluster.Shared
	node *node

	mu      sync.Mutex
	commits []uint64
}

func (r *refusedShares) Put(context.Context, cluster.Origin, *cluster.Covered, io.Reader) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits = append(r.commits, r.node.keeper.Sequence())
	return errors.New("there is no room")
}

// hasSame says whether the last states were of the same commit.
func (r *refusedShares) hasSame(states int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := len(r.commits) - states
	return from >= 0 && len(slices.Compact(slices.Clone(r.commits[from:]))) == 1
}

// The log may be full for days, and it is tried again every second.
func TestAStateThatCannotBeSharedIsNotWrittenAnewEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := &refusedShares{}
	one := w.add(func(n *node) {
		refused.node = n
		n.shares = func(shared cluster.Shared) cluster.Shared {
			refused.Shared = shared
			return refused
		}
	})
	one.page(3)
	harnesstest.Until(t, "what is tried again is the same state", func() bool { return refused.hasSame(5) })
}
