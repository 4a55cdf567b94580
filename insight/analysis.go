package insight

import (
	"slices"

	"stats-recorder/counters"
)

// An Analysis describes every benefit of a window.
type Analysis struct {
	Model *Model
	// Benefits are all that were added to the counts, by name, also those that
	// were not compared.
	Benefits []Benefit
}

// A Benefit is a row of an Analysis. What needs the comparison with others is
// unknown, NoVerdict, or 0 for ranks, for one that was not compared: one without
// shows, or that no chain of comparisons joins with the others, and
// counters.OtherBenefit.
type Benefit struct {
	Name string
	// Shows and Clicks are of exact places with shows. Clicks may exceed Shows.
	Shows, Clicks uint64
	// Orphans are clicks at places where the benefit was not shown.
	Orphans uint64
	// CTR is Clicks ÷ Shows, with its Wilson interval.
	CTR         Number
	CTRInterval Interval
	// COEC is for comparison only: clicks ÷ those at the raw rates of the places.
	COEC Number
	// Compared are the clicks that the fit used: all, unless page lengths were
	// left out (Model.LeftOut).
	Compared uint64
	// Expected are the clicks that an average benefit would have got in the same
	// places; they sum up to those that were compared. 0 if it was not compared.
	Expected float64
	// Merit is Compared ÷ Expected: 1 is average.
	Merit         Number
	MeritInterval Interval
	// Variance is that of the log of merit that the interval uses, P the
	// probability of such a merit if it were average.
	Variance, P Number
	// Score is merit drawn to the mean, what Rank is by, from 1.
	Score        Number
	Rank         int
	RankInterval RankInterval
	Verdict      Verdict
	// Exposure is the mean visibility of the places where it was shown, in units
	// of the first place. UnderExposed says that merit is above average and
	// exposure below the median: it would be worth more further up.
	Exposure     Number
	UnderExposed bool
}

// Analyse fits the model to counts and describes each benefit by it. It has an
// answer for all counts, also none. The same counts give the same answer
// to the last digit, in whatever order they were added.
//
// Its cost is some passes over the cells: see the benchmarks. It needs about 20
// bytes a pooled cell for as long as it runs.
func Analyse(c *Counts) *Analysis { return AnalyseInPieces(c, func() {}) }

// AnalyseInPieces is Analyse for who has something more urgent to do: it calls pause
// again and again, at most some ten thousand cells or a few thousand rows apart. The
// answer is the same.
func AnalyseInPieces(c *Counts, pause func()) *Analysis {
	benefits := c.sorted()
	t := pool(benefits, pause)
	defer t.release()
	model, compared := newModel(t)
	a := &Analysis{Model: model, Benefits: describe(benefits, pause)}
	rows := a.comparedRows(t, compared)
	setEvidence(rows, compared.evidence, model)
	setExposure(rows, t, compared, model)
	return a
}

// describe makes the rows of what is known without a comparison. It pauses after each
// benefit.
func describe(benefits []benefitCounts, pause func()) []Benefit {
	sums := sumPlaces(benefits, pause)
	rows := make([]Benefit, len(benefits))
	for i, b := range benefits {
		pause()
		row := &rows[i]
		*row = Benefit{
			Name: b.name, COEC: Unknown(), Merit: Unknown(), MeritInterval: UnknownInterval(),
			Variance: Unknown(), P: Unknown(), Score: Unknown(), Exposure: Unknown(),
		}
		for _, place := range b.places {
			if place.Shows == 0 {
				row.Orphans += place.Clicks
				continue
			}
			row.Shows += place.Shows
			row.Clicks += place.Clicks
		}
		row.CTR = quotient(float64(row.Clicks), float64(row.Shows))
		row.CTRInterval = Wilson(row.Clicks, row.Shows)
		if b.name != counters.OtherBenefit {
			row.COEC = coec(b.places, sums)
		}
	}
	return rows
}

// comparedRows are the rows of the benefits that were compared, in order. The
// table has the rows' benefits in their order, but for counters.OtherBenefit.
func (a *Analysis) comparedRows(t *table, compared comparison) []*Benefit {
	rows := make([]*Benefit, 0, len(compared.benefits))
	row := 0
	for _, b := range compared.benefits {
		for a.Benefits[row].Name != t.names[b] {
			row++
		}
		rows = append(rows, &a.Benefits[row])
	}
	return rows
}

func setEvidence(rows []*Benefit, evidence []Evidence, model *Model) {
	intervals, scores := make([]Interval, len(rows)), make([]Number, len(rows))
	for i, row := range rows {
		e := evidence[i]
		row.Compared = uint64(e.Clicks)
		row.Expected = e.Expected
		row.Merit = model.Merit(row.Name)
		row.MeritInterval = e.Interval()
		row.Variance = Number(e.WidthVariance())
		row.P = Number(e.P())
		row.Score = model.Prior.Score(e)
		intervals[i], scores[i] = row.MeritInterval, row.Score
	}
	ranks, rankIntervals, verdicts := Ranks(scores), RankIntervals(intervals), Verdicts(evidence)
	for i, row := range rows {
		row.Rank, row.RankInterval, row.Verdict = ranks[i], rankIntervals[i], verdicts[i]
	}
}

func setExposure(rows []*Benefit, t *table, compared comparison, model *Model) {
	exposures := make([]float64, len(rows))
	for i, row := range rows {
		levels := 0.0
		b := compared.benefits[i]
		for cell := t.from[b]; cell < t.from[b+1]; cell++ {
			levels += t.shows[cell] * model.Level[t.length[cell]]
		}
		exposures[i] = row.Expected / levels
		row.Exposure = Number(exposures[i])
	}
	middle := median(exposures)
	for i, row := range rows {
		row.UnderExposed = row.Verdict == VerdictAbove && exposures[i] < middle
	}
}

// median is that of values, the mean of the middle two of an even number; 0 of none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
