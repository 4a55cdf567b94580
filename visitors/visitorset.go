package visitors

import "math"

// maxHoldings is how many experiments of a visitor are kept.
const maxHoldings = 4

// A holding is a variant that a visitor holds: its number plus one, and a bit
// that says that the visitor was in another variant of the experiment too. Zero
// is none.
type holding uint8

const crossed holding = 1 << 7

func (h holding) variant() uint8  { return uint8(h&^crossed) - 1 }
func (h holding) isCrossed() bool { return h&crossed != 0 }
func newHolding(variant uint8) holding {
	return holding(variant + 1)
}

// A visitor is what is known of one in a day, in half a line of memory.
type visitor struct {
	// word is the hash, in whose lowest bits the stages are.
	word          uint64
	pages, clicks uint16
	holdings      [maxHoldings]holding
	pairs         ownPairs
}

func (v *visitor) hash() uint64   { return hashOf(v.word) }
func (v *visitor) stages() Stages { return Stages(v.word & allStages) }

// hashOf is the hash in a visitor's word.
func hashOf(word uint64) uint64 { return word &^ allStages }

// nobody is the hash of an id that is no visitor's.
const nobody = 0

// newHash is a hash that leaves the bits that stages take, and is never 0.
func newHash(hash uint64) uint64 { return max(hashOf(hash), 1<<stageBits) }

// count adds what so many records say that reach the same stages, some of which are of the
// first place on a page.
func (v *visitor) count(reached Stages, records, firsts int) {
	v.word |= uint64(reached)
	if reached&Shown != 0 {
		v.pages = uint16(min(int(v.pages)+firsts, math.MaxUint16))
	}
	if reached&Opened != 0 {
		v.clicks = uint16(min(int(v.clicks)+records, math.MaxUint16))
	}
}

// assign says that the visitor is in a variant, and whether there was room to
// keep it.
func (v *visitor) assign(a assignment, table *nameTable) bool {
	for i := range v.holdings {
		held := &v.holdings[i]
		switch {
		case *held == 0:
			*held = newHolding(a.variant)
			return true
		case held.variant() == a.variant:
			return true
		case table.experimentOf[held.variant()] == a.experiment:
			*held |= crossed
			return true
		}
	}
	return false
}

// A visitorSet is the visitors of a shard, in an open-addressing table.
type visitorSet struct {
	table []visitor // word 0 is free; the length is 0 or a power of two
	used  int
}

const (
	minVisitors = 16
	// homeShift leaves out the bits of a hash that chose its shard.
	homeShift = stageBits + shardBits
)

// isCrowded says whether the table must be rebuilt before so many are located.
func (s *visitorSet) isCrowded(more int) bool { return 8*(s.used+more) > 7*len(s.table) }

// locate returns a visitor, who is added if new.
func (s *visitorSet) locate(hash uint64) *visitor {
	mask := len(s.table) - 1
	for i := int(hash>>homeShift) & mask; ; i = (i + 1) & mask {
		v := &s.table[i]
		if hashOf(v.word) == hash {
			return v
		}
		if v.word == 0 {
			v.word = hash
			s.used++
			return v
		}
	}
}

// rebuild keeps the visitors that a rate takes in a table of the given size.
func (s *visitorSet) rebuild(size int, halvings uint32) {
	old := s.table
	s.table, s.used = make([]visitor, size), 0
	for i := range old {
		if v := &old[i]; v.word != 0 && takes(halvings, v.hash()) {
			*s.locate(v.hash()) = *v
		}
	}
	clear(old)
}

// bytes is the memory that the set holds.
func (s *visitorSet) bytes() int { return len(s.table) * visitorBytes }

const visitorBytes = 32
