package snapshot

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
)

// Snapshots and day files are a header and typed sections, one after the
// other, up to the end of the file. All integers little endian:
//
//	offset  size  header
//	     0     8  magic of the kind of file
//	     8     4  format version, 1
//	    12     4  flags
//	    16     8  number, see there
//	    24     8  another number, see there
//	    32     4  CRC32C of bytes 0 to 31
//
//	offset  size  section
//	     0     4  type
//	     4     4  length of the content, at most maxSection
//	     8     4  length of the payload, at most maxPayload
//	    12     4  CRC32C of the payload
//	    16     4  CRC32C of: the header's CRC32C (4), the section's number in the
//	              file from 0 (8), bytes 0 to 15
//	    20        payload: the content as one zstd frame
//
// Content by type:
//
//	1  names of benefits, see appendNames
//	2  names of event types, the same
//	3  columns: positions of one day, keyed by counters.Key
//	4  columns: totals of the hours of one day, keyed as counters.Frozen.Hours gives them
//	5  columns: positions of all closed days together, the day being 0
//	6  the days that are closed, see readSegmentRows: read, but no longer written
//	7  names of some benefits, see someNames
//	8  columns: totals of one day, keyed by counters.TotalKey
//	10 what has been imported, see appendImports
//	11 the days that are closed, see segments
//	9  end, the last section: uvarint sections before it, uvarint sum of all
//	   counts of type 3, uvarint sum of all counts of type 4; these are equal
//
// Columns:
//
//	uvarint day, days since 1970-01-01
//	uvarint length of the runs, uvarint length of the gaps
//	runs: for each benefit, ascending: uvarint number less the previous one's
//	      (0 before the first), uvarint how many counters
//	gaps: for each counter, ascending by key: uvarint key less the previous
//	      key of the same benefit (0 before the first)
//	then for each counter: uvarint count, at least 1
//
// The columns lie apart because they compress better that way. A benefit's
// counters may go on in a later section of the same type and day. An unknown
// version or type is refused.
const (
	fileHeaderSize    = 36
	sectionHeaderSize = 20
	// maxSection bounds what one section makes a decoder allocate.
	maxSection = 1 << 20
	maxPayload = maxSection + 64<<10
	// sectionTarget is when an encoder begins the next section.
	sectionTarget = 256 << 10
)

const (
	sectionBenefits     = 1
	sectionEvents       = 2
	sectionPositions    = 3
	sectionHours        = 4
	sectionPast         = 5
	sectionSegmentRows  = 6
	sectionSomeBenefits = 7
	sectionTotals       = 8
	sectionEnd          = 9
	sectionImports      = 10
	sectionSegments     = 11
)

// appendFileHeader appends a header for the given kind of file.
func appendFileHeader(b []byte, magic string, flags uint32, number, other uint64) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, other)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// checkHeader checks magic, version and the CRC32C in the last four bytes.
func checkHeader(b []byte, magic string) error {
	if string(b[:len(magic)]) != magic {
		return fmt.Errorf("%w: begins with %q, want %q", ErrNotOurs, b[:len(magic)], magic)
	}
	if version := binary.LittleEndian.Uint32(b[8:]); version != formatVersion {
		return fmt.Errorf("%w: have %d, want %d; leave the file untouched and use the program that wrote it",
			ErrVersion, version, formatVersion)
	}
	end := len(b) - 4
	if have, want := checksum(b[:end]), binary.LittleEndian.Uint32(b[end:]); have != want {
		return fmt.Errorf("%w in the header: have %08x, want %08x", ErrChecksum, have, want)
	}
	return nil
}

// sectionChecksum ties a section to its file and its place there, so that no
// section can be lost, doubled or moved unseen. It is of the header alone, so
// that a section which is passed over unread is known to be what it says.
func sectionChecksum(fileSum uint32, number uint64, header []byte) uint32 {
	var place [12]byte
	binary.LittleEndian.PutUint32(place[:], fileSum)
	binary.LittleEndian.PutUint64(place[4:], number)
	return checksum(place[:], header[:16])
}

// sectionWriter writes the sections of one file.
type sectionWriter struct {
	file     *os.File
	kind     string // names the failpoint
	offset   int64
	fileSum  uint32
	sections uint64
	encoder  *zstd.Encoder
	buffer   []byte
}

// newSectionWriter writes the header. The caller closes the encoder.
func newSectionWriter(file *os.File, kind string, header []byte) (*sectionWriter, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxSection))
	if err != nil {
		return nil, fmt.Errorf("make a zstd encoder: %w", err)
	}
	w := &sectionWriter{file: file, kind: kind, encoder: encoder, fileSum: binary.LittleEndian.Uint32(header[32:])}
	return w, w.write(header)
}

func (w *sectionWriter) section(kind uint32, content []byte) error {
	b := append(w.buffer[:0], make([]byte, sectionHeaderSize)...)
	b = w.encoder.EncodeAll(content, b)
	w.buffer = b
	binary.LittleEndian.PutUint32(b[0:], kind)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-sectionHeaderSize))
	binary.LittleEndian.PutUint32(b[12:], checksum(b[sectionHeaderSize:]))
	binary.LittleEndian.PutUint32(b[16:], sectionChecksum(w.fileSum, w.sections, b))
	w.sections++
	return w.write(b)
}

func (w *sectionWriter) write(b []byte) error {
	err := writeAt(w.file, w.kind, b, w.offset)
	if err == nil {
		// Little by little, so that no commit waits for all of it.
		beginWriting(w.file, w.offset, int64(len(b)))
	}
	w.offset += int64(len(b))
	return err
}

// end writes the end section.
func (w *sectionWriter) end(positions, hours uint64) error {
	end := binary.AppendUvarint(nil, w.sections)
	end = binary.AppendUvarint(end, positions)
	end = binary.AppendUvarint(end, hours)
	return w.section(sectionEnd, end)
}

func (w *sectionWriter) names(kind uint32, names []string) error {
	for first := 0; first < len(names); {
		size, end := 0, first
		for end < len(names) && size < sectionTarget {
			size += len(names[end])
			end++
		}
		if err := w.section(kind, appendNames(nil, names[:end], first)); err != nil {
			return err
		}
		first = end
	}
	return nil
}

// cellReader appends the counters of a benefit to dst, sorted by key.
type cellReader func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell

// columns writes the counters of benefits as sections of one kind and day and
// returns the sum of the counts.
func (w *sectionWriter) columns(kind uint32, day counters.Day, benefits int, read cellReader) (sum uint64, err error) {
	columns := columnEncoder{day: day}
	var cells []counters.Cell
	for benefit := range counters.Benefit(benefits) {
		cells = read(benefit, cells[:0])
		for _, cell := range cells {
			sum += cell.Count
		}
		for rest := cells; len(rest) > 0; {
			rest = columns.add(benefit, rest)
			if columns.size() >= sectionTarget {
				if err := w.section(kind, columns.take()); err != nil {
					return 0, err
				}
			}
		}
	}
	if columns.size() == 0 {
		return sum, nil
	}
	return sum, w.section(kind, columns.take())
}
