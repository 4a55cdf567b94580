package member_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// noon is a clock that stands in the hour in which most records happen.
func noon() time.Time { return storetest.Noon().Time().Add(30 * time.Minute) }

// world is nodes over one log, and all that they acknowledged.
type world struct {
	t      *testing.T
	broker *clustertest.Broker
	mu     sync.Mutex
	model  storetest.Model
	nodes  []*node
	agreed []string // event types
}

func newWorld(t *testing.T) *world {
	return &world{t: t, broker: clustertest.NewBroker(0), model: storetest.Model{}}
}

// node is a keeper and its member.
type node struct {
	world   *world
	options member.Options
	keeping snapshot.Options
	keeper  *snapshot.Keeper
	member  *member.Member
	session *clustertest.Session
	away    error                                    // why the log cannot be opened
	shares  func(cluster.Shared) cluster.Shared      // what it shares states by
	clock   func(context.Context) (time.Time, error) // of the log's servers
	follows func(snapshot.Follower) snapshot.Follower
}

// add starts a node in an empty directory.
func (w *world) add(change ...func(*node)) *node {
	w.t.Helper()
	n := &node{world: w}
	n.keeping = snapshot.Options{
		Directory: w.t.TempDir(), Durability: snapshot.Always, SnapshotInterval: time.Hour,
		MaxEventAge: 48 * time.Hour, Now: noon, JournalSize: 20 << 10,
	}
	n.options = member.Options{
		Open: n.open, Window: time.Millisecond, Gather: time.Millisecond, Share: 20 * time.Millisecond,
		KeepInLog: 50 * time.Millisecond, Pause: 5 * time.Millisecond,
	}
	for _, change := range change {
		change(n)
	}
	n.start()
	w.nodes = append(w.nodes, n)
	w.t.Cleanup(n.stop)
	return n
}

func (n *node) open(context.Context) (*member.Link, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	if n.away != nil {
		return nil, n.away
	}
	n.session = n.world.broker.Open()
	link := &member.Link{Log: n.session, Shared: n.session, Close: func() {}}
	if n.shares != nil {
		link.Shared = n.shares(n.session)
	}
	link.Ask = func(ctx context.Context) (said member.Servers, err error) {
		said.Now, said.EventTypes = time.Now(), n.world.eventTypes()
		if n.clock != nil {
			said.Now, err = n.clock(ctx)
		}
		return said, err
	}
	link.AddEventTypes = n.world.addEventTypes
	return link, nil
}

// eventTypes are those that nodes have said.
func (w *world) eventTypes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.agreed)
}

func (w *world) addEventTypes(_ context.Context, names []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agreed = append(w.agreed, names...)
	return nil
}

func (n *node) setAway(why error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	n.away = why
}

// start does what a process does: it joins, and adopts a state if it must.
func (n *node) start() {
	n.world.t.Helper()
	if err := n.tryStart(); err != nil {
		n.world.t.Fatalf("start: %v", err)
	}
}

func (n *node) tryStart() error {
	for {
		n.member = member.New(n.options)
		n.keeping.Follower = n.member.Follower()
		if n.follows != nil {
			n.keeping.Follower = n.follows(n.keeping.Follower)
		}
		keeper, err := snapshot.Open(n.keeping)
		if err != nil {
			return err
		}
		n.keeper = keeper
		ctx, cancel := context.WithTimeout(n.world.t.Context(), 10*time.Second)
		if n.away != nil {
			cancel()
		}
		err = n.member.Start(ctx, keeper)
		if errors.Is(err, member.ErrAdopt) {
			cancel()
			n.adopt()
			continue
		}
		cancel()
		if err != nil {
			n.stop()
		}
		return err
	}
}

// adopt ends a node and makes its directory what another one's is.
func (n *node) adopt() {
	n.world.t.Helper()
	if err := n.member.Adopt(n.world.t.Context(), n.keeping); err != nil && !errors.Is(err, member.ErrNothingToAdopt) {
		n.world.t.Fatalf("adopt: %v", err)
	}
	n.keeper = nil
}

// stop ends a node as a process ends that is asked to.
func (n *node) stop() {
	if n.keeper == nil {
		return
	}
	n.member.Close()
	if err := n.keeper.Close(); err != nil {
		n.world.t.Errorf("close: %v", err)
	}
	n.keeper = nil
}

// kill leaves the directory as it is, and goes on in a copy of it.
func (n *node) kill() {
	n.world.t.Helper()
	n.member.Close()
	left := n.world.t.TempDir()
	copyTree(n.world.t, n.keeping.Directory, left)
	n.stop()
	n.keeping.Directory = left
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a snapshot was written meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(from, path)
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o750)
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return errors.Join(err, os.WriteFile(filepath.Join(to, relative), content, 0o640))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// record records a batch, and waits until it is durable.
func (n *node) record(records []storetest.Record) {
	n.world.t.Helper()
	if err := n.tryRecord(member.ByDisk, records); err != nil {
		n.world.t.Fatalf("record: %v", err)
	}
}

func (n *node) tryRecord(ack member.Acknowledgement, records []storetest.Record) error {
	ticket, err := n.member.Recorder(n.keeper, ack).Record(storetest.Batch(n.world.t, n.keeper.Store(), records))
	if err == nil {
		err = ticket.Wait()
	}
	if err != nil {
		return err
	}
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	n.world.model.Add(records)
	return nil
}

// page records a page of so many benefits.
func (n *node) page(total int) {
	n.world.t.Helper()
	n.record(storetest.Page(total, storetest.Noon()))
}

// agree waits until all nodes that run have counted all that was acknowledged, and holds
// every answer of theirs to the model.
func (w *world) agree() {
	w.t.Helper()
	for i, n := range w.nodes {
		if n.keeper == nil || n.options.Ingest {
			continue
		}
		difference, since := "", time.Now()
		for {
			n.supervise()
			w.mu.Lock()
			difference = w.model.Difference(n.keeper.Store(), n.totals())
			w.mu.Unlock()
			if difference == "" || time.Since(since) > 20*time.Second {
				break
			}
			<-n.keeper.Beat()
		}
		if difference != "" {
			for _, other := range w.nodes {
				w.t.Logf("%+v", other.member.Status())
			}
			w.t.Fatalf("node %d: %s", i+1, difference)
		}
	}
}

// supervise starts a node again that has ended because it must adopt a state.
func (n *node) supervise() {
	n.world.t.Helper()
	for _, n := range n.world.nodes {
		select {
		case err := <-n.member.Failed():
			if !errors.Is(err, member.ErrAdopt) {
				n.world.t.Fatal(err)
			}
			n.adopt()
			n.start()
		default:
		}
	}
}

// totals are those of open and closed days together.
func (n *node) totals() storetest.Totals {
	return func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		if err := n.keeper.History().Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
			n.world.t.Error(err)
		}
	}
}

// covered are the frames that a node has.
func (n *node) covered() *cluster.Covered { return &n.keeper.Membership().Covered }

// shared waits until the node has shared a state with all that it has now.
func (n *node) shared() {
	n.world.t.Helper()
	have := n.covered()
	harnesstest.Until(n.world.t, "the node has shared its state", func() bool {
		covers, err := n.world.broker.Open().Covers(n.world.t.Context())
		if err != nil {
			return false
		}
		state := covers[n.keeper.Membership().Origin]
		return state != nil && state.Includes(have)
	})
}
