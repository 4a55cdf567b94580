package comparison

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"stats-recorder/exchange/answers"
)

// Counts are what is compared with the answers of a server.
type Counts struct {
	// Dated are of events with a time, and Undated of those without: the replaced
	// server leaves these out of GET /benefits.
	Dated, Undated map[answers.Sum]uint64
	// Positions are of records of version 2, with a time and without.
	Positions map[answers.Position]uint64
}

// NewCounts counts nothing.
func NewCounts() *Counts {
	return &Counts{Dated: map[answers.Sum]uint64{}, Undated: map[answers.Sum]uint64{}, Positions: map[answers.Position]uint64{}}
}

// A Difference is a number that is another in a server's answer than by the counts.
type Difference struct {
	Answer string // answers.Benefits or answers.Statistics
	Of     string // what the number is of, for a person
	There  uint64 // in the answer
	Here   uint64 // by the counts
}

// Result is how counts differ from the answers of a server.
type Result struct {
	// Sums and Positions are how many numbers of each are the same.
	Sums, Positions int
	// Undated is how many events without a time are missing from GET /benefits, and
	// UndatedSums how many sums differ by these alone.
	Undated     uint64
	UndatedSums int
	// Differences are all others, sorted.
	Differences []Difference
}

// Compare compares. A server counts events without a time in all sums or in none: which
// of it, is what makes fewer of them differ. Nothing that is lost can hide behind these.
func Compare(there answers.Answers, here *Counts) Result {
	result := compareSums(there, here, here.Undated)
	if without := compareSums(there, here, nil); len(without.Differences) < len(result.Differences) {
		result = without
	}
	for _, at := range union(there.Positions, here.Positions) {
		if there.Positions[at] == here.Positions[at] {
			result.Positions++
			continue
		}
		of := fmt.Sprintf("%q %s at %s of %s", at.Benefit, at.EventType, at.Index, at.PageTotal)
		result.Differences = append(result.Differences, Difference{answers.Statistics, of, there.Positions[at], here.Positions[at]})
	}
	slices.SortFunc(result.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Answer, b.Answer), cmp.Compare(a.Of, b.Of))
	})
	return result
}

// compareSums compares the sums with those of events with a time and some of those
// without: all, or none.
func compareSums(there answers.Answers, here *Counts, undated map[answers.Sum]uint64) (result Result) {
	for _, sum := range union(there.Sums, here.Dated, here.Undated) {
		have, counted := there.Sums[sum], here.Dated[sum]+undated[sum]
		leftOut := here.Undated[sum] - undated[sum]
		switch {
		case have != counted:
			of := fmt.Sprintf("%q %s", sum.Benefit, sum.EventType)
			result.Differences = append(result.Differences, Difference{answers.Benefits, of, have, counted})
		case leftOut > 0:
			result.UndatedSums++
			result.Undated += leftOut
		default:
			result.Sums++
		}
	}
	return result
}

// union are the keys of all maps, each once.
func union[Key comparable](counts ...map[Key]uint64) []Key {
	all := map[Key]uint64{}
	for _, some := range counts {
		maps.Copy(all, some)
	}
	return slices.Collect(maps.Keys(all))
}
