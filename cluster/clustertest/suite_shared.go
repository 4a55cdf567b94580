package clustertest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"stats-recorder/cluster"
)

// coveredAt is a vector of one origin, at a position.
func coveredAt(epoch cluster.Epoch, position uint64, origin cluster.Origin, upTo uint64) *cluster.Covered {
	covered := &cluster.Covered{Position: cluster.Position{Epoch: epoch, Sequence: position}}
	for sequence := range upTo {
		covered.Add(origin, sequence+1)
	}
	return covered
}

func put(t *testing.T, shared cluster.Shared, node cluster.Origin, covered *cluster.Covered, state []byte) {
	t.Helper()
	if err := shared.Put(within(t), node, covered, bytes.NewReader(state)); err != nil {
		t.Fatal(err)
	}
}

// expectNewest expects the newest state of an epoch, and that reading it ends well.
func expectNewest(t *testing.T, shared cluster.Shared, epoch cluster.Epoch, covered *cluster.Covered, state []byte) {
	t.Helper()
	have, reader, err := shared.Newest(within(t), epoch, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	content, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(content, state) {
		t.Fatalf("the newest state has %d bytes, error %v, want %d", len(content), err, len(state))
	}
	if !have.Equal(covered) || have.Position != covered.Position {
		t.Fatalf("the newest state covers %v, want %v", have, covered)
	}
}

func testStates(t *testing.T, c Cluster) {
	shared, one, two := c.Open(t).Shared, cluster.NewOrigin(), cluster.NewOrigin()
	epoch, other := newEpoch(), newEpoch()
	if _, _, err := shared.Newest(within(t), epoch, nil); !errors.Is(err, cluster.ErrNoState) {
		t.Fatalf("an empty store has a newest state, error %v, want %v", err, cluster.ErrNoState)
	}
	if covers, err := shared.Covers(within(t)); err != nil || len(covers) != 0 {
		t.Fatalf("an empty store covers %v, error %v", covers, err)
	}
	large := make([]byte, 3<<20+17)
	rand.Read(large)
	oneCovers, twoCovers := coveredAt(epoch, 7, one, 5), coveredAt(epoch, 9, one, 6)
	twoCovers.Add(two, 1)
	twoCovers.Add(two, 5)
	put(t, shared, two, twoCovers, large)
	put(t, shared, one, oneCovers, []byte("state of one"))
	expectNewest(t, shared, epoch, twoCovers, large)
	if have, reader, err := shared.Newest(within(t), epoch, oneCovers); err != nil || !have.Equal(twoCovers) || reader.Close() != nil {
		t.Fatalf("what one lacks is in %v, error %v, want the state of two", have, err)
	}
	all := twoCovers.Clone()
	all.Merge(oneCovers)
	if have, _, err := shared.Newest(within(t), epoch, all); !errors.Is(err, cluster.ErrNoState) {
		t.Fatalf("a state that has a frame beyond all is %v, error %v, want %v", have, err, cluster.ErrNoState)
	}

	// A node that went on to another log is no longer the newest in the first.
	anew := coveredAt(other, 1, one, 7)
	put(t, shared, one, anew, nil)
	reopened := c.Open(t).Shared
	expectNewest(t, reopened, other, anew, nil)
	expectNewest(t, reopened, epoch, twoCovers, large)
	covers, err := reopened.Covers(within(t))
	if err != nil || len(covers) != 2 || !covers[one].Equal(anew) || !covers[two].Equal(twoCovers) {
		t.Fatalf("the store covers %v, error %v, want the newest of one and two", covers, err)
	}
}

func testStateFails(t *testing.T, c Cluster) {
	shared, node, epoch := c.Open(t).Shared, cluster.NewOrigin(), newEpoch()
	for position := range uint64(3) {
		covered := coveredAt(epoch, position+1, node, position+1)
		state := []byte(strings.Repeat("x", int(position)*1000))
		put(t, shared, node, covered, state)
		failure := errors.New("the disk is broken")
		broken := io.MultiReader(strings.NewReader(strings.Repeat("y", 1<<20)), iotest.ErrReader(failure))
		if err := shared.Put(within(t), node, coveredAt(epoch, 100, node, 100), broken); !errors.Is(err, failure) {
			t.Fatalf("putting a state that cannot be read: error %v, want %v", err, failure)
		}
		expectNewest(t, shared, epoch, covered, state)
	}
}

func testStateBehind(t *testing.T, c Cluster) {
	shared, node, other, epoch := c.Open(t).Shared, cluster.NewOrigin(), cluster.NewOrigin(), newEpoch()
	covered := coveredAt(epoch, 5, node, 5)
	put(t, shared, node, covered, []byte("five"))
	for name, behind := range map[string]*cluster.Covered{
		"in the same log":                  coveredAt(epoch, 9, node, 4),
		"in another log":                   coveredAt(newEpoch(), 9, node, 4),
		"with more of another, but a hole": coveredAt(epoch, 9, other, 100),
		"at an earlier position":           coveredAt(epoch, 4, node, 6),
		"at no position":                   coveredAt(cluster.Epoch{}, 0, node, 6),
	} {
		if err := shared.Put(within(t), node, behind, strings.NewReader("four")); !errors.Is(err, cluster.ErrBehind) {
			t.Fatalf("putting a state that has less, %s: error %v, want %v", name, err, cluster.ErrBehind)
		}
	}
	expectNewest(t, shared, epoch, covered, []byte("five"))
	put(t, shared, node, covered, []byte("five again"))
	expectNewest(t, shared, epoch, covered, []byte("five again"))
	put(t, shared, other, coveredAt(epoch, 4, node, 4), []byte("another node may be behind"))
	expectNewest(t, shared, epoch, covered, []byte("five again"))
}

func testStateOvertaken(t *testing.T, c Cluster) {
	shared, node, epoch := c.Open(t).Shared, cluster.NewOrigin(), newEpoch()
	state := make([]byte, 2<<20)
	rand.Read(state)
	put(t, shared, node, coveredAt(epoch, 1, node, 1), state)
	_, reader, err := shared.Newest(within(t), epoch, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	start := make([]byte, 1000)
	if _, err := io.ReadFull(reader, start); err != nil {
		t.Fatal(err)
	}
	put(t, shared, node, coveredAt(epoch, 2, node, 2), []byte("the next"))
	rest, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(append(start, rest...), state) {
		t.Fatalf("a state that another was put after has %d bytes, error %v, want %d", len(start)+len(rest), err, len(state))
	}
}

func testLastSequence(t *testing.T, c Cluster) {
	process, origin := c.Open(t), cluster.NewOrigin()
	expect := func(want uint64) {
		t.Helper()
		last, err := cluster.LastSequence(within(t), process.Log, process.Shared, origin)
		if err != nil || last != want {
			t.Fatalf("the last sequence is %d, error %v, want %d", last, err, want)
		}
	}
	expect(0)
	appended(t, process.Log, numbered(origin, 1))
	appended(t, process.Log, numbered(origin, 2))
	at := appended(t, process.Log, numbered(origin, 3))
	expect(3)
	put(t, process.Shared, cluster.NewOrigin(), coveredAt(at.Epoch, at.Sequence, origin, 3), nil)
	at.Sequence++
	trim(t, process.Log, at)
	expectLast(t, process.Log, origin, 0)
	expect(3)
	appended(t, process.Log, numbered(origin, 4))
	expect(4)
}
