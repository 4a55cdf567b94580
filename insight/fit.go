package insight

import "math"

const (
	// proportionalRounds bring the factors near enough for Newton's method.
	proportionalRounds = 5
	// mostNewtonSteps is far above the three to six that a fit with a solution
	// takes, and above the twenty-one in which one without shows itself: there a
	// factor grows by e with each step, until a pivot falls below smallestPivot.
	mostNewtonSteps = 60
	// smallestStep is where Newton's method ends: the largest change of a log.
	smallestStep = 1e-13
	// stalledStep is where it ends too if steps shrink no more, since the sums
	// then hold nothing but rounding.
	stalledStep = 1e-8
	// mostRemovals bounds how often a part is left out and the rest fitted again.
	mostRemovals = 16
)

// A solution is the best factors of a problem, up to one scale each.
type solution struct {
	factors
	evaluation *evaluation // at the solution; nil if nothing was fitted
}

// fit finds the factors of a table: f, g and m of
//
//	C_b,T,k ≈ s_b,T,k · m_b · f_k · g_T
//
// by maximum Poisson quasi-likelihood. What cannot be compared is left out of
// the problem that it returns beside the solution. There is no solution, nil, if
// fewer than two benefits can be compared.
//
// A table can have no finite solution though its benefits meet: if every click
// on the longest page was at its last place, the place grows without end while
// the page's level falls. Then too the part that parts from the rest is left
// out, so that one odd record does not take everybody's merit away.
func fit(t *table) (*problem, *solution) {
	p := newProblem(t)
	for range mostRemovals {
		p.keepThoseThatMeet()
		if len(p.benefits) < 2 {
			return p, nil
		}
		start := p.proportional()
		found, undetermined := p.newton(start)
		if found != nil {
			return p, found
		}
		if !p.leaveOut(undetermined) {
			return p, nil
		}
	}
	return p, nil
}

// proportional is iterative proportional fitting (Deming & Stephan 1940): each
// factor in turn is made to give the clicks of its margin. With m first 1, the
// first step is COEC. Classes without clicks get 0 and stay there.
func (p *problem) proportional() factors {
	f := factors{benefit: make([]float64, len(p.benefits))}
	for position := range f.benefit {
		f.benefit[position] = 1
	}
	for class := range Classes {
		f.rank[class] = indicator(p.clicks.rank[class] > 0)
		f.length[class] = indicator(p.clicks.length[class] > 0)
	}
	for range proportionalRounds {
		p.fitRanks(&f)
		p.fitLengths(&f)
		p.fitBenefits(&f)
	}
	return f
}

func indicator(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

func (p *problem) fitRanks(f *factors) {
	var weight [Classes]float64
	t := p.table
	for position, b := range p.eachBenefit() {
		for i := t.from[b]; i < t.from[b+1]; i++ {
			weight[t.rank[i]] += t.shows[i] * f.length[t.length[i]] * f.benefit[position]
		}
	}
	divideInto(&f.rank, &p.clicks.rank, &weight)
}

func (p *problem) fitLengths(f *factors) {
	var weight [Classes]float64
	t := p.table
	for position, b := range p.eachBenefit() {
		for i := t.from[b]; i < t.from[b+1]; i++ {
			weight[t.length[i]] += t.shows[i] * f.rank[t.rank[i]] * f.benefit[position]
		}
	}
	divideInto(&f.length, &p.clicks.length, &weight)
}

func (p *problem) fitBenefits(f *factors) {
	for position, b := range p.eachBenefit() {
		f.benefit[position] = p.clicks.benefit[position] / p.table.weight(b, f)
	}
}

// weight is Σ s·f·g over the cells of a benefit. It is above 0 for one with
// clicks in classes that are fitted.
func (t *table) weight(b int, f *factors) float64 {
	sum := 0.0
	for i := t.from[b]; i < t.from[b+1]; i++ {
		sum += t.shows[i] * f.rank[t.rank[i]] * f.length[t.length[i]]
	}
	return sum
}

// divideInto sets the factor of each class with clicks.
func divideInto(factor, clicks, weight *[Classes]float64) {
	for class := range factor {
		if clicks[class] > 0 {
			factor[class] = clicks[class] / weight[class]
		}
	}
}

// newton goes on from start to the maximum. Since each benefit's best merit
// follows from the other factors, m_b = C_b ÷ Σ s·f·g, only those are stepped
// over; with them in place the log-likelihood is that of a multinomial logit,
// which is concave. It returns no solution, but in which directions nothing is
// determined, if there is none.
func (p *problem) newton(start factors) (*solution, []direction) {
	at := p.evaluate(start)
	previous := math.Inf(1)
	for range mostNewtonSteps {
		step, undetermined := at.step()
		if undetermined != nil {
			return nil, undetermined
		}
		largest := step.largest()
		if largest < smallestStep || largest < stalledStep && largest >= previous {
			return &solution{at.factors, at}, nil
		}
		previous = largest
		at = p.advance(at, step)
	}
	return nil, nil
}

// advance takes a step, or the largest half of a half of it that does not lose
// likelihood.
func (p *problem) advance(at *evaluation, step direction) *evaluation {
	const mostHalvings = 40
	slack := 1e-12 * math.Abs(at.likelihood)
	for share := 1.0; ; share /= 2 {
		next := p.evaluate(at.factors.moved(step, share))
		if next.likelihood >= at.likelihood-slack || share < 1.0/(1<<mostHalvings) {
			return next
		}
	}
}

// moved is the factors after a share of a step of their logs.
func (f factors) moved(step direction, share float64) factors {
	for class := range Classes {
		f.rank[class] *= math.Exp(share * step.rank[class])
		f.length[class] *= math.Exp(share * step.length[class])
	}
	return f
}

// A direction is a change of the logs of the factors.
type direction struct{ factors }

// largest is the largest change of a class.
func (d direction) largest() float64 {
	largest := 0.0
	for class := range Classes {
		largest = max(largest, math.Abs(d.rank[class]), math.Abs(d.length[class]))
	}
	return largest
}
