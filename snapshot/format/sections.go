package format

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
)

// Snapshots and day files are a header and typed sections, one after the
// other, up to the end of the file. All integers little endian:
//
//	offset  size  header
//	     0     8  magic of the kind of file
//	     8     4  format version, 2
//	    12     4  flags
//	    16     8  number, see there
//	    24     8  another number, see there
//	    32    16  identity of the directory, see Identity
//	    48     4  CRC32C of bytes 0 to 47
//
// Version 1 has no identity: its header ends with the CRC32C of bytes 0 to 31.
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
//	6  the days that are closed, see readDayRows: read, but no longer written
//	7  names of some benefits, see appendSomeNames
//	10 what has been imported, see Imports.appendList
//	11 the days that are closed, see appendDays
//	12 what is remembered of the clock, see appendClock
//	13 where that came from, see Imports.appendSource
//	14 words, as names
//	15 some words, as names of some benefits
//	16 keys of batches, see appendMarksBegin
//	20 what is known of the log of a cluster, see cluster.Membership.AppendTo
//	21 the log that the directory has left: its epoch
//	9  end, the last section: uvarint sections before it, uvarint sum of all
//	   counts of type 3, uvarint sum of all counts of type 4; these are equal
//	400 to 499: plain details, of one day of the kind whose number is 400 less: read, but no
//	longer written
//	500 to 599: details, the same of 500
//	any other: columns, of the part that the type says, see the package's doc
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
	fileHeaderSize    = 52
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
	sectionDayRows      = 6
	sectionSomeBenefits = 7
	sectionTotals       = 8
	sectionEnd          = 9
	sectionImports      = 10
	sectionDays         = 11
	sectionClock        = 12
	sectionSources      = 13
	sectionWords        = 14
	sectionSomeWords    = 15
	sectionMarks        = 16
	sectionMembership   = 20
	sectionLeft         = 21

	// sectionKinds is where the types of kinds begin that are not built in.
	sectionKinds = 32
	// sectionPlainDetails and sectionDetails are the same for their details.
	sectionPlainDetails = 400
	sectionDetails      = 500
)

// sectionOf is the type of a part's sections.
func sectionOf(part counters.Part) uint32 {
	switch {
	case part.Kind == counters.Positions && part.Day == counters.Past:
		return sectionPast
	case part.Kind == counters.Positions:
		return sectionPositions
	case part.Kind == counters.Hours && part.Day != counters.Past:
		return sectionHours
	case part.Day == counters.Past:
		return sectionKinds + 3*uint32(part.Kind) + 1
	default:
		return sectionKinds + 3*uint32(part.Kind)
	}
}

// totalsOf is the type of the sections with the totals of an hourly kind.
func totalsOf(kind counters.Kind) uint32 {
	if kind == counters.Hours {
		return sectionTotals
	}
	return sectionKinds + 3*uint32(kind) + 2
}

// hasDetails says whether a kind can have details.
func hasDetails(kind counters.Kind) bool { return kind != counters.Positions && kind != counters.Hours }

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
	output   io.Writer
	fileSum  uint32
	sections uint64
	encoder  *zstd.Encoder
	buffer   []byte

	positions, hours uint64 // sums of the counts
}

// writeSections writes a file: the header, the sections that the function writes, and
// the end section.
func writeSections(output io.Writer, header []byte, sections func(*sectionWriter) error) error {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxSection))
	if err != nil {
		return fmt.Errorf("make a zstd encoder: %w", err)
	}
	defer encoder.Close()
	if _, err := output.Write(header); err != nil {
		return err
	}
	w := &sectionWriter{output: output, encoder: encoder, fileSum: headerSum(header)}
	if err := sections(w); err != nil {
		return err
	}
	end := binary.AppendUvarint(nil, w.sections)
	end = binary.AppendUvarint(end, w.positions)
	return w.section(sectionEnd, binary.AppendUvarint(end, w.hours))
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
	_, err := w.output.Write(b)
	return err
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

// someNames writes at least one section, also for none.
func (w *sectionWriter) someNames(kind uint32, names []string, has func(number int) bool) error {
	for next := 0; ; {
		var content []byte
		content, next = appendSomeNames(nil, names, next, has)
		full := len(content) >= sectionTarget
		if err := w.section(kind, content); err != nil || !full {
			return err
		}
	}
}

// Cells appends the counters of a benefit to dst, sorted by key.
type Cells func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell

// part writes the counters of a part, as details where these are small. Overall kinds have
// counters of one benefit, also where there is none.
func (w *sectionWriter) part(part counters.Part, benefits int, read Cells) error {
	if hasDetails(part.Kind) && part.Day != counters.Past {
		if details, ok := detailsOf(benefits, read); ok {
			return w.details(sectionDetails+uint32(part.Kind), part.Day, details)
		}
	}
	day := part.Day
	if day == counters.Past {
		day = 0
	}
	return w.columns(sectionOf(part), day, benefits, read)
}

func (w *sectionWriter) details(section uint32, day counters.Day, all details) error {
	most := mostPacked / len(all.keys)
	for from := 0; from < len(all.benefits); from += most {
		some := all.of(from, min(from+most, len(all.benefits)))
		if err := w.section(section, some.encode(day)); err != nil {
			return err
		}
	}
	return nil
}

// columns writes the counters of benefits as sections of one type and day.
func (w *sectionWriter) columns(kind uint32, day counters.Day, benefits int, read Cells) error {
	columns := columnEncoder{day: day}
	var cells []counters.Cell
	for benefit := range counters.Benefit(benefits) {
		cells = read(benefit, cells[:0])
		w.addUp(kind, cells)
		for rest := cells; len(rest) > 0; {
			rest = columns.add(benefit, rest)
			if columns.size() >= sectionTarget {
				if err := w.section(kind, columns.take()); err != nil {
					return err
				}
			}
		}
	}
	if columns.size() == 0 {
		return nil
	}
	return w.section(kind, columns.take())
}

// addUp adds counts to the sums that the end section tells.
func (w *sectionWriter) addUp(kind uint32, cells []counters.Cell) {
	sum := uint64(0)
	for _, cell := range cells {
		sum += cell.Count
	}
	switch kind {
	case sectionPositions:
		w.positions += sum
	case sectionHours:
		w.hours += sum
	}
}
