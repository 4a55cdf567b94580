package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"

	"stats-recorder/counters"
)

// A journal file, all integers little endian:
//
//	offset  size  header
//	     0     8  magic "SRJRNL\r\n"
//	     8     4  format version, 1
//	    12     8  salt, random, not 0
//	    20     8  sequence number of the first frame
//	    28     4  CRC32C of bytes 0 to 27
//	    32        frames, one after the other, then zeros or the end of the file
//
//	offset  size  frame
//	     0     4  length of the payload, at least 1
//	     4     4  CRC32C of bytes 0 to 3, bytes 8 to 35, the payload
//	     8     8  salt of the file
//	    16     8  sequence number: one more than the frame before
//	    24     8  the last sequence number known to be durable when this was written
//	    32     4  CRC of the frame before (bytes 4 to 7); of the header for the first
//	    36        payload
//
// A payload is typed sections: a byte of type, a uvarint length, the content.
//
//	1  names of benefits, see appendNames, that no earlier frame defined
//	2  names of event types, the same
//	3  counts of one hour, see appendSpan
//
// Salt, sequence number and the CRC of the frame before tie a frame to its
// place, so that a block of another file, of an older life of the disk's
// blocks, or of another place in this file is never taken for it. The durable
// number tells a torn write from damage: see scanJournal.
const (
	journalMagic      = "SRJRNL\r\n"
	journalHeaderSize = 32
	frameHeaderSize   = 36

	frameBenefits = 1
	frameEvents   = 2
	frameSpan     = 3

	// allocationStep is how much disk a journal file reserves at a time.
	allocationStep = 4 << 20
)

// errStrayJournal means that a journal file without frames could not be removed.
var errStrayJournal = errors.New("a journal file that could not be begun is left")

// journalWriter appends frames to the newest journal file. It remembers where
// the last good frame ends and cuts the file back to there when a write fails.
type journalWriter struct {
	file          *os.File
	salt          uint64
	previous      uint32 // CRC of the last frame, or of the header
	offset        int64  // where the next frame goes
	allocated     int64
	firstSequence uint64
	frame         []byte
}

// createJournal makes the file for the frames from sequence on, durably.
func createJournal(directory string, sequence uint64) (*journalWriter, error) {
	file, err := createExclusive(journalPath(directory, sequence))
	if err != nil {
		return nil, err
	}
	w := &journalWriter{file: file, salt: rand.Uint64() | 1, firstSequence: sequence, offset: journalHeaderSize}
	if err := w.begin(directory); err != nil {
		return nil, errors.Join(err, file.Close(), discardJournal(directory, file.Name()))
	}
	return w, nil
}

// discardJournal removes a file that could not be begun. It must be gone for
// good before the file before it goes on: by its name it claims those frames,
// and a start with a snapshot up to its beginning would look for them in it.
func discardJournal(directory, path string) error {
	if err := errors.Join(remove(path), syncDirectory(directory)); err != nil {
		return fmt.Errorf("%w: %w", errStrayJournal, err)
	}
	return nil
}

func (w *journalWriter) begin(directory string) error {
	header := make([]byte, 0, journalHeaderSize)
	header = append(header, journalMagic...)
	header = binary.LittleEndian.AppendUint32(header, formatVersion)
	header = binary.LittleEndian.AppendUint64(header, w.salt)
	header = binary.LittleEndian.AppendUint64(header, w.firstSequence)
	w.previous = checksum(header)
	header = binary.LittleEndian.AppendUint32(header, w.previous)
	if err := writeAt(w.file, "journal", header, 0); err != nil {
		return err
	}
	if err := syncFile(w.file, "journal"); err != nil {
		return err
	}
	return syncDirectory(directory)
}

// write appends one frame, without syncing it. When it fails, the journal is as
// it was before, on disk too once the next frame is; the caller may try again.
func (w *journalWriter) write(sequence, durable uint64, payload func([]byte) []byte) error {
	b := append(w.frame[:0], make([]byte, frameHeaderSize)...)
	b = payload(b)
	w.frame = b
	binary.LittleEndian.PutUint32(b[0:], uint32(len(b)-frameHeaderSize))
	binary.LittleEndian.PutUint64(b[8:], w.salt)
	binary.LittleEndian.PutUint64(b[16:], sequence)
	binary.LittleEndian.PutUint64(b[24:], durable)
	binary.LittleEndian.PutUint32(b[32:], w.previous)
	sum := checksum(b[:4], b[8:])
	binary.LittleEndian.PutUint32(b[4:], sum)

	end := w.offset + int64(len(b))
	w.allocate(end)
	if err := writeAt(w.file, "journal", b, w.offset); err != nil {
		w.allocated = 0
		return errors.Join(err, truncate(w.file, w.offset))
	}
	w.previous, w.offset = sum, end
	return nil
}

// allocate reserves space up to end and some more. When that fails the write
// itself will tell: the disk may still have room for one frame.
func (w *journalWriter) allocate(end int64) {
	if end <= w.allocated {
		return
	}
	start := max(w.offset, w.allocated)
	length := max(allocationStep, end-start)
	if err := allocate(w.file, start, length); err == nil {
		w.allocated = start + length
	} else if errors.Is(err, syscall.EOPNOTSUPP) {
		w.allocated = 1 << 62
	}
}

// sync makes the frames that were written durable.
func (w *journalWriter) sync() error { return syncData(w.file, "journal") }

// close gives back the space that was reserved and closes the file, whose
// frames must be durable.
func (w *journalWriter) close() error {
	return errors.Join(truncate(w.file, w.offset), w.file.Close())
}

// appendPayload encodes a delta, and the names that the journal does not know
// yet: those from the given numbers on.
func appendPayload(b []byte, delta *counters.Delta, benefits, events []string, knownBenefits, knownEvents int) []byte {
	if knownBenefits < len(benefits) {
		b = appendSection(b, frameBenefits, func(b []byte) []byte { return appendNames(b, benefits, knownBenefits) })
	}
	if knownEvents < len(events) {
		b = appendSection(b, frameEvents, func(b []byte) []byte { return appendNames(b, events, knownEvents) })
	}
	for _, span := range delta.Spans {
		b = appendSection(b, frameSpan, func(b []byte) []byte { return appendSpan(b, span) })
	}
	return b
}

// appendSection leaves room for the longest length before the content and
// closes the gap afterwards, which is cheaper than a second buffer.
func appendSection(b []byte, kind byte, content func([]byte) []byte) []byte {
	b = append(b, kind)
	start := len(b)
	b = append(b, make([]byte, binary.MaxVarintLen32)...)
	b = content(b)
	body := b[start+binary.MaxVarintLen32:]
	n := binary.PutUvarint(b[start:], uint64(len(body)))
	copy(b[start+n:], body)
	return b[:start+n+len(body)]
}

const (
	runSameBenefit = 1 << 6
	runSameVersion = 1 << 7
	runEventMask   = 1<<6 - 1
)

// appendSpan encodes the counts of one hour:
//
//	uvarint hour, hours since 1970-01-01T00Z
//	then runs of counters that share benefit, event type and version:
//	  byte     event type, 1 to 63; + 64 when the benefit is the previous run's;
//	           + 128 when the version is the previous run's (0 before the first)
//	  uvarint  number of the benefit less the previous run's (0 before the
//	           first), unless + 64
//	  uvarint  version, unless + 128
//	  uvarint  how many counters
//	  then for each, ascending: uvarint 2 × (place less the previous place of the
//	           run, 0 before the first), + 1 when the count is not 1; then, if so,
//	           uvarint count
func appendSpan(b []byte, span counters.Span) []byte {
	b = binary.AppendUvarint(b, uint64(span.Hour))
	previous := counters.Benefit(0)
	version, first := uint16(0), true
	for entries := span.Entries; len(entries) > 0; first = false {
		benefit, key := entries[0].Benefit(), entries[0].Key()
		n := runLength(entries)
		token := byte(key.Event())
		if !first && benefit == previous {
			token |= runSameBenefit
		}
		if key.Version() == version {
			token |= runSameVersion
		}
		b = append(b, token)
		if token&runSameBenefit == 0 {
			b = binary.AppendUvarint(b, uint64(benefit-previous))
		}
		if token&runSameVersion == 0 {
			b = binary.AppendUvarint(b, uint64(key.Version()))
		}
		b = appendRun(binary.AppendUvarint(b, uint64(n)), entries[:n])
		previous, version, entries = benefit, key.Version(), entries[n:]
	}
	return b
}

// runLength is how many entries from the first on share benefit, event type and version.
func runLength(entries []counters.Entry) int {
	benefit, group := entries[0].Benefit(), entries[0].Key()>>counters.PlaceBits
	n := 1
	for n < len(entries) && entries[n].Benefit() == benefit && entries[n].Key()>>counters.PlaceBits == group {
		n++
	}
	return n
}

func appendRun(b []byte, entries []counters.Entry) []byte {
	previous := uint32(0)
	for _, entry := range entries {
		place := entry.Key().Place()
		gap := uint64(place-previous) << 1
		previous = place
		if entry.Count == 1 {
			b = binary.AppendUvarint(b, gap)
			continue
		}
		b = binary.AppendUvarint(b, gap|1)
		b = binary.AppendUvarint(b, entry.Count)
	}
	return b
}

// readSpan decodes what appendSpan encoded, run by run.
func readSpan(content []byte, visit func(counters.Hour, counters.Benefit, []counters.Cell) error) error {
	c := &cursor{data: content}
	hour := c.uvarint()
	if c.err == nil && hour > uint64(counters.MaxDay)*24 {
		c.fail("bad hour")
	}
	var benefit, version uint64
	var cells []counters.Cell
	for c.more() {
		token := c.byte()
		if token&runSameBenefit == 0 {
			benefit += c.uvarint()
		}
		if token&runSameVersion == 0 {
			version = c.uvarint()
		}
		if benefit >= counters.MaxBenefits || version > 1<<16-1 {
			c.fail("bad benefit or version")
		}
		var err error
		cells, err = readRun(c, cells[:0], counters.EventType(token&runEventMask), uint16(version))
		if err != nil {
			return err
		}
		if err := visit(counters.Hour(hour), counters.Benefit(benefit), cells); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return c.end()
}

func readRun(c *cursor, cells []counters.Cell, event counters.EventType, version uint16) ([]counters.Cell, error) {
	place := uint64(0)
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		gap, count := c.uvarint(), uint64(1)
		if gap&1 == 1 {
			count = c.uvarint()
		}
		if place += gap >> 1; c.err != nil || place>>counters.PlaceBits != 0 {
			c.fail("bad place")
			break
		}
		key, err := counters.KeyAt(event, version, uint32(place))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		cells = append(cells, counters.Cell{Key: key, Count: count})
	}
	return cells, c.err
}

// frameSink takes what a frame holds.
type frameSink struct {
	benefits, events func(*cursor) error
	counts           func(counters.Hour, counters.Benefit, []counters.Cell) error
}

// replaySink adds to a store.
func replaySink(store *counters.Store) frameSink {
	return frameSink{
		benefits: func(c *cursor) error { return restoreNames(c, store.Benefits) },
		events:   func(c *cursor) error { return restoreNames(c, store.Events) },
		counts:   store.Replay,
	}
}

// readPayload decodes the payload of a frame.
func readPayload(payload []byte, sink frameSink) error {
	c := &cursor{data: payload}
	for c.more() {
		kind := c.byte()
		content := c.bytes(c.uvarint())
		if c.err != nil {
			return c.err
		}
		var err error
		switch kind {
		case frameBenefits:
			err = sink.benefits(&cursor{data: content})
		case frameEvents:
			err = sink.events(&cursor{data: content})
		case frameSpan:
			err = readSpan(content, sink.counts)
		default:
			err = fmt.Errorf("%w: frame section of unknown type %d", ErrVersion, kind)
		}
		if err != nil {
			return err
		}
	}
	return c.end()
}

// frame is a frame that was found intact.
type frame struct {
	offset   int64
	sequence uint64
	durable  uint64
	sum      uint32
	payload  []byte
}

func (f frame) end() int64 { return f.offset + frameHeaderSize + int64(len(f.payload)) }

// journalScan is what a journal file holds.
type journalScan struct {
	path   string
	first  uint64 // sequence number of the first frame, by the header
	frames []frame
	// end is where the last good frame ends.
	end int64
	// tail is how many bytes from there to the last one that is not zero.
	tail int64
	// damage is set when what follows the last good frame cannot be a write
	// that was cut short: something durable is missing.
	damage error
}

// last is the sequence number of the last good frame, or first - 1.
func (s *journalScan) last() uint64 { return s.first + uint64(len(s.frames)) - 1 }

// scanJournal finds the frames of a journal file.
//
// What follows the last good frame is either a torn write or damage. It is torn
// if nothing says that it was ever durable: no later frame that is intact, or
// only frames that were written before the missing one was known to be durable
// (the disk may write what was not synced in any order). It is damage if an
// intact later frame says that the missing one was durable.
//
// The returned error is about the file as a whole: unreadable, not ours, or
// another version. A file that ends within its header, or whose header is all
// zeros, is one whose creation was cut short: torn, without frames.
func scanJournal(path string) (*journalScan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, plain(err))
	}
	named, _ := parseName(path, journalPrefix)
	scan := &journalScan{path: path, first: named}
	if len(data) < journalHeaderSize || len(bytes.Trim(data, "\x00")) == 0 {
		scan.tail = int64(len(data))
		return scan, nil
	}
	header := data[:journalHeaderSize]
	if err := checkHeader(header, journalMagic); err != nil {
		return nil, fmt.Errorf("journal %q at offset 0: %w", path, err)
	}
	salt, first := binary.LittleEndian.Uint64(header[12:]), binary.LittleEndian.Uint64(header[20:])
	if first != named {
		return nil, fmt.Errorf("journal %q at offset 20: %w: first sequence number %d, the name says %d; was it renamed?",
			path, ErrMalformed, first, named)
	}
	scan.scanFrames(data, salt, binary.LittleEndian.Uint32(header[28:]))
	return scan, nil
}

func (s *journalScan) scanFrames(data []byte, salt uint64, previous uint32) {
	s.end = journalHeaderSize
	for {
		f, ok := frameAt(data, s.end, salt)
		if !ok || f.sequence != s.last()+1 || binary.LittleEndian.Uint32(data[s.end+32:]) != previous {
			break
		}
		s.frames = append(s.frames, f)
		previous, s.end = f.sum, f.end()
	}
	rest := bytes.TrimRight(data[s.end:], "\x00")
	s.tail = int64(len(rest))
	missing := s.last() + 1
	for _, later := range findFrames(data, s.end, salt) {
		if later.durable >= missing {
			s.damage = fmt.Errorf("journal %q at offset %d: %w: frame %d is damaged or missing, but frame %d at offset %d says it was durable",
				s.path, s.end, ErrChecksum, missing, later.sequence, later.offset)
			return
		}
	}
}

// frameAt returns the frame at an offset, if an intact one is there.
func frameAt(data []byte, offset int64, salt uint64) (frame, bool) {
	if offset+frameHeaderSize > int64(len(data)) {
		return frame{}, false
	}
	header := data[offset:]
	length := int64(binary.LittleEndian.Uint32(header))
	end := offset + frameHeaderSize + length
	if length == 0 || end > int64(len(data)) || binary.LittleEndian.Uint64(header[8:]) != salt {
		return frame{}, false
	}
	sum := checksum(header[:4], data[offset+8:end])
	if sum != binary.LittleEndian.Uint32(header[4:]) {
		return frame{}, false
	}
	return frame{
		offset:   offset,
		sequence: binary.LittleEndian.Uint64(header[16:]),
		durable:  binary.LittleEndian.Uint64(header[24:]),
		sum:      sum,
		payload:  data[offset+frameHeaderSize : end],
	}, true
}

// findFrames looks for intact frames anywhere from an offset on, by their salt.
func findFrames(data []byte, from int64, salt uint64) []frame {
	var frames []frame
	pattern := binary.LittleEndian.AppendUint64(nil, salt)
	for from+8 <= int64(len(data)) {
		i := bytes.Index(data[from+8:], pattern)
		if i < 0 {
			break
		}
		offset := from + int64(i)
		if f, ok := frameAt(data, offset, salt); ok {
			frames = append(frames, f)
			from = f.end()
			continue
		}
		from = offset + 1
	}
	return frames
}
