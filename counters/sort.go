package counters

import (
	"math/bits"
	"slices"
)

// radixFrom is how many increments sorting by radix takes to pay off.
const radixFrom = 96

// sortIncrements sorts unsorted, using scratch, and returns the sorted slice and
// the other one.
// BenchmarkSeal shows what it saves against slices.Sort: of 256 pages of thirty,
// four fifths of the time of sealing.
func sortIncrements(unsorted, scratch []increment) (sorted, other []increment) {
	return sortByBits(unsorted, scratch, ^increment(0))
}

// sortWords sorts words of cells by their keys, and those of one key in any order, using
// scratch, which must be other memory. It takes hardly longer for each counter of a large
// benefit than of a small one, where slices.Sort takes longer: see BenchmarkSortWords. With
// that, half of the time of reading a million counters was sorting, and more of ten million.
func sortWords(unsorted, scratch []uint64) (sorted, other []uint64) {
	return sortByBits(unsorted, scratch, ^uint64(countMask))
}

// sortByBits sorts by some bits, or by these and others. It goes through the digits of
// eight bits from the lowest on and leaves out the bits in which no two differ: in
// what a shard gathers only the place, the event type and a part of the benefit do,
// which is four digits, and in the counters of a benefit three.
func sortByBits[T ~uint64](unsorted, scratch []T, by T) (sorted, other []T) {
	if len(unsorted) < radixFrom {
		slices.Sort(unsorted)
		return unsorted, scratch
	}
	from, to := unsorted, slices.Grow(scratch[:0], len(unsorted))[:len(unsorted)]
	differ := T(0)
	for _, i := range from {
		differ |= i ^ from[0]
	}
	for differ &= by; differ != 0; {
		shift := bits.TrailingZeros64(uint64(differ))
		sortByDigit(to, from, shift)
		from, to = to, from
		differ &^= 0xff << shift
	}
	return from, to
}

// sortByDigit copies from to to, sorted by eight bits and else in the same order.
func sortByDigit[T ~uint64](to, from []T, shift int) {
	var next [256]int32
	for _, i := range from {
		next[uint8(i>>shift)]++
	}
	sum := int32(0)
	for digit, count := range next {
		next[digit] = sum
		sum += count
	}
	for _, i := range from {
		digit := uint8(i >> shift)
		to[next[digit]] = i
		next[digit]++
	}
}
