package main

import "testing"

func TestTheMedianOfAnEvenNumberLiesBetweenTheMiddleOnes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values      []float64
		share, want float64
	}{
		{[]float64{7}, 0.5, 7},
		{[]float64{4, 2}, 0.5, 3},
		{[]float64{9, 1, 2}, 0.5, 2},
		{[]float64{3, 1, 2, 5, 4}, 0.25, 2},
		{[]float64{3, 1, 2, 5, 4}, 0.75, 4},
		{[]float64{4, 1, 3, 2}, 0.75, 3.25},
		{[]float64{1, 2}, 1, 2},
	} {
		if got := quantile(test.values, test.share); got != test.want {
			t.Errorf("%g of %v: %g, want %g", test.share, test.values, got, test.want)
		}
	}
}

func TestOnlyWhatCanBeMeasuredIsChosen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		batch, others string
		good          bool
	}{
		{"30,page", "1,2,3", true}, {"page", "0", true},
		{"31", "1", false}, {"30", "2,1", false}, {"30", "one", false}, {"", "1", false}, {"30", "-1", false},
	} {
		p := plan{pairs: 1, rate: 1, connections: 1, length: 1}
		if err := p.choose(test.batch, test.others); (err == nil) != test.good {
			t.Errorf("-batch %q -others %q: %v", test.batch, test.others, err)
		}
	}
}
