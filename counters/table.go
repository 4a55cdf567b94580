package counters

import (
	"iter"
	"math/bits"
)

// A Table is a set of counts, benefit → Key → count, for one span of time. It
// is the one currency of the program: tables are added to, merged, walked in
// order, and encoded and decoded by others. Merging is commutative and
// associative. A Table is not safe for concurrent use.
type Table struct {
	seed uint64
	// A table of one shard has the benefits first, first+1<<shift, first+2<<shift …; the
	// cells of benefit b are benefits[(b-first)>>shift].
	first    Benefit
	shift    uint8
	benefits []cells
	// stretches are the counters of the same benefits that are not in their cells; nil in a table that
	// has none.
	stretches []stretches
	counters  int
}

// NewTable returns an empty table for any benefits. The seed spreads the keys
// and should not be known outside the process.
func NewTable(seed uint64) *Table { return newShardTable(seed, 0, 1) }

// newShardTable returns an empty table for one of so many shards, a power of two.
func newShardTable(seed uint64, shard, shards int) *Table {
	return &Table{seed: seed, first: Benefit(shard), shift: uint8(bits.TrailingZeros(uint(shards)))}
}

// local is where the cells of a benefit are, if the table has that many.
func (t *Table) local(benefit Benefit) int { return int((benefit - t.first) >> (t.shift & 31)) }

// benefitAt is the benefit whose cells are at a place.
func (t *Table) benefitAt(local int) Benefit { return t.first + Benefit(local)<<(t.shift&31) }

// Len is how many counters the table has.
func (t *Table) Len() int { return t.counters }

// Add adds count to one counter. The key must come from NewKey.
func (t *Table) Add(benefit Benefit, key Key, count uint64) {
	t.addTo(t.at(benefit), benefit, key, count)
}

// addTo is Add for who has the benefit's cells at hand.
func (t *Table) addTo(into *cells, benefit Benefit, key Key, count uint64) {
	if t.stretches != nil {
		t.addStretched(benefit, key, count)
	} else if into.add(t.seed, key, count) {
		t.counters++
	}
}

// Reserve makes room for n counters of a benefit.
func (t *Table) Reserve(benefit Benefit, n int) {
	if t.stretches == nil { // what may be close together is arranged as room is made for it
		t.at(benefit).reserve(t.seed, n)
	}
}

// Merge adds all counts of other, which must have the same benefits' numbers.
func (t *Table) Merge(other *Table) {
	for local := range other.benefits {
		t.mergeBenefit(other, local)
	}
}

func (t *Table) mergeBenefit(other *Table, local int) {
	benefit := other.benefitAt(local)
	counters := other.countersOf(benefit)
	if counters == 0 {
		return
	}
	if !t.Has(benefit) {
		t.Reserve(benefit, counters)
	}
	into := t.at(benefit)
	for key, count := range other.all(benefit) {
		t.addTo(into, benefit, key, count)
	}
}

// Cells appends the counters of a benefit to dst, sorted by key.
func (t *Table) Cells(benefit Benefit, dst []Cell) []Cell {
	words, _ := sortWords(t.appendWords(benefit, nil), nil)
	from := t.cellsOf(benefit)
	for _, word := range words {
		dst = append(dst, Cell{Key: Key(word >> countBits), Count: from.count(word)})
	}
	return dst
}

// appendWords appends the words of all counters of a benefit to dst, in no order. Sorted, they are sorted
// by key.
func (t *Table) appendWords(benefit Benefit, dst []uint64) []uint64 {
	if local := t.local(benefit); local < len(t.benefits) {
		dst = t.benefits[local].appendWords(dst)
		if t.stretches != nil {
			dst = t.stretches[local].appendWords(dst)
		}
	}
	return dst
}

func (t *Table) at(benefit Benefit) *cells {
	local := t.local(benefit)
	if local >= len(t.benefits) {
		t.benefits = append(t.benefits, make([]cells, local+1-len(t.benefits))...)
		if t.stretches != nil {
			t.stretches = append(t.stretches, make([]stretches, local+1-len(t.stretches))...)
		}
	}
	return &t.benefits[local]
}

// cellsOf are the counters of a benefit, nil where there are none.
func (t *Table) cellsOf(benefit Benefit) *cells {
	if local := t.local(benefit); local < len(t.benefits) {
		return &t.benefits[local]
	}
	return nil
}

// AddCells adds counters of one benefit. The keys must be valid ones.
func (t *Table) AddCells(benefit Benefit, cells []Cell) {
	into := t.at(benefit)
	for _, cell := range cells {
		t.addTo(into, benefit, cell.Key, cell.Count)
	}
}

// all are the counters of a benefit, in no order.
func (t *Table) all(benefit Benefit) iter.Seq2[Key, uint64] {
	return func(yield func(Key, uint64) bool) {
		from := t.cellsOf(benefit)
		if from == nil {
			return
		}
		for _, word := range from.words {
			if word != 0 && !yield(Key(word>>countBits), from.count(word)) {
				return
			}
		}
		if t.stretches == nil {
			return
		}
		for word := range t.stretches[t.local(benefit)].all() {
			if !yield(Key(word>>countBits), from.count(word)) {
				return
			}
		}
	}
}

// Has says whether the table counts anything for a benefit.
func (t *Table) Has(benefit Benefit) bool { return t.countersOf(benefit) > 0 }

// countersOf is how many counters a benefit has.
func (t *Table) countersOf(benefit Benefit) (counters int) {
	if local := t.local(benefit); local < len(t.benefits) {
		counters = t.benefits[local].used
		if t.stretches != nil {
			counters += t.stretches[local].used
		}
	}
	return counters
}

// hasKey says whether the table has a counter; a nil one has none.
func (t *Table) hasKey(benefit Benefit, key Key) bool {
	if t == nil || !t.Has(benefit) {
		return false
	}
	if within := t.stretchOf(benefit, key); within != nil {
		return within.places[key-within.first] != 0
	}
	return t.at(benefit).has(t.seed, key)
}
