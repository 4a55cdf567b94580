package insight

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// DefaultEffect is the relative change that always-valid intervals are made to
	// be narrow for.
	DefaultEffect = 0.10
	// FewestVisitors of a variant, and FewestClickers, for a verdict.
	FewestVisitors = 100
	FewestClickers = 20
	// falseAlarms is how often an experiment without effect may ever be decided.
	falseAlarms = 0.05
	// brokenAssignment is below what probability a sample ratio is no chance.
	brokenAssignment = 0.001
)

// ErrExperiment is returned for an experiment that cannot be compared.
var ErrExperiment = errors.New("experiment cannot be compared")

// VisitorSums describe the visitors of a variant by sums over them: of pages,
// clicks, their squares and product, and of those who clicked. Sums of several
// days can be added up: a visitor of two days counts as two, visitor-days.
type VisitorSums struct {
	Visitors, Clickers          uint64
	Pages, Clicks               uint64
	PagesSquared, ClicksSquared uint64
	PagesClicks                 uint64
}

// Add is both together.
func (s VisitorSums) Add(other VisitorSums) VisitorSums {
	return VisitorSums{
		Visitors: s.Visitors + other.Visitors, Clickers: s.Clickers + other.Clickers,
		Pages: s.Pages + other.Pages, Clicks: s.Clicks + other.Clicks,
		PagesSquared: s.PagesSquared + other.PagesSquared, ClicksSquared: s.ClicksSquared + other.ClicksSquared,
		PagesClicks: s.PagesClicks + other.PagesClicks,
	}
}

// A Measure is an estimate with its variance. Both may be unknown.
type Measure struct{ Value, Variance Number }

// ClicksPerPage is R = ΣY ÷ ΣX of clicks Y and pages X, with the variance of the
// delta method,
//
//	(ΣY² − 2R·ΣXY + R²·ΣX²) ÷ (n − 1) · n ÷ (ΣX)²
//
// over visitors, who are independent, not over pages or clicks, which are not: by
// these a test alarms on nothing in 19 to 31 % of cases (Deng, Knoblich & Lu
// 2018; measured in the design of this project). The value is unknown without
// pages, the variance with fewer than two visitors.
func (s VisitorSums) ClicksPerPage() Measure {
	x, n := float64(s.Pages), float64(s.Visitors)
	ratio := quotient(float64(s.Clicks), x)
	if !ratio.Known() || s.Visitors < 2 {
		return Measure{ratio, Unknown()}
	}
	r := float64(ratio)
	squares := float64(s.ClicksSquared) - 2*r*float64(s.PagesClicks) + r*r*float64(s.PagesSquared)
	return Measure{ratio, Number(max(0, squares) / (n - 1) * n / (x * x))}
}

// Conversion is the share p of visitors who clicked, with variance p(1 − p) ÷ n.
// Both are unknown without visitors.
func (s VisitorSums) Conversion() Measure {
	n := float64(s.Visitors)
	p := quotient(float64(s.Clickers), n)
	return Measure{p, Number(float64(p) * (1 - float64(p)) / n)}
}

// enough says whether there are visitors enough for a verdict.
func (s VisitorSums) enough() bool {
	return s.Visitors >= FewestVisitors && s.Clickers >= FewestClickers
}

// A Comparison is a variant held against the control.
type Comparison struct {
	Control, Variant Measure
	// Lift is variant ÷ control − 1. Interval is its always-valid interval: it may
	// be looked at every day, and all looks together hold the truth in 95 % of
	// experiments. Fixed holds it only for one look that was chosen beforehand.
	Lift            Number
	Interval, Fixed Interval
	// Ready says that there are at least FewestVisitors and FewestClickers in both.
	Ready bool
	// Verdict is of Interval: above or below if it excludes 0 and Ready.
	Verdict Verdict
}

// A Plan holds the settings of an experiment that must not depend on its data.
type Plan struct {
	// Variants is how many there are with the control, at least 2: each other
	// variant gets its part of the false alarms.
	Variants int
	// Effect is the relative change that the interval is to be narrow for, above 0;
	// DefaultEffect is 10 %. Any other is found too, only later.
	Effect float64
}

// alpha is the share of false alarms of one comparison (Bonferroni).
func (p Plan) alpha() float64 { return falseAlarms / float64(max(1, p.Variants-1)) }

// CompareClicksPerPage compares clicks per page. It returns ErrExperiment for a
// plan that makes no sense.
func CompareClicksPerPage(control, variant VisitorSums, plan Plan) (Comparison, error) {
	return compare(control.ClicksPerPage(), variant.ClicksPerPage(), control.enough() && variant.enough(), plan)
}

// CompareConversion compares the shares of visitors who clicked. For one benefit,
// Visitors are those who were shown it and Clickers those of them who opened it.
// It returns ErrExperiment for a plan that makes no sense.
func CompareConversion(control, variant VisitorSums, plan Plan) (Comparison, error) {
	return compare(control.Conversion(), variant.Conversion(), control.enough() && variant.enough(), plan)
}

// compare works on L = ln(R₁ ÷ R₀) with v = var₀ ÷ R₀² + var₁ ÷ R₁². With τ =
// ln(1 + effect) the always-valid interval is that of the mixture sequential
// probability ratio test (Robbins 1970; Johari et al. 2017; Howard et al. 2021),
//
//	L ± √(v(v + τ²) ÷ τ² · (ln((v + τ²) ÷ v) + 2·ln(1 ÷ α)))
//
// and the fixed one L ± 1.96·√v, both given as exp(·) − 1. They are unknown if one
// side was never clicked or its variance is not known or 0.
func compare(control, variant Measure, ready bool, plan Plan) (Comparison, error) {
	if plan.Variants < 2 || !(plan.Effect > 0) || math.IsInf(plan.Effect, 0) {
		return Comparison{}, fmt.Errorf("%w: %d variants, effect %v: want at least 2 and a number above 0", ErrExperiment, plan.Variants, plan.Effect)
	}
	c := Comparison{
		Control: control, Variant: variant, Lift: quotient(float64(variant.Value), float64(control.Value)) - 1,
		Interval: UnknownInterval(), Fixed: UnknownInterval(), Ready: ready, Verdict: VerdictUndecided,
	}
	log := math.Log(float64(variant.Value) / float64(control.Value))
	variance := control.relativeVariance() + variant.relativeVariance()
	if !Number(log).Known() || !Number(variance).Known() || variance <= 0 {
		return c, nil
	}
	c.Fixed = aroundLog(log, normal95*math.Sqrt(variance))
	c.Interval = aroundLog(log, alwaysValid(variance, plan))
	switch {
	case ready && c.Interval.Lower > 0:
		c.Verdict = VerdictAbove
	case ready && c.Interval.Upper < 0:
		c.Verdict = VerdictBelow
	}
	return c, nil
}

// relativeVariance is that of the log.
func (m Measure) relativeVariance() float64 { return float64(m.Variance / (m.Value * m.Value)) }

// alwaysValid is half the width of the interval of a log.
func alwaysValid(v float64, plan Plan) float64 {
	tau := math.Log1p(plan.Effect)
	wider := v + tau*tau
	return math.Sqrt(v * wider / (tau * tau) * (math.Log(wider/v) + 2*math.Log(1/plan.alpha())))
}

func aroundLog(log, half float64) Interval {
	return Interval{Number(math.Expm1(log - half)), Number(math.Expm1(log + half))}
}

// A SampleRatio says whether visitors were drawn as they should have been.
type SampleRatio struct {
	ChiSquared, P Number
	// Broken says that p < 0.001: do not trust, and withhold verdicts.
	Broken bool
}

// CheckSampleRatio compares the numbers of visitors of the variants with the
// weights that they were to be drawn with; no weights at all are equal ones, and who
// has a weight of 0 is no part of the draw:
//
//	χ² = Σ (n_i − N·w_i ÷ Σw)² ÷ (N·w_i ÷ Σw)
//
// with as many degrees of freedom as variants less one (Pearson 1900; Fabijan et
// al. 2019 for its use). Without visitors nothing is known and nothing broken. It
// returns ErrExperiment for fewer than two variants in the draw, for weights that are
// not as many or not all numbers from 0 on.
func CheckSampleRatio(visitors []uint64, weights []float64) (SampleRatio, error) {
	if weights == nil {
		weights = equalWeights(len(visitors))
	}
	if len(weights) != len(visitors) {
		return SampleRatio{}, fmt.Errorf("%w: %d weights, want one for each of %d variants", ErrExperiment, len(weights), len(visitors))
	}
	total, weight, drawn := 0.0, 0.0, 0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return SampleRatio{}, fmt.Errorf("%w: weight %v, want a number from 0 on", ErrExperiment, w)
		}
		if w > 0 {
			drawn++
			weight += w
			total += float64(visitors[i])
		}
	}
	if drawn < 2 {
		return SampleRatio{}, fmt.Errorf("%w: %d variants with a weight above 0, want at least 2", ErrExperiment, drawn)
	}
	if total == 0 {
		return SampleRatio{ChiSquared: Unknown(), P: Unknown()}, nil
	}
	square := 0.0
	for i, w := range weights {
		if w == 0 {
			continue
		}
		expected := total * w / weight
		square += (float64(visitors[i]) - expected) * (float64(visitors[i]) - expected) / expected
	}
	p := distuv.ChiSquared{K: float64(drawn - 1)}.Survival(square)
	return SampleRatio{Number(square), Number(p), p < brokenAssignment}, nil
}

func equalWeights(n int) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// Under is the comparison as it may be shown beside a sample ratio: without a
// verdict if that is broken.
func (c Comparison) Under(ratio SampleRatio) Comparison {
	if ratio.Broken {
		c.Verdict = VerdictWithheld
	}
	return c
}
