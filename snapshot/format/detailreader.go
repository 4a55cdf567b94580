package format

import (
	"fmt"

	"stats-recorder/counters"
)

// A detailReader reads a section of details.
type detailReader struct {
	*cursor
	numbers interface{ number(like *shape) uint64 }
	// plain says that an earlier program wrote it.
	plain  bool
	shapes detailShapes
	details
}

// plainNumbers are those of earlier programs.
type plainNumbers struct{ *cursor }

func (n plainNumbers) number(*shape) uint64 { return n.uvarint() }

// readDetails decodes a section of details. It visits each benefit that has any counters,
// and returns the sum of the counts.
func readDetails(content []byte, visit dayVisitor) (sum uint64, err error) {
	c := &cursor{data: content}
	day := c.uvarint()
	r := &detailReader{cursor: c, numbers: newUnpacker(c)}
	return r.read(day, visit)
}

// readPlainDetails is the same for what an earlier program wrote.
func readPlainDetails(content []byte, visit dayVisitor) (sum uint64, err error) {
	c := &cursor{data: content}
	day := c.uvarint()
	r := &detailReader{cursor: c, numbers: plainNumbers{c}, plain: true}
	return r.read(day, visit)
}

func (r *detailReader) read(day uint64, visit dayVisitor) (sum uint64, err error) {
	if r.err == nil && day > uint64(counters.MaxDay) {
		r.fail("bad day")
	}
	expected := r.head()
	for column, e := range expected {
		if r.err != nil {
			return 0, r.err
		}
		whole := r.whole(e)
		r.column(column, e, whole)
		for _, count := range r.counts[column] {
			sum += count
		}
		r.leave(column, whole)
	}
	if err := r.end(); err != nil {
		return 0, err
	}
	return sum, r.visit(counters.Day(day), visit)
}

// head reads all but the counts, for which it makes room.
func (r *detailReader) head() (expected []expectation) {
	benefits, keys := r.numbers.number(&r.shapes.sizes), r.numbers.number(&r.shapes.sizes)
	if benefits == 0 || keys == 0 || keys > mostKeys || benefits > maxDetails/keys {
		r.fail("bad number of counters")
		return nil
	}
	benefit, key, places := uint64(0), uint64(0), 0
	for n := uint64(0); n < benefits && r.err == nil; n++ {
		gap := r.numbers.number(&r.shapes.benefits)
		benefit += gap
		if gap > counters.MaxBenefits || benefit >= counters.MaxBenefits || (n > 0 && gap == 0) {
			r.fail("benefits out of order")
		}
		r.benefits = append(r.benefits, counters.Benefit(benefit))
	}
	for n := 0; n < int(keys) && r.err == nil; n++ {
		gap := r.numbers.number(&r.shapes.keys)
		key += gap
		if gap == 0 || key < gap {
			r.fail("keys out of order")
		}
		e := r.expectation(n, places)
		if e.place > 0 || len(e.keys) > 0 {
			places++
		}
		r.keys, expected = append(r.keys, counters.Key(key)), append(expected, e)
		r.counts = append(r.counts, make([]uint64, len(r.benefits)))
	}
	return expected
}

// expectation reads that of a key before which there are so many, and so many places.
func (r *detailReader) expectation(columns, places int) (e expectation) {
	switch code := r.numbers.number(&r.shapes.expectations); {
	case code == 0:
		return e
	case code == 1:
		e.keys = r.wholes(columns)
	case code-1 <= uint64(places):
		e.place = int(code - 1)
	default:
		r.fail("a place that there is not")
	}
	if e.share = r.numbers.number(&r.shapes.shares); !r.plain {
		e.share = 1<<shareBits - unzigzag(e.share)
	}
	return e
}

// wholes reads the keys of a sum.
func (r *detailReader) wholes(columns int) (keys []int) {
	n := r.numbers.number(&r.shapes.sizes)
	if n == 0 || n > uint64(min(columns, mostWholes)) {
		r.fail("a sum of no keys, or of more than there are")
	}
	for column := uint64(0); n > 0 && r.err == nil; n-- {
		column += r.numbers.number(&r.shapes.places)
		if column >= uint64(columns) {
			r.fail("a sum of keys that there are not")
		}
		keys = append(keys, int(column))
	}
	return keys
}

// column reads the counts of a key.
func (r *detailReader) column(column int, e expectation, whole []uint64) {
	if r.plain && whole == nil {
		whole = make([]uint64, len(r.benefits)) // counts are said alike, with an expectation or without
	}
	r.shapes.begin()
	for row := range r.benefits {
		beyond := r.numbers.number(r.shapes.of(&r.details, column, row, e, whole))
		r.counts[column][row] = e.counted(whole, row, beyond)
	}
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
