package main

import (
	"cmp"
	"math"
	"slices"

	"stats-recorder/insight"
)

// judged is how many benefits, the most shown, an order is judged by.
const judged = 40

// mostShown are the judged benefits.
func (w *window) mostShown() []int {
	shows, order := make([]float64, benefits), make([]int, benefits)
	for benefit := range order {
		order[benefit] = benefit
		w.each(benefit, func(_, _ int, n, _ float64) { shows[benefit] += n })
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shows[b], shows[a]) })
	return order[:judged]
}

// agreement is Kendall's τ of scores with the truth over the judged benefits. A
// pair with equal or unknown scores is neither agreed on nor disagreed on. It is
// written here because gonum's counts a tie as one or the other, by which comes
// first.
func (w *window) agreement(scores []float64) float64 {
	of := w.mostShown()
	sum, pairs := 0, 0
	for i, a := range of {
		for _, b := range of[:i] {
			pairs++
			truth := cmp.Compare(w.world.merit[a], w.world.merit[b])
			if known := !math.IsNaN(scores[a]) && !math.IsNaN(scores[b]); known {
				sum += truth * cmp.Compare(scores[a], scores[b])
			}
		}
	}
	return float64(sum) / float64(pairs)
}

// A coverage counts what of an analysis holds in truth.
type coverage struct {
	runs, identified int
	benefits         int // that have an interval
	inside           int // whose interval holds the true merit
	insideCOEC       int // the same for COEC's own interval
	ranks, allRanks  int // whose rank interval holds the true rank; runs where all do
	decided, wrong   int // verdicts; those on the wrong side of 1
	dispersion       float64
}

// add holds an analysis against the truth. The merit of a benefit is its
// attraction relative to the average, which is weighted by what was expected of
// each, as in the model.
func (c *coverage) add(w *window, a *insight.Analysis) {
	c.runs++
	if !a.Model.Identified {
		return
	}
	c.identified++
	c.dispersion += a.Model.Dispersion
	weights, weighted := 0.0, 0.0
	for benefit, row := range a.Benefits {
		weights += row.Expected
		weighted += row.Expected * w.world.merit[benefit]
	}
	mean := weighted / weights
	ranks, all := trueRanks(w, a), true
	for benefit, row := range a.Benefits {
		if !row.Merit.Known() {
			continue
		}
		truth := w.world.merit[benefit] / mean
		c.benefits++
		c.inside += count(holds(row.MeritInterval, truth))
		c.insideCOEC += count(holds(coecInterval(row, a.Model.Dispersion), truth))
		held := row.RankInterval.First <= ranks[benefit] && ranks[benefit] <= row.RankInterval.Last
		c.ranks += count(held)
		all = all && held
		c.judgeVerdict(row.Verdict, truth)
	}
	c.allRanks += count(all)
}

func (c *coverage) judgeVerdict(verdict insight.Verdict, truth float64) {
	switch verdict {
	case insight.VerdictAbove:
		c.decided++
		c.wrong += count(truth < 1)
	case insight.VerdictBelow:
		c.decided++
		c.wrong += count(truth > 1)
	}
}

func count(condition bool) int {
	if condition {
		return 1
	}
	return 0
}

func holds(interval insight.Interval, truth float64) bool {
	return float64(interval.Lower) <= truth && truth <= float64(interval.Upper)
}

// coecInterval is the interval that COEC would have if its expected clicks were
// right.
func coecInterval(row insight.Benefit, dispersion float64) insight.Interval {
	expected := float64(row.Clicks) / float64(row.COEC)
	if row.Clicks == 0 || math.IsNaN(expected) {
		return row.MeritInterval
	}
	_, interval := insight.Outcome{Observed: row.Clicks, Expected: expected}.Ratio(dispersion)
	return interval
}

// trueRanks are the ranks of the compared benefits by merit, from 1.
func trueRanks(w *window, a *insight.Analysis) map[int]int {
	var compared []int
	for benefit, row := range a.Benefits {
		if row.Merit.Known() {
			compared = append(compared, benefit)
		}
	}
	slices.SortFunc(compared, func(a, b int) int { return cmp.Compare(w.world.merit[b], w.world.merit[a]) })
	ranks := make(map[int]int, len(compared))
	for i, benefit := range compared {
		ranks[benefit] = i + 1
	}
	return ranks
}
