package counters

import (
	"iter"
	"slices"
)

const (
	// stretchFrom is how many counters a stretch has at least: as many as fill a table of 16 words.
	stretchFrom = 14
	// stretchSpread is how many keys a stretch may have for each of its counters: with four
	// bytes for each it takes no more memory than a table that has just grown.
	stretchSpread = 4
	// isCounted is set in the place of a counter, above the low bits of its count.
	isCounted = 1 << countBits
)

// A stretch is a part of one benefit's keys of which many are counted. Each key has a place, whether
// it is counted or not, so that who adds to many counters in order goes through memory in order and
// looks for nothing: see BenchmarkMergeOfASecond.
type stretch struct {
	first  Key
	places []uint32 // of the keys from the first on: 0, or isCounted and the low bits of a count
}

// counters is how many there are.
func (s *stretch) counters() (used int) {
	for _, place := range s.places {
		used += int(place >> countBits)
	}
	return used
}

// stretches are counters of one benefit that are close together. None overlap.
type stretches struct {
	most stretch   // the one with the most counters, mostly the only one: it takes one look into memory fewer
	rest []stretch // in the order of their keys
	used int       // places that are not 0
}

// stretchesOf are those of a list in the order of their keys, which is not kept.
func stretchesOf(list []stretch) (made stretches) {
	if len(list) == 0 {
		return made
	}
	most, mostCounters := 0, 0
	for i := range list {
		counters := list[i].counters()
		made.used += counters
		if counters > mostCounters {
			most, mostCounters = i, counters
		}
	}
	made.most = list[most]
	if len(list) > 1 {
		made.rest = slices.Concat(list[:most], list[most+1:])
	}
	return made
}

// of is the stretch that a key is in, nil where it is in none.
func (s *stretches) of(key Key) *stretch {
	if s.most.has(key) {
		return &s.most
	}
	if len(s.rest) == 0 {
		return nil
	}
	return s.ofRest(key)
}

// has says whether a key has a place in the stretch.
func (s *stretch) has(key Key) bool { return uint64(key-s.first) < uint64(len(s.places)) }

func (s *stretches) ofRest(key Key) *stretch {
	low, high := 0, len(s.rest)
	for high-low > 1 {
		if middle := int(uint(low+high) / 2); s.rest[middle].first <= key {
			low = middle
		} else {
			high = middle
		}
	}
	if found := &s.rest[low]; found.has(key) {
		return found
	}
	return nil
}

// appendInOrder appends all to dst, in the order of their keys.
func (s *stretches) appendInOrder(dst []stretch) []stretch {
	if s.used == 0 {
		return dst
	}
	before := 0
	for before < len(s.rest) && s.rest[before].first < s.most.first {
		before++
	}
	return append(append(append(dst, s.rest[:before]...), s.most), s.rest[before:]...)
}

// appendWords appends the words that the counters would have in a table, in no order.
func (s *stretches) appendWords(dst []uint64) []uint64 {
	if s.used == 0 {
		return dst
	}
	n := len(dst)
	dst = slices.Grow(dst, s.used+1)[:n+s.used+1] // one more, for the free ones behind the last
	n = s.most.putWords(dst, n)
	for i := range s.rest {
		n = s.rest[i].putWords(dst, n)
	}
	return dst[:n]
}

// all are the words that the counters would have in a table, in no order.
func (s *stretches) all() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if !s.most.giveWords(yield) {
			return
		}
		for i := range s.rest {
			if !s.rest[i].giveWords(yield) {
				return
			}
		}
	}
}

// giveWords gives the words that its counters would have in a table, as long as more are wanted.
func (s *stretch) giveWords(yield func(uint64) bool) (more bool) {
	for i, place := range s.places {
		if place != 0 && !yield(uint64(s.first+Key(i))<<countBits|uint64(place&countMask)) {
			return false
		}
	}
	return true
}

// putWords puts the words of its counters into dst from n on, where there is room for one more, and
// returns where they end. Like cells.appendWords it does not branch on which are counted.
func (s *stretch) putWords(dst []uint64, n int) int {
	word := uint64(s.first) << countBits
	for _, place := range s.places {
		dst[n] = word | uint64(place&countMask)
		n += int(place >> countBits)
		word += 1 << countBits
	}
	return n
}

// restShare is how many counters a benefit has in stretches for each for which its cells have room at least
// when they have grown, so that they are not arranged anew for each few that come.
const restShare = 8

// beginStretches makes the table one that has stretches, from now on: others add to many counters of
// a benefit at a time.
func (t *Table) beginStretches() {
	if t.stretches != nil {
		return
	}
	t.stretches = make([]stretches, len(t.benefits))
	for local := range t.benefits {
		if t.benefits[local].used >= stretchFrom {
			t.arrange(t.benefitAt(local))
		}
	}
}

// arrange makes stretches of what is close together of a benefit, and room in its cells for what is not.
func (t *Table) arrange(benefit Benefit) {
	local := t.local(benefit)
	rest, near := &t.benefits[local], &t.stretches[local]
	a := arrangers.Get().(*arranger)
	defer a.release()
	a.words, a.scratch = sortWords(rest.appendWords(a.words[:0]), a.scratch)
	rest.words, rest.used = nil, 0 // free while stretches are made
	made, others := a.arrange(near)
	*near = made
	rest.reserve(t.seed, len(others)+max(len(others), near.used/restShare))
	for _, word := range others {
		rest.put(t.seed, word)
	}
}

// addStretched is Add where there are stretches.
func (t *Table) addStretched(benefit Benefit, key Key, count uint64) {
	if within := t.stretchOf(benefit, key); within != nil {
		t.addWithin(within, benefit, key, count)
		return
	}
	rest := t.at(benefit)
	if rest.isFull() && rest.used >= stretchFrom/2 {
		t.arrange(benefit)
		if within := t.stretchOf(benefit, key); within != nil {
			t.addWithin(within, benefit, key, count)
			return
		}
	}
	if rest.add(t.seed, key, count) {
		t.counters++
	}
}

// addWithin is Add for a key of a stretch.
func (t *Table) addWithin(within *stretch, benefit Benefit, key Key, count uint64) {
	place, local := &within.places[key-within.first], t.local(benefit)
	if *place == 0 {
		t.stretches[local].used++
		t.counters++
	}
	*place = isCounted | uint32(t.benefits[local].carry(key, uint64(*place&countMask), count))
}

// stretchOf is the stretch that a key of a benefit is in, nil where it is in none.
func (t *Table) stretchOf(benefit Benefit, key Key) *stretch {
	if local := t.local(benefit); local < len(t.stretches) {
		return t.stretches[local].of(key)
	}
	return nil
}
