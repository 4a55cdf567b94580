package report

import "stats-recorder/insight"

// Model says how a window was fitted.
type Model struct {
	// Kind is the model's name and version: answers of another one are others.
	Kind string `json:"kind"`
	// Identified says whether merit and place could be told apart at all.
	Identified bool `json:"identified"`
	// Dispersion is φ, Prior the distribution that scores are drawn to.
	Dispersion float64 `json:"dispersion"`
	Prior      Prior   `json:"prior"`
	// Cells is how many cells were fitted, by benefit and classes.
	Cells int `json:"cells"`
	// LeftOut are page lengths whose clicks could not be used.
	LeftOut []Range `json:"left_out"`
}

// Prior is a gamma distribution.
type Prior struct {
	Shape insight.Number `json:"shape"`
	Rate  insight.Number `json:"rate"`
}

// Range is places or page lengths, both ends within.
type Range struct {
	From uint16 `json:"from"`
	To   uint16 `json:"to"`
}

// modelKind is the name of insight's model. It changes when the same counts give
// other numbers.
const modelKind = "poisson-3"

func modelOf(m *insight.Model) Model {
	model := Model{
		Kind: modelKind, Identified: m.Identified, Dispersion: m.Dispersion,
		Prior: Prior{m.Prior.Shape, m.Prior.Rate}, Cells: m.Cells, LeftOut: []Range{},
	}
	for _, class := range m.LeftOut {
		from, to := insight.ClassRange(class)
		model.LeftOut = append(model.LeftOut, Range{from, to})
	}
	return model
}
