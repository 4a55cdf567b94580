package insight

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// normal95 is the quantile of two-sided 95 % intervals, 1.95996…
var normal95 = distuv.UnitNormal.Quantile(0.975)

// Wilson is the 95 % interval of a rate of hits among trials, a fraction:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) ÷ (1 + z²/n),  p = hits ÷ trials
//
// (Wilson 1927). It is unknown without trials, and if hits exceed trials, as
// clicks may exceed shows: then it is no proportion.
func Wilson(hits, trials uint64) Interval {
	if trials == 0 || hits > trials {
		return UnknownInterval()
	}
	n := float64(trials)
	p, z := float64(hits)/n, normal95
	middle := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return Interval{Number(max(0, middle-half) / scale), Number(min(1, (middle+half)/scale))}
}

// An Evidence is the data on one merit, from which its interval, score and verdict
// follow.
type Evidence struct {
	// Clicks are those that are compared, Expected what an average benefit would
	// have got in the same places.
	Clicks, Expected float64
	// Dispersion is that of the model.
	Dispersion float64
	// Variance is that of the log of merit as the fit has it, dispersion
	// included. It is not looked at without clicks.
	Variance float64
}

// information is y = C ÷ φ, the clicks that count as independent.
func (e Evidence) information() float64 { return e.Clicks / e.Dispersion }

// Middle is the middle of the interval of merit, (y + ½) ÷ (E ÷ φ) with
// y = C ÷ φ: the posterior mean with Jeffreys' prior. It has the unit of merit, 1
// is average.
func (e Evidence) Middle() float64 {
	return (e.information() + 0.5) / (e.Expected / e.Dispersion)
}

// WidthVariance is the variance of the log that the interval and the verdict
// use:
//
//	v = V + 1 ÷ (y + ½) − 1 ÷ y, at least ½·V·y ÷ (y + ½); 2 without clicks
//
// in which the counting noise of the fit's estimate gives way to that of Middle.
// The lower bound is reached only by a benefit that holds most of all expected
// clicks and is hardly clicked: without it v would be 0, which says that a
// handful of clicks is certainty.
func (e Evidence) WidthVariance() float64 {
	if e.Clicks == 0 {
		return 2
	}
	y := e.information()
	return max(e.Variance+1/(y+0.5)-1/y, e.Variance/2*y/(y+0.5))
}

// Interval is the 95 % interval of merit,
//
//	mid·max(0, 1 − v/9 ± z·√v/3)³
//
// (Wilson & Hilferty 1931; epidemiologists call it Byar's). It is unknown if
// nothing is expected.
func (e Evidence) Interval() Interval {
	if e.Expected <= 0 {
		return UnknownInterval()
	}
	return wilsonHilferty(e.Middle(), e.WidthVariance())
}

// widestVariance is where the upper end of the approximation turns down again
// though less is known: at √v = 1.5·z.
var widestVariance = 2.25 * normal95 * normal95

// withinReach gives middle and variance at which the approximation may be used.
// Beyond widestVariance the variance is held there, and the middle grows as the
// upper end of a log-normal does. Without it a merit of which nothing is known
// would have an upper end of 0 and be found to be below average.
func withinReach(middle, variance float64) (reachableMiddle, reachableVariance float64) {
	if variance <= widestVariance {
		return middle, variance
	}
	grown := middle * math.Exp(normal95*(math.Sqrt(variance)-math.Sqrt(widestVariance)))
	return min(grown, math.MaxFloat64), widestVariance
}

func wilsonHilferty(middle, variance float64) Interval {
	middle, variance = withinReach(middle, variance)
	end := func(sign float64) Number {
		root := max(0, 1-variance/9+sign*normal95*math.Sqrt(variance)/3)
		return Number(min(middle*root*root*root, math.MaxFloat64))
	}
	return Interval{end(-1), end(1)}
}

// Deviate is how many standard deviations merit is above 1, by the same
// approximation as Interval: z = (1 − v/9 − mid^(−1/3)) ÷ (√v/3). The interval
// excludes 1 exactly if |z| > 1.95996. It is 0 if nothing is expected.
func (e Evidence) Deviate() float64 {
	if e.Expected <= 0 {
		return 0
	}
	middle, variance := withinReach(e.Middle(), e.WidthVariance())
	if variance <= 0 {
		return 0
	}
	return (1 - variance/9 - 1/math.Cbrt(middle)) / (math.Sqrt(variance) / 3)
}

// P is the two-sided probability of a deviate at least as large if merit is 1.
func (e Evidence) P() float64 {
	return math.Erfc(math.Abs(e.Deviate()) / math.Sqrt2)
}
