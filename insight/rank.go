package insight

import (
	"cmp"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
)

// A RankInterval holds the ranks that are left open, from 1, both ends within.
// The zero value is that of what has no rank.
type RankInterval struct{ First, Last int }

// MarshalJSON writes [first, last], or null for what has no rank. It never fails.
func (r RankInterval) MarshalJSON() ([]byte, error) {
	if r == (RankInterval{}) {
		return []byte("null"), nil
	}
	text := append(strconv.AppendInt([]byte{'['}, int64(r.First), 10), ',')
	return append(strconv.AppendInt(text, int64(r.Last), 10), ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *RankInterval) UnmarshalJSON(text []byte) error {
	*r = RankInterval{}
	ends := [2]*int{&r.First, &r.Last}
	return json.Unmarshal(text, &ends)
}

// Ranks are the places of scores in descending order, from 1. Equal scores keep
// the order in which they come. All must be known.
func Ranks(scores []Number) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	ranks := make([]int, len(scores))
	for rank, i := range order {
		ranks[i] = rank + 1
	}
	return ranks
}

// RankIntervals are, for each of n merits, the ranks that their 95 % intervals
// leave open:
//
//	[1 + #{j : lower_j > upper_b}, n − #{j : upper_j < lower_b}]
//
// All must be known. By simulation they hold the true rank for 99–100 % of
// benefits; they are not made to hold all at once (design of this project; see
// Klein, Wright & Wieczorek 2020 for such).
func RankIntervals(merits []Interval) []RankInterval {
	lowers, uppers := make([]float64, len(merits)), make([]float64, len(merits))
	for i, merit := range merits {
		lowers[i], uppers[i] = float64(merit.Lower), float64(merit.Upper)
	}
	slices.Sort(lowers)
	slices.Sort(uppers)
	n := len(merits)
	ranks := make([]RankInterval, n)
	for i, merit := range merits {
		above := n - sort.Search(n, func(j int) bool { return lowers[j] > float64(merit.Upper) })
		below := sort.SearchFloat64s(uppers, float64(merit.Lower))
		ranks[i] = RankInterval{1 + above, n - below}
	}
	return ranks
}
