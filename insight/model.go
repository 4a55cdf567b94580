package insight

import "math"

// A Model is the fit of a window: the factors of places, page lengths and
// benefits. It is small and does not hold the counts that it is of. The
// zero value is the model of nothing.
type Model struct {
	// Identified says whether benefits could be compared: whether place and merit
	// can be told apart for at least two. If not, nothing below is known but Cells.
	Identified bool
	// Dispersion is φ, at least 1; see Dispersion.
	Dispersion float64
	// Prior is the distribution that scores are drawn to.
	Prior Prior
	// Cells is how many cells with shows there are, by benefit and classes.
	Cells int
	// Visibility is f by rank class: clicks at a place for one at the first class
	// with clicks, at equal merit on pages of equal length. 0 without clicks.
	Visibility [Classes]float64
	// VisibilityVariance is that of the log of Visibility, for a dispersion of 1:
	// VisibilityInterval multiplies it by Dispersion. 0 for the first class with
	// clicks, unknown without clicks.
	VisibilityVariance [Classes]Number
	// Level is g by length class: clicks a show of an average benefit at the first
	// place. It holds both what a long page does to attention and who gets to see
	// one. 0 without clicks.
	Level [Classes]float64
	// LeftOut are the length classes whose clicks could not be used, since place
	// and length could not be told apart there.
	LeftOut []int

	merits map[string]float64
}

// Merit is m of a benefit, in units of the average benefit: its clicks ÷ those
// of an average benefit in the same places. Unknown if it was not compared.
func (m *Model) Merit(name string) Number {
	merit, known := m.merits[name]
	if !known {
		return Unknown()
	}
	return Number(merit)
}

// VisibilityInterval is the 95 % interval of the visibility of a rank class,
// f·exp(±z·√(φ·variance)): the log is about normal, since many benefits were there.
// Unknown where the variance is.
func (m *Model) VisibilityInterval(class int) Interval {
	if !m.VisibilityVariance[class].Known() {
		return UnknownInterval()
	}
	half := normal95 * math.Sqrt(m.Dispersion*float64(m.VisibilityVariance[class]))
	return Interval{
		Number(m.Visibility[class] * math.Exp(-half)),
		Number(m.Visibility[class] * math.Exp(half)),
	}
}

// expected is the clicks of a show at a place of an average benefit.
func (m *Model) expected(pageTotal, index uint16) float64 {
	return m.Visibility[Class(index)] * m.Level[Class(pageTotal)]
}

// ifIdentified is the value if anything is known of places.
func (m *Model) ifIdentified(value float64) Number {
	if !m.Identified {
		return Unknown()
	}
	return Number(value)
}

// outside says whether the clicks of a page length are not in the fit.
func (m *Model) outside(pageTotal uint16) bool {
	for _, class := range m.LeftOut {
		if class == Class(pageTotal) {
			return true
		}
	}
	return false
}

// A comparison is the benefits of a table that were compared, with the evidence on
// each.
type comparison struct {
	benefits []int // of the table, ascending
	evidence []Evidence
}

// newModel fits a table and says what was compared.
func newModel(t *table) (*Model, comparison) {
	m := &Model{Dispersion: 1, Prior: Prior{Unknown(), Unknown()}, Cells: t.cells()}
	for class := range Classes {
		m.VisibilityVariance[class] = Unknown()
	}
	p, found := fit(t)
	if found == nil {
		return m, comparison{}
	}
	m.Identified = true
	m.Dispersion = found.dispersion()
	compared := p.compare(found)
	scale := compared.scale()
	m.setFactors(p, found, 1/scale)
	for i := range compared.evidence {
		compared.evidence[i].Expected /= scale
	}
	m.setVariances(found, p, compared)
	m.merits = make(map[string]float64, len(compared.benefits))
	for i, b := range compared.benefits {
		m.merits[t.names[b]] = compared.evidence[i].Clicks / compared.evidence[i].Expected
	}
	m.Prior = shrink(compared.evidence, t.pause)
	return m, compared
}

// compare gives the clicks and the weights, Σ s·f·g, of the benefits that are
// compared: those of the problem, and those without any clicks that were shown
// where others were clicked. The latter say nothing of places, but something of
// themselves.
func (p *problem) compare(s *solution) comparison {
	var compared comparison
	position := 0
	for b := range p.table.names {
		e := Evidence{Expected: p.table.weight(b, &s.factors)}
		if position < len(p.benefits) && p.benefits[position] == b {
			e.Clicks = p.clicks.benefit[position]
			position++
		} else if e.Expected == 0 || p.table.clicked(b) {
			continue
		}
		compared.benefits = append(compared.benefits, b)
		compared.evidence = append(compared.evidence, e)
	}
	return compared
}

// clicked says whether a benefit has clicks at all.
func (t *table) clicked(b int) bool {
	for i := t.from[b]; i < t.from[b+1]; i++ {
		if t.clicks[i] > 0 {
			return true
		}
	}
	return false
}

// scale is the weight of a click, by which weights become expected clicks that
// sum up to the clicks.
func (c comparison) scale() float64 {
	weights, clicks := 0.0, 0.0
	for _, e := range c.evidence {
		weights += e.Expected
		clicks += e.Clicks
	}
	return weights / clicks
}

// setFactors brings the factors to their units.
func (m *Model) setFactors(p *problem, s *solution, scale float64) {
	first := s.rank[withClicks(&p.clicks.rank)[0]]
	for class := range Classes {
		m.Visibility[class] = s.rank[class] / first
		m.Level[class] = s.length[class] * first * scale
		if p.outside[class] {
			m.LeftOut = append(m.LeftOut, class)
		}
	}
}

// setVariances sets those of the places and of the evidence with clicks.
func (m *Model) setVariances(s *solution, p *problem, compared comparison) {
	var expected []float64
	for _, e := range compared.evidence {
		if e.Clicks > 0 {
			expected = append(expected, e.Expected)
		}
	}
	found := s.variances(expected)
	for _, class := range withClicks(&p.clicks.rank) {
		m.VisibilityVariance[class] = Number(found.rank[class])
	}
	position := 0
	for i := range compared.evidence {
		e := &compared.evidence[i]
		e.Dispersion = m.Dispersion
		if e.Clicks > 0 {
			e.Variance = m.Dispersion * found.benefit[position]
			position++
		}
	}
}
