package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

const (
	coveredVersion = 1
	// coveredFixed is the bytes around the numbers: version, epoch, sum, checksum.
	coveredFixed = 1 + 16 + 8 + 4
	// originLeast is the fewest bytes that an origin takes.
	originLeast = 16 + 1 + 1
	// intervalLeast is the fewest bytes that an interval takes.
	intervalLeast = 1 + 1
)

// AppendTo appends the vector and the position to b:
//
//	byte     version, 1
//	16       epoch of the position
//	uvarint  sequence of the position
//	8        sum, little endian
//	uvarint  how many origins
//	then for each, ascending by its bytes:
//	  16       origin
//	  uvarint  all sequence numbers up to this one; 0 for not even the first
//	  uvarint  how many intervals beyond; at least one if none is up to
//	  then for each, ascending:
//	    uvarint  first, less the end of what comes before; at least 2
//	    uvarint  last, less first
//	4        CRC32C (RFC 3720) of all before, little endian
//
// Equal vectors have equal bytes.
func (c *Covered) AppendTo(b []byte) []byte {
	start := len(b)
	b = append(b, coveredVersion)
	b = append(b, c.Position.Epoch[:]...)
	b = binary.AppendUvarint(b, c.Position.Sequence)
	b = binary.LittleEndian.AppendUint64(b, c.Sum)
	b = binary.AppendUvarint(b, uint64(len(c.origins)))
	for _, origin := range c.Origins() {
		b = append(b, origin[:]...)
		b = c.origins[origin].appendTo(b)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func (s sequences) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, s.upTo)
	b = binary.AppendUvarint(b, uint64(len(s.beyond)))
	end := s.upTo
	for _, interval := range s.beyond {
		b = binary.AppendUvarint(b, interval.First-end)
		b = binary.AppendUvarint(b, interval.Last-interval.First)
		end = interval.Last
	}
	return b
}

// DecodeCovered reads what AppendTo appended, which must be all of data. The
// error wraps ErrFormat if a newer program wrote it, else ErrMalformed. What it
// allocates is bounded by a small multiple of the length of data.
func DecodeCovered(data []byte) (*Covered, error) {
	if len(data) > 0 && data[0] != coveredVersion {
		return nil, fmt.Errorf("%w: the vector has %d, this program reads %d", ErrFormat, data[0], coveredVersion)
	}
	if len(data) < coveredFixed {
		return nil, fmt.Errorf("%w: a vector of %d bytes, want at least %d", ErrMalformed, len(data), coveredFixed)
	}
	body := data[:len(data)-4]
	if have, want := crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(data[len(body):]); have != want {
		return nil, fmt.Errorf("%w: vector of %d bytes with checksum %08x, want %08x", ErrMalformed, len(data), have, want)
	}
	d := vectorDecoder{data: body, at: 1}
	covered := d.covered()
	if d.err == nil && d.at != len(body) {
		d.fail("something follows")
	}
	if d.err != nil {
		return nil, d.err
	}
	return covered, nil
}

// vectorDecoder reads a vector from front to back. The first failure sticks.
type vectorDecoder struct {
	data []byte
	at   int
	err  error
}

func (d *vectorDecoder) covered() *Covered {
	covered := &Covered{origins: map[Origin]sequences{}}
	covered.Position.Epoch = Epoch(d.sixteen())
	covered.Position.Sequence = d.uvarint()
	covered.Sum = d.eight()
	previous := Origin{}
	for i := range d.count(originLeast) {
		origin := Origin(d.sixteen())
		if i > 0 && string(origin[:]) <= string(previous[:]) {
			d.fail("origins do not ascend")
		}
		have := d.sequences()
		if d.err != nil {
			break
		}
		covered.origins[origin] = have
		previous = origin
	}
	return covered
}

func (d *vectorDecoder) sequences() sequences {
	have := sequences{upTo: d.uvarint()}
	intervals := d.count(intervalLeast)
	if have.upTo == 0 && intervals == 0 {
		d.fail("an origin without a frame")
	}
	if intervals > 0 && d.err == nil {
		have.beyond = make([]Interval, 0, intervals)
	}
	end := have.upTo
	for range intervals {
		gap, length := d.uvarint(), d.uvarint()
		if d.err == nil && (gap < 2 || gap > math.MaxUint64-end || length > math.MaxUint64-end-gap) {
			d.fail("an interval that is not beyond the one before")
		}
		if d.err != nil {
			break
		}
		interval := Interval{end + gap, end + gap + length}
		have.beyond = append(have.beyond, interval)
		end = interval.Last
	}
	return have
}

// count reads how many things follow, each of at least so many bytes.
func (d *vectorDecoder) count(least int) int {
	n := d.uvarint()
	if d.err == nil && n > uint64((len(d.data)-d.at)/least) {
		d.fail("more entries than bytes")
		return 0
	}
	return int(n)
}

func (d *vectorDecoder) sixteen() (value [16]byte) {
	if d.err == nil && len(d.data)-d.at < len(value) {
		d.fail("missing bytes")
	}
	if d.err == nil {
		d.at += copy(value[:], d.data[d.at:])
	}
	return value
}

func (d *vectorDecoder) eight() uint64 {
	if d.err == nil && len(d.data)-d.at < 8 {
		d.fail("missing bytes")
	}
	if d.err != nil {
		return 0
	}
	d.at += 8
	return binary.LittleEndian.Uint64(d.data[d.at-8:])
}

func (d *vectorDecoder) uvarint() uint64 {
	if d.err != nil {
		return 0
	}
	value, n := binary.Uvarint(d.data[d.at:])
	if n <= 0 || n > 1 && d.data[d.at+n-1] == 0 {
		d.fail("bad integer")
		return 0
	}
	d.at += n
	return value
}

func (d *vectorDecoder) fail(problem string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: vector: %s at byte %d of %d", ErrMalformed, problem, d.at, len(d.data))
	}
}
