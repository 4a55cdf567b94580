package snapshot

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
)

// A snapshot file, all integers little endian:
//
//	offset  size  header
//	     0     8  magic "SRSNAP\r\n"
//	     8     4  format version, 1
//	    12     4  flags: bit 0, the commits after this one are in a journal
//	    16     8  sequence number of the last commit in it
//	    24     8  when it was written, milliseconds since 1970, for people
//	    32     4  CRC32C of bytes 0 to 31
//	    36        sections, one after the other, up to the end of the file
//
//	offset  size  section
//	     0     4  type
//	     4     4  length of the content, at most maxSection
//	     8     4  length of the payload, at most maxSection + 64 KiB
//	    12     4  CRC32C of: the file's sequence number (8), the section's number
//	              in the file from 0 (8), bytes 0 to 11, the payload
//	    16        payload: the content as one zstd frame
//
// Content by type:
//
//	1  names of benefits, see appendNames
//	2  names of event types
//	3  positions of one day: counters keyed by counters.Key
//	4  hours of one day: totals keyed as counters.Frozen.Hours gives them
//	9  end, the last section: uvarint sections before it, uvarint sum of all
//	   counts of type 3, uvarint sum of all counts of type 4; these are equal
//
// Types 3 and 4:
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
// counters may go on in a later section of the same type and day. Names come
// before the counts that use them. An unknown version or type is refused.

const (
	snapshotMagic      = "SRSNAP\r\n"
	snapshotHeaderSize = 36
	sectionHeaderSize  = 16
	// maxSection bounds what one section makes a decoder allocate.
	maxSection = 1 << 20
	maxPayload = maxSection + 64<<10
	// sectionTarget is when an encoder begins the next section.
	sectionTarget = 256 << 10

	flagJournaled = 1 << 0
)

const (
	sectionBenefits  = 1
	sectionEvents    = 2
	sectionPositions = 3
	sectionHours     = 4
	sectionEnd       = 9
)

// snapshotHeader is what a snapshot says of itself.
type snapshotHeader struct {
	sequence  uint64
	journaled bool
	written   time.Time
}

func (h snapshotHeader) encode() []byte {
	b := make([]byte, 0, snapshotHeaderSize)
	b = append(b, snapshotMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	flags := uint32(0)
	if h.journaled {
		flags |= flagJournaled
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint64(b, h.sequence)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.written.UnixMilli()))
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func decodeSnapshotHeader(b []byte) (snapshotHeader, error) {
	if err := checkHeader(b, snapshotMagic); err != nil {
		return snapshotHeader{}, err
	}
	return snapshotHeader{
		journaled: binary.LittleEndian.Uint32(b[12:])&flagJournaled != 0,
		sequence:  binary.LittleEndian.Uint64(b[16:]),
		written:   time.UnixMilli(int64(binary.LittleEndian.Uint64(b[24:]))),
	}, nil
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
// section can be lost, doubled or moved unseen.
func sectionChecksum(sequence, number uint64, header, payload []byte) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], sequence)
	binary.LittleEndian.PutUint64(place[8:], number)
	return checksum(place[:], header[:12], payload)
}

// snapshotWriter writes the sections of one snapshot.
type snapshotWriter struct {
	file     *os.File
	offset   int64
	sequence uint64
	sections uint64
	encoder  *zstd.Encoder
	buffer   []byte
}

// writeSnapshot writes a frozen base into a new file. It does not sync.
func writeSnapshot(file *os.File, header snapshotHeader, frozen *counters.Frozen, store *counters.Store) error {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxSection))
	if err != nil {
		return fmt.Errorf("make a zstd encoder: %w", err)
	}
	defer encoder.Close()
	w := &snapshotWriter{file: file, sequence: header.sequence, encoder: encoder}
	if err := w.write(header.encode()); err != nil {
		return err
	}
	if err := w.names(sectionBenefits, store.Benefits.Names()[:frozen.Benefits]); err != nil {
		return err
	}
	if err := w.names(sectionEvents, store.Events.Names()[:frozen.Events]); err != nil {
		return err
	}
	return w.counts(frozen)
}

func (w *snapshotWriter) counts(frozen *counters.Frozen) error {
	var positions, hours uint64
	for _, day := range frozen.Days() {
		sum, err := w.day(sectionPositions, day, frozen.Benefits, frozen.Positions)
		if err != nil {
			return err
		}
		positions += sum
		if sum, err = w.day(sectionHours, day, frozen.Benefits, frozen.Hours); err != nil {
			return err
		}
		hours += sum
	}
	end := binary.AppendUvarint(nil, w.sections)
	end = binary.AppendUvarint(end, positions)
	end = binary.AppendUvarint(end, hours)
	return w.section(sectionEnd, end)
}

func (w *snapshotWriter) names(kind uint32, names []string) error {
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

// day writes the sections of one kind and day and returns the sum of its counts.
func (w *snapshotWriter) day(kind uint32, day counters.Day, benefits int,
	read func(counters.Day, counters.Benefit, []counters.Cell) []counters.Cell) (sum uint64, err error) {
	columns := columnEncoder{day: day}
	var cells []counters.Cell
	for benefit := range counters.Benefit(benefits) {
		cells = read(day, benefit, cells[:0])
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

func (w *snapshotWriter) section(kind uint32, content []byte) error {
	b := append(w.buffer[:0], make([]byte, sectionHeaderSize)...)
	b = w.encoder.EncodeAll(content, b)
	w.buffer = b
	binary.LittleEndian.PutUint32(b[0:], kind)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-sectionHeaderSize))
	binary.LittleEndian.PutUint32(b[12:], sectionChecksum(w.sequence, w.sections, b, b[sectionHeaderSize:]))
	w.sections++
	return w.write(b)
}

func (w *snapshotWriter) write(b []byte) error {
	err := writeAt(w.file, "snapshot", b, w.offset)
	w.offset += int64(len(b))
	return err
}

// columnEncoder gathers the counters of one section.
type columnEncoder struct {
	day                counters.Day
	previous           counters.Benefit
	runs, gaps, counts []byte
}

// maxRun keeps a section below maxSection: a counter takes at most 16 bytes.
const maxRun = 16 << 10

// add appends counters of a benefit and returns those that it left for later.
func (e *columnEncoder) add(benefit counters.Benefit, cells []counters.Cell) (rest []counters.Cell) {
	n := min(len(cells), maxRun)
	e.runs = binary.AppendUvarint(e.runs, uint64(benefit-e.previous))
	e.runs = binary.AppendUvarint(e.runs, uint64(n))
	e.previous = benefit
	previous := counters.Key(0)
	for _, cell := range cells[:n] {
		e.gaps = binary.AppendUvarint(e.gaps, uint64(cell.Key-previous))
		e.counts = binary.AppendUvarint(e.counts, cell.Count)
		previous = cell.Key
	}
	return cells[n:]
}

func (e *columnEncoder) size() int { return len(e.runs) + len(e.gaps) + len(e.counts) }

// take returns the content of a section and begins the next one.
func (e *columnEncoder) take() []byte {
	b := binary.AppendUvarint(nil, uint64(e.day))
	b = binary.AppendUvarint(b, uint64(len(e.runs)))
	b = binary.AppendUvarint(b, uint64(len(e.gaps)))
	b = append(append(append(b, e.runs...), e.gaps...), e.counts...)
	*e = columnEncoder{day: e.day, runs: e.runs[:0], gaps: e.gaps[:0], counts: e.counts[:0]}
	return b
}

// readColumns decodes a section of type 3 or 4, run by run. It returns the sum
// of the counts.
func readColumns(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (sum uint64, err error) {
	c := &cursor{data: content}
	day, runsLength, gapsLength := c.uvarint(), c.uvarint(), c.uvarint()
	runs, gaps := &cursor{data: c.bytes(runsLength)}, &cursor{data: c.bytes(gapsLength)}
	if c.err != nil || day > uint64(counters.MaxDay) {
		c.fail("bad day or columns")
		return 0, c.err
	}
	counts := &cursor{data: content[c.pos:]}
	var cells []counters.Cell
	for benefit := uint64(0); runs.more(); {
		benefit += runs.uvarint()
		n := runs.uvarint()
		if runs.err != nil || benefit >= counters.MaxBenefits || n > uint64(len(gaps.data)-gaps.pos) {
			runs.fail("bad run")
			return 0, runs.err
		}
		cells = cells[:0]
		for key := uint64(0); n > 0; n-- {
			key += gaps.uvarint()
			cell := counters.Cell{Key: counters.Key(key), Count: counts.uvarint()}
			sum += cell.Count
			cells = append(cells, cell)
		}
		if err := errors.Join(gaps.err, counts.err); err != nil {
			return 0, err
		}
		if err := visit(counters.Day(day), counters.Benefit(benefit), cells); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return sum, errors.Join(runs.end(), gaps.end(), counts.end())
}

// snapshotReader reads the sections of one snapshot.
type snapshotReader struct {
	input    *bufio.Reader
	offset   int64 // of the next section
	left     int64
	header   snapshotHeader
	sections uint64
	decoder  *zstd.Decoder
	payload  []byte
	content  []byte
}

// snapshotSink takes what a snapshot holds.
type snapshotSink struct {
	benefits, events *counters.Directory
	positions, hours func(counters.Day, counters.Benefit, []counters.Cell) error
}

// readSnapshot loads a snapshot into an empty store, which is of no use when
// an error is returned.
func readSnapshot(path string, store *counters.Store) (snapshotHeader, error) {
	return readSnapshotInto(path, snapshotSink{
		benefits: store.Benefits, events: store.Events,
		positions: store.RestorePositions, hours: store.RestoreHours,
	})
}

// checkSnapshot reads a snapshot as readSnapshot does, and forgets it.
func checkSnapshot(path string) (snapshotHeader, error) {
	forget := func(counters.Day, counters.Benefit, []counters.Cell) error { return nil }
	return readSnapshotInto(path, snapshotSink{
		benefits: counters.NewDirectory(counters.MaxBenefits), events: counters.NewDirectory(counters.MaxEventTypes),
		positions: forget, hours: forget,
	})
}

// readSnapshotInto reads a whole snapshot. Nothing larger than a section is
// allocated before its checksum has been verified.
func readSnapshotInto(path string, sink snapshotSink) (snapshotHeader, error) {
	file, err := os.Open(path)
	if err != nil {
		return snapshotHeader{}, fmt.Errorf("open %q: %w", path, plain(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return snapshotHeader{}, fmt.Errorf("stat %q: %w", path, plain(err))
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSection))
	if err != nil {
		return snapshotHeader{}, fmt.Errorf("make a zstd decoder: %w", err)
	}
	defer decoder.Close()
	r := &snapshotReader{input: bufio.NewReaderSize(file, 256<<10), left: info.Size(), decoder: decoder}
	if err := r.read(sink); err != nil {
		return r.header, fmt.Errorf("snapshot %q at offset %d: %w", path, r.offset, err)
	}
	return r.header, nil
}

func (r *snapshotReader) read(sink snapshotSink) error {
	var b [snapshotHeaderSize]byte
	if err := r.fill(b[:]); err != nil {
		return err
	}
	header, err := decodeSnapshotHeader(b[:])
	if err != nil {
		return err
	}
	r.header = header
	r.offset = snapshotHeaderSize
	return r.readSections(sink)
}

func (r *snapshotReader) readSections(sink snapshotSink) error {
	var positions, hours uint64
	for {
		kind, content, err := r.section()
		if err != nil {
			return err
		}
		sum := uint64(0)
		switch kind {
		case sectionBenefits:
			err = restoreNames(&cursor{data: content}, sink.benefits)
		case sectionEvents:
			err = restoreNames(&cursor{data: content}, sink.events)
		case sectionPositions:
			sum, err = readColumns(content, sink.positions)
			positions += sum
		case sectionHours:
			sum, err = readColumns(content, sink.hours)
			hours += sum
		case sectionEnd:
			return r.end(content, positions, hours)
		default:
			err = fmt.Errorf("%w: section of unknown type %d", ErrVersion, kind)
		}
		if err != nil {
			return err
		}
		r.offset += int64(sectionHeaderSize + len(r.payload))
		r.sections++
	}
}

// section reads the next section and returns its type and content, which is
// valid until the next call.
func (r *snapshotReader) section() (kind uint32, content []byte, err error) {
	var b [sectionHeaderSize]byte
	if err := r.fill(b[:]); err != nil {
		return 0, nil, err
	}
	kind = binary.LittleEndian.Uint32(b[0:])
	length := binary.LittleEndian.Uint32(b[4:])
	stored := binary.LittleEndian.Uint32(b[8:])
	if length > maxSection || stored > maxPayload {
		return 0, nil, fmt.Errorf("%w: section of %d bytes in %d, at most %d in %d",
			ErrMalformed, length, stored, maxSection, maxPayload)
	}
	if int64(stored) > r.left {
		return 0, nil, fmt.Errorf("%w: section of %d bytes, %d left", ErrTruncated, stored, r.left)
	}
	if cap(r.payload) < int(stored) {
		r.payload = make([]byte, stored)
	}
	r.payload = r.payload[:stored]
	if err := r.fill(r.payload); err != nil {
		return 0, nil, err
	}
	have, want := sectionChecksum(r.header.sequence, r.sections, b[:], r.payload), binary.LittleEndian.Uint32(b[12:])
	if have != want {
		return 0, nil, fmt.Errorf("%w: have %08x, want %08x", ErrChecksum, have, want)
	}
	r.content, err = r.decoder.DecodeAll(r.payload, r.content[:0])
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(r.content) != int(length) {
		return 0, nil, fmt.Errorf("%w: content of %d bytes, want %d", ErrMalformed, len(r.content), length)
	}
	return kind, r.content, nil
}

// end checks the totals of the end section and that nothing follows it.
func (r *snapshotReader) end(content []byte, positions, hours uint64) error {
	c := &cursor{data: content}
	sections, wantPositions, wantHours := c.uvarint(), c.uvarint(), c.uvarint()
	if err := c.end(); err != nil {
		return err
	}
	if sections != r.sections || positions != wantPositions || hours != wantHours || positions != hours {
		return fmt.Errorf("%w: have %d sections with %d events by position and %d by hour, want %d, %d and %d",
			ErrMalformed, r.sections, positions, hours, sections, wantPositions, wantHours)
	}
	if r.left != 0 {
		return fmt.Errorf("%w: %d bytes after the end", ErrMalformed, r.left)
	}
	return nil
}

func (r *snapshotReader) fill(b []byte) error {
	n, err := io.ReadFull(r.input, b)
	r.left -= int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %d bytes missing", ErrTruncated, len(b)-n)
	}
	return err
}
