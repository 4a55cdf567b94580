package insight

import "math"

// A Prior is the gamma distribution of merits that shrinkage takes for granted.
// Both are unknown if there are fewer than two merits.
type Prior struct {
	// Shape is ν, Rate is α; their quotient is the mean merit.
	Shape, Rate Number
}

// Shrink estimates the prior from the evidence itself, by fixed point:
//
//	score = (ν + y) ÷ (α + e),  y = C ÷ φ, e = E ÷ φ
//	ν = μ² ÷ s², α = μ ÷ s²
//	μ = mean of scores
//	s² = max(Σ (1 + α ÷ e)·(score − μ)² ÷ (B − 1), μ² ÷ 10⁴)
//
// starting from the unshrunk merits (Clayton & Kaldor 1987). All evidence must
// expect something. The lower bound of s² is reached if merits differ no more
// than chance makes them; then all scores are near the mean. Close to that the
// fixed point is neared slowly, and the estimate ends after 1,000 rounds instead
// of the ten or so that are usual. No prior is known of fewer than two, or without
// clicks.
func Shrink(evidence []Evidence) Prior { return shrink(evidence, func() {}) }

// shrink is Shrink with a pause after each round.
func shrink(evidence []Evidence, pause func()) Prior {
	clicks := 0.0
	for _, e := range evidence {
		clicks += e.Clicks
	}
	if len(evidence) < 2 || clicks == 0 {
		return Prior{Unknown(), Unknown()}
	}
	const mostRounds, closeEnough = 1000, 1e-15
	var shape, rate float64 // both 0: scores are merits
	e := newEstimate(evidence)
	for range mostRounds {
		nextShape, nextRate := e.refine(shape, rate)
		done := math.Abs(nextShape-shape) <= closeEnough*nextShape && math.Abs(nextRate-rate) <= closeEnough*nextRate
		shape, rate = nextShape, nextRate
		if done {
			break
		}
		pause()
	}
	return Prior{Number(shape), Number(rate)}
}

// An estimate holds what all rounds need of the evidence.
type estimate struct {
	clicks, expected, scores []float64
}

func newEstimate(evidence []Evidence) estimate {
	n := len(evidence)
	of := estimate{make([]float64, n), make([]float64, n), make([]float64, n)}
	for i, e := range evidence {
		of.clicks[i], of.expected[i] = e.information(), e.Expected/e.Dispersion
	}
	return of
}

// refine is one round.
func (e estimate) refine(shape, rate float64) (nextShape, nextRate float64) {
	mean := 0.0
	for i, expected := range e.expected {
		e.scores[i] = (shape + e.clicks[i]) / (rate + expected)
		mean += e.scores[i]
	}
	mean /= float64(len(e.scores))
	variance := 0.0
	for i, score := range e.scores {
		away := score - mean
		variance += (1 + rate/e.expected[i]) * away * away
	}
	variance = max(variance/float64(len(e.scores)-1), mean*mean/1e4)
	return mean * mean / variance, mean / variance
}

func shrunk(e Evidence, shape, rate float64) float64 {
	return (shape + e.information()) / (rate + e.Expected/e.Dispersion)
}

// Score is merit drawn to the mean by as much as its evidence is weak,
// (ν + y) ÷ (α + E ÷ φ): what to sort by. It has the unit of merit. It is unknown
// without a prior, or if nothing is expected.
func (p Prior) Score(e Evidence) Number {
	if !p.Shape.Known() || e.Expected <= 0 {
		return Unknown()
	}
	return Number(shrunk(e, float64(p.Shape), float64(p.Rate)))
}
