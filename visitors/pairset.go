package visitors

import (
	"math/bits"

	"stats-recorder/counters"
)

// A pair is a visitor and a benefit, and the stages that the one reached with the
// other, in one word: the visitor's position in the shard plus one, the benefit,
// the stages. Zero is none.
type pair uint64

const (
	benefitBits = 32
	pairShift   = stageBits + benefitBits
)

func newPair(position int, benefit counters.Benefit) pair {
	return pair(uint64(position+1)<<pairShift | uint64(benefit)<<stageBits)
}

// at is the pair of the same visitor at the new position.
func (p pair) at(moved []uint32) pair {
	return newPair(int(moved[p.position()]), p.benefit()) | pair(p.stages())
}

func (p pair) position() int             { return int(p>>pairShift) - 1 }
func (p pair) benefit() counters.Benefit { return counters.Benefit(p >> stageBits) }
func (p pair) stages() Stages            { return Stages(p & allStages) }

// A pairSet is the pairs of a shard, in an open-addressing table.
type pairSet struct {
	table []pair // the length is 0 or a power of two
	used  int
}

const minPairs = 32

// home, with the mask of a table, is where a pair's search begins in it. The visitor's hash is secret, so nobody
// can choose benefits that meet.
func home(hash uint64, benefit counters.Benefit) int {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	high, low := bits.Mul64(hash, (uint64(benefit)+1)*odd)
	return int(high ^ low)
}

// add adds stages to a pair and reports whether the pair is new. The hash is that
// of the visitor at the pair's position.
func (s *pairSet) add(hash uint64, p pair, stages Stages) (added bool) {
	mask := len(s.table) - 1
	for i := home(hash, p.benefit()) & mask; ; i = (i + 1) & mask {
		at := s.table[i]
		if at&^allStages == p {
			s.table[i] = at | pair(stages)
			return false
		}
		if at == 0 {
			s.table[i] = p | pair(stages)
			s.used++
			return true
		}
	}
}

// fetch reads where the searches of a run begin. The reads do not depend on one
// another, so the processor waits for memory once and not for each search
// (BenchmarkAddKnown, one visitor of 16000). The result means nothing; it is kept so
// that the reads are.
func (s *pairSet) fetch(hash uint64, records []record) (read pair) {
	mask := len(s.table) - 1
	for i := range records {
		read ^= s.table[home(hash, records[i].benefit)&mask]
	}
	return read
}

// reserve makes room for n more pairs.
func (s *pairSet) reserve(n int, visitors *visitorSet) {
	if 8*(s.used+n) <= 7*len(s.table) {
		return
	}
	size := max(minPairs, len(s.table))
	for 8*(s.used+n) > 7*size {
		size *= 2
	}
	old := s.table
	s.table, s.used = make([]pair, size), 0
	for _, p := range old {
		if p != 0 {
			s.put(p, visitors)
		}
	}
	clear(old)
}

// put enters a pair that is not there yet.
func (s *pairSet) put(p pair, visitors *visitorSet) {
	s.add(visitors.table[p.position()].hash(), p&^allStages, p.stages())
}

// move gives the pairs the new positions of their visitors, all of whom stayed.
// Searches begin where they did.
func (s *pairSet) move(moved []uint32) {
	for i, p := range s.table {
		if p != 0 {
			s.table[i] = p.at(moved)
		}
	}
}

// sift keeps the pairs of the visitors that a rate takes, after the visitors were
// sifted and moved.
func (s *pairSet) sift(halvings uint32, moved []uint32, visitors *visitorSet) {
	stay := make([]pair, 0, s.used)
	for _, p := range s.table {
		if p == 0 || moved[p.position()] == gone {
			continue
		}
		p = p.at(moved)
		if takes(halvings, visitors.table[p.position()].hash()) {
			stay = append(stay, p)
		}
	}
	clear(s.table)
	s.used = 0
	for _, p := range stay {
		s.put(p, visitors)
	}
}

// bytes is the memory that the set holds.
func (s *pairSet) bytes() int { return len(s.table) * 8 }
