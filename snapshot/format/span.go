package format

import (
	"encoding/binary"
	"fmt"
	"slices"

	"stats-recorder/counters"
)

const (
	runSameBenefit = 1 << 6
	runSameVersion = 1 << 7
	runEventMask   = 1<<6 - 1
)

// appendSpan encodes the counts of one hour:
//
//	uvarint hour, hours since 1970-01-01T00Z; counters.Undated for none that is known
//	then runs of counters that share benefit, event type and version:
//	  byte     event type, 1 to 63; + 64 when the benefit is the previous run's;
//	           + 128 when the version is the previous run's (0 before the first)
//	  uvarint  number of the benefit less the previous run's (0 before the
//	           first), unless + 64
//	  uvarint  version, unless + 128
//	  uvarint  how many counters, at least 1
//	  then for each, ascending: uvarint 2 × (place less the previous place of the
//	           run, 0 before the first), + 1 when the count is not 1; then, if so,
//	           uvarint count
func appendSpan(b []byte, span counters.Span) []byte {
	b = binary.AppendUvarint(b, uint64(span.Hour))
	var runs runs
	for entries := span.Entries; len(entries) > 0; {
		n := counters.RunLength(entries)
		b = runs.append(b, entries[0].Benefit(), entries[0].Key().Event(), entries[:n])
		entries = entries[n:]
	}
	return b
}

// runs are encoded one after the other.
type runs struct {
	benefit counters.Benefit // of the previous one, as its version
	version uint16
	isLater bool // there was one
}

// append encodes a run, with the numbers of its benefit and event type.
func (r *runs) append(b []byte, benefit counters.Benefit, event counters.EventType, run []counters.Entry) []byte {
	token, version := byte(event), run[0].Key().Version()
	if r.isLater && benefit == r.benefit {
		token |= runSameBenefit
	}
	if version == r.version {
		token |= runSameVersion
	}
	b = append(b, token)
	if token&runSameBenefit == 0 {
		b = appendUvarint(b, uint64(benefit-r.benefit))
	}
	if token&runSameVersion == 0 {
		b = binary.AppendUvarint(b, uint64(version))
	}
	*r = runs{benefit, version, true}
	return appendRun(appendUvarint(b, uint64(len(run))), run)
}

// appendRun encodes the counters of a run.
func appendRun(b []byte, entries []counters.Entry) []byte {
	const long = 8
	if len(entries) >= long {
		return appendLongRun(b, entries)
	}
	previous := uint32(0)
	for _, entry := range entries {
		place := entry.Key().Place()
		gap := uint64(place-previous) << 1
		previous = place
		if entry.Count == 1 {
			b = appendUvarint(b, gap)
			continue
		}
		b = appendUvarint(appendUvarint(b, gap|1), entry.Count)
	}
	return b
}

// appendUvarint is binary.AppendUvarint for what mostly takes one byte or two.
func appendUvarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(b, byte(v))
	case v < 1<<14:
		return append(b, byte(v)|0x80, byte(v>>7))
	}
	return binary.AppendUvarint(b, v)
}

// appendLongRun is appendRun with room made for all counters at once and no choice for each of
// how many bytes it takes: see BenchmarkEncodeFrame.
func appendLongRun(b []byte, entries []counters.Entry) []byte {
	b = slices.Grow(b, 2*len(entries))
	short := b[len(b):cap(b)]
	previous, n := uint32(0), 0
	for i, entry := range entries {
		place := entry.Key().Place()
		token := uint64(place-previous) << 1
		previous = place
		counted := 0
		if entry.Count != 1 {
			counted = 1
		}
		token |= uint64(counted)
		if token|entry.Count < 0x80 && n+1 < len(short) { // two bytes, or one: most are so
			short[n], short[n+1] = byte(token), byte(entry.Count)
			n += 1 + counted
			continue
		}
		b = binary.AppendUvarint(b[:len(b)+n], token)
		if counted != 0 {
			b = binary.AppendUvarint(b, entry.Count)
		}
		b = slices.Grow(b, 2*(len(entries)-i))
		short, n = b[len(b):cap(b)], 0
	}
	return b[:len(b)+n]
}

// A runHead is what the counters of a run have in common.
type runHead struct {
	hour    counters.Hour
	benefit counters.Benefit
	first   counters.Key // of place 0
	length  uint64       // at least 1
}

// readSpan decodes what appendSpan encoded, run by run; each is read by a function.
func readSpan(content []byte, read func(*cursor, runHead) error) error {
	c := &cursor{data: content}
	hour := c.uvarint()
	if c.err == nil && hour > uint64(counters.MaxDay)*24 && hour != uint64(counters.Undated) {
		c.fail("bad hour")
	}
	var benefit, version uint64
	for c.more() {
		token := c.byte()
		if token&runSameBenefit == 0 {
			benefit += c.uvarint()
		}
		if token&runSameVersion == 0 {
			version = c.uvarint()
		}
		length := c.uvarint()
		if benefit >= counters.MaxBenefits || version > 1<<16-1 || length == 0 || length > uint64(len(content)) {
			c.fail("bad benefit, version or length of a run")
		}
		if c.err != nil {
			return c.err
		}
		first, err := counters.KeyAt(counters.EventType(token&runEventMask), uint16(version), 0)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if err := read(c, runHead{counters.Hour(hour), counters.Benefit(benefit), first, length}); err != nil {
			return err
		}
	}
	return c.end()
}

// visitRuns reads runs as cells, for a function.
func visitRuns(visit func(counters.Hour, counters.Benefit, []counters.Cell) error) func(*cursor, runHead) error {
	var cells []counters.Cell
	return func(c *cursor, run runHead) (err error) {
		if cells, err = readRun(c, cells[:0], run); err != nil {
			return err
		}
		if err := visit(run.hour, run.benefit, cells); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return nil
	}
}

// readRun reads the counters of one benefit, event type and version.
func readRun(c *cursor, cells []counters.Cell, run runHead) ([]counters.Cell, error) {
	place, data, at := uint64(0), c.data, c.pos // nearly all numbers are one or two bytes: no call for those
	for range run.length {
		gap, count := uint64(0), uint64(1)
		if at+1 < len(data) && data[at]&data[at+1] < 0x80 {
			more := uint64(data[at] >> 7)
			gap, at = uint64(data[at]&0x7f)|uint64(data[at+1])<<7&-more, at+1+int(more)
		} else {
			c.pos = at
			gap, at = c.uvarint(), c.pos
		}
		if gap&1 == 1 {
			if at < len(data) && data[at] < 0x80 {
				count, at = uint64(data[at]), at+1
			} else {
				c.pos = at
				count, at = c.uvarint(), c.pos
			}
		}
		if place += gap >> 1; place>>counters.PlaceBits != 0 || c.err != nil {
			c.fail("bad place")
			return cells, c.err
		}
		cells = append(cells, counters.Cell{Key: run.first | counters.Key(place), Count: count})
	}
	c.pos = at
	return cells, nil
}

// packInto reads runs into what is to be merged.
func packInto(foreign *counters.Foreign) func(*cursor, runHead) error {
	asCells := visitRuns(foreign.Add)
	return func(c *cursor, run runHead) error {
		room, start := foreign.Room(int(run.length)), c.pos
		if !readPacked(c, room) {
			c.pos, c.err = start, nil
			return asCells(c, run)
		}
		if err := foreign.AddRun(run.hour, run.benefit, run.first, room); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return nil
	}
}

// readPacked is readRun for counters that can be packed. It says whether all of them can. If not,
// some may not even be readable, and the cursor is anywhere.
func readPacked(c *cursor, room []counters.PackedCell) bool {
	place := uint64(0)
	for {
		read, bytes, last := readShort(c.data[c.pos:], room, place)
		if place = last; place>>counters.PlaceBits != 0 {
			return false
		}
		c.pos += bytes
		if room = room[read:]; len(room) == 0 {
			return true
		}
		gap, count := c.uvarint(), uint64(1)
		if gap&1 == 1 {
			count = c.uvarint()
		}
		if place += gap >> 1; place>>counters.PlaceBits != 0 || count-1 >= counters.MostPacked || c.err != nil {
			return false
		}
		room[0], room = counters.Packed(uint32(place), uint32(count)), room[1:]
	}
}

// readShort reads counters that follow a place, up to one that may take more than three bytes,
// as few do, that has a count of 0, as none may, or behind which fewer than four bytes are left. It
// returns how many, of how many bytes, and the last place, which is beyond PlaceBits if any is. It calls nothing and guesses nothing, so that a counter costs
// a few instructions: see BenchmarkMergeOfASecond.
func readShort(data []byte, room []counters.PackedCell, place uint64) (read, bytes int, last uint64) {
	const more = 0x80 // bit of a byte that does not end a number
	left := data[:len(data):len(data)]
	for i := range room {
		if len(left) < 4 {
			return i, len(data) - len(left), place
		}
		word := uint64(binary.LittleEndian.Uint32(left))
		next := left[1+word&1+word>>7&1:]
		long, counted := allOf(word>>7), allOf(word)
		second := word >> 8
		countLessOne := ((second^(second^second>>8)&long)&0xff - 1) & counted
		if second&long&more != 0 || countLessOne >= more-1 {
			return i, len(data) - len(left), place
		}
		place += word>>1&0x3f | second<<6&0x1fc0&long
		room[i] = counters.Packed(uint32(place), uint32(countLessOne)+1)
		left = next
	}
	return len(room), len(data) - len(left), place
}

// allOf is all ones if the last bit is one, else 0.
func allOf(bit uint64) uint64 { return -(bit & 1) }
