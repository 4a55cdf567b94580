package insight

import "iter"

// A problem is the part of a table that is fitted: the benefits that can be
// compared, without the page lengths that had to be left out.
type problem struct {
	table    *table
	benefits []int         // of the table, ascending; all with clicks
	outside  [Classes]bool // length classes that are left out
	clicks   factors       // of each benefit and class

	// sums and block are memory for the evaluations, one after the other.
	sums  expected
	block block
}

// factors has one number for each benefit of a problem and each class.
type factors struct {
	benefit []float64
	rank    [Classes]float64
	length  [Classes]float64
}

func newProblem(t *table) *problem {
	p := &problem{table: t}
	for b := range t.names {
		p.benefits = append(p.benefits, b)
	}
	p.sum()
	return p
}

// sum drops benefits without clicks and adds up the clicks of the others.
func (p *problem) sum() {
	kept := p.benefits[:0]
	p.clicks = factors{benefit: p.clicks.benefit[:0]}
	for _, b := range p.eachBenefit() {
		clicks := 0.0
		p.eachCell(b, func(i int) {
			clicks += p.table.clicks[i]
			p.clicks.rank[p.table.rank[i]] += p.table.clicks[i]
			p.clicks.length[p.table.length[i]] += p.table.clicks[i]
		})
		if clicks > 0 {
			kept = append(kept, b)
			p.clicks.benefit = append(p.clicks.benefit, clicks)
		}
	}
	p.benefits = kept
}

// eachBenefit are the positions and the benefits of the problem, with a pause after each.
func (p *problem) eachBenefit() iter.Seq2[int, int] {
	return func(yield func(position, benefit int) bool) {
		for position, b := range p.benefits {
			if !yield(position, b) {
				return
			}
			p.table.pause()
		}
	}
}

// eachCell visits the cells of a benefit of the table that are not left out.
func (p *problem) eachCell(b int, visit func(i int)) {
	for i := p.table.from[b]; i < p.table.from[b+1]; i++ {
		if !p.outside[p.table.length[i]] {
			visit(i)
		}
	}
}

// keepThoseThatMeet drops benefits that no chain of comparisons joins with the
// others: benefits that share a rank class in which one of them was clicked can
// be compared there, and the same by length class. Of the sets that do not meet
// it keeps the one with most clicks, then most benefits, then the first name.
// Dropping benefits can part others, so it repeats until nothing changes.
func (p *problem) keepThoseThatMeet() {
	for before := -1; before != len(p.benefits); {
		before = len(p.benefits)
		p.keepLargest(p.meeting(p.table.rank, &p.clicks.rank))
		p.keepLargest(p.meeting(p.table.length, &p.clicks.length))
	}
}

// meeting gives each benefit of the problem the number of its set, when those
// that share a class with clicks are joined.
func (p *problem) meeting(class []uint8, clicks *[Classes]float64) []int {
	sets := newDisjointSets(len(p.benefits))
	var first [Classes]int // one more than the first benefit with the class
	for position, b := range p.eachBenefit() {
		p.eachCell(b, func(i int) {
			c := class[i]
			if clicks[c] == 0 {
				return
			}
			if first[c] == 0 {
				first[c] = position + 1
			}
			sets.join(first[c]-1, position)
		})
	}
	group := make([]int, len(p.benefits))
	for position := range group {
		group[position] = sets.find(position)
	}
	return group
}

// keepLargest keeps the benefits of one group. Groups are numbered from 0 to
// less than the number of benefits.
func (p *problem) keepLargest(group []int) {
	clicks, members := make([]float64, len(group)), make([]int, len(group))
	for position, g := range group {
		clicks[g] += p.clicks.benefit[position]
		members[g]++
	}
	best := -1
	for _, g := range group { // in the order of names, so the first of equals stays
		if best < 0 || clicks[g] > clicks[best] || clicks[g] == clicks[best] && members[g] > members[best] {
			best = g
		}
	}
	if best < 0 || members[best] == len(group) {
		return
	}
	kept := p.benefits[:0]
	for position, b := range p.benefits {
		if group[position] == best {
			kept = append(kept, b)
		}
	}
	p.benefits = kept
	p.sum()
}

// disjointSets are sets that can only be joined (union-find with path halving;
// Tarjan & van Leeuwen 1984). gonum has components of graphs, but a graph of hundreds of
// thousands of shared places would have to be made for it first.
type disjointSets []int

func newDisjointSets(n int) disjointSets {
	sets := make(disjointSets, n)
	for i := range sets {
		sets[i] = i
	}
	return sets
}

// find is the number of the set, which is one of its members.
func (s disjointSets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes one set of the sets of a and b.
func (s disjointSets) join(a, b int) { s[s.find(a)] = s.find(b) }
