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
	"stats-recorder/counters/storetest"
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

// lostShares takes whole states, remembers large ones, and says each time that it failed.
type lostShares struct {
	cluster.Shared
	mu    sync.Mutex
	sizes []int64
	began []time.Time
}

func (l *lostShares) Put(_ context.Context, _ cluster.Origin, _ *cluster.Covered, state io.Reader) error {
	began := time.Now()
	size, _ := io.Copy(io.Discard, state)
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > 200_000 {
		l.began, l.sizes = append(l.began, began), append(l.sizes, size)
	}
	return errors.New("no server answers")
}

// rest is between the first two large states, and size what the first one had; 0 before there are two.
func (l *lostShares) rest() (rest time.Duration, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.began) < 2 {
		return 0, 0
	}
	return l.began[1].Sub(l.began[0]), l.sizes[0]
}

// Each time it is all written to the disk, if anything was counted meanwhile, and all sent.
func TestAStateThatCannotBeSharedIsTriedAgainAfterARestInProportionToItsSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := &lostShares{}
	one := w.add(func(n *node) {
		n.shares = func(shared cluster.Shared) cluster.Shared {
			lost.Shared = shared
			return lost
		}
	})
	one.record(ofLongNames(t, 400))
	harnesstest.Until(t, "the state is tried again", func() bool {
		one.page(3)
		rest, _ := lost.rest()
		return rest > 0
	})
	const megabyte = 1 << 20
	if rest, size := lost.rest(); rest < time.Duration(size)*time.Second/megabyte*9/10 {
		t.Errorf("a state of %d bytes was tried again after %v, want a second for each megabyte", size, rest)
	}
}

// ofLongNames are records of so many benefits, whose names alone make a state large.
func ofLongNames(t *testing.T, benefits int) (records []storetest.Record) {
	random := storetest.Random(t)
	for range benefits {
		name := make([]byte, 1000)
		for i := range name {
			name[i] = byte('a' + random.IntN(26))
		}
		records = append(records, storetest.Shown(string(name), 1, 1, storetest.Noon()))
	}
	return records
}
