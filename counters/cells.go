package counters

import (
	"math/bits"
	"slices"
)

const (
	countBits = 64 - keyBits
	countMask = 1<<countBits - 1
	minCells  = 8
)

// A Cell is one counter: how often something was counted.
type Cell struct {
	Key   Key
	Count uint64
}

// cells are the counters of one benefit: an open-addressing hash table whose
// words hold a key above the low bits of its count, so that a counter costs
// one word and one cache line. What a count has above its low bits is in
// carries, which few counters ever need: that of counters in stretches, too.
type cells struct {
	words   []uint64       // 0 is free; the length is 0 or a power of two
	used    int            // words that are not free
	carries map[Key]uint64 // key → count >> countBits, where that is not 0
}

// isFull says whether the table grows for the next counter.
func (c *cells) isFull() bool { return 8*(c.used+1) > 7*len(c.words) }

// add adds count to the counter of key and reports whether the counter is new.
func (c *cells) add(seed uint64, key Key, count uint64) (added bool) {
	if c.isFull() {
		c.grow(seed)
	}
	mask := uint64(len(c.words) - 1)
	for i := spread(seed, key) & mask; ; i = (i + 1) & mask {
		word := c.words[i]
		if Key(word>>countBits) == key {
			c.words[i] = uint64(key)<<countBits | c.carry(key, word&countMask, count)
			return false
		}
		if word == 0 {
			c.words[i] = uint64(key)<<countBits | c.carry(key, 0, count)
			c.used++
			return true
		}
	}
}

const (
	// lineWords is how many words of cells come from memory together.
	lineWords = 8
	// mostLines is how many lines a near cache holds beside all else.
	mostLines = 512
)

// fetchAll reads all lines, in the order in which the processor expects it.
//
//go:noinline
func (c *cells) fetchAll() (read uint64) {
	for i := 0; i < len(c.words); i += lineWords {
		read |= c.words[i]
	}
	return read // without it, or inlined, the compiler would leave the reads out
}

// near is the word of key, if it is one of the first two that it may be, and else another one.
// There must be words.
func (c *cells) near(seed uint64, key Key) *uint64 {
	mask := uint64(len(c.words) - 1)
	at := spread(seed, key) & mask
	if second := (at + 1) & mask; Key(c.words[second]>>countBits) == key {
		at = second
	}
	return &c.words[at]
}

// has says whether there is a counter of key.
func (c *cells) has(seed uint64, key Key) bool {
	if c.used == 0 {
		return false
	}
	mask := uint64(len(c.words) - 1)
	for i := spread(seed, key) & mask; ; i = (i + 1) & mask {
		word := c.words[i]
		if word == 0 || Key(word>>countBits) == key {
			return word != 0
		}
	}
}

// carry adds count to low, moves what does not fit into the low bits to
// carries, and returns the low bits.
func (c *cells) carry(key Key, low, count uint64) uint64 {
	low += count & countMask
	high := count>>countBits + low>>countBits
	if high != 0 {
		if c.carries == nil {
			c.carries = make(map[Key]uint64)
		}
		c.carries[key] += high
	}
	return low & countMask
}

// count is the full count of a word that is not free.
func (c *cells) count(word uint64) uint64 {
	low := word & countMask
	if c.carries == nil {
		return low
	}
	return low + c.carries[Key(word>>countBits)]<<countBits
}

func (c *cells) grow(seed uint64) {
	c.resize(seed, max(minCells, 2*len(c.words)))
}

// reserve makes room for n counters, so that a decoder who knows how many are
// coming does not grow step by step.
func (c *cells) reserve(seed uint64, n int) {
	if 8*n > 7*len(c.words) {
		c.resize(seed, max(minCells, 1<<bits.Len(uint((8*n-1)/7))))
	}
}

func (c *cells) resize(seed uint64, size int) {
	old := c.words
	c.words, c.used = make([]uint64, size), 0
	for _, word := range old {
		if word != 0 {
			c.put(seed, word)
		}
	}
}

// put puts a word of a key that is not there where there is room for it.
func (c *cells) put(seed, word uint64) {
	mask := uint64(len(c.words) - 1)
	i := spread(seed, Key(word>>countBits)) & mask
	for c.words[i] != 0 {
		i = (i + 1) & mask
	}
	c.words[i] = word
	c.used++
}

// appendWords appends the words that are not free to dst, in no order. Sorted,
// they are sorted by key. Which are free is as good as random. So nothing branches on it:
// in a table that has just grown the processor would guess wrong about once a counter.
func (c *cells) appendWords(dst []uint64) []uint64 {
	if c.used == 0 {
		return dst
	}
	n := len(dst)
	dst = slices.Grow(dst, c.used+1)[:n+c.used+1] // one more, for the free ones behind the last
	for _, word := range c.words {
		dst[n] = word
		next := n + 1
		if word == 0 {
			next = n
		}
		n = next
	}
	return dst[:n]
}

// spread hashes a key: one multiplication whose halves are folded (the mixing
// step of wyhash). The seed is secret, so that nobody outside can choose
// records whose keys meet in one place.
func spread(seed uint64, key Key) uint64 {
	high, low := bits.Mul64(uint64(key)^seed, 0x9e3779b97f4a7c15)
	return high ^ low
}

// sortCells sorts by key and adds up cells of the same key, in place.
func sortCells(unsorted []Cell) []Cell {
	slices.SortFunc(unsorted, func(a, b Cell) int {
		if a.Key < b.Key {
			return -1
		}
		if a.Key > b.Key {
			return 1
		}
		return 0
	})
	return mergeNeighbours(unsorted)
}

// mergeNeighbours adds up cells of the same key in a sorted slice, in place.
func mergeNeighbours(sorted []Cell) []Cell {
	merged := sorted[:0]
	for _, cell := range sorted {
		if last := len(merged) - 1; last >= 0 && merged[last].Key == cell.Key {
			merged[last].Count += cell.Count
			continue
		}
		merged = append(merged, cell)
	}
	return merged
}
