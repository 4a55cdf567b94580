package insight

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// blockRows is how many benefits are eliminated at one time. It bounds the
// memory of a fit of any number of benefits.
const blockRows = 128

// smallestPivot is the share of its information that must be left to a class
// when the others are known; with less it is taken as not determined.
const smallestPivot = 1e-9

// An evaluation is the log-likelihood of factors with its first two derivatives
// by the logs of rank and length factors, the benefits eliminated.
//
// In the information of all logs the benefits' block is diagonal (C_b), since a
// cell is of one benefit. Eliminating it leaves
//
//	S = [diag(μ_k)  μ_kT; μ_Tk  diag(μ_T)] − Σ_b u_b·u_bᵀ ÷ C_b
//
// with u_b the expected clicks of b by class: a matrix of at most 144 rows,
// however many benefits there are.
type evaluation struct {
	factors
	problem    *problem
	likelihood float64
	ranks      []int // classes of the columns, after which come lengths
	lengths    []int
	gradient   []float64
	margin     []float64 // expected clicks by column: the information before elimination
	schur      *mat.SymDense
	factor     mat.PivotedCholesky // of schur, scaled to margin
}

// evaluate sets the merits that are best with the other factors, and computes
// the rest. The first rank class and the first length class with clicks have no
// column: a factor common to all cells cannot be told from another.
func (p *problem) evaluate(f factors) *evaluation {
	e := &evaluation{factors: f, problem: p}
	e.factors.benefit = make([]float64, len(p.benefits))
	e.ranks, e.lengths = withClicks(&p.clicks.rank)[1:], withClicks(&p.clicks.length)[1:]
	sums := p.expect(e)
	e.collect(sums)
	e.likelihood = p.likelihood(&e.factors)
	return e
}

func withClicks(clicks *[Classes]float64) []int {
	var classes []int
	for class, c := range clicks {
		if c > 0 {
			classes = append(classes, class)
		}
	}
	return classes
}

// columns is how many columns there are.
func (e *evaluation) columns() int { return len(e.ranks) + len(e.lengths) }

// margins are expected clicks by rank class and by length class.
type margins struct{ rank, length [Classes]float64 }

// jointMargins are expected clicks by length class and rank class.
type jointMargins [Classes][Classes]float64

// expected are the sums of expected clicks of all benefits.
type expected struct {
	margins
	joint      jointMargins
	eliminated *mat.SymDense // Σ_b u_b·u_bᵀ ÷ C_b by column; nil without columns
}

// expect adds up the expected clicks of all cells, and sets the merits. The sums are
// good until the next ones.
func (p *problem) expect(e *evaluation) *expected {
	sums, block := &p.sums, &p.block
	*sums = expected{}
	block.begin(e.columns())
	for position, b := range p.eachBenefit() {
		clicks := p.clicks.benefit[position]
		merit := clicks / p.table.weight(b, &e.factors)
		e.factors.benefit[position] = merit
		own := p.expectBenefit(b, merit, &e.factors, &sums.joint)
		for class := range Classes {
			sums.rank[class] += own.rank[class]
			sums.length[class] += own.length[class]
		}
		e.fill(block.next(), &own, 1/math.Sqrt(clicks))
	}
	sums.eliminated = block.sum()
	return sums
}

// expectBenefit is the expected clicks of one benefit, which it adds to the joint
// ones of all too.
func (p *problem) expectBenefit(b int, merit float64, f *factors, joint *jointMargins) margins {
	t := p.table
	var own margins
	for i := t.from[b]; i < t.from[b+1]; i++ {
		length, rank := t.length[i], t.rank[i]
		clicks := merit * t.shows[i] * f.rank[rank] * f.length[length]
		own.rank[rank] += clicks
		own.length[length] += clicks
		joint[length][rank] += clicks
	}
	return own
}

// fill writes the sums of a benefit by column, scaled.
func (e *evaluation) fill(row []float64, own *margins, scale float64) {
	for column, class := range e.ranks {
		row[column] = own.rank[class] * scale
	}
	for column, class := range e.lengths {
		row[len(e.ranks)+column] = own.length[class] * scale
	}
}

// collect makes derivatives of sums.
func (e *evaluation) collect(sums *expected) {
	n := e.columns()
	e.gradient, e.margin = make([]float64, n), make([]float64, n)
	for column, class := range e.ranks {
		e.margin[column] = sums.rank[class]
		e.gradient[column] = e.problem.clicks.rank[class] - sums.rank[class]
	}
	for column, class := range e.lengths {
		e.margin[len(e.ranks)+column] = sums.length[class]
		e.gradient[len(e.ranks)+column] = e.problem.clicks.length[class] - sums.length[class]
	}
	if n == 0 {
		return
	}
	e.schur = mat.NewSymDense(n, nil)
	e.schur.ScaleSym(-1, sums.eliminated)
	for column, margin := range e.margin {
		e.schur.SetSym(column, column, e.schur.At(column, column)+margin)
	}
	for i, rank := range e.ranks {
		for j, length := range e.lengths {
			column := len(e.ranks) + j
			e.schur.SetSym(i, column, e.schur.At(i, column)+sums.joint[length][rank])
		}
	}
}

// likelihood is the Poisson log-likelihood but for a constant. With the best
// merits the expected clicks sum up to the clicks, so only the logs are left.
func (p *problem) likelihood(f *factors) float64 {
	sum := 0.0
	for position, clicks := range p.clicks.benefit {
		sum += clicks * math.Log(f.benefit[position])
	}
	for class := range Classes {
		if clicks := p.clicks.rank[class]; clicks > 0 {
			sum += clicks * math.Log(f.rank[class])
		}
		if clicks := p.clicks.length[class]; clicks > 0 {
			sum += clicks * math.Log(f.length[class])
		}
	}
	return sum
}

// step is Newton's step, or the directions in which nothing is determined.
func (e *evaluation) step() (direction, []direction) {
	n := e.columns()
	if n == 0 {
		return direction{}, nil
	}
	if rank := e.factorize(); rank < n {
		return direction{}, e.undetermined(rank)
	}
	right := mat.NewVecDense(n, slices.Clone(e.gradient))
	for column, margin := range e.margin {
		right.SetVec(column, right.AtVec(column)/math.Sqrt(margin))
	}
	// An error here says that the system is ill conditioned, but solved. The
	// pivots have been judged already.
	_ = e.factor.SolveVecTo(right, right)
	return e.direction(right.AtVec), nil
}

// factorize scales S to the information before elimination and takes it apart. It
// returns how many columns are determined.
func (e *evaluation) factorize() (rank int) {
	n := e.columns()
	scaled, largest := mat.NewSymDense(n, nil), 0.0
	for i := range n {
		for j := i; j < n; j++ {
			scaled.SetSym(i, j, e.schur.At(i, j)/math.Sqrt(e.margin[i]*e.margin[j]))
		}
		largest = max(largest, scaled.At(i, i))
	}
	e.factor.Factorize(scaled, smallestPivot)
	if largest <= smallestPivot { // the factorization does not ask this of its first pivot
		return 0
	}
	return e.factor.Rank()
}

// direction brings a solution of the scaled system back to the logs of classes.
func (e *evaluation) direction(scaled func(column int) float64) direction {
	var d direction
	for column, class := range e.ranks {
		d.rank[class] = scaled(column) / math.Sqrt(e.margin[column])
	}
	for j, class := range e.lengths {
		column := len(e.ranks) + j
		d.length[class] = scaled(column) / math.Sqrt(e.margin[column])
	}
	return d
}

// A block adds up outer products of rows, many at one time: that is a matrix
// product, which gonum does well.
type block struct {
	rows  *mat.Dense
	used  int
	total *mat.SymDense
}

// begin forgets all rows. It takes memory for as many columns, unless it has that.
func (b *block) begin(columns int) {
	b.used = 0
	switch {
	case columns == 0:
		*b = block{}
	case b.rows != nil && b.total.SymmetricDim() == columns:
		b.total.Zero()
	default:
		*b = block{rows: mat.NewDense(blockRows, columns, nil), total: mat.NewSymDense(columns, nil)}
	}
}

// next is the row to fill next.
func (b *block) next() []float64 {
	if b.rows == nil {
		return nil
	}
	if b.used == blockRows {
		b.flush()
	}
	b.used++
	return b.rows.RawRowView(b.used - 1)
}

func (b *block) flush() {
	_, columns := b.rows.Dims()
	b.total.SymRankK(b.total, 1, b.rows.Slice(0, b.used, 0, columns).T())
	b.used = 0
}

// sum is the sum of the outer products of all rows, nil without columns.
func (b *block) sum() *mat.SymDense {
	if b.used > 0 {
		b.flush()
	}
	return b.total
}
