package counters

import (
	"math/bits"
	"slices"
)

// RunLength is how many entries of a span from the first on differ in their places alone.
func RunLength(entries []Entry) int {
	n := 1
	for n < len(entries) && entries[n].DiffersInPlaceAlone(entries[0]) {
		n++
	}
	return n
}

// inOrder makes entries ones of a span: sorted by benefit and key, each pair once. It
// may use scratch, and returns what of both is free.
func inOrder(entries, scratch []Entry) (ordered, free []Entry) {
	ascending := true
	for i := 1; i < len(entries) && ascending; i++ {
		ascending = entries[i-1].increment < entries[i].increment
	}
	if ascending {
		return entries, scratch
	}
	entries, scratch = sortEntries(entries, scratch)
	merged := entries[:0]
	for _, entry := range entries {
		if last := len(merged) - 1; last >= 0 && merged[last].increment == entry.increment {
			merged[last].Count += entry.Count
			continue
		}
		merged = append(merged, entry)
	}
	return merged, scratch
}

// Entries are sorted by digits of narrowDigit bits, and from wideFrom entries on of wideDigit
// bits: each digit fewer saves a pass through memory that no near cache holds.
const (
	narrowDigit = 8
	wideDigit   = 12
	wideFrom    = 1 << wideDigit
)

// sortEntries is sortIncrements for entries.
func sortEntries(unsorted, scratch []Entry) (sorted, other []Entry) {
	if len(unsorted) < radixFrom {
		slices.SortFunc(unsorted, compareCounters)
		return unsorted, scratch
	}
	from, to := unsorted, slices.Grow(scratch[:0], len(unsorted))[:len(unsorted)]
	differ := increment(0)
	for i := range from {
		differ |= from[i].increment ^ from[0].increment
	}
	width := narrowDigit
	if len(from) >= wideFrom {
		width = wideDigit
	}
	var next [1 << wideDigit]int32
	for differ != 0 {
		shift := bits.TrailingZeros64(uint64(differ))
		sortEntriesByDigit(to, from, shift, next[:1<<width])
		from, to = to, from
		differ &^= (1<<width - 1) << shift
	}
	return from, to
}

// sortEntriesByDigit copies from to to, sorted by the bits from a shift on that number next,
// and else in the same order.
func sortEntriesByDigit(to, from []Entry, shift int, next []int32) {
	clear(next)
	mask := increment(len(next) - 1)
	for i := range from {
		next[from[i].increment>>shift&mask]++
	}
	sum := int32(0)
	for digit, count := range next {
		next[digit] = sum
		sum += count
	}
	for i := range from {
		digit := from[i].increment >> shift & mask
		to[next[digit]] = from[i]
		next[digit]++
	}
}
