package report_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/report"
	"stats-recorder/visitors"
)

// stepsOf are the visitors of days of which so many came and opened something: -1 where they
// are not told, the total last.
func stepsOf(t *testing.T, days [][2]uint64) (visited []int, noOpening []bool) {
	t.Helper()
	var sums []visitors.Sums
	for _, day := range days {
		sums = append(sums, visitors.Sums{All: group(day[0], day[1])})
	}
	answer, err := reporterOfVisitors(t, 0, sums...).Visitors(t.Context(), report.Query{From: hour.Day(), To: hour.Day() + 30})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(s report.VisitorSums) {
		n := -1
		if s.VisitorDays != nil {
			n = int(*s.VisitorDays)
		}
		if (n < 0) != s.Few || s.Few && asJSON(t, s.PagesPerVisitor) != "null" {
			t.Errorf("days %v: %d are told, few is %v, pages are %v", days, n, s.Few, s.PagesPerVisitor)
		}
		visited, noOpening = append(visited, n), append(noOpening, asJSON(t, s.NoOpening) != "null")
	}
	for _, step := range answer.Steps {
		tell(step.VisitorSums)
	}
	tell(answer.VisitorSums)
	return visited, noOpening
}

func TestNoFewVisitorsFollowFromTheTotalAndTheOtherSteps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		visited []uint64
		want    []int
	}{
		"no step of few":          {[]uint64{100, 50}, []int{100, 50, 150}},
		"one":                     {[]uint64{100, 3, 50, 60}, []int{100, -1, -1, 60, 213}},
		"two who are few":         {[]uint64{100, 1, 3, 50}, []int{100, -1, -1, -1, 154}},
		"two who are not":         {[]uint64{100, 3, 4, 50}, []int{100, -1, -1, 50, 157}},
		"two of four":             {[]uint64{100, 4, 4, 50}, []int{100, -1, -1, -1, 158}},
		"five of one":             {[]uint64{1, 1, 1, 1, 1, 9}, []int{-1, -1, -1, -1, -1, -1, 14}},
		"a few and no other":      {[]uint64{2, 3}, []int{-1, -1, 5}},
		"two of four and no more": {[]uint64{4, 4}, []int{-1, -1, -1}},
		"one and a day of nobody": {[]uint64{0, 3}, []int{0, -1, -1}},
	} {
		var days [][2]uint64
		for _, visited := range test.visited {
			days = append(days, [2]uint64{visited, 0})
		}
		if got, _ := stepsOf(t, days); !slices.Equal(got, test.want) {
			t.Errorf("%s: of %v are told %v, want %v", name, test.visited, got, test.want)
		}
	}
}

func TestNoFewWhoOpenedNothingFollowFromTheTotalAndTheOtherSteps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		days [][2]uint64
		want []bool
	}{
		"enough of both":          {[][2]uint64{{100, 50}, {60, 30}}, []bool{true, true, true}},
		"few who opened nothing":  {[][2]uint64{{100, 97}, {60, 30}, {80, 40}}, []bool{false, false, true, true}},
		"few who opened":          {[][2]uint64{{100, 2}, {60, 30}, {80, 40}}, []bool{false, false, true, true}},
		"few of few":              {[][2]uint64{{100, 50}, {3, 1}, {80, 40}}, []bool{true, false, false, true}},
		"few, but no other step":  {[][2]uint64{{100, 97}}, []bool{false, false}},
		"few of each of two days": {[][2]uint64{{100, 96}, {100, 96}}, []bool{false, false, false}},
	} {
		if _, got := stepsOf(t, test.days); !slices.Equal(got, test.want) {
			t.Errorf("%s: no_opening of %v is told %v, want %v", name, test.days, got, test.want)
		}
	}
}

// TestRandomDaysThatAreNotToldDoNotFollowFromTheTotal asks of random days what is left of the
// total.
func TestRandomDaysThatAreNotToldDoNotFollowFromTheTotal(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		days := make([][2]uint64, 2+random.IntN(5))
		for i := range days {
			days[i][0] = []uint64{0, 1 + random.Uint64N(4), 1 + random.Uint64N(4), 5 + random.Uint64N(4), 5 + random.Uint64N(40)}[random.IntN(5)]
		}
		told, _ := stepsOf(t, days)
		total, hidden := told[len(days)], 0
		if total < 0 {
			continue
		}
		for _, n := range told[:len(days)] {
			if total -= max(n, 0); n < 0 {
				hidden++
			}
		}
		if hidden == 1 || hidden > 1 && (total < 5 || total == hidden || total == 4*hidden) {
			t.Errorf("of %v are told %v: %d hidden days have %d", days, told, hidden, total)
		}
	}
}
