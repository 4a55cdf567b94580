package insight

import "math"

// smallestMean is below what a cell is expected to have for its Pearson residual
// to mean anything.
const smallestMean = 1e-12

// Dispersion is how much more counts vary than independent clicks would:
//
//	φ = max(1, (X² ÷ df) ÷ (1 + mean((C − μ) ÷ μ)))
//
// with Pearson's X² = Σ (C − μ)² ÷ μ over cells with μ > 1e-12 (Fletcher 2012,
// which corrects Pearson's estimate for sparse cells). clicks and means are of
// the same cells; parameters is how many numbers were fitted, df the cells less
// those. It has no unit. 1 without degrees of freedom. Repeated clicks of one
// visitor raise it; a wrong model may not: a cascade leaves it at 1.
func Dispersion(clicks, means []float64, parameters int) float64 {
	var sums pearson
	for i, mean := range means {
		sums.add(clicks[i], mean)
	}
	return sums.dispersion(parameters)
}

// pearson are the sums of a dispersion.
type pearson struct {
	cells             int
	squares, residual float64
}

func (p *pearson) add(clicks, mean float64) {
	if mean <= smallestMean {
		return
	}
	p.cells++
	p.squares += (clicks - mean) * (clicks - mean) / mean
	p.residual += (clicks - mean) / mean
}

func (p *pearson) dispersion(parameters int) float64 {
	freedom := p.cells - parameters
	if freedom <= 0 {
		return 1
	}
	phi := p.squares / float64(freedom) / (1 + p.residual/float64(p.cells))
	if math.IsNaN(phi) {
		return 1
	}
	return max(1, phi)
}

// dispersion is that of a solution over the cells of its benefits.
func (s *solution) dispersion() float64 {
	e := s.evaluation
	p := e.problem
	var sums pearson
	for position, b := range p.eachBenefit() {
		p.eachCell(b, func(i int) {
			mean := s.benefit[position] * p.table.shows[i] * s.rank[p.table.rank[i]] * s.length[p.table.length[i]]
			sums.add(p.table.clicks[i], mean)
		})
	}
	// The first rank class and the first length class have no number of their own.
	return sums.dispersion(len(p.benefits) + e.columns())
}
