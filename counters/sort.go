package counters

import (
	"math/bits"
	"slices"
)

// radixFrom is how many increments sorting by radix takes to pay off.
const radixFrom = 96

// sortIncrements sorts unsorted, using scratch, and returns the sorted slice and
// the other one. It goes through the digits of eight bits from the lowest on and
// leaves out the bits in which no two differ: in what a shard gathers only
// the place, the event type and a part of the benefit do, which is four digits.
// BenchmarkSeal shows what it saves against slices.Sort: of 256 pages of thirty,
// four fifths of the time of sealing.
func sortIncrements(unsorted, scratch []increment) (sorted, other []increment) {
	if len(unsorted) < radixFrom {
		slices.Sort(unsorted)
		return unsorted, scratch
	}
	from, to := unsorted, slices.Grow(scratch[:0], len(unsorted))[:len(unsorted)]
	differ := increment(0)
	for _, i := range from {
		differ |= i ^ from[0]
	}
	for differ != 0 {
		shift := bits.TrailingZeros64(uint64(differ))
		sortByDigit(to, from, shift)
		from, to = to, from
		differ &^= 0xff << shift
	}
	return from, to
}

// sortByDigit copies from to to, sorted by eight bits and else in the same order.
func sortByDigit(to, from []increment, shift int) {
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
