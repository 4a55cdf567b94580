package cluster_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
)

// sums are a store in the plainest form: what was counted how often.
type sums map[string]uint64

func (s sums) add(other sums) {
	for name, count := range other {
		s[name] += count
	}
}

func sumsOf(t *testing.T, payload []byte) sums {
	t.Helper()
	var counted sums
	if err := json.Unmarshal(payload, &counted); err != nil {
		t.Fatal(err)
	}
	return counted
}

// state is a store and the vector that belongs to it.
type state struct {
	sums    sums
	covered *cluster.Covered
}

func newState() state { return state{sums{}, &cluster.Covered{}} }

func (s state) clone() state { return state{maps.Clone(s.sums), s.covered.Clone()} }

// merge counts a frame, unless the state has it.
func (s state) merge(t *testing.T, frame cluster.Frame) {
	if s.covered.Add(frame.Origin, frame.Sequence) {
		s.sums.add(sumsOf(t, frame.Payload))
	}
}

// disk is what a node finds when it starts: its snapshot, and all frames that it
// ever sealed.
type disk struct {
	snapshot state
	origin   cluster.Origin
	sequence uint64
	frames   []cluster.Frame
	// published is how many of the frames are in the log, as far as is known.
	published int
}

func (d disk) clone() disk {
	d.snapshot, d.frames = d.snapshot.clone(), slices.Clone(d.frames)
	return d
}

// node is a recorder as far as a cluster is concerned.
type node struct {
	t       *testing.T
	broker  *clustertest.Broker
	session *clustertest.Session
	disk    disk
	live    state
	// owes says that the log lost a frame of this node, which nobody else may have.
	owes bool
}

func newNode(t *testing.T, broker *clustertest.Broker) *node {
	n := &node{t: t, broker: broker, disk: emptyDisk()}
	n.start()
	return n
}

func emptyDisk() disk { return disk{snapshot: newState(), origin: cluster.NewOrigin()} }

// start is what a process does first. A directory that the log knows more of than
// is in it is a copy: what it counts from now on goes under another origin. The frames
// in its journal keep their numbers, under which the log may have them.
func (n *node) start() {
	n.session = n.broker.Open()
	last, err := cluster.LastSequence(n.t.Context(), n.session, n.session, n.disk.origin)
	if err != nil {
		n.t.Fatal(err)
	}
	if last > n.disk.sequence {
		n.disk.origin, n.disk.sequence = cluster.NewOrigin(), 0
	}
	n.live = n.disk.snapshot.clone()
	n.mergeOwn()
}

// mergeOwn replays the journal.
func (n *node) mergeOwn() {
	for _, frame := range n.disk.frames {
		n.live.merge(n.t, frame)
	}
}

// renumber is for a node whose next frame has a number that the log has for another
// frame. The node's state has that number for its own, so the state must come from the
// others.
func (n *node) renumber() {
	renumbered, err := n.disk.frames[n.disk.published].Renumbered()
	if err != nil {
		n.t.Fatal(err)
	}
	n.disk.frames[n.disk.published] = renumbered
	n.disk.origin, n.disk.sequence = cluster.NewOrigin(), 0
	n.live = newState()
	n.load()
	n.mergeOwn()
	n.disk.snapshot = n.live.clone()
}

// load takes the furthest shared state. The log is only trimmed of what states cover,
// so what it lacks behind that state's position was lost, not trimmed. It is read over:
// the vector will show what is missing.
func (n *node) load() {
	first, _, err := n.session.Bounds(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	covered, reader, err := n.session.Newest(n.t.Context(), first.Epoch, nil)
	switch {
	case err == nil:
		content, err := io.ReadAll(reader)
		if err != nil {
			n.t.Fatal(err)
		}
		n.live = state{sumsOf(n.t, content), covered}
	case !errors.Is(err, cluster.ErrNoState):
		n.t.Fatal(err)
	}
	if n.live.covered.Position.Sequence+1 < first.Sequence {
		first.Sequence--
		n.live.covered.Position = first
	}
}

// seal makes a frame and counts it, once it is in the journal.
func (n *node) seal(payload []byte, nonce uint64) cluster.Frame {
	n.disk.sequence++
	frame := cluster.Frame{Origin: n.disk.origin, Sequence: n.disk.sequence, Nonce: nonce, Format: 1, Payload: payload}
	n.disk.frames = append(n.disk.frames, frame)
	n.live.merge(n.t, frame)
	return frame
}

// publish appends the next frame, and reports whether there was one and it is known
// to be in the log.
func (n *node) publish() bool {
	if n.disk.published == len(n.disk.frames) {
		return false
	}
	_, err := n.session.Append(n.t.Context(), n.disk.frames[n.disk.published])
	switch {
	case errors.Is(err, cluster.ErrFenced):
		n.start()
	case errors.Is(err, cluster.ErrTaken):
		n.renumber()
	case err == nil:
		n.disk.published++
	case !errors.Is(err, clustertest.ErrUnanswered):
		n.t.Fatal(err)
	}
	return err == nil
}

// publishAll appends until all frames are known to be in the log.
func (n *node) publishAll() {
	for n.disk.published < len(n.disk.frames) {
		n.publish()
	}
}

// read merges up to a number of frames from the log.
func (n *node) read(most int) {
	_, last, err := n.session.Bounds(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	if most == 0 || n.live.covered.Position.Sequence >= last.Sequence {
		return
	}
	enough := errors.New("read enough")
	err = n.session.Read(n.t.Context(), n.live.covered.Position, func(at cluster.Position, frame cluster.Frame) error {
		n.live.merge(n.t, frame)
		n.live.covered.Position = at
		if most--; most == 0 || at.Sequence >= last.Sequence {
			return enough
		}
		return nil
	})
	if errors.Is(err, cluster.ErrTrimmed) {
		n.load()
		n.mergeOwn()
	} else if err != enough {
		n.t.Fatal(err)
	}
}

// share puts the state where others find it. It waits until the log has all that
// the state has: a number that the log may yet have for another frame must not be
// in a state that others load.
func (n *node) share() {
	if n.disk.published < len(n.disk.frames) {
		return
	}
	content, err := json.Marshal(n.live.sums)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.session.Put(n.t.Context(), n.disk.origin, n.live.covered, bytes.NewReader(content)); err != nil && !errors.Is(err, cluster.ErrBehind) {
		n.t.Fatal(err)
	}
}

// repair appends again what another node lacks, if it is this node's: the log may
// have lost it. That the other has a later frame of the origin is not asked for: the
// log may have lost the last one.
func (n *node) repair(other *node) {
	for _, frame := range n.disk.frames[:n.disk.published] {
		if other.live.covered.Contains(frame.Origin, frame.Sequence) {
			continue
		}
		if _, err := n.session.Append(n.t.Context(), frame); err != nil && !errors.Is(err, clustertest.ErrUnanswered) && !errors.Is(err, cluster.ErrFenced) {
			n.t.Fatal(err)
		}
	}
}
