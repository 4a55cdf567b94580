package format_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
)

// longest bounds what is fuzzed.
const longest = 4 << 10

// encoded is a snapshot of the base of a store, whose days are all open.
func encoded(t testing.TB, store *counters.Store) []byte {
	t.Helper()
	frozen := store.Freeze()
	defer frozen.Thaw()
	content := format.Snapshot{
		Header:   format.SnapshotHeader{Sequence: 1, Journaled: true, Written: time.UnixMilli(0)},
		Manifest: &format.Manifest{}, Benefits: store.Benefits.Names(), Events: store.Events.Names(),
	}
	var b bytes.Buffer
	if err := content.Write(&b, frozen.Parts(), frozen.Cells); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(data []byte, store *counters.Store) error {
	_, _, err := format.ReadSnapshot(bytes.NewReader(data), int64(len(data)), store.Kinds(), format.RestoreInto(store))
	return err
}

// expectSavable requires that what was loaded can be saved and loaded again.
func expectSavable(t *testing.T, store *counters.Store) {
	t.Helper()
	if !formattest.Possible(formattest.Base(store)) {
		return
	}
	again := counters.NewStore(counters.WhenDurable)
	if err := decode(encoded(t, store), again); err != nil {
		t.Fatalf("load what was saved: %v", err)
	}
	formattest.ExpectSame(t, again, store)
}

// seeds are a snapshot and the payload of a frame of a few commits.
func seeds(f *testing.F) (saved, payload []byte) {
	f.Helper()
	store := counters.NewStore(counters.WhenDurable)
	for i := range 4 {
		records := append(storetest.Page(i+1, storetest.Noon()-5), storetest.Shown(fmt.Sprint("benefit of ", i), 9, 3, storetest.Noon()-4))
		store.Add(storetest.Batch(f, store, records))
	}
	delta := store.Seal()
	payload = format.AppendPayload(nil, delta, store.Benefits.Names(), store.Events.Names(), 0, nil)
	delta.Commit()
	return encoded(f, store), payload
}

func FuzzNames(f *testing.F) {
	saved, _ := seeds(f)
	for _, kind := range []uint32{formattest.SectionBenefits, formattest.SectionEvents} {
		for _, content := range formattest.Contents(f, saved, kind) {
			f.Add(content)
		}
	}
	f.Add(binary.AppendUvarint(binary.AppendUvarint(nil, 1), 1<<64-1))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		directory := counters.NewDirectory(counters.MaxBenefits)
		var err error
		formattest.ExpectModest(t, len(content), 0, func() { err = format.ReadNames(content, directory) })
		if err != nil {
			if !errors.Is(err, format.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		again := counters.NewDirectory(counters.MaxBenefits)
		encoded := binary.AppendUvarint(binary.AppendUvarint(nil, 0), uint64(directory.Len()))
		for _, name := range directory.Names() {
			encoded = append(binary.AppendUvarint(encoded, uint64(len(name))), name...)
		}
		if err := format.ReadNames(encoded, again); err != nil || !slices.Equal(again.Names(), directory.Names()) {
			t.Errorf("names %q, encoded and read again %q, %v", directory.Names(), again.Names(), err)
		}
	})
}

// storeWithNames knows more benefits and event types than the seeds.
func storeWithNames(t testing.TB) *counters.Store {
	store := counters.NewStore(counters.WhenDurable)
	for i := range counters.MaxEventTypes {
		storetest.Number(t, store, storetest.Record{Benefit: fmt.Sprint(i), Event: fmt.Sprint(i)})
	}
	return store
}

func FuzzColumns(f *testing.F) {
	saved, _ := seeds(f)
	for _, kind := range []uint32{formattest.SectionPositions, formattest.SectionHours} {
		for _, content := range formattest.Contents(f, saved, kind) {
			f.Add(content)
		}
	}
	past := counters.Part{Kind: counters.Positions, Day: counters.Past}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		store, want := storeWithNames(t), uint64(0)
		var sum uint64
		var err error
		formattest.ExpectModest(t, len(content), 0, func() {
			sum, err = format.ReadColumns(content, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
				for _, cell := range cells {
					want += cell.Count
				}
				return store.Restore(past, benefit, cells)
			})
		})
		if err != nil {
			if !errors.Is(err, format.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		if sum != want {
			t.Errorf("the sum is %d, the counts add up to %d", sum, want)
		}
		expectSavable(t, store)
	})
}

func FuzzSpan(f *testing.F) {
	_, payload := seeds(f)
	for len(payload) > 0 {
		length, n := binary.Uvarint(payload[1:])
		end := 1 + n + int(length)
		if payload[0] == 3 {
			f.Add(payload[1+n : end])
		}
		payload = payload[end:]
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		store := storeWithNames(t)
		var err error
		formattest.ExpectModest(t, len(content), 0, func() { err = format.ReadSpan(content, store.Replay) })
		if err != nil {
			if !errors.Is(err, format.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		expectSavable(t, store)
	})
}

// FuzzPortable merges any bytes into a store, and the same as read run by run into another.
func FuzzPortable(f *testing.F) {
	_, payload := seeds(f)
	f.Add(payload)
	for _, counted := range oddRuns() {
		f.Add(counted.payload(f))
	}
	f.Add(payloadOf(wrapped))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
		told, err := format.ReadPortable(binary.LittleEndian.AppendUint32(slices.Clone(data), sum))
		asCells, asCellsErr := format.ReadAsCells(data)
		if (err == nil) != (asCellsErr == nil) {
			t.Fatalf("read %v, and as cells %v", err, asCellsErr)
		}
		if err != nil {
			if !errors.Is(err, format.ErrMalformed) && !errors.Is(err, format.ErrVersion) {
				t.Errorf("%v is not a documented error", err)
			}
			return
		}
		store := storeWithNames(t)
		if _, err := store.Merge(nil, told.Counts); err != nil {
			if !errors.Is(err, counters.ErrDirectoryFull) && !errors.Is(err, counters.ErrImpossibleCounts) {
				t.Errorf("merge: %v", err)
			}
			return
		}
		delta := store.Seal()
		if delta == nil {
			return
		}
		expectMerged(t, asCells, delta)
		payload := format.AppendPayload(nil, delta, store.Benefits.Names(), store.Events.Names(), 0, nil)
		delta.Commit()
		again := counters.NewStore(counters.WhenDurable)
		if err := format.ReadPayload(payload, format.ReplayInto(again, new(*cluster.Membership))); err != nil {
			t.Fatalf("what was merged cannot be read back: %v", err)
		}
		formattest.ExpectSame(t, again, store)
	})
}

// expectMerged requires that something merges into a store with names as a delta of it says.
func expectMerged(t *testing.T, foreign *counters.Foreign, want *counters.Delta) {
	t.Helper()
	store := storeWithNames(t)
	if _, err := store.Merge(nil, foreign); err != nil {
		t.Fatal(err)
	}
	delta := store.Seal()
	if len(delta.Spans) != len(want.Spans) {
		t.Fatalf("%d spans, read as cells %d", len(want.Spans), len(delta.Spans))
	}
	for i, span := range want.Spans {
		if !slices.Equal(delta.Spans[i].Entries, span.Entries) || delta.Spans[i].Hour != span.Hour {
			t.Errorf("a span is %v, read as cells %v", span, delta.Spans[i])
		}
	}
}
