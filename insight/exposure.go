package insight

// WhatIf is the number of clicks that a benefit would have got with all its shows
// of the counts at one index, or at the last place of pages that are shorter:
//
//	Σ_T s_b,T · m_b · f_k · g_T
//
// in clicks of the window, if the model holds and the others stand where they
// stood. Unknown if the benefit was not compared, or if the model knows nothing
// of a place that is needed: its class was not clicked. Index 0 is no place.
// Shows on pages whose length was left out do not count, as their clicks do not.
func (m *Model) WhatIf(c *Counts, name string, index uint16) Number {
	merit := m.Merit(name)
	if !merit.Known() || index == 0 {
		return Unknown()
	}
	clicks := 0.0
	for _, place := range c.Places(name) {
		pageTotal, _ := place.Position()
		if place.Shows == 0 || m.Level[Class(pageTotal)] == 0 {
			continue
		}
		at := min(index, pageTotal)
		if m.Visibility[Class(at)] == 0 {
			return Unknown()
		}
		clicks += float64(place.Shows) * m.expected(pageTotal, at)
	}
	return Number(clicks) * merit
}
