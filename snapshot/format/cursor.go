package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// What can be wrong with a file, in the order in which it is checked. Each is
// wrapped with the quoted path, the offset, and what was found and expected.
var (
	// ErrNotOurs means that the file does not begin with the magic of its kind.
	ErrNotOurs = errors.New("not a file of this program")
	// ErrVersion means that another version of the program wrote the file, one that
	// this one does not know: leave it untouched.
	ErrVersion = errors.New("unknown format version")
	// ErrTruncated means that the file ends before what it says it holds.
	ErrTruncated = errors.New("file is truncated")
	// ErrChecksum means that bytes are not the ones that were written.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrForeign means that the file is of another data directory.
	ErrForeign = errors.New("the file is of another data directory")
	// ErrMalformed means that checksums hold but the content makes no sense.
	ErrMalformed = errors.New("malformed content")
)

// castagnoli is the CRC32C of RFC 3720, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// unknownVersion is an ErrVersion that says what is unknown, and what to do.
func unknownVersion(have string, arguments ...any) error {
	return fmt.Errorf("%w: %s; leave the file untouched and use the program that wrote it", ErrVersion, fmt.Sprintf(have, arguments...))
}

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, part := range parts {
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// cursor reads a byte slice from front to back. The first failure sticks, so
// that a decoder may read several values and check once.
type cursor struct {
	data []byte
	pos  int
	err  error
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s at byte %d of %d", ErrMalformed, what, c.pos, len(c.data))
	}
}

func (c *cursor) uvarint() uint64 {
	if c.pos < len(c.data) && c.data[c.pos] < 0x80 { // nearly all are small: see BenchmarkYears
		c.pos++
		return uint64(c.data[c.pos-1])
	}
	value, n := binary.Uvarint(c.data[c.pos:])
	if n <= 0 {
		c.fail("bad integer")
		return 0
	}
	c.pos += n
	return value
}

func (c *cursor) varint() int64 {
	zigzag := c.uvarint()
	return int64(zigzag>>1) ^ -int64(zigzag&1)
}

func (c *cursor) byte() byte {
	if c.pos >= len(c.data) {
		c.fail("missing byte")
		return 0
	}
	c.pos++
	return c.data[c.pos-1]
}

func (c *cursor) bytes(length uint64) []byte {
	if c.err != nil || length > uint64(len(c.data)-c.pos) {
		c.fail("length beyond the end")
		return nil
	}
	c.pos += int(length)
	return c.data[c.pos-int(length) : c.pos]
}

// more reports whether there is something left to read and nothing failed.
func (c *cursor) more() bool { return c.err == nil && c.pos < len(c.data) }

// end returns what failed, or an error when something is left.
func (c *cursor) end() error {
	if c.err == nil && c.pos != len(c.data) {
		c.fail("unexpected bytes")
	}
	return c.err
}
