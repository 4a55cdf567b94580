package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"stats-recorder/insight"
)

const (
	experimentDays = 60
	// visitorsADay of each variant.
	visitorsADay = 400
)

// An endurance is the outcome of many experiments of one true lift, each looked at
// every day.
type endurance struct {
	lift        float64
	experiments int
	fixed       int   // decided by the fixed interval on any day
	valid       []int // the days on which the always-valid interval decided
	ratio       float64
}

// medianDay is the day by which half of all experiments were decided; 0 if fewer
// ever were.
func (e endurance) medianDay() int {
	days := slices.Sorted(slices.Values(e.valid))
	if half := (e.experiments + 1) / 2; len(days) >= half {
		return days[half-1]
	}
	return 0
}

// endure runs experiments on clicks per page with visitors who click repeatedly.
func endure(random *rand.Rand, lift float64, experiments int) endurance {
	e := endurance{lift: lift, experiments: experiments}
	for range experiments {
		var sums [2]insight.VisitorSums
		fixed, valid, last := false, 0, insight.Comparison{}
		for day := 1; day <= experimentDays; day++ {
			sums[0] = sums[0].Add(visitors(random, 1))
			sums[1] = sums[1].Add(visitors(random, 1+lift))
			// The plan makes sense, so there is no error.
			last, _ = insight.CompareClicksPerPage(sums[0], sums[1], insight.Plan{Variants: 2, Effect: insight.DefaultEffect})
			fixed = fixed || last.Fixed.Lower > 0 || last.Fixed.Upper < 0
			if valid == 0 && last.Verdict != insight.VerdictUndecided {
				valid = day
			}
		}
		e.fixed += count(fixed)
		if valid > 0 {
			e.valid = append(e.valid, valid)
		}
		e.ratio += width(last.Interval) / width(last.Fixed) / float64(experiments)
	}
	return e
}

func width(interval insight.Interval) float64 {
	return math.Log1p(float64(interval.Upper)) - math.Log1p(float64(interval.Lower))
}

// visitors are those of a day of a variant: one to four pages, clicks by their
// own activity.
func visitors(random *rand.Rand, effect float64) insight.VisitorSums {
	var sums insight.VisitorSums
	for range visitorsADay {
		pages := uint64(1)
		for pages < 4 && random.Float64() < 0.3 {
			pages++
		}
		clicks := poisson(random, 0.5*effect*random.ExpFloat64()*float64(pages))
		one := insight.VisitorSums{
			Visitors: 1, Clickers: min(1, clicks), Pages: pages, Clicks: clicks,
			PagesSquared: pages * pages, ClicksSquared: clicks * clicks, PagesClicks: pages * clicks,
		}
		sums = sums.Add(one)
	}
	return sums
}

// poisson draws by multiplying (Knuth 1969), which is good for small means.
func poisson(random *rand.Rand, mean float64) uint64 {
	limit, product, n := math.Exp(-mean), random.Float64(), uint64(0)
	for product > limit {
		product *= random.Float64()
		n++
	}
	return n
}
