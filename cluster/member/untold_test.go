package member_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/member"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
)

// fencedLog takes no frame, and ends a session once a state waits for its counts to be told.
type fencedLog struct {
	cluster.Log
	sharing string // where a state is that is about to be shared
	waited  *atomic.Bool
}

func (f *fencedLog) Append(ctx context.Context, _ cluster.Frame) (cluster.Position, error) {
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(f.sharing); err == nil {
			f.waited.Store(true)
			break
		}
	}
	return cluster.Position{}, cluster.ErrFenced
}

// snapshotTimes remembers when snapshots were begun.
type snapshotTimes struct {
	snapshot.Follower
	mu    sync.Mutex
	began []time.Time
}

func (s *snapshotTimes) Frozen(sequence uint64, known *cluster.Membership) {
	s.mu.Lock()
	s.began = append(s.began, time.Now())
	s.mu.Unlock()
	s.Follower.Frozen(sequence, known)
}

// take forgets the times, and returns them.
func (s *snapshotTimes) take(least int) (began []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.began) >= least {
		began, s.began = s.began, nil
	}
	return began
}

// The log may be away for days, and a snapshot is written each time.
func TestAStateWhoseCountsCannotBeToldRestsAsLongAsOneThatWasSent(t *testing.T) {
	t.Parallel()
	w, times, waited := newWorld(t), &snapshotTimes{}, &atomic.Bool{}
	one := w.add(func(n *node) {
		n.keeping.JournalSize = 64 << 20 // no snapshot because of it
		n.follows = func(follower snapshot.Follower) snapshot.Follower {
			times.Follower = follower
			return times
		}
		n.options.Open = func(ctx context.Context) (*member.Link, error) {
			link, err := n.open(ctx)
			if err == nil {
				link.Log = &fencedLog{link.Log, filepath.Join(n.keeping.Directory, "sharing"), waited}
			}
			return link, err
		}
	})
	one.record(ofLongNames(t, 1500))
	_ = times.take(0)
	var began []time.Time
	harnesstest.Until(t, "another snapshot is begun", func() bool {
		one.page(3)
		began = times.take(2)
		return began != nil
	})
	if !waited.Load() {
		t.Error("no state was held while its counts waited to be told")
	}
	if rest := began[1].Sub(began[0]); rest < 600*time.Millisecond {
		t.Errorf("a state of a megabyte was written again after %v, want most of a second", rest)
	}
}
