package page

import (
	"html/template"

	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// positionsFacts are what the sentence about places is chosen by.
type positionsFacts struct {
	period     string
	pages      uint64
	identified bool
	// second and fifth are visibilities in units of the first place; unknown if the
	// first place has none.
	second, fifth insight.Number
	interval      insight.Interval // of fifth
	// flat is after which place all are worth nearly the same; 0 if none is.
	flat int
}

func positionsFactsOf(p report.Positions, period string) positionsFacts {
	f := positionsFacts{period: period, pages: pagesOf(p), identified: p.Model.Identified, second: unknown, fifth: unknown, interval: unknownInterval}
	if first := visibilityAt(p, 1); first.Visibility == 1 {
		fifth := visibilityAt(p, 5)
		f.second, f.fifth, f.interval = visibilityAt(p, 2).Visibility, fifth.Visibility, fifth.Interval
	}
	f.flat = flatFrom(p)
	return f
}

// nearlyFirst is above which visibility the second place is hardly less than the first.
const nearlyFirst = 0.95

const (
	// flatSpan is how far apart places may be that are worth nearly the same.
	flatSpan = 1.25
	// fewestFlat is of how many places that must hold.
	fewestFlat = 5
)

// flatFrom is the place after which no two visibilities that are known well differ by
// more than flatSpan, which also their intervals do not contradict.
func flatFrom(p report.Positions) int {
	rows := visible(p)
	low, high := insight.Number(0), insight.Number(0)
	from, places := 0, 0
	for i := len(rows) - 1; i >= 0; i-- {
		v := rows[i].Visibility
		if places == 0 {
			low, high = v, v
		}
		low, high = min(low, v), max(high, v)
		if high > flatSpan*low {
			break
		}
		places++
		from = int(rows[i].From)
	}
	if places < fewestFlat+1 || from < 2 {
		return 0
	}
	return from
}

// sentence is the first of the list whose condition holds.
func (f positionsFacts) sentence(l *words.Language) template.HTML {
	switch {
	case f.pages == 0:
		return l.Say("positions.nothing", words.With{"period": f.period})
	case !f.identified:
		return l.Say("positions.unidentified", nil)
	case !f.fifth.Known() || !f.second.Known() || !f.interval.Known() || f.fifth <= 0 || f.second <= 0 || f.interval.Lower <= 0:
		return l.Say("positions.short", nil)
	}
	low, high := 1/float64(f.interval.Upper), 1/float64(f.interval.Lower)
	with := words.With{"two": times(l, float64(1/f.second)), "five": times(l, float64(1/f.fifth)), "low": times(l, low), "high": times(l, high)}
	said := l.Say("positions.certain", with)
	switch {
	case low > 1 && f.second > nearlyFirst:
		said = l.Say("positions.certain.five", with)
	case high < 1:
		said = l.Say("positions.inverse", words.With{"five": times(l, float64(f.fifth)), "low": times(l, float64(f.interval.Lower)), "high": times(l, float64(f.interval.Upper))})
	case low <= 1:
		said = l.Say("positions.unclear", with)
	}
	if f.flat == 0 {
		return said
	}
	return join(said, l.Say("positions.flat", words.With{"place": l.Ordinal(f.flat)}))
}
