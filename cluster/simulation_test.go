package cluster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
)

// simulation is nodes that count, over a log that fails, and a list of all that was
// acknowledged.
type simulation struct {
	t      *testing.T
	random *rand.Rand
	broker *clustertest.Broker
	nodes  []*node
	// backups are copies of nodes' disks, made at some time.
	backups []disk
	// logged is all frames that were ever seen in the log, by nonce, which no two
	// frames share but the same counts under a new number.
	logged map[uint64]cluster.Frame
}

func TestNodesCountAlikeWhateverTheLogDoes(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	happened := map[string]int{}
	for range harnesstest.Scale(60, 3000) {
		s := &simulation{t: t, random: random, broker: clustertest.NewBroker(0), logged: map[uint64]cluster.Frame{}}
		s.run(500, happened)
	}
	t.Logf("what happened: %v", happened)
	for name := range new(simulation).steps() {
		if happened[name] == 0 {
			t.Errorf("it never happened that: %s", name)
		}
	}
}

func (s *simulation) run(steps int, happened map[string]int) {
	for range 2 + s.random.IntN(3) {
		s.nodes = append(s.nodes, newNode(s.t, s.broker))
	}
	s.broker.SetFaults(clustertest.Faults{Lost: 0.1, Unanswered: 0.1, Delayed: 0.1, Doubled: 0.1}, rand.New(rand.NewPCG(s.random.Uint64(), 0)))
	kinds := s.steps()
	names := slices.Sorted(maps.Keys(kinds))
	for range steps {
		// Counting and publishing are half of what happens.
		name := []string{"a node counts", "a node publishes"}[s.random.IntN(2)]
		if s.random.IntN(2) == 0 {
			name = names[s.random.IntN(len(names))]
		}
		if kinds[name](s.any()) {
			happened[name]++
		}
	}
	s.settle()
	s.check()
}

func (s *simulation) any() *node { return s.nodes[s.random.IntN(len(s.nodes))] }

// steps are what may happen to a node. Each reports whether it did.
func (s *simulation) steps() map[string]func(*node) bool {
	return map[string]func(*node) bool{
		"a node counts":    s.count,
		"a node publishes": (*node).publish,
		"a node reads": func(n *node) bool {
			n.read(s.random.IntN(8))
			return true
		},
		"a frame reaches a node out of order": s.deliver,
		"a node writes a snapshot": func(n *node) bool {
			n.disk.snapshot = n.live.clone()
			return true
		},
		"a node shares its state": func(n *node) bool {
			n.share()
			return true
		},
		"a node is killed and starts again": func(n *node) bool {
			n.start()
			return true
		},
		"a node's disk dies":             s.wipe,
		"a backup is made":               s.backUp,
		"a node is restored from backup": s.restore,
		"the log is trimmed":             s.trim,
		"the log loses a frame":          s.lose,
		"a node repairs what another lacks": func(n *node) bool {
			n.repair(s.any())
			return true
		},
	}
}

func (s *simulation) count(n *node) bool {
	counted := sums{}
	for range 1 + s.random.IntN(4) {
		counted[fmt.Sprintf("counter %d", s.random.IntN(10))] += 1 + s.random.Uint64N(3)
	}
	payload, err := json.Marshal(counted)
	if err != nil {
		s.t.Fatal(err)
	}
	n.seal(payload, s.random.Uint64())
	return true
}

func (s *simulation) deliver(n *node) bool {
	frames := s.broker.Frames()
	if len(frames) == 0 {
		return false
	}
	n.live.merge(s.t, frames[s.random.IntN(len(frames))])
	return true
}

func (s *simulation) wipe(n *node) bool {
	if n.owes || s.random.IntN(4) > 0 {
		return false
	}
	n.disk = emptyDisk()
	n.start()
	return true
}

func (s *simulation) backUp(n *node) bool {
	s.backups = append(s.backups, n.disk.clone())
	return true
}

// restore puts a backup in the place of the node that it was made of. What that node
// counted since and did not publish is gone. So are its other backups: one with frames
// that the log did not take, under numbers that it took from another backup and was
// trimmed of, could not be told from one whose frames are counted.
func (s *simulation) restore(n *node) bool {
	of := func(backup disk) bool { return backup.origin == n.disk.origin }
	at := slices.IndexFunc(s.backups, of)
	if at < 0 || n.owes {
		return false
	}
	n.disk = s.backups[at]
	s.backups = slices.DeleteFunc(s.backups, of)
	n.start()
	return true
}

// trim removes what the newest states of all nodes cover, but no frame so young that a
// node may still ask whether it is in the log: all have published what they had.
func (s *simulation) trim(n *node) bool {
	for _, n := range s.nodes {
		n.publishAll()
	}
	s.observe()
	covers, err := n.session.Covers(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if len(covers) == 0 {
		return false
	}
	below := slices.MinFunc(slices.Collect(maps.Values(covers)), func(a, b *cluster.Covered) int {
		return int(a.Position.Sequence) - int(b.Position.Sequence)
	}).Position
	if below.Sequence == 0 {
		return false
	}
	below.Sequence++
	if err := n.session.Trim(s.t.Context(), below); err != nil {
		s.t.Fatal(err)
	}
	return true
}

// lose removes the last frame of a node from the log, unless it is the log's last, for
// which a reader would wait. The node's disk must not be lost
// too from then on: a frame endures the loss of one of both.
func (s *simulation) lose(n *node) bool {
	s.observe()
	if n.disk.published == 0 {
		return false
	}
	frame := n.disk.frames[n.disk.published-1]
	last, at, err := n.session.LastOf(s.t.Context(), n.disk.origin)
	if err != nil || frame.Origin != n.disk.origin || frame.Sequence != last {
		return false
	}
	if _, end, err := n.session.Bounds(s.t.Context()); err != nil || at == end {
		return false
	}
	s.broker.Lose(at.Sequence)
	n.owes = true
	return true
}

// observe remembers what is in the log, before something of it goes.
func (s *simulation) observe() {
	for _, frame := range s.broker.Frames() {
		s.logged[frame.Nonce] = frame
	}
}

// settle ends all faults, and lets nodes publish, repair and read until each has all.
func (s *simulation) settle() {
	s.broker.SetFaults(clustertest.Faults{}, s.random)
	for _, n := range s.nodes {
		n.start()
	}
	for range 4 {
		for _, n := range s.nodes {
			n.publishAll()
			for _, other := range s.nodes {
				n.repair(other)
			}
		}
		for _, n := range s.nodes {
			n.read(1 << 30)
		}
	}
	s.observe()
}

// check holds all nodes to each other and to all frames that reached the log, which
// are at least those that a node acknowledged whose disk was never lost.
func (s *simulation) check() {
	want := sums{}
	for _, frame := range s.logged {
		want.add(sumsOf(s.t, frame.Payload))
	}
	for i, n := range s.nodes {
		for _, frame := range n.disk.frames {
			if _, found := s.logged[frame.Nonce]; !found {
				s.t.Fatalf("frame %d of %s, acknowledged by node %d, never reached the log", frame.Sequence, frame.Origin, i+1)
			}
		}
		if !maps.Equal(n.live.sums, want) {
			s.t.Fatalf("node %d of %d counted %v, want %v", i+1, len(s.nodes), n.live.sums, want)
		}
		if !n.live.covered.Equal(s.nodes[0].live.covered) {
			s.t.Fatalf("node %d of %d covers %v, the first %v", i+1, len(s.nodes), n.live.covered, s.nodes[0].live.covered)
		}
	}
}
