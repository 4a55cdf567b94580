package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"stats-recorder/counters"
)

// Details are the counters of many benefits under the same few keys, key by key, each less
// what the keys before lead one to expect. Of the visitors who were shown a benefit, about
// half are in one of two variants of an experiment, and all others in the other.
//
//	uvarint day, days since 1970-01-01
//	uvarint how many benefits, uvarint how many keys; at most maxDetails counts together
//	for each benefit, ascending: uvarint number less the previous one's (0 before the first)
//	for each key, ascending: uvarint key less the previous one (0 before the first), and its
//	expectation, which is one of:
//	  uvarint 0: nothing is expected
//	  uvarint 1, uvarint how many keys, for each, ascending: uvarint its place among the
//	    keys before, from 0, less that of the previous one (0 before the first), and uvarint
//	    share: a share of their sum
//	  uvarint 2 + place, uvarint share: a share of what is left there
//	then for each key, for each benefit: varint count less what is expected
//
// A share is in parts of 1<<shareBits. Once a key of which something is expected is read,
// what its expectation is a share of, less its counts, is what is left: by benefit, in the
// next place, from 0. Expected is share × what is left + ½, rounded down; nothing where less
// than nothing is left. All that is modulo 2^64. A counter of 0 is none.
const (
	maxDetails = 1 << 16
	shareBits  = 16
	// An encoder takes details for at least so many benefits and at most so many keys, of
	// whose counters at least one in so many is there.
	fewestDetailed, mostKeys, sparsest = 8, 1024, 8
	// mostTried is of how many places an encoder looks for the best.
	mostTried = 8
)

// details are the counters of some benefits, by key and then benefit.
type details struct {
	benefits []counters.Benefit
	keys     []counters.Key
	counts   [][]uint64
	left     [][]uint64 // by place
}

// detailsOf are the counters of a part, if their keys are details and these are small.
func detailsOf(benefits int, read Cells) (all details, ok bool) {
	rows, keys, total := map[counters.Benefit][]counters.Cell{}, map[counters.Key]bool{}, 0
	for benefit := range counters.Benefit(benefits) {
		cells := read(benefit, nil)
		if len(cells) == 0 {
			continue
		}
		all.benefits, rows[benefit] = append(all.benefits, benefit), cells
		total += len(cells)
		for _, cell := range cells {
			if cell.Key.Detail().Key() != cell.Key {
				return details{}, false
			}
			keys[cell.Key] = true
		}
	}
	if len(all.benefits) < fewestDetailed || len(keys) > mostKeys || sparsest*total < len(all.benefits)*len(keys) {
		return details{}, false
	}
	for key := range keys {
		all.keys = append(all.keys, key)
	}
	slices.Sort(all.keys)
	all.counts = make([][]uint64, len(all.keys))
	for column := range all.counts {
		all.counts[column] = make([]uint64, len(all.benefits))
	}
	for row, benefit := range all.benefits {
		for _, cell := range rows[benefit] {
			column, _ := slices.BinarySearch(all.keys, cell.Key)
			all.counts[column][row] = cell.Count
		}
	}
	return all, true
}

// of are the details of the benefits from one place up to but without another.
func (d *details) of(from, to int) details {
	some := details{benefits: d.benefits[from:to], keys: d.keys}
	for _, column := range d.counts {
		some.counts = append(some.counts, column[from:to])
	}
	return some
}

// encode returns the content of a section.
func (d *details) encode(day counters.Day) []byte {
	b := binary.AppendUvarint(nil, uint64(day))
	b = binary.AppendUvarint(b, uint64(len(d.benefits)))
	b = binary.AppendUvarint(b, uint64(len(d.keys)))
	previous := counters.Benefit(0)
	for _, benefit := range d.benefits {
		b = binary.AppendUvarint(b, uint64(benefit-previous))
		previous = benefit
	}
	var counts []byte
	before := counters.Key(0)
	for column, key := range d.keys {
		b = binary.AppendUvarint(b, uint64(key-before))
		before = key
		expected, whole := d.expect(column)
		b = expected.append(b)
		for row, count := range d.counts[column] {
			counts = binary.AppendVarint(counts, int64(count-expected.of(whole, row)))
		}
		d.leave(column, whole)
	}
	return append(b, counts...)
}

// An expectation says what the counts of a key are a share of: the sum of those of some keys,
// or what is left in a place. Where it is neither, nothing is expected.
type expectation struct {
	keys  []int
	place int // plus one; 0 for none
	share uint64
}

// whole is what it is a share of, nil for nothing.
func (d *details) whole(e expectation) []uint64 {
	if e.place > 0 {
		return d.left[e.place-1]
	}
	if len(e.keys) == 0 {
		return nil
	}
	sum := make([]uint64, len(d.benefits))
	for _, column := range e.keys {
		for row, count := range d.counts[column] {
			sum[row] += count
		}
	}
	return sum
}

// of is what is expected of a benefit.
func (e expectation) of(whole []uint64, row int) uint64 {
	if whole == nil || int64(whole[row]) < 0 {
		return 0
	}
	return (whole[row]*e.share + 1<<(shareBits-1)) >> shareBits
}

// leave keeps what is left of a whole without a key.
func (d *details) leave(column int, whole []uint64) {
	if whole == nil {
		return
	}
	left := make([]uint64, len(whole))
	for row, all := range whole {
		left[row] = all - d.counts[column][row]
	}
	d.left = append(d.left, left)
}

// expect is the expectation of a key that leaves least to be said, of those that are worth
// a try, with what it is a share of.
func (d *details) expect(column int) (best expectation, whole []uint64) {
	least := d.cost(column, best, nil)
	try := func(e expectation) {
		of := d.whole(e)
		e.share = shareOf(d.counts[column], of)
		if cost := d.cost(column, e, of); cost < least {
			best, whole, least = e, of, cost
		}
	}
	if wholes := d.wholesOf(column); len(wholes) > 0 {
		try(expectation{keys: wholes})
	}
	for place := max(1, len(d.left)-mostTried); place <= len(d.left); place++ {
		try(expectation{place: place})
	}
	return best, whole
}

// cost is about how many bits the counts of a key take.
func (d *details) cost(column int, e expectation, whole []uint64) (cost int) {
	for row, count := range d.counts[column] {
		rest := int64(count - e.of(whole, row))
		cost += bits.Len64(uint64(rest<<1) ^ uint64(rest>>63))
	}
	return cost
}

// shareOf is which share of a whole the counts are.
func shareOf(counts, whole []uint64) uint64 {
	part, all := 0.0, 0.0
	for row, count := range counts {
		part += float64(count)
		all += float64(max(0, int64(whole[row])))
	}
	if all == 0 {
		return 0
	}
	return uint64(math.Round(min(part/all, math.MaxUint32>>shareBits) * (1 << shareBits)))
}

// wholesOf are the keys before one that count for all what it counts for one word: those of
// the same level without a word whose field has all bits of its own. Where that is not what
// a kind means by its keys, they are a bad guess and nothing worse.
func (d *details) wholesOf(column int) (wholes []int) {
	part := d.keys[column].Detail()
	for at, key := range d.keys[:column] {
		whole := key.Detail()
		if part.Word != 0 && whole.Word == 0 && whole.Level == part.Level && whole.Field&part.Field == part.Field {
			wholes = append(wholes, at)
		}
	}
	return wholes
}

func (e expectation) append(b []byte) []byte {
	switch {
	case e.place > 0:
		b = binary.AppendUvarint(b, uint64(e.place)+1)
	case len(e.keys) > 0:
		b = binary.AppendUvarint(b, 1)
		b = binary.AppendUvarint(b, uint64(len(e.keys)))
		previous := 0
		for _, column := range e.keys {
			b = binary.AppendUvarint(b, uint64(column-previous))
			previous = column
		}
	default:
		return binary.AppendUvarint(b, 0)
	}
	return binary.AppendUvarint(b, e.share)
}

// readExpectation reads the expectation of a key before which there are so many, and so many
// places.
func readExpectation(c *cursor, columns, places int) (e expectation) {
	switch code := c.uvarint(); {
	case code == 0:
		return e
	case code == 1:
		column := uint64(0)
		for n := c.uvarint(); n > 0; n-- {
			column += c.uvarint()
			if c.err != nil || column >= uint64(columns) || len(e.keys) >= columns {
				c.fail("a sum of keys that there are not")
				return e
			}
			e.keys = append(e.keys, int(column))
		}
		if len(e.keys) == 0 {
			c.fail("a sum of no keys")
		}
	case code-1 <= uint64(places):
		e.place = int(code - 1)
	default:
		c.fail("a place that there is not")
	}
	e.share = c.uvarint()
	return e
}

// readDetails decodes a section of details. It visits each benefit that has any counters,
// and returns the sum of the counts.
func readDetails(content []byte, visit dayVisitor) (sum uint64, err error) {
	c := &cursor{data: content}
	day, d := c.uvarint(), details{}
	if c.err == nil && day > uint64(counters.MaxDay) {
		c.fail("bad day")
	}
	expected := d.readHead(c)
	if c.err != nil {
		return 0, c.err
	}
	for column, e := range expected {
		whole := d.whole(e)
		for row := range d.benefits {
			count := uint64(c.varint()) + e.of(whole, row)
			d.counts[column][row] = count
			sum += count
		}
		d.leave(column, whole)
	}
	if err := c.end(); err != nil {
		return 0, err
	}
	return sum, d.visit(counters.Day(day), visit)
}

// readHead reads all but the day and the counts, for which it makes room.
func (d *details) readHead(c *cursor) (expected []expectation) {
	benefits, keys := c.uvarint(), c.uvarint()
	if benefits == 0 || keys == 0 || benefits > maxDetails || keys > maxDetails/benefits {
		c.fail("bad number of counters")
		return nil
	}
	benefit, key, places := uint64(0), uint64(0), 0
	for n := uint64(0); n < benefits && c.err == nil; n++ {
		gap := c.uvarint()
		benefit += gap
		if gap > counters.MaxBenefits || benefit >= counters.MaxBenefits || (n > 0 && gap == 0) {
			c.fail("benefits out of order")
		}
		d.benefits = append(d.benefits, counters.Benefit(benefit))
	}
	for n := 0; n < int(keys) && c.err == nil; n++ {
		gap := c.uvarint()
		key += gap
		if gap == 0 || key < gap {
			c.fail("keys out of order")
		}
		e := readExpectation(c, n, places)
		if e.place > 0 || len(e.keys) > 0 {
			places++
		}
		d.keys, expected = append(d.keys, counters.Key(key)), append(expected, e)
		d.counts = append(d.counts, make([]uint64, len(d.benefits)))
	}
	return expected
}

// visit gives the counters of each benefit away.
func (d *details) visit(day counters.Day, visit dayVisitor) error {
	var cells []counters.Cell
	for row, benefit := range d.benefits {
		cells = cells[:0]
		for column, key := range d.keys {
			if count := d.counts[column][row]; count > 0 {
				cells = append(cells, counters.Cell{Key: key, Count: count})
			}
		}
		if len(cells) == 0 {
			continue
		}
		if err := visit(day, benefit, cells); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return nil
}
