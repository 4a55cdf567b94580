package visitors

import (
	"cmp"
	"math/bits"
	"slices"

	"stats-recorder/counters"
)

// A pair is a benefit that a visitor met, and the stages that the visitor reached with it.
// Zero is none: there is no pair without a stage.
type pair uint32

func newPair(benefit counters.Benefit, stages Stages) pair {
	return pair(benefit)<<stageBits | pair(stages)
}

func (p pair) benefit() counters.Benefit { return counters.Benefit(p >> stageBits) }
func (p pair) stages() Stages            { return Stages(p & allStages) }

// ownPairs are the pairs of one visitor: a few are in it, more in an open-addressing table
// of the visitor's own. So the pairs of a batch lie in neighbouring lines of memory, and not
// in one each (BenchmarkAddKnown, one visitor of 16000).
type ownPairs struct {
	n     uint32 // how many there are
	start uint32 // of the table in the set's slab
	few   [fewPairs]pair
}

// fewPairs is up to how many pairs need no table.
const fewPairs = 2

// size is how many slots the table has.
func (o *ownPairs) size() int { return slotsFor(o.n) }

// slotsFor is the size of a table of n pairs, a power of two of which at most seven eighths
// are taken; 0 where there is none.
func slotsFor(n uint32) int {
	if n <= fewPairs {
		return 0
	}
	return 1 << bits.Len32((8*n-1)/7)
}

// A pairSet is the pairs of a shard's visitors.
type pairSet struct {
	// slab has the tables in the order in which they were made. A table that grows is made
	// anew; what it leaves stays free until all are moved together.
	slab []pair
	used int
}

// leastSlab is how many slots a slab has at least.
const leastSlab = 256

// of are the slots of a visitor's pairs; free ones are 0.
func (s *pairSet) of(v *visitor) []pair {
	if v.pairs.n <= fewPairs {
		return v.pairs.few[:v.pairs.n]
	}
	return s.slab[v.pairs.start:][:v.pairs.size()]
}

// fewRecords is how many records are looked at before what is new in them is added.
const fewRecords = 64

// add adds the pairs of a visitor's records, and says how many are new. The visitor is one
// of all.
func (s *pairSet) add(v *visitor, records []record, stages *StageTable, all []visitor) (added int) {
	for len(records) > fewRecords {
		added += s.addSome(v, records[:fewRecords], stages, all)
		records = records[fewRecords:]
	}
	return added + s.addSome(v, records, stages, all)
}

func (s *pairSet) addSome(v *visitor, records []record, stages *StageTable, all []visitor) (added int) {
	var room [fewRecords]pair
	reached := room[:0]
	for _, r := range records {
		if of := stages[r.event()]; of != 0 {
			reached = append(reached, newPair(r.benefit(), of))
		}
	}
	fresh := s.missing(v, reached)
	if len(fresh) == 0 { // as of most runs
		return 0
	}
	return s.addFresh(v, merge(fresh), all)
}

// missing adds the stages of pairs to those of the same benefits, and leaves in the list
// the ones of which there is none.
func (s *pairSet) missing(v *visitor, reached []pair) (fresh []pair) {
	fresh = reached[:0]
	if v.pairs.n <= fewPairs {
		for _, p := range reached {
			if !v.pairs.reachFew(p) {
				fresh = append(fresh, p)
			}
		}
		return fresh
	}
	slots, hash := s.of(v), v.hash()
	mask := len(slots) - 1
	for _, p := range reached {
		i := home(hash, p.benefit()) & mask
		for slots[i] != 0 && slots[i].benefit() != p.benefit() {
			i = (i + 1) & mask
		}
		switch at := slots[i]; at {
		case 0:
			fresh = append(fresh, p)
		case at | p: // most runs bring nothing new
		default:
			slots[i] = at | p
		}
	}
	return fresh
}

func (o *ownPairs) reachFew(p pair) (found bool) {
	for i := range o.few[:o.n] {
		if o.few[i].benefit() == p.benefit() {
			o.few[i] |= p
			return true
		}
	}
	return false
}

// home, with the mask of a table, is where the search for a benefit begins in it. The
// visitor's hash is secret, so nobody can choose benefits that meet.
func home(hash uint64, benefit counters.Benefit) int {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	high, low := bits.Mul64(hash, (uint64(benefit)+1)*odd)
	return int(high ^ low)
}

// merge makes one pair of those of the same benefit. It changes the list.
func merge(list []pair) []pair {
	slices.SortFunc(list, func(a, b pair) int { return cmp.Compare(a, b) })
	merged := list[:1]
	for _, p := range list[1:] {
		if last := &merged[len(merged)-1]; last.benefit() == p.benefit() {
			*last |= p
		} else {
			merged = append(merged, p)
		}
	}
	return merged
}

// addFresh adds pairs that the visitor has not, each of another benefit.
func (s *pairSet) addFresh(v *visitor, fresh []pair, all []visitor) (added int) {
	before := v.pairs.n
	s.grow(v, before+uint32(len(fresh)), all)
	if v.pairs.n <= fewPairs {
		copy(v.pairs.few[before:], fresh)
	} else {
		put(s.of(v), v.hash(), fresh)
	}
	s.used += len(fresh)
	return len(fresh)
}

// put enters pairs into a table that has none of these benefits.
func put(table []pair, hash uint64, pairs []pair) {
	mask := len(table) - 1
	for _, p := range pairs {
		if p == 0 {
			continue
		}
		i := home(hash, p.benefit()) & mask
		for table[i] != 0 {
			i = (i + 1) & mask
		}
		table[i] = p
	}
}

// grow makes room for a visitor to have n pairs.
func (s *pairSet) grow(v *visitor, n uint32, all []visitor) {
	if size := slotsFor(n); size > v.pairs.size() {
		if len(s.slab)+size > cap(s.slab) {
			s.compact(size, all)
		}
		start := len(s.slab)
		s.slab = s.slab[:start+size]
		before := s.of(v)
		put(s.slab[start:], v.hash(), before)
		clear(before)
		v.pairs.start = uint32(start)
	}
	v.pairs.n = n
}

// compact moves the tables of all visitors together, with room for so many slots more.
func (s *pairSet) compact(room int, all []visitor) {
	for i := range all {
		room += all[i].pairs.size()
	}
	before := s.slab
	s.slab = make([]pair, 0, max(leastSlab, room+room/4))
	for i := range all {
		if own := &all[i].pairs; own.n > fewPairs {
			start := len(s.slab)
			s.slab = append(s.slab, before[own.start:][:own.size()]...)
			own.start = uint32(start)
		}
	}
	clear(before)
}

// sift keeps the pairs of the visitors that a rate takes, who are still there. Whoever calls
// it moves the tables together, once the others have gone.
func (s *pairSet) sift(halvings uint32, all []visitor) {
	for i := range all {
		if v := &all[i]; !takes(halvings, v.hash()) {
			s.used -= int(v.pairs.n)
			v.pairs = ownPairs{}
		}
	}
}

// bytes is the memory that the set holds.
func (s *pairSet) bytes() int { return cap(s.slab) * pairBytes }

const pairBytes = 4
