package cluster_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
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
	if random.IntN(4) == 0 {
		note.Imports = append(note.Imports, cluster.Import{Number: 1 + random.Uint64N(9), Origin: origins[random.IntN(3)], Frames: 1 + random.Uint64N(9), Memory: []byte("documents")})
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
	if _, err := cluster.DecodeNote([]byte{3, 0}); !errors.Is(err, cluster.ErrFormat) {
		t.Error(err)
	}
	if _, err := cluster.DecodeMembership([]byte{3, 0}); !errors.Is(err, cluster.ErrFormat) {
		t.Error(err)
	}
}

func TestWhatWasNotedBeforeImportsWereAnnouncedIsStillRead(t *testing.T) {
	t.Parallel()
	note := cluster.Note{Framed: 7, Own: []cluster.Frame{{Origin: cluster.Origin{1}, Sequence: 2, Format: 1, Payload: []byte("counts")}}}
	encoded, err := note.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	noImports := len(binary.LittleEndian.AppendUint32(nil, 0))
	encoded[0] = 1
	if read, err := cluster.DecodeNote(encoded[:len(encoded)-noImports]); err != nil || !reflect.DeepEqual(read, note) {
		t.Errorf("%+v, %v", read, err)
	}
	known := &cluster.Membership{Origin: cluster.Origin{1}, Sequence: 3}
	vector := len(known.Covered.AppendTo(nil))
	kept := known.AppendTo(nil)
	kept[0] = 1
	kept = slices.Delete(kept, len(kept)-vector-noImports, len(kept)-vector)
	if read, err := cluster.DecodeMembership(kept); err != nil || string(read.AppendTo(nil)) != string(known.AppendTo(nil)) {
		t.Errorf("%+v, %v", read, err)
	}
}

// What it counts is in the state, and it is announced under another number.
func TestAnImportWhoseAnnouncementIsDroppedIsKnownOnce(t *testing.T) {
	t.Parallel()
	m := &cluster.Membership{}
	announced := cluster.Import{Number: 1, Origin: cluster.Origin{1}, Frames: 1}
	m.Apply(cluster.Note{Merged: []cluster.FrameNumber{{Origin: cluster.ImportsOrigin, Sequence: 1}}, Imports: []cluster.Import{announced}})
	before := m.Clone()
	another := cluster.Import{Number: 1, Origin: cluster.Origin{2}, Frames: 1}
	m.Apply(cluster.Note{Dropped: []cluster.FrameNumber{{Origin: cluster.ImportsOrigin, Sequence: 1}}, Imports: []cluster.Import{another}})
	m.Apply(cluster.Note{Imports: []cluster.Import{announced}})
	if one, known := m.ImportOf(announced.Origin); !known || len(m.Imports) != 2 || one.Number != 1 {
		t.Errorf("%+v", m.Imports)
	}
	if m.Covered.Contains(cluster.ImportsOrigin, 1) {
		t.Error("its announcement is covered")
	}
	if len(before.Imports) != 1 {
		t.Errorf("a copy has changed: %+v", before.Imports)
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
