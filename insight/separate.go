package insight

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// sameLevel is how far two changes along a direction may be apart, relative to
// the largest, for what they change to stay together.
const sameLevel = 1e-3

// undetermined are the directions in which the likelihood stays the same: a base
// of the null space of the information, one direction for each column beyond
// the rank. In them a benefit's merit changes against the mean change of its
// clicks, δ_b = −u_b·v ÷ C_b.
func (e *evaluation) undetermined(rank int) []direction {
	n := e.columns()
	var upper mat.TriDense
	e.factor.UTo(&upper)
	pivots := e.factor.ColumnPivots(nil)
	var directions []direction
	for free := rank; free < n; free++ {
		scaled := make([]float64, n)
		scaled[pivots[free]] = 1
		for row := rank - 1; row >= 0; row-- { // back substitution of U·x = −(column free)
			sum := upper.At(row, free)
			for column := row + 1; column < rank; column++ {
				sum += upper.At(row, column) * scaled[pivots[column]]
			}
			scaled[pivots[row]] = -sum / upper.At(row, row)
		}
		d := e.direction(func(column int) float64 { return scaled[column] })
		d.benefit = e.followMerits(&d)
		directions = append(directions, d)
	}
	return directions
}

// followMerits is how the logs of the merits change when those of the other
// factors do, all scaled by what changes most.
func (e *evaluation) followMerits(d *direction) []float64 {
	p := e.problem
	changes := make([]float64, len(p.benefits))
	largest := d.largest()
	for position, b := range p.eachBenefit() {
		weighted := 0.0
		p.eachCell(b, func(i int) {
			length, rank := p.table.length[i], p.table.rank[i]
			weight := p.table.shows[i] * e.factors.rank[rank] * e.factors.length[length]
			weighted += weight * (d.rank[rank] + d.length[length])
		})
		changes[position] = -weighted / p.table.weight(b, &e.factors)
		largest = max(largest, math.Abs(changes[position]))
	}
	for class := range Classes {
		d.rank[class] /= largest
		d.length[class] /= largest
	}
	for position := range changes {
		changes[position] /= largest
	}
	return changes
}

// leaveOut takes out of the problem what directions part from the rest: the
// benefits whose merits change against those of the most clicked, or, if all
// merits change alike, the page lengths whose levels do. It reports whether
// there was anything.
func (p *problem) leaveOut(directions []direction) bool {
	before := len(p.benefits)
	group := make([]int, before)
	for _, d := range directions {
		group = split(group, d.benefit)
	}
	p.keepLargest(group)
	return len(p.benefits) < before || p.leaveOutLengths(directions)
}

func (p *problem) leaveOutLengths(directions []direction) bool {
	lengths := withClicks(&p.clicks.length)
	group := make([]int, len(lengths))
	for _, d := range directions {
		levels := make([]float64, len(lengths))
		for i, class := range lengths {
			levels[i] = d.length[class]
		}
		group = split(group, levels)
	}
	clicks := make([]float64, len(lengths))
	best := 0
	for i, class := range lengths {
		clicks[group[i]] += p.clicks.length[class]
	}
	for g := range clicks {
		if clicks[g] > clicks[best] {
			best = g
		}
	}
	removed := false
	for i, class := range lengths {
		if group[i] != best {
			p.outside[class] = true
			removed = true
		}
	}
	if removed {
		p.sum()
	}
	return removed
}

// split parts groups by levels, wherever those of neighbours in order are far
// apart. Groups are numbered by one of their members.
func split(group []int, levels []float64) []int {
	order := make([]int, len(levels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(levels[a], levels[b]) })
	type part struct{ group, cluster int }
	first := make(map[part]int)
	parted := make([]int, len(group))
	cluster := 0
	for n, i := range order {
		if n > 0 && levels[i]-levels[order[n-1]] > sameLevel {
			cluster++
		}
		key := part{group[i], cluster}
		if _, known := first[key]; !known {
			first[key] = i
		}
		parted[i] = first[key]
	}
	return parted
}
