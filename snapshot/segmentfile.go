package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stats-recorder/counters"
)

// A closed day is a file of sections, see sections.go, written once. Its header:
//
//	magic    "SRDAYS\r\n"
//	flags    bit 0: the commits in it are, or were, in a journal too
//	number   the day, days since 1970-01-01
//	other    its generation: the sequence number of the snapshot that closed it
//
// Its sections, in this order: names of its benefits, names of event types,
// totals of the day, hours, positions. What a query of a long time needs comes
// first. Benefits and event types have the numbers of the store; the names make
// the file readable on its own.
const segmentMagic = "SRDAYS\r\n"

// segment is what a snapshot says of a closed day.
type segment struct {
	day        counters.Day
	generation uint64
	bytes      int64
}

// path is the name of its file. Generations of a day sort by it.
func (s segment) path(directory string) string {
	return filepath.Join(directory, fmt.Sprintf("%s%s-%016x", segmentPrefix, s.day, s.generation))
}

// parseSegmentName returns the day and generation in the name of a file.
func parseSegmentName(path string) (s segment, ok bool) {
	text, found := strings.CutPrefix(filepath.Base(path), segmentPrefix)
	if !found || len(text) != len(time.DateOnly)+1+16 || text[len(time.DateOnly)] != '-' {
		return segment{}, false
	}
	date, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	if err != nil || date.Unix() < 0 {
		return segment{}, false
	}
	generation, err := strconv.ParseUint(text[len(time.DateOnly)+1:], 16, 64)
	return segment{day: counters.HourOf(date).Day(), generation: generation}, err == nil
}

// manifest is what a snapshot says beside counts: the closed days that it
// relies on, and what has been imported. It is not changed once made.
type manifest struct {
	// keptFrom is the first day that retention has left; 0 when it left all.
	keptFrom counters.Day
	segments []segment // by day
	imports  []Imported
}

// find returns the segment of a day.
func (m *manifest) find(day counters.Day) (segment, bool) {
	for _, s := range m.between(day, day+1) {
		return s, true
	}
	return segment{}, false
}

// between returns the segments of the days from and later, up to but without to.
func (m *manifest) between(from, to counters.Day) []segment {
	start, end := 0, len(m.segments)
	for start < end && m.segments[start].day < from {
		start++
	}
	for end > start && m.segments[end-1].day >= to {
		end--
	}
	return m.segments[start:end]
}

// segments writes the closed days of a manifest. It is the one part of a snapshot
// that grows with the years, so it is made to compress to a few bytes a day:
//
//	uvarint first day kept, uvarint how many days
//	uvarint length of the days, uvarint length of the generations
//	days: for each, ascending: uvarint day less the previous one (0 before the first)
//	generations: for each day: varint generation less that of the previous one
//	sizes: for each day: varint bytes of its file less those of the previous one
func (w *sectionWriter) segments(m *manifest) error {
	var days, generations, sizes []byte
	var previous segment
	for _, s := range m.segments {
		days = binary.AppendUvarint(days, uint64(s.day-previous.day))
		generations = binary.AppendVarint(generations, int64(s.generation-previous.generation))
		sizes = binary.AppendVarint(sizes, s.bytes-previous.bytes)
		previous = s
	}
	b := binary.AppendUvarint(nil, uint64(m.keptFrom))
	b = binary.AppendUvarint(b, uint64(len(m.segments)))
	b = binary.AppendUvarint(b, uint64(len(days)))
	b = binary.AppendUvarint(b, uint64(len(generations)))
	return w.section(sectionSegments, slices.Concat(b, days, generations, sizes))
}

// readSegmentRows reads what snapshots had in place of these columns at first:
//
//	uvarint first day kept, uvarint how many days
//	then for each, ascending: uvarint day less the previous one (0 before the
//	first), uvarint generation, uvarint bytes of the file, uvarint sum of its counts
func (l *loadedSnapshot) readSegmentRows(content []byte) (uint64, error) {
	c := &cursor{data: content}
	l.manifest.keptFrom = counters.Day(c.uvarint())
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		gap, s := c.uvarint(), segment{generation: c.uvarint(), bytes: int64(c.uvarint())}
		c.uvarint()
		l.addSegment(c, gap, s)
	}
	return 0, c.end()
}

// addSegment adds the next closed day, so many days after the one before.
func (l *loadedSnapshot) addSegment(c *cursor, gap uint64, s segment) {
	day := counters.Day(0)
	if count := len(l.manifest.segments); count > 0 {
		if day = l.manifest.segments[count-1].day; gap == 0 {
			c.fail("a day that is there twice")
		}
	}
	if gap > uint64(counters.MaxDay-day) || s.bytes < 0 {
		c.fail("bad day or size")
	}
	s.day = day + counters.Day(gap)
	l.manifest.segments = append(l.manifest.segments, s)
}

func (l *loadedSnapshot) readSegments(content []byte) (uint64, error) {
	c := &cursor{data: content}
	keptFrom, count, daysLength, generationsLength := c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint()
	days, generations := &cursor{data: c.bytes(daysLength)}, &cursor{data: c.bytes(generationsLength)}
	if c.err != nil || keptFrom > uint64(counters.MaxDay) {
		c.fail("bad list of closed days")
		return 0, c.err
	}
	sizes := &cursor{data: content[c.pos:]}
	l.manifest.keptFrom = counters.Day(keptFrom)
	for s := (segment{}); count > 0 && days.err == nil; count-- {
		s.generation += uint64(generations.varint())
		s.bytes += sizes.varint()
		l.addSegment(days, days.uvarint(), s)
	}
	return 0, errors.Join(days.end(), generations.end(), sizes.end())
}

// dayTables are all counts of one day.
type dayTables struct {
	day              counters.Day
	positions, hours *counters.Table
}

func newDayTables(day counters.Day) dayTables {
	return dayTables{day: day, positions: newTable(), hours: newTable()}
}

// addFrozen adds what a frozen base has of the day.
func (d dayTables) addFrozen(frozen *counters.Frozen) {
	var cells []counters.Cell
	for benefit := range counters.Benefit(frozen.Benefits) {
		cells = frozen.Positions(d.day, benefit, cells[:0])
		d.positions.AddCells(benefit, cells)
		cells = frozen.Hours(d.day, benefit, cells[:0])
		d.hours.AddCells(benefit, cells)
	}
}

// addSegment adds what a segment has of it.
func (d dayTables) addSegment(directory string, s segment) error {
	return s.read(s.path(directory), segmentSink{hours: addTo(d.hours), positions: addTo(d.positions)})
}

func addTo(table *counters.Table) cellVisitor {
	return func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		table.AddCells(benefit, cells)
		return nil
	}
}

// write writes the day into a new file, for the snapshot that closes it. It does
// not sync.
func (d dayTables) write(file *os.File, by snapshotHeader, store *counters.Store, benefits, events int) error {
	header := appendFileHeader(nil, segmentMagic, by.flags(), uint64(d.day), by.sequence)
	w, err := newSectionWriter(file, "segment", header)
	if err != nil {
		return err
	}
	defer w.encoder.Close()
	if err := w.someNames(store.Benefits.Names()[:benefits], d.positions); err != nil {
		return err
	}
	if err := w.names(sectionEvents, store.Events.Names()[:events]); err != nil {
		return err
	}
	if _, err := w.columns(sectionTotals, d.day, benefits, d.totals); err != nil {
		return err
	}
	hours, err := w.columns(sectionHours, d.day, benefits, d.hours.Cells)
	if err != nil {
		return err
	}
	positions, err := w.columns(sectionPositions, d.day, benefits, d.positions.Cells)
	if err != nil {
		return err
	}
	return w.end(positions, hours)
}

// totals appends the totals of a benefit over the hours of the day.
func (d dayTables) totals(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
	start := len(dst)
	for _, cell := range d.hours.Cells(benefit, nil) {
		key := counters.TotalKey(cell.Key.Event())
		if last := len(dst) - 1; last >= start && dst[last].Key == key {
			dst[last].Count += cell.Count
			continue
		}
		dst = append(dst, counters.Cell{Key: key, Count: cell.Count})
	}
	return dst
}

// someNames writes the names of the benefits that a table counts for:
//
//	for each, ascending: uvarint number less the previous one (0 before the
//	first), uvarint length, bytes
func (w *sectionWriter) someNames(names []string, table *counters.Table) error {
	var b []byte
	previous := 0
	for number, name := range names {
		if !table.Has(counters.Benefit(number)) {
			continue
		}
		b = binary.AppendUvarint(b, uint64(number-previous))
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		previous = number
		if len(b) >= sectionTarget {
			if err := w.section(sectionSomeBenefits, b); err != nil {
				return err
			}
			b, previous = b[:0], 0
		}
	}
	return w.section(sectionSomeBenefits, b)
}

func readSomeNames(content []byte, visit func(number uint64, name []byte) error) error {
	c := &cursor{data: content}
	for number := uint64(0); c.more(); {
		number += c.uvarint()
		name := c.bytes(c.uvarint())
		if c.err != nil {
			break
		}
		if err := visit(number, name); err != nil {
			return err
		}
	}
	return c.end()
}

// wasJournaled says whether a file's commits were in a journal. When its header
// cannot be read, nothing is known of them.
func wasJournaled(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	header := make([]byte, fileHeaderSize)
	if _, err := io.ReadFull(file, header); err != nil || checkHeader(header, segmentMagic) != nil {
		return false
	}
	return binary.LittleEndian.Uint32(header[12:])&flagJournaled != 0
}

// segmentSink takes what a query wants of a segment; what is nil is not read.
type segmentSink struct {
	names                    func(number uint64, name []byte) error
	events                   sectionHandler
	totals, hours, positions cellVisitor
}

// read reads the parts that the sink wants of the segment's file.
func (s segment) read(path string, sink segmentSink) error {
	columns := func(visit cellVisitor) sectionHandler {
		if visit == nil {
			return nil
		}
		return func(content []byte) (uint64, error) { return readColumns(content, visit) }
	}
	handlers := sectionHandlers{
		sectionSomeBenefits: nil,
		sectionEvents:       sink.events,
		sectionTotals:       columns(sink.totals),
		sectionHours:        columns(sink.hours),
		sectionPositions:    columns(sink.positions),
	}
	if sink.names != nil {
		handlers[sectionSomeBenefits] = func(content []byte) (uint64, error) { return 0, readSomeNames(content, sink.names) }
	}
	stopAt := uint32(0)
	switch {
	case sink.positions != nil:
	case sink.hours != nil:
		stopAt = sectionPositions
	default:
		stopAt = sectionHours
	}
	return readSections(path, segmentMagic, s.checkHeader, handlers, stopAt)
}

func (s segment) checkHeader(header []byte) error {
	day, generation := binary.LittleEndian.Uint64(header[16:]), binary.LittleEndian.Uint64(header[24:])
	if day != uint64(s.day) || generation != s.generation {
		return fmt.Errorf("%w: day %d of generation %d, the name says %d of %d; was it renamed?",
			ErrMalformed, day, generation, s.day, s.generation)
	}
	return nil
}

// check reads a whole file, and makes sure that it is the one that a manifest means.
func (s segment) check(path string) error {
	if err := s.checkSize(path); err != nil {
		return err
	}
	return s.readAll(path, map[uint64]string{})
}

// checkSize makes sure that a file is as large as a manifest says.
func (s segment) checkSize(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("stat %q: %w", path, plain(err))
	case info.Size() < s.bytes:
		return fmt.Errorf("%q: %w: %d bytes, want %d", path, ErrTruncated, info.Size(), s.bytes)
	case info.Size() > s.bytes:
		return fmt.Errorf("%q: %w: %d bytes, want %d", path, ErrMalformed, info.Size(), s.bytes)
	}
	return nil
}

// readAll reads a whole file and adds the names of its benefits by number.
func (s segment) readAll(path string, names map[uint64]string) error {
	forget := func(counters.Day, counters.Benefit, []counters.Cell) error { return nil }
	return s.read(path, segmentSink{
		names: func(number uint64, name []byte) error {
			names[number] = string(name)
			return nil
		},
		events:    func([]byte) (uint64, error) { return 0, nil },
		totals:    forget,
		hours:     forget,
		positions: forget,
	})
}
