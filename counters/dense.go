package counters

import (
	"math"
	"math/bits"
	"slices"
	"sync"
)

// densePlaces is how many sums there are at a time: about what a near cache holds.
const densePlaces = 1 << 16

// denseSums adds up counters that differ in their places alone, of one group of them or of several
// with places of their own. Between them all sums are 0.
type denseSums struct {
	counts [densePlaces]uint32
	// counted has a bit for each of them that is not 0.
	counted [densePlaces / 64]uint64
}

// add adds to a place below densePlaces. All counts together must fit into 32 bits.
func (d *denseSums) add(place, count uint32) {
	place %= densePlaces
	d.counts[place] += count
	d.counted[place/64] |= 1 << (place % 64)
}

// A placedCount is a place above a count of 32 bits: half of an Entry, while many of them wait to be
// put in order.
type placedCount uint64

// take appends the sums of so many places from a base on that are not 0, and makes them 0. Both are
// whole words of counted. The places are told from the base on.
func (d *denseSums) take(placed []placedCount, base, places int) []placedCount {
	words := d.counted[base/64:][:places/64]
	for i, word := range words {
		sums := d.counts[base+i*64:][:64]
		for ; word != 0; word &= word - 1 {
			at := bits.TrailingZeros64(word) % 64
			placed = append(placed, placedCount(i*64+at)<<32|placedCount(sums[at]))
			sums[at] = 0
		}
		words[i] = 0
	}
	return placed
}

// wholeWords is how many places from a least one to another there are in whole words of counted.
func wholeWords(apart uint32) int { return (int(apart) + 64) &^ 63 }

// appendPlaced appends entries of what is placed, of which the first place has the first increment.
func appendPlaced(entries []Entry, first increment, placed []placedCount) []Entry {
	for _, one := range placed {
		entries = append(entries, Entry{first + increment(one>>32), uint64(uint32(one))})
	}
	return entries
}

const (
	// dense is how many entries there must be for each 64 places of a benefit: fewer are sorted
	// with less work than it takes to look through the sums.
	dense = 4
	// mostHeads is for how many event types and versions of a benefit its entries are looked
	// through again and again.
	mostHeads = 4
	// mostSpread is how far apart the numbers of benefits may be that each have a place to
	// begin at.
	mostSpread = 1 << 14
)

// A byBenefit adds up entries benefit by benefit, which has them once in memory where sorting
// all takes several passes: see BenchmarkTellOfAWindow.
type byBenefit struct {
	sums   denseSums
	placed []placedCount
	packed []packedEntry
	next   []int32 // by benefit, where its entries go
	heads  []Key
	// least and largest are places between which all are.
	least, largest uint32
}

// A packedEntry is a key above its count, of a benefit that is known.
type packedEntry uint64

const mostPackedEntry = 1<<benefitBits - 1

func (p packedEntry) key() Key      { return Key(p >> benefitBits) }
func (p packedEntry) count() uint32 { return uint32(p & mostPackedEntry) }

var byBenefits = sync.Pool{New: func() any { return new(byBenefit) }}

// inOrderByBenefit is inOrder for many entries of benefits from one to another.
func inOrderByBenefit(entries, scratch []Entry, least, most Benefit) (ordered, free []Entry) {
	if benefits := int(most-least) + 1; benefits > mostSpread || !areDense(entries, benefits) {
		return inOrder(entries, scratch)
	}
	b := byBenefits.Get().(*byBenefit)
	defer byBenefits.Put(b)
	if !b.distribute(entries, least, int(most-least)+1) {
		return inOrder(entries, scratch)
	}
	start := int32(0)
	ordered = entries[:0]
	for i, end := range b.next {
		ordered = b.addUp(ordered, least+Benefit(i), b.packed[start:end])
		start = end
	}
	return ordered, scratch
}

// areDense says by some of the entries whether there are enough of them for their places.
func areDense(entries []Entry, benefits int) bool {
	const each = 61
	least, largest := uint32(placeMask), uint32(0)
	for i := 0; i < len(entries); i += each {
		place := uint32(entries[i].increment & placeMask)
		least, largest = min(least, place), max(largest, place)
	}
	return least <= largest && int(largest/64-least/64+1)*benefits*dense <= len(entries)
}

// distribute packs entries by benefit, and leaves where each one's end in next. It says whether
// all have room.
func (b *byBenefit) distribute(entries []Entry, least Benefit, benefits int) bool {
	b.next = slices.Grow(b.next[:0], benefits)[:benefits]
	clear(b.next)
	b.least, b.largest = placeMask, 0
	counts := uint64(0)
	for _, entry := range entries {
		b.next[entry.Benefit()-least]++
		counts |= entry.Count
		place := uint32(entry.increment & placeMask)
		b.least, b.largest = min(b.least, place), max(b.largest, place)
	}
	if b.largest-b.least >= densePlaces || counts > mostPackedEntry || counts*uint64(len(entries)) > math.MaxUint32 {
		return false
	}
	sum := int32(0)
	for i, count := range b.next {
		b.next[i] = sum
		sum += count
	}
	b.packed = slices.Grow(b.packed[:0], len(entries))[:len(entries)]
	for _, entry := range entries {
		at := &b.next[entry.Benefit()-least]
		b.packed[*at] = packedEntry(entry.Key())<<benefitBits | packedEntry(entry.Count)
		*at++
	}
	return true
}

// addUp appends the entries of one benefit in order, each counter once.
func (b *byBenefit) addUp(ordered []Entry, benefit Benefit, packed []packedEntry) []Entry {
	if !b.findHeads(packed) {
		return addUpSorted(ordered, benefit, packed)
	}
	least := b.least
	for _, head := range b.heads {
		for _, entry := range packed {
			if entry.key()&^placeMask == head {
				b.sums.add(entry.key().Place()-least, entry.count())
			}
		}
		b.placed = b.sums.take(b.placed[:0], 0, wholeWords(b.largest-least))
		ordered = appendPlaced(ordered, newIncrement(benefit, head)+increment(least), b.placed)
	}
	return ordered
}

// addUpSorted is addUp for any entries.
func addUpSorted(ordered []Entry, benefit Benefit, packed []packedEntry) []Entry {
	slices.Sort(packed)
	previous := increment(0)
	for _, entry := range packed {
		next := newIncrement(benefit, entry.key())
		if next == previous {
			ordered[len(ordered)-1].Count += uint64(entry.count())
			continue
		}
		ordered, previous = append(ordered, Entry{next, uint64(entry.count())}), next
	}
	return ordered
}

// findHeads finds what entries count beside places, in order. It says whether that is little
// enough.
func (b *byBenefit) findHeads(packed []packedEntry) bool {
	b.heads = b.heads[:0]
	last := Key(0)
	for _, entry := range packed {
		head := entry.key() &^ placeMask
		if head == last {
			continue
		}
		if last = head; !slices.Contains(b.heads, head) {
			if len(b.heads) == mostHeads {
				return false
			}
			b.heads = append(b.heads, head)
		}
	}
	slices.Sort(b.heads)
	return true
}
