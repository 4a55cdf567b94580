package page

import (
	"math"

	"stats-recorder/page/words"
	"stats-recorder/report"
)

// change is a number against the one before, without an interval: what was shown is not
// a sample of anything.
func (r *request) change(now, before uint64) string {
	if before == 0 {
		return r.T("compare.new")
	}
	return r.language.Change(float64(now)/float64(before)-1, 0)
}

// countChange is a count against the one before, with the interval of their ratio:
// ln(a ÷ b) ± 1.96·√(φ·(1/a + 1/b)), as for Poisson counts with a dispersion.
func (r *request) countChange(now, before uint64, dispersion float64) (change, interval string) {
	if before == 0 || now == 0 {
		return r.T("compare.new"), ""
	}
	ratio := float64(now) / float64(before)
	half := 1.96 * math.Sqrt(max(1, dispersion)*(1/float64(now)+1/float64(before)))
	l := r.language
	return l.Change(ratio-1, 0), l.Fill("compare.change", words.With{
		"low": l.Change(ratio*math.Exp(-half)-1, 0), "high": l.Change(ratio*math.Exp(half)-1, 0),
	})
}

// visibilityAt is the row of a place.
func visibilityAt(p report.Positions, place uint16) report.Place {
	for _, rank := range p.Ranks {
		if rank.From <= place && place <= rank.To {
			return rank
		}
	}
	return report.Place{Visibility: unknown, Interval: unknownInterval}
}
