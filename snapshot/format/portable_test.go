package format_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/format"
)

// oddRun is a run of counters of which some take more bytes than most.
type oddRun struct {
	name   string
	places []uint32
	counts []uint64
}

func oddRuns() []oddRun {
	return []oddRun{
		{"one counter", []uint32{0}, []uint64{1}},
		{"places a byte, two and three apart", []uint32{0, 1, 64, 64 + 63, 9000, 9001, 1<<20 - 1}, []uint64{1, 2, 1, 2, 1, 2, 1}},
		{"counts of a byte and more", []uint32{1, 2, 3, 4, 5, 6}, []uint64{1, 127, 128, 1 << 11, 1 << 12, 1}},
		{"the largest count that can be packed", []uint32{1, 2, 3}, []uint64{counters.MostPacked, 1, counters.MostPacked}},
		{"a count that cannot be packed, at the end", []uint32{1, 2, 3}, []uint64{1, 2, counters.MostPacked + 1}},
		{"the largest count that there can be", []uint32{1, 2}, []uint64{1 << 56, 1}},
		{"far places beyond those that are added up by place", []uint32{1 << 13, 1<<13 + 1, 1 << 19}, []uint64{3, 1, 200}},
	}
}

// cells are the run.
func (r oddRun) cells(t testing.TB) (cells []counters.Cell) {
	for i, place := range r.places {
		key, err := counters.KeyAt(1, 2, place)
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, counters.Cell{Key: key, Count: r.counts[i]})
	}
	return cells
}

// portable is what a node tells that counted the run for each of two benefits.
func (r oddRun) portable(t testing.TB) []byte {
	t.Helper()
	counted := counters.NewForeign(0)
	counted.Benefits, counted.Events = [][]byte{[]byte("rsa"), []byte("aah")}, [][]byte{[]byte("show")}
	for benefit := range counters.Benefit(2) {
		if err := counted.Add(storetest.Noon(), benefit, r.cells(t)); err != nil {
			t.Fatal(err)
		}
	}
	store, spans := merged(t, counted)
	portables, err := format.PortablesOfSpans(spans, nil, store.Benefits.Names(), store.Events.Names())
	if err != nil || len(portables) != 1 {
		t.Fatal(len(portables), err)
	}
	return portables[0]
}

// payload is the portable delta without its checksum.
func (r oddRun) payload(t testing.TB) []byte {
	portable := r.portable(t)
	return portable[:len(portable)-4]
}

// merged is a store into which something was merged, and that.
func merged(t testing.TB, foreign *counters.Foreign) (*counters.Store, []counters.Span) {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	if _, err := store.Merge(nil, foreign); err != nil {
		t.Fatal(err)
	}
	return store, store.Seal().Spans
}

func TestWhatANodeToldIsMergedAsItWasCounted(t *testing.T) {
	t.Parallel()
	for _, run := range oddRuns() {
		t.Run(run.name, func(t *testing.T) {
			t.Parallel()
			told, err := format.ReadPortable(run.portable(t))
			if err != nil {
				t.Fatal(err)
			}
			store, spans := merged(t, told.Counts)
			counted := map[string][]counters.Cell{}
			for _, span := range spans {
				for _, entry := range span.Entries {
					name := store.Benefits.Names()[entry.Benefit()]
					counted[name] = append(counted[name], counters.Cell{Key: entry.Key(), Count: entry.Count})
				}
			}
			for _, name := range []string{"rsa", "aah"} {
				if want := run.cells(t); !slices.Equal(counted[name], want) {
					t.Errorf("%s: merged %v, want %v", name, counted[name], want)
				}
			}
		})
	}
}

// wrapped is the content of a span whose places go beyond all that there are, and come back.
var wrapped = []byte{
	1,       // hour
	0x81, 0, // event type 1 of version 0, benefit 0
	3, // counters
	0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
	0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
	4,
}

func TestPlacesThatAreNoneAreMalformedWhateverComesAfterThem(t *testing.T) {
	t.Parallel()
	beyond := []byte{1, 0x81, 0, 2, 0x80, 0x80, 0x80, 1, 0x81, 1} // place 2^20, and one after it
	for name, span := range map[string][]byte{"come back": wrapped, "beyond all": beyond} {
		payload := payloadOf(span)
		portable := binary.LittleEndian.AppendUint32(payload, crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)))
		if told, err := format.ReadPortable(portable); !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v, %v; want ErrMalformed", name, told, err)
		}
	}
}

// payloadOf is a span of the benefit and event type that it names.
func payloadOf(span []byte) []byte {
	payload := []byte{1, 6, 0, 1, 3, 'r', 's', 'a', 2, 7, 0, 1, 4, 's', 'h', 'o', 'w', 3, byte(len(span))}
	return append(payload, span...)
}
