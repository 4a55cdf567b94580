package insight

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// variances are those of the logs of a solution's factors, for a dispersion of 1.
type variances struct {
	rank    [Classes]float64 // against the first class with clicks
	benefit []float64        // of merit, against the mean of all
}

// variances computes, with w = E ÷ ΣE of the benefits with clicks and G the
// benefits' block of the inverse information,
//
//	V_b = (e_b − w)ᵀ·G·(e_b − w)
//
// without making G, which has a row a benefit: by the elimination that made S,
// G = diag(1 ÷ C) + (u_i·S⁻¹·u_j ÷ C_i·C_j), hence
//
//	V_b = (1 − 2·w_b) ÷ C_b + Σ w_i² ÷ C_i + (q_b − q̄)ᵀ·S⁻¹·(q_b − q̄)
//
// with q_b = u_b ÷ C_b and q̄ = Σ w_i·q_i. expected are the E of the problem's
// benefits, in any unit.
func (s *solution) variances(expected []float64) *variances {
	e := s.evaluation
	inverse := e.inverse()
	v := &variances{benefit: make([]float64, len(expected))}
	for column, class := range e.ranks {
		v.rank[class] = inverse.At(column, column) / e.margin[column]
	}
	var spare jointMargins
	total := 0.0
	for _, clicks := range expected {
		total += clicks
	}
	columns := max(1, e.columns())
	mean, away, common := mat.NewVecDense(columns, nil), mat.NewVecDense(columns, nil), 0.0
	for position := range e.problem.eachBenefit() {
		w := expected[position] / total
		e.profile(position, away, &spare)
		mean.AddScaledVec(mean, w, away)
		common += w * w / e.problem.clicks.benefit[position]
	}
	for position := range e.problem.eachBenefit() {
		e.profile(position, away, &spare)
		away.SubVec(away, mean)
		v.benefit[position] = (1-2*expected[position]/total)/e.problem.clicks.benefit[position] +
			common + mat.Inner(away, inverse, away)
	}
	return v
}

// inverse is S⁻¹ in the scaled unit of profile. Without columns it is a 1 × 1
// matrix of no meaning, since gonum has no empty ones.
func (e *evaluation) inverse() *mat.Dense {
	n := e.columns()
	if n == 0 {
		return mat.NewDense(1, 1, nil)
	}
	identity := mat.NewDense(n, n, nil)
	for i := range n {
		identity.Set(i, i, 1)
	}
	var inverse mat.Dense
	_ = e.factor.SolveTo(&inverse, identity) // as in step, the pivots have been judged
	return &inverse
}

// profile makes a vector q_b of a benefit of the problem by column, scaled as the factor
// is. The sums that it leaves in spare mean nothing.
func (e *evaluation) profile(position int, into *mat.VecDense, spare *jointMargins) {
	p := e.problem
	if e.columns() == 0 {
		into.Zero()
		return
	}
	own := p.expectBenefit(p.benefits[position], e.factors.benefit[position], &e.factors, spare)
	row := into.RawVector().Data
	e.fill(row, &own, 1/p.clicks.benefit[position])
	for column := range row {
		row[column] /= math.Sqrt(e.margin[column])
	}
}
