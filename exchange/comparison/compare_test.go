package comparison_test

import (
	"reflect"
	"testing"

	"stats-recorder/exchange/answers"
	"stats-recorder/exchange/comparison"
)

func TestCountsAreComparedWithTheAnswersOfAServer(t *testing.T) {
	t.Parallel()
	there := answers.Answers{
		Sums: map[answers.Sum]uint64{
			{Benefit: "RSA", EventType: "show"}: 3, {Benefit: "RSA", EventType: "link"}: 1, {Benefit: "APL", EventType: "show"}: 5, {EventType: "show"}: 1,
		},
		Positions: map[answers.Position]uint64{
			{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "1"}: 3, {Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "1.5"}: 1,
		},
	}
	counts := comparison.NewCounts()
	counts.Dated[answers.Sum{Benefit: "RSA", EventType: "show"}] = 3
	counts.Undated[answers.Sum{Benefit: "RSA", EventType: "show"}] = 2 // left out there
	counts.Dated[answers.Sum{Benefit: "RSA", EventType: "link"}] = 1
	counts.Dated[answers.Sum{Benefit: "APL", EventType: "show"}] = 4
	counts.Dated[answers.Sum{Benefit: "new", EventType: "show"}] = 1
	counts.Positions[answers.Position{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "1"}] = 3
	counts.Positions[answers.Position{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "2"}] = 7
	want := comparison.Result{
		Sums: 1, Positions: 1, Undated: 2, UndatedSums: 1,
		Differences: []comparison.Difference{
			{Answer: "/benefits", Of: `"" show`, There: 1},
			{Answer: "/benefits", Of: `"APL" show`, There: 5, Here: 4},
			{Answer: "/benefits", Of: `"new" show`, Here: 1},
			{Answer: "/statistics", Of: `"RSA" show at 1.5 of 2`, There: 1},
			{Answer: "/statistics", Of: `"RSA" show at 2 of 2`, Here: 7},
		},
	}
	if result := comparison.Compare(there, counts); !reflect.DeepEqual(result, want) {
		t.Errorf("the result is\n%+v, want\n%+v", result, want)
	}
}

// TestALossDoesNotHideBehindEventsWithoutATime has a server that counts these, and one
// that does not, of both of which something is lost.
func TestALossDoesNotHideBehindEventsWithoutATime(t *testing.T) {
	t.Parallel()
	a, b, c := answers.Sum{Benefit: "a", EventType: "show"}, answers.Sum{Benefit: "b", EventType: "show"}, answers.Sum{Benefit: "c", EventType: "show"}
	counts := comparison.NewCounts()
	counts.Dated = map[answers.Sum]uint64{a: 4, b: 4, c: 4}
	counts.Undated = map[answers.Sum]uint64{a: 1, b: 1, c: 1}
	for name, test := range map[string]struct {
		there map[answers.Sum]uint64
		here  uint64
	}{
		"without": {map[answers.Sum]uint64{a: 5, b: 4, c: 4}, 4},
		"with":    {map[answers.Sum]uint64{a: 4, b: 5, c: 5}, 5},
	} {
		result := comparison.Compare(answers.Answers{Sums: test.there}, counts)
		want := []comparison.Difference{{Answer: "/benefits", Of: `"a" show`, There: test.there[a], Here: test.here}}
		if !reflect.DeepEqual(result.Differences, want) {
			t.Errorf("%s: the differences are %+v, want %+v", name, result.Differences, want)
		}
	}
}
