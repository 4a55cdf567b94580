package format

import (
	"encoding/binary"
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
//	then packed numbers (packed.go), each in the shape that is named:
//	sizes: how many benefits, how many keys; at most maxDetails counts together
//	benefits: for each, ascending: number less the previous one's (0 before the first)
//	for each key, ascending:
//	  keys: key less the previous one (0 before the first)
//	  expectations: 0 nothing is expected; 1 a share of the sum of some keys; 2 + place a
//	    share of what is left there
//	  after 1, sizes: how many keys, and for each, ascending, places: its place among the
//	    keys before, from 0, less that of the previous one (0 before the first)
//	  after 1 or more, shares: what the share lacks of all, 1<<shareBits, in zigzag form
//	then for each key, for each benefit:
//	  the count less what is expected, in zigzag form; the count where nothing is
//
// A share is in parts of 1<<shareBits. Once a key of which something is expected is read,
// what its expectation is a share of, less its counts, is what is left: by benefit, in the
// next place, from 0. Expected is share × what is left + ½, rounded down; nothing where less
// than nothing is left. All that is modulo 2^64. A counter of 0 is none.
//
// Counts of which something is expected have a shape for each length in bits of their
// variance, in sixteenths: ⌊whole × share × (1 − share) × 16⌋, modulo 2^64 before the shift. The
// others have one for each length of the count of the same benefit and the key before
// (0 before the first), new ones for each key.
//
// An earlier program wrote uvarints in place of packed numbers, a share itself, and all
// counts in zigzag form.
const (
	maxDetails = 1 << 16
	shareBits  = 16
	// An encoder writes at most so many counts together: packed they take at most 16 bytes
	// each, and so less than maxSection with all that comes before them.
	mostPacked = maxDetails / 2
	// An encoder takes details for at least so many benefits and at most so many keys, of
	// whose counters at least one in so many is there.
	fewestDetailed, mostKeys, sparsest = 8, 1024, 8
	// mostWholes is of how many keys a sum may be: those without a word of one level.
	mostWholes = 128
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
	p, shapes := newPacker(), detailShapes{}
	p.number(&shapes.sizes, uint64(len(d.benefits)))
	p.number(&shapes.sizes, uint64(len(d.keys)))
	previous := counters.Benefit(0)
	for _, benefit := range d.benefits {
		p.number(&shapes.benefits, uint64(benefit-previous))
		previous = benefit
	}
	before, expected, wholes := counters.Key(0), make([]expectation, len(d.keys)), make([][]uint64, len(d.keys))
	for column, key := range d.keys {
		p.number(&shapes.keys, uint64(key-before))
		before = key
		expected[column], wholes[column] = d.expect(column)
		expected[column].pack(p, &shapes)
		d.leave(column, wholes[column])
	}
	for column, e := range expected {
		shapes.begin()
		for row, count := range d.counts[column] {
			p.number(shapes.of(d, column, row, e, wholes[column]), e.beyond(wholes[column], row, count))
		}
	}
	return append(binary.AppendUvarint(nil, uint64(day)), p.end()...)
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

// beyond is how a count is said where one is expected, and counted the count that is said so.
func (e expectation) beyond(whole []uint64, row int, count uint64) uint64 {
	if whole == nil {
		return count
	}
	return zigzag(count - e.of(whole, row))
}

func (e expectation) counted(whole []uint64, row int, beyond uint64) uint64 {
	if whole == nil {
		return beyond
	}
	return e.of(whole, row) + unzigzag(beyond)
}

func zigzag(n uint64) uint64 { return n<<1 ^ uint64(int64(n)>>63) }

func unzigzag(n uint64) uint64 { return n>>1 ^ -(n & 1) }

// variance is about that of a share of the visitors of a whole, in sixteenths.
func (e expectation) variance(whole uint64) uint64 {
	return whole * e.share * (1<<shareBits - e.share) >> (2*shareBits - 4)
}

// detailShapes are those of the numbers of a section.
type detailShapes struct {
	sizes, benefits, keys, expectations, places, shares shape
	// expected are those of counts of which something is expected, own those of others.
	expected, own [65]*shape
}

// begin begins a key: counts of which nothing is expected are like no other key's.
func (s *detailShapes) begin() { s.own = [65]*shape{} }

// of is that of a count, which is like those that are about as certain.
func (s *detailShapes) of(d *details, column, row int, e expectation, whole []uint64) *shape {
	at := &s.own[0]
	switch {
	case whole != nil:
		at = &s.expected[bits.Len64(e.variance(whole[row]))]
	case column > 0:
		at = &s.own[bits.Len64(d.counts[column-1][row])]
	}
	if *at == nil {
		*at = &shape{}
	}
	return *at
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
		cost += bits.Len64(zigzag(count - e.of(whole, row)))
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

func (e expectation) pack(p *packer, shapes *detailShapes) {
	switch {
	case e.place > 0:
		p.number(&shapes.expectations, uint64(e.place)+1)
	case len(e.keys) > 0:
		p.number(&shapes.expectations, 1)
		p.number(&shapes.sizes, uint64(len(e.keys)))
		previous := 0
		for _, column := range e.keys {
			p.number(&shapes.places, uint64(column-previous))
			previous = column
		}
	default:
		p.number(&shapes.expectations, 0)
		return
	}
	p.number(&shapes.shares, zigzag(1<<shareBits-e.share))
}
