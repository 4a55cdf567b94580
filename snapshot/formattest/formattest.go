// Package formattest is what the tests of several rooms share about the bytes of a data
// directory. It knows the formats from their description, not from the code that it
// tests. Only tests import it.
package formattest

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
)

// The sizes of headers, those of files in the newest version.
const (
	FileHeader    = 52
	SectionHeader = 20
	JournalHeader = 48
	FrameHeader   = 36
)

// identity is what headers of the first version lack.
const identity = 16

// headerSize is how long the header of a file is, if the newest version has the full
// size, and 0 where the file is shorter.
func headerSize(data []byte, full int) int {
	if len(data) >= full-identity && data[8] == 1 {
		return full - identity
	}
	if len(data) < full {
		return 0
	}
	return full
}

// MaxSection is the largest content of a section.
const MaxSection = 1 << 20

// The types of sections that a snapshot without closed days has.
const (
	SectionBenefits  = 1
	SectionEvents    = 2
	SectionPositions = 3
	SectionHours     = 4
	SectionPast      = 5
	SectionEnd       = 9
)

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, part := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), part)
	}
	return sum
}

// SealSnapshot makes the checksums of a snapshot right, as far as its lengths
// lead, so that what is wrong in it is found by nothing but sense.
func SealSnapshot(data []byte) {
	size := headerSize(data, FileHeader)
	if size == 0 {
		return
	}
	binary.LittleEndian.PutUint32(data[size-4:], checksum(data[:size-4]))
	rest := data[size:]
	for number := uint64(0); len(rest) >= SectionHeader; number++ {
		stored := uint64(binary.LittleEndian.Uint32(rest[8:]))
		if stored > uint64(len(rest)-SectionHeader) {
			return
		}
		end := SectionHeader + stored
		binary.LittleEndian.PutUint32(rest[12:], checksum(rest[SectionHeader:end]))
		place := binary.LittleEndian.AppendUint64(slices.Clone(data[size-4:size]), number)
		binary.LittleEndian.PutUint32(rest[16:], checksum(place, rest[:16]))
		rest = rest[end:]
	}
}

// SealJournal does the same for a journal file, and gives its frames the salt
// of the header and sequence numbers in order.
func SealJournal(data []byte) {
	size := headerSize(data, JournalHeader)
	if size == 0 {
		return
	}
	previous := checksum(data[:size-4])
	binary.LittleEndian.PutUint32(data[size-4:], previous)
	sequence := binary.LittleEndian.Uint64(data[20:])
	rest := data[size:]
	for ; len(rest) >= FrameHeader; sequence++ {
		end := FrameHeader + uint64(binary.LittleEndian.Uint32(rest))
		if end > uint64(len(rest)) {
			return
		}
		copy(rest[8:16], data[12:20])
		binary.LittleEndian.PutUint64(rest[16:], sequence)
		binary.LittleEndian.PutUint32(rest[32:], previous)
		previous = checksum(rest[:4], rest[8:end])
		binary.LittleEndian.PutUint32(rest[4:], previous)
		rest = rest[end:]
	}
}

// A Section is the type and the inflated content of a section.
type Section struct {
	Type    uint32
	Content []byte
}

// Snapshot is a snapshot of any sections.
func Snapshot(t testing.TB, sequence uint64, sections ...Section) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	data := append([]byte("SRSNAP\r\n"), 2, 0, 0, 0, 1, 0, 0, 0)
	data = binary.LittleEndian.AppendUint64(data, sequence)
	data = append(data, make([]byte, 8+identity+4)...)
	for _, section := range sections {
		payload := encoder.EncodeAll(section.Content, nil)
		data = binary.LittleEndian.AppendUint32(data, section.Type)
		data = binary.LittleEndian.AppendUint32(data, uint32(len(section.Content)))
		data = binary.LittleEndian.AppendUint32(data, uint32(len(payload)))
		data = append(append(data, make([]byte, 8)...), payload...)
	}
	SealSnapshot(data)
	return data
}

// Contents are those of a snapshot's sections of one type.
func Contents(t testing.TB, saved []byte, kind uint32) (all [][]byte) {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for rest := saved[headerSize(saved, FileHeader):]; len(rest) > 0; {
		end := SectionHeader + int(binary.LittleEndian.Uint32(rest[8:]))
		if binary.LittleEndian.Uint32(rest) == kind {
			content, err := decoder.DecodeAll(rest[SectionHeader:end], nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, content)
		}
		rest = rest[end:]
	}
	if len(all) == 0 {
		t.Fatalf("no section of type %d", kind)
	}
	return all
}

// Counted is where a store counts.
type Counted struct {
	Part    counters.Part
	Benefit string
	Key     counters.Key
}

// Base is all that a store has folded, by parts.
func Base(store *counters.Store) map[Counted]uint64 {
	counts := map[Counted]uint64{}
	frozen := store.Freeze()
	defer frozen.Thaw()
	for number, name := range store.Benefits.Names()[:frozen.Benefits] {
		for _, part := range frozen.Parts() {
			for _, cell := range frozen.Cells(part, counters.Benefit(number), nil) {
				counts[Counted{part, name, cell.Key}] = cell.Count
			}
		}
	}
	return counts
}

// Possible says whether all counts of a base are ones that can be read back: they may
// have been added up from several that were nearly too large.
func Possible(base map[Counted]uint64) bool {
	for _, count := range base {
		if count > 1<<56 {
			return false
		}
	}
	return true
}

// ExpectSame requires that one store has what another has.
func ExpectSame(t testing.TB, got, want *counters.Store) {
	t.Helper()
	if have, want := Base(got), Base(want); !maps.Equal(have, want) {
		t.Errorf("saved and loaded, the counts are %v, they were %v", have, want)
	}
	if !slices.Equal(got.Benefits.Names(), want.Benefits.Names()) || !slices.Equal(got.Events.Names(), want.Events.Names()) {
		t.Errorf("saved and loaded, the names are others")
	}
}

// Allocated is how many bytes a function allocates. Nothing may run beside it.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// ExpectModest requires that a function does not allocate more than a decoder
// of that many bytes and sections may: for each section, beside a multiple of the
// input.
func ExpectModest(t testing.TB, bytes, sections int, f func()) {
	t.Helper()
	const section = 64 << 20
	if used, most := Allocated(f), uint64(section*(sections+1)+bytes<<10); used > most {
		t.Errorf("%d bytes were allocated for %d bytes in %d sections, want at most %d", used, bytes, sections, most)
	}
}
