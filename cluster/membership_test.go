package cluster_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

func randomNote(random *rand.Rand) cluster.Note {
	origins := []cluster.Origin{{1}, {2}, {3}}
	number := func() cluster.FrameNumber {
		return cluster.FrameNumber{Origin: origins[random.IntN(3)], Sequence: 1 + random.Uint64N(12)}
	}
	note := cluster.Note{}
	if random.IntN(6) == 0 {
		note.Origin = origins[random.IntN(3)]
	}
	if random.IntN(2) == 0 {
		note.Framed, note.Position = random.Uint64N(50), cluster.Position{Epoch: cluster.Epoch{7}, Sequence: random.Uint64N(90)}
	}
	for range random.IntN(3) {
		note.Merged = append(note.Merged, number())
	}
	if random.IntN(4) == 0 {
		note.Dropped = append(note.Dropped, number())
	}
	if random.IntN(3) == 0 {
		note.Expiries = append(note.Expiries, cluster.Expiry{Node: origins[random.IntN(3)], Before: counters.Day(random.IntN(100))})
	}
	for range random.IntN(3) {
		own := number()
		note.Own = append(note.Own, cluster.Frame{Origin: own.Origin, Sequence: own.Sequence, Nonce: random.Uint64(), Format: 1, Payload: []byte("counts")})
	}
	return note
}

func TestNotesAndMembershipsAreReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	direct, read := &cluster.Membership{}, &cluster.Membership{}
	for range 300 {
		note := randomNote(random)
		encoded, err := note.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := cluster.DecodeNote(encoded)
		if err != nil || !reflect.DeepEqual(again, note) {
			t.Fatalf("%+v was read as %+v, %v", note, again, err)
		}
		for length := range encoded {
			if _, err := cluster.DecodeNote(encoded[:length]); !errors.Is(err, cluster.ErrMalformed) {
				t.Fatalf("%d of %d bytes: %v, want ErrMalformed", length, len(encoded), err)
			}
		}
		direct.Apply(note)
		read.Apply(again)
		kept := read.AppendTo(nil)
		if read, err = cluster.DecodeMembership(kept); err != nil {
			t.Fatal(err)
		}
		if string(direct.AppendTo(nil)) != string(kept) {
			t.Fatalf("%+v, and after reading it back %+v", direct, read)
		}
	}
}

func TestWhatANewerProgramNotedIsNotRead(t *testing.T) {
	t.Parallel()
	if _, err := cluster.DecodeNote([]byte{2, 0}); !errors.Is(err, cluster.ErrFormat) {
		t.Error(err)
	}
	if _, err := cluster.DecodeMembership([]byte{2, 0}); !errors.Is(err, cluster.ErrFormat) {
		t.Error(err)
	}
}

func TestADroppedFrameIsMissingUntilItIsMergedAgain(t *testing.T) {
	t.Parallel()
	origin := cluster.Origin{1}
	m := &cluster.Membership{}
	for sequence := range uint64(5) {
		m.Covered.Add(origin, sequence+1)
	}
	m.Apply(cluster.Note{Dropped: []cluster.FrameNumber{{Origin: origin, Sequence: 3}}})
	for sequence := range uint64(5) {
		if has := m.Covered.Contains(origin, sequence+1); has != (sequence+1 != 3) {
			t.Errorf("frame %d: %v", sequence+1, has)
		}
	}
	if !m.Covered.Add(origin, 3) || m.Covered.UpTo(origin) != 5 {
		t.Errorf("up to %d, want 5", m.Covered.UpTo(origin))
	}
}
