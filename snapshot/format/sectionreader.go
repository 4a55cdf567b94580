package format

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
)

// sectionHandler takes the content of a section, valid during the call, and
// returns the sum of the counts in it.
type sectionHandler func(content []byte) (sum uint64, err error)

// counts is for sections of counters; nil for a visitor that is nil.
func counts(read func([]byte, dayVisitor) (uint64, error), visit dayVisitor) sectionHandler {
	if visit == nil {
		return nil
	}
	return func(content []byte) (uint64, error) { return read(content, visit) }
}

// names is for sections of names; nil for a visitor that is nil.
func names(read func([]byte, Names) error, visit Names) sectionHandler {
	if visit == nil {
		return nil
	}
	return func(content []byte) (uint64, error) { return 0, read(content, visit) }
}

// marks is for sections of marks; nil for a visitor that is nil.
func marks(visit MarkVisitor) sectionHandler {
	if visit == nil {
		return nil
	}
	return func(content []byte) (uint64, error) { return 0, readMarks(content, visit) }
}

// sectionHandlers say what to do with each type of section. One without an
// entry is unknown; a nil one is passed over unread.
type sectionHandlers map[uint32]sectionHandler

// addDay adds what to do with the sections of one day of a kind.
func (h sectionHandlers) addDay(kind counters.Kind, visit dayVisitor) {
	h[sectionOf(counters.Part{Kind: kind})] = counts(readColumns, visit)
	if hasDetails(kind) {
		h[sectionPlainDetails+uint32(kind)] = counts(readPlainDetails, visit)
		h[sectionDetails+uint32(kind)] = counts(readDetails, visit)
	}
}

// sectionReader reads the sections of one file.
type sectionReader struct {
	input    *bufio.Reader
	offset   int64 // of the next section
	left     int64 // bytes of the file that are not read yet
	fileSum  uint32
	sections uint64
	decoder  *zstd.Decoder
	payload  []byte
	content  []byte

	positions, hours uint64 // sums of the counts
	skipped          bool   // not everything was looked at
}

// sectionReaders keeps what a reader needs for the next file: a window of years
// reads thousands of small ones.
var sectionReaders = sync.Pool{New: func() any { return &sectionReader{input: bufio.NewReaderSize(nil, 16<<10)} }}

// reset prepares for a file of the given size.
func (r *sectionReader) reset(file io.Reader, size int64) error {
	if r.decoder == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSection))
		if err != nil {
			return fmt.Errorf("make a zstd decoder: %w", err)
		}
		r.decoder = decoder
	}
	r.input.Reset(file)
	*r = sectionReader{input: r.input, left: size, decoder: r.decoder, payload: r.payload, content: r.content}
	return nil
}

// readSections reads a file of the kind that the magic says and of the given size,
// section by section, up to its end, or up to a section of one of the types stopAt.
// It gives the header to begin first. Nothing larger than a section is allocated
// before its checksum has been verified. Errors begin with the offset.
func readSections(file io.Reader, size int64, magic string, begin func(header []byte) error, handlers sectionHandlers, stopAt ...uint32) error {
	r := sectionReaders.Get().(*sectionReader)
	defer sectionReaders.Put(r)
	err := r.reset(file, size)
	if err == nil {
		err = r.read(magic, begin, handlers, stopAt)
	}
	if err != nil {
		return fmt.Errorf("at offset %d: %w", r.offset, err)
	}
	return nil
}

func (r *sectionReader) read(magic string, begin func([]byte) error, handlers sectionHandlers, stopAt []uint32) error {
	header, err := readFileHeader(r.fill, magic)
	if err != nil {
		return err
	}
	if err := begin(header); err != nil {
		return err
	}
	r.fileSum = headerSum(header)
	r.offset = int64(len(header))
	for {
		kind, size, err := r.section(handlers, stopAt)
		if err != nil || kind == sectionEnd || slices.Contains(stopAt, kind) {
			return err
		}
		r.offset += size
		r.sections++
	}
}

// section reads one section and returns its type and its size in the file.
func (r *sectionReader) section(handlers sectionHandlers, stopAt []uint32) (kind uint32, size int64, err error) {
	var header [sectionHeaderSize]byte
	if err := r.fill(header[:]); err != nil {
		return 0, 0, err
	}
	if have, want := sectionChecksum(r.fileSum, r.sections, header[:]), binary.LittleEndian.Uint32(header[16:]); have != want {
		return 0, 0, fmt.Errorf("%w in the header of a section: have %08x, want %08x", ErrChecksum, have, want)
	}
	kind = binary.LittleEndian.Uint32(header[0:])
	length, stored := binary.LittleEndian.Uint32(header[4:]), binary.LittleEndian.Uint32(header[8:])
	if err := r.checkLengths(length, stored); err != nil || slices.Contains(stopAt, kind) {
		return kind, 0, err
	}
	size = int64(sectionHeaderSize + stored)
	handle, known := handlers[kind]
	if known && handle == nil {
		return kind, size, r.skip(int64(stored))
	}
	content, err := r.readContent(header[:], length, stored)
	switch {
	case err != nil:
		return 0, 0, err
	case kind == sectionEnd:
		return kind, size, r.end(content)
	case !known:
		return 0, 0, unknownVersion("section of unknown type %d", kind)
	}
	sum, err := handle(content)
	switch kind {
	case sectionPositions:
		r.positions += sum
	case sectionHours:
		r.hours += sum
	}
	return kind, size, err
}

func (r *sectionReader) checkLengths(length, stored uint32) error {
	if length > maxSection || stored > maxPayload {
		return fmt.Errorf("%w: section of %d bytes in %d, at most %d in %d",
			ErrMalformed, length, stored, maxSection, maxPayload)
	}
	if int64(stored) > r.left {
		return fmt.Errorf("%w: section of %d bytes, %d left", ErrTruncated, stored, r.left)
	}
	return nil
}

// readContent reads and checks the payload of a section and inflates it.
func (r *sectionReader) readContent(header []byte, length, stored uint32) ([]byte, error) {
	if cap(r.payload) < int(stored) {
		r.payload = make([]byte, stored)
	}
	r.payload = r.payload[:stored]
	if err := r.fill(r.payload); err != nil {
		return nil, err
	}
	if have, want := checksum(r.payload), binary.LittleEndian.Uint32(header[12:]); have != want {
		return nil, fmt.Errorf("%w: have %08x, want %08x", ErrChecksum, have, want)
	}
	content, err := r.decoder.DecodeAll(r.payload, r.content[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	r.content = content
	if len(content) != int(length) {
		return nil, fmt.Errorf("%w: content of %d bytes, want %d", ErrMalformed, len(content), length)
	}
	return content, nil
}

// end checks the totals of the end section and that nothing follows it.
func (r *sectionReader) end(content []byte) error {
	c := &cursor{data: content}
	sections, positions, hours := c.uvarint(), c.uvarint(), c.uvarint()
	if err := c.end(); err != nil {
		return err
	}
	if sections != r.sections || positions != hours || (!r.skipped && (positions != r.positions || hours != r.hours)) {
		return fmt.Errorf("%w: have %d sections with %d events by position and %d by hour, want %d, %d and %d",
			ErrMalformed, r.sections, r.positions, r.hours, sections, positions, hours)
	}
	if r.left != 0 {
		return fmt.Errorf("%w: %d bytes after the end", ErrMalformed, r.left)
	}
	return nil
}

func (r *sectionReader) skip(length int64) error {
	r.skipped = true
	n, err := io.CopyN(io.Discard, r.input, length)
	r.left -= n
	return err
}

func (r *sectionReader) fill(b []byte) error {
	n, err := io.ReadFull(r.input, b)
	r.left -= int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %d bytes missing", ErrTruncated, len(b)-n)
	}
	return err
}
