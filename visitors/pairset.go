package visitors

import (
	"iter"
	"math/bits"

	"stats-recorder/counters"
)

// A pair is a benefit that a visitor met, where a record has it, and the stages that the
// visitor reached with it. Zero is none: there is no pair without a stage.
type pair uint32

func newPair(r Record, stages Stages) pair { return r.met() | pair(stages) }

func (p pair) benefit() counters.Benefit { return counters.Benefit(p >> benefitShift) }
func (p pair) stages() Stages            { return Stages(p & allStages) }

// met is the pair of a record without stages.
func (r Record) met() pair { return pair(r >> benefitShift << benefitShift) }

// ownPairs are the pairs of one visitor: a few are in it, more in an open-addressing table
// of the visitor's own, or in a map if that is no larger. So the pairs of a batch lie in
// neighbouring lines of memory, and not in one each (BenchmarkAddKnown, one visitor of 16000).
type ownPairs struct {
	n     uint32 // how many there are
	start uint32 // of the table or the map in the set's slab
	// few are the pairs if there are at most fewPairs. Of more they are the extent of the
	// map, zeros if there is a table: only layOut leads there, which writes them anew.
	few [fewPairs]pair
}

// fewPairs is up to how many pairs need no table.
const fewPairs = 2

// size is how many slots they take.
func (o *ownPairs) size() int {
	if e := o.extent(); e.isMap() {
		return e.size()
	}
	return slotsFor(o.n)
}

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
	// slab has the tables and maps in the order in which they were made. One that grows is
	// made anew; what it leaves stays free until all are moved together.
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

// each are the pairs of a visitor.
func (s *pairSet) each(v *visitor) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		slots := s.of(v)
		if e := v.pairs.extent(); e.isMap() {
			e.each(slots, yield)
			return
		}
		for _, p := range slots {
			if p != 0 && !yield(p) {
				return
			}
		}
	}
}

// lineSlots is how many slots are in a line of memory.
const lineSlots = 64 / pairBytes

// touch reads a slot of each line that a visitor's pairs are in.
func (s *pairSet) touch(v *visitor) (read pair) {
	slots := s.of(v)
	for i := 0; i < len(slots); i += lineSlots {
		read ^= slots[i]
	}
	return read
}

// fewRecords is how many records are looked at before what is new in them is added.
const fewRecords = 64

// add adds the pairs of a visitor's records, which reach the same stages. The visitor is one
// of all.
func (s *pairSet) add(v *visitor, records []Record, reached Stages, all []visitor) {
	for {
		records = records[s.met(v, records, reached):]
		if len(records) == 0 { // as of most runs
			return
		}
		if e := v.pairs.extent(); e.isMap() && !e.has(reached) {
			s.layOut(v, nil, reached, all) // there may be a table now
			continue
		}
		some := records[:min(len(records), fewRecords)]
		records = records[len(some):]
		var room [fewRecords]pair
		if fresh := s.missing(v, some, reached, room[:0]); len(fresh) > 0 {
			s.addFresh(v, distinct(fresh, v), all)
		}
	}
}

// met is how many records, from the first on, there is a place for already: they have been
// entered there if they had not been before.
func (s *pairSet) met(v *visitor, records []Record, reached Stages) int {
	switch e := v.pairs.extent(); {
	case v.pairs.n <= fewPairs:
		return v.pairs.reachFew(records, reached)
	case !e.isMap():
		slots := s.of(v)
		return searchOf(v, slots).known(slots, records, reached)
	case e.has(reached):
		return s.mark(v, records, reached)
	}
	return 0
}

// missing adds stages to the pairs of records, and returns, in the room, those that there are
// not.
func (s *pairSet) missing(v *visitor, records []Record, reached Stages, room []pair) (fresh []pair) {
	for {
		records = records[s.met(v, records, reached):]
		if len(records) == 0 {
			return room
		}
		if p := newPair(records[0], reached); !s.reach(v, p) {
			room = append(room, p)
		}
		records = records[1:]
	}
}

// reach adds stages to a pair that is in a visitor's table, and says whether it is.
func (s *pairSet) reach(v *visitor, p pair) (found bool) {
	if v.pairs.n <= fewPairs || v.pairs.extent().isMap() {
		return false // or it had been met
	}
	slots := s.of(v)
	i, at := searchOf(v, slots).find(slots, p)
	if at == 0 {
		return false
	}
	slots[i] = at | p
	return true
}

// A search finds pairs in a visitor's table of some size. The factor is secret as the
// visitor's hash is, so nobody can choose benefits that meet; it is odd, and mixed, because the
// hashes of a sample begin with zeros.
type search struct {
	factor uint64
	shift  int
}

func searchOf(v *visitor, slots []pair) search {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return search{v.hash()*odd | 1, bits.LeadingZeros64(uint64(len(slots) - 1))}
}

// home is where the search for the benefit of a pair without stages begins.
func (s search) home(met pair) int { return int(uint64(met) * s.factor >> (s.shift & 63)) }

// known is how many records, from the first on, bring nothing new.
func (s search) known(slots []pair, records []Record, reached Stages) int {
	told := pair(reached) | ^pair(allStages) // the bits that decide
	for n, r := range records {
		met := r.met()
		for i := s.home(met); (slots[i]^met)&told != pair(reached); i = (i + 1) & (len(slots) - 1) {
			if slots[i] == 0 || slots[i]^met <= allStages {
				return n
			}
		}
	}
	return len(records)
}

// find is where the pair of a benefit is, and which; 0 is none, in the slot where it would be.
func (s search) find(slots []pair, p pair) (i int, at pair) {
	i = s.home(p &^ allStages)
	for {
		if at = slots[i]; at^p <= allStages || at == 0 {
			return i, at
		}
		i = (i + 1) & (len(slots) - 1)
	}
}

// put enters pairs of which the table has none.
func (s search) put(slots, pairs []pair) {
	for _, p := range pairs {
		if p != 0 {
			i, _ := s.find(slots, p)
			slots[i] = p
		}
	}
}

// reachFew adds stages to the few pairs of records, from the first on to one that is not there,
// and says how many these are.
func (o *ownPairs) reachFew(records []Record, reached Stages) int {
	for n, r := range records {
		p := newPair(r, reached)
		i := 0
		for ; i < int(o.n) && o.few[i].benefit() != p.benefit(); i++ {
		}
		if i == int(o.n) {
			return n
		}
		o.few[i] |= p
	}
	return len(records)
}

// distinct leaves out pairs that are there twice, of at most fewRecords. It changes the list.
func distinct(list []pair, v *visitor) []pair {
	if len(list) == 1 {
		return list
	}
	var seen [2 * fewRecords]pair
	search, once := searchOf(v, seen[:]), list[:0]
	for _, p := range list {
		if i, at := search.find(seen[:], p); at == 0 {
			seen[i] = p
			once = append(once, p)
		}
	}
	return once
}

// addFresh adds pairs that the visitor has not, each of another benefit. Those of a map are
// beyond its end.
func (s *pairSet) addFresh(v *visitor, fresh []pair, all []visitor) {
	before := v.pairs.n
	n := before + uint32(len(fresh))
	switch {
	case n <= fewPairs:
		copy(v.pairs.few[before:], fresh)
		v.pairs.n = n
	case slotsFor(n) == slotsFor(before) && !v.pairs.extent().isMap():
		slots := s.of(v)
		searchOf(v, slots).put(slots, fresh)
		v.pairs.n = n
	default:
		s.layOut(v, fresh, 0, all)
	}
	s.used += len(fresh)
}

// layOut moves a visitor's pairs, and fresh ones, to where there is room for them and for
// some stages more.
func (s *pairSet) layOut(v *visitor, fresh []pair, more Stages, all []visitor) {
	own := ownPairs{n: v.pairs.n + uint32(len(fresh))}
	size, e := slotsFor(own.n), s.extentFor(v, fresh, more)
	if e.size() <= size {
		size = e.size()
		own.few = [fewPairs]pair{pair(e.wide), pair(e.stages)}
	}
	if len(s.slab)+size > cap(s.slab) {
		s.compact(size, all)
	}
	own.start = uint32(len(s.slab))
	s.slab = s.slab[:len(s.slab)+size]
	slots := s.slab[own.start:]
	if own.extent().isMap() {
		for p := range s.each(v) {
			e.put(slots, p)
		}
		for _, p := range fresh {
			e.put(slots, p)
		}
	} else {
		search := searchOf(v, slots)
		for p := range s.each(v) {
			search.put(slots, []pair{p})
		}
		search.put(slots, fresh)
	}
	clear(s.of(v))
	v.pairs = own
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
