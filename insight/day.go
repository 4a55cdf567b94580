package insight

// An Outcome is observed clicks beside expected ones. Outcomes of days can be
// added up to weeks.
type Outcome struct {
	// Observed are clicks, Expected those that the model gives to what was shown.
	Observed uint64
	Expected float64
}

// Add is both together.
func (o Outcome) Add(other Outcome) Outcome {
	return Outcome{o.Observed + other.Observed, o.Expected + other.Expected}
}

// Day is the outcome of a day of the window that the model is of:
//
//	O = Σ C,  E = Σ s·m·f·g
//
// over the benefits that were compared, with the window's factors. A change of O
// ÷ E is one of behaviour, not of what was shown where. A click counts if the
// benefit was shown at its place on any day of the window: the page may have been
// shown before midnight and the click come after it. So the observed clicks of
// all days sum up to those that the window compared, and the expected ones too.
func (m *Model) Day(day, window *Counts) Outcome {
	return m.outcome(day.sorted(), window)
}

// DayOf is Day of one benefit alone; nothing if it was not compared.
func (m *Model) DayOf(day, window *Counts, name string) Outcome {
	return m.outcome([]benefitCounts{{name, day.Places(name)}}, window)
}

func (m *Model) outcome(benefits []benefitCounts, window *Counts) Outcome {
	var sum Outcome
	for _, b := range benefits {
		merit := m.Merit(b.name)
		if !merit.Known() {
			continue
		}
		expected := 0.0
		for _, place := range b.places {
			pageTotal, index := place.Position()
			if m.outside(pageTotal) {
				continue
			}
			expected += float64(place.Shows) * m.expected(pageTotal, index)
			if place.Shows > 0 || place.Clicks > 0 && window.hasShows(b.name, place.Place) {
				sum.Observed += place.Clicks
			}
		}
		sum.Expected += expected * float64(merit)
	}
	return sum
}

// Ratio is O ÷ E, 1 if the day was as the window was, with its 95 % interval: that
// of Evidence with the noise of O alone, v = 1 ÷ (y + ½) with y = O ÷ φ, since E is
// of much more counts. Both are unknown if nothing was expected.
func (o Outcome) Ratio(dispersion float64) (Number, Interval) {
	if o.Expected <= 0 {
		return Unknown(), UnknownInterval()
	}
	e := Evidence{Clicks: float64(o.Observed), Expected: o.Expected, Dispersion: dispersion}
	return quotient(e.Clicks, e.Expected), wilsonHilferty(e.Middle(), 1/(e.information()+0.5))
}
