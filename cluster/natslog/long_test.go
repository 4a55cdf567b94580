package natslog_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/harness/harnesstest"
)

// ownServers are servers for a test that breaks them, and then waits for elections.
func ownServers(t *testing.T) *servers {
	t.Helper()
	if harnesstest.Scale(0, 1) == 0 {
		t.Skip("it takes a minute: run with -tags long")
	}
	servers, err := startServers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.stop)
	harnesstest.Until(t, "a server leads JetStream", servers.haveLeader)
	return servers
}

func TestAcknowledgedFramesOutliveServers(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*testing.T, *stream) (calm func()){
		"when the leader is killed":               killLeader,
		"when the leader is cut off and lives on": cutLeader,
		"when all are killed":                     killAll,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(t, ownServers(t), 0)
			s.disturb = disturb
			for range 3 {
				clustertest.TestDisturbed(t, s)
			}
		})
	}
}

func killLeader(t *testing.T, s *stream) (calm func()) {
	leader := s.leader(t)
	s.servers.kill(leader)
	return func() { s.servers.restart(t, leader) }
}

// cutLeader leaves clients with a server that answers nothing but their pings.
func cutLeader(t *testing.T, s *stream) (calm func()) {
	leader := s.leader(t)
	s.servers.setCut(leader, true)
	return func() { s.servers.setCut(leader, false) }
}

// killAll starts the servers again at once, as after a power cut.
func killAll(t *testing.T, s *stream) (calm func()) {
	for i := range s.servers.options {
		s.servers.kill(i)
	}
	for i := range s.servers.options {
		s.servers.restart(t, i)
	}
	return func() {}
}

// Each request is bounded, so that nothing else must bound how long many of them take.
func TestALargeStateIsShared(t *testing.T) {
	t.Parallel()
	process := newStream(t, ownServers(t), 0).Open(t)
	state, reader := putAndFind(t, process, 64<<20)
	have, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(have, state) {
		t.Fatalf("a state of %d bytes, error %v, want %d", len(have), err, len(state))
	}
}

func TestAStateIsReadThroughAnElection(t *testing.T) {
	t.Parallel()
	s := newStream(t, ownServers(t), 0)
	state, reader := putAndFind(t, s.Open(t), 4<<20)
	have := make([]byte, 1)
	if _, err := io.ReadFull(reader, have); err != nil {
		t.Fatal(err)
	}
	killAll(t, s)
	rest, err := io.ReadAll(reader)
	if have = append(have, rest...); err != nil || !bytes.Equal(have, state) {
		t.Fatalf("a state of %d bytes, error %v, want %d", len(have), err, len(state))
	}
}

// putAndFind shares a state of a size, and returns it with a reader of what was shared.
func putAndFind(t *testing.T, process clustertest.Process, size int) (state []byte, reader io.Reader) {
	t.Helper()
	node, epoch := cluster.NewOrigin(), cluster.Epoch{1}
	covered := &cluster.Covered{Position: cluster.Position{Epoch: epoch, Sequence: 1}}
	state = make([]byte, size)
	rand.Read(state)
	if err := process.Shared.Put(t.Context(), node, covered, bytes.NewReader(state)); err != nil {
		t.Fatal(err)
	}
	_, reader, err := process.Shared.Newest(t.Context(), epoch, nil)
	if err != nil {
		t.Fatal(err)
	}
	return state, reader
}
