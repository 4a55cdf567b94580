package page

import (
	"html/template"

	"stats-recorder/insight"
	"stats-recorder/page/words"
)

// fewVisitors is below how many visitor-days their shares vary much by chance.
const fewVisitors = 100

// funnelFacts are what the sentence about the way is chosen by.
type funnelFacts struct {
	period string
	// visitors says that visitors are counted; else the numbers are of records.
	visitors             bool
	shown, opened, acted uint64
	// sampled is one visitor in how many; 1 for all.
	sampled float64
}

// sentence is the first of the list whose condition holds.
func (f funnelFacts) sentence(l *words.Language) template.HTML {
	with := words.With{"period": f.period, "n": l.Whole(f.shown), "k": l.Number(f.sampled, 0)}
	if f.shown > 0 {
		with["o"], with["a"] = l.Number(100*float64(f.opened)/float64(f.shown), 0), l.Number(100*float64(f.acted)/float64(f.shown), 0)
	}
	switch {
	case !f.visitors && f.shown == 0:
		return l.Say("funnel.nothing", with)
	case !f.visitors:
		return l.Say("funnel.records", f.inRecords(l, with))
	case f.shown == 0:
		return l.Say("funnel.nobody", with)
	case f.shown < fewVisitors:
		return l.Count("funnel.few", float64(f.shown), with)
	}
	said := join(l.Say("funnel.say", with), f.largestLoss(l))
	if f.sampled > 1.5 {
		said = join(said, l.Say("funnel.sampled", with))
	}
	return said
}

// inRecords writes rates with a decimal: a show is seldom opened.
func (f funnelFacts) inRecords(l *words.Language, with words.With) words.With {
	with["o"], with["a"] = l.Number(100*float64(f.opened)/float64(f.shown), 1), l.Number(100*float64(f.acted)/float64(f.shown), 1)
	return with
}

// largestLoss says where most are lost, if the intervals of the two losses are apart.
func (f funnelFacts) largestLoss(l *words.Language) template.HTML {
	if f.opened > f.shown || f.acted > f.opened {
		return ""
	}
	first, second := insight.Wilson(f.shown-f.opened, f.shown), insight.Wilson(f.opened-f.acted, f.shown)
	switch {
	case first.Lower > second.Upper:
		return l.Say("funnel.first", nil)
	case second.Lower > first.Upper:
		return l.Say("funnel.second", nil)
	default:
		return ""
	}
}
