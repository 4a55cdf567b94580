package format

import (
	"encoding/binary"
	"fmt"

	"stats-recorder/counters"
)

// Names takes names by their numbers. The bytes are those that are read.
type Names func(number uint64, name []byte) error

// NamesOf adds names to a directory in which they must get the numbers that they
// had. Names that it already has at those numbers are fine: a frame may repeat what a
// snapshot says.
func NamesOf(directory *counters.Directory) Names {
	return func(number uint64, name []byte) error {
		got, err := directory.Number(name)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if uint64(got) != number {
			return fmt.Errorf("%w: name %q has number %d, the file says %d", ErrMalformed, name, got, number)
		}
		return nil
	}
}

// appendNames encodes names in snapshots and frames:
//
//	uvarint  number of the first name
//	uvarint  how many names
//	then for each: uvarint length, bytes
func appendNames(dst []byte, names []string, first int) []byte {
	dst = binary.AppendUvarint(dst, uint64(first))
	dst = binary.AppendUvarint(dst, uint64(len(names)-first))
	for _, name := range names[first:] {
		dst = appendName(dst, name)
	}
	return dst
}

func appendName(dst []byte, name string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(name))), name...)
}

func readNames(content []byte, visit Names) error {
	c := &cursor{data: content}
	first, count := c.uvarint(), c.uvarint()
	for number := first; number < first+count && c.err == nil; number++ {
		if err := readName(c, number, visit); err != nil {
			return err
		}
	}
	return c.end()
}

func readName(c *cursor, number uint64, visit Names) error {
	name := c.bytes(c.uvarint())
	if c.err != nil {
		return c.err
	}
	return visit(number, name)
}

// appendSomeNames encodes some names from a number on, until there are
// enough for a section, and returns the number to go on with:
//
//	for each, ascending: uvarint number less the previous one (0 before the
//	first), uvarint length, bytes
func appendSomeNames(dst []byte, names []string, from int, has func(number int) bool) (content []byte, next int) {
	previous := 0
	for number := from; number < len(names); number++ {
		if !has(number) {
			continue
		}
		dst = appendName(binary.AppendUvarint(dst, uint64(number-previous)), names[number])
		previous = number
		if len(dst) >= sectionTarget {
			return dst, number + 1
		}
	}
	return dst, len(names)
}

func readSomeNames(content []byte, visit Names) error {
	c := &cursor{data: content}
	for number := uint64(0); c.more(); {
		number += c.uvarint()
		if err := readName(c, number, visit); err != nil {
			return err
		}
	}
	return c.end()
}
