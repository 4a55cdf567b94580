package page

import (
	"html/template"

	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// benefitFacts are what the sentence about one benefit is chosen by.
type benefitFacts struct {
	period string
	row    report.Benefit
	stage  insight.Stage
	median int
	change *weeksChange
}

// sentence is the first of the list whose condition holds.
func (f benefitFacts) sentence(l *words.Language) template.HTML {
	b := f.row
	with := words.With{"period": f.period, "n": l.Whole(b.Shows), "c": l.Whole(b.Clicks), "e": about(l, b.Expected)}
	switch {
	case b.Shows == 0:
		return l.Say("benefit.never", with)
	case !b.Merit.Known():
		return l.Say("benefit.apart", with)
	case b.Clicks == 0:
		return l.Say("benefit.unopened", with)
	}
	return join(f.verdict(l), f.low(l), f.since(l))
}

func (f benefitFacts) verdict(l *words.Language) template.HTML {
	merit, low, high := float64(f.row.Merit), float64(f.row.MeritInterval.Lower), float64(f.row.MeritInterval.Upper)
	key, with := "benefit.undecided", words.With{"low": times(l, low), "high": times(l, high)}
	switch f.row.Verdict {
	case insight.VerdictAbove:
		key, with["x"] = "benefit.above", times(l, merit)
	case insight.VerdictBelow:
		key, with = f.below(l, merit, low, high)
	}
	if f.stage == insight.StageActed {
		key += ".acted"
	}
	return l.Say(key, with)
}

// below is how much less: in French so many times less, in English a part.
func (f benefitFacts) below(l *words.Language, merit, low, high float64) (key string, with words.With) {
	if !l.IsFrench() {
		if low <= 0 {
			return "benefit.below.open", words.With{"x": l.Number(merit, 2), "low": l.Number(high, 2)}
		}
		return "benefit.below", words.With{"x": l.Number(merit, 2), "low": l.Number(low, 2), "high": l.Number(high, 2)}
	}
	if low <= 0 {
		return "benefit.below.open", words.With{"x": times(l, 1/merit), "low": times(l, 1/high)}
	}
	return "benefit.below", words.With{"x": times(l, 1/merit), "low": times(l, 1/high), "high": times(l, 1/low)}
}

func (f benefitFacts) low(l *words.Language) template.HTML {
	if !f.row.UnderExposed || f.median == 0 {
		return ""
	}
	return l.Say("benefit.under", words.With{"place": l.Ordinal(f.median)})
}

func (f benefitFacts) since(l *words.Language) template.HTML {
	if f.change == nil {
		return ""
	}
	with := words.With{"date": l.DayMonth(f.change.since)}
	if f.change.ratio > 1 {
		with["x"] = l.Percent(f.change.ratio-1, 0)
		return l.Say("benefit.since.more", with)
	}
	with["x"] = l.Percent(1-f.change.ratio, 0)
	return l.Say("benefit.since.less", with)
}
