package page

import (
	"cmp"
	"html/template"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// benefitView is the view of one benefit: how is mine doing, why, since when?
type benefitView struct {
	*frame
	ID      string
	Numbers []figureOfBenefit
	Weeks   *figure
	WhatIf  template.HTML
	Places  *figure
	// PlacesTable is what it receives there, MapLink leads to its own map.
	PlacesTable *table
	MapLink     template.HTML
	Stages      *table
	// Expected is what it would get at each place, Map its own map.
	Expected, Map *figure
	Back          string
}

// A figureOfBenefit is a large number with what stands under it.
type figureOfBenefit struct {
	Name   string
	Value  template.HTML
	Beside template.HTML
}

func showBenefit(r *request) (content, error) {
	v := &benefitView{frame: r.newFrame(), ID: r.address[askBenefit], Back: r.to("benefits")}
	v.Filters = r.newFilters(append([]field{r.stageField(), r.compareField()}, r.versionField()...)...)
	q := r.query()
	all, err := r.page.config.Reports.Benefits(r.ctx, q)
	if err != nil {
		return nil, err
	}
	b, known := r.find(all, v.ID)
	v.Heading, v.Question = nameOf(b.Identity), r.T("question.benefit")
	if b.ID == counters.OtherBenefit {
		v.Heading = r.T("benefit.other")
	}
	if !known {
		v.Heading, v.Phrase = r.T("benefit.missing"), r.language.Say("benefit.unknown", words.With{"id": v.ID})
		return v, nil
	}
	v.Question = string(b.Group)
	v.Download = r.download("timeline", askBenefit, b.ID) + "&step=week"
	facts := benefitFacts{period: r.period(), row: b, stage: r.stage}
	if b.Shows > 0 {
		if err := v.fill(all, b, &facts); err != nil {
			return nil, err
		}
	}
	v.Phrase = facts.sentence(r.language)
	return v, nil
}

// find is the row of a benefit, or of one that was never shown but has a label.
func (r *request) find(all report.Benefits, id string) (b report.Benefit, known bool) {
	for _, b := range all.Benefits {
		if b.ID == id {
			return b, true
		}
	}
	b = report.Benefit{Identity: report.Identity{ID: id}, Merit: unknown}
	for _, identity := range all.Never {
		if identity.ID == id {
			b.Identity = identity
			return b, true
		}
	}
	return b, false
}

// fill makes the pictures and numbers of a benefit that was shown.
func (v *benefitView) fill(all report.Benefits, b report.Benefit, facts *benefitFacts) error {
	reports, q := v.page.config.Reports, v.query()
	positions, err := reports.Positions(v.ctx, q)
	if err != nil {
		return err
	}
	q.Benefit = b.ID
	own, err := reports.Positions(v.ctx, q)
	if err != nil {
		return err
	}
	weeks, err := v.weeks(b.ID)
	if err != nil {
		return err
	}
	funnel, err := reports.Funnel(v.ctx, q)
	if err != nil {
		return err
	}
	before, err := v.benefitsBefore()
	if err != nil {
		return err
	}
	facts.median, facts.change = medianPlace(own.Cells), changeOf(weeks)
	v.Numbers = v.numbers(all, b, before, facts.median)
	v.Weeks, v.WhatIf = v.weeksFigure(weeks), v.whatIf(b, own, positions, facts.median)
	v.Places, v.PlacesTable = v.placesFigure(own), v.placesTable(own)
	v.Expected, v.Map = v.expectedFigure(b, own, positions), v.ownMap(own)
	if !v.shared {
		v.MapLink = v.link(v.to("positions", askBenefit, b.ID), v.T("places.map"))
	}
	v.Stages = v.stagesTable(funnel)
	return nil
}

// numbers are the four large ones.
func (v *benefitView) numbers(all report.Benefits, b report.Benefit, before map[string]report.Benefit, median int) []figureOfBenefit {
	l := v.language
	ranked := 0
	for _, other := range all.Benefits {
		if other.Rank > 0 {
			ranked++
		}
	}
	merit := figureOfBenefit{Name: v.T("col.merit"), Value: text(v.number(b.Merit, 2))}
	merit.Beside = text(v.interval(b.MeritInterval, 2)) + " " + v.verdict(b)
	rank := figureOfBenefit{Name: v.T("col.rank"), Value: "–", Beside: text(v.T("benefit.unranked"))}
	if b.Rank > 0 {
		rank.Value = text(l.Number(float64(b.Rank), 0)) + template.HTML(`<span class="soft small"> `) + text(l.Fill("rank.of", words.With{"n": l.Number(float64(ranked), 0)})) + "</span>"
		rank.Beside = l.Say("rank.open", words.With{"ranks": l.Between(l.Number(float64(b.RankInterval.First), 0), l.Number(float64(b.RankInterval.Last), 0))})
	}
	clicks := figureOfBenefit{Name: v.T(v.clicksKey()), Value: text(l.Whole(b.Clicks)), Beside: l.Say("benefit.expected", words.With{"n": about(l, b.Expected)})}
	shows := figureOfBenefit{Name: v.T("col.shows"), Value: text(l.Whole(b.Shows)),
		Beside: l.Say("benefit.rate", words.With{"rate": v.rate(b.CTR), "interval": cmp.Or(v.rateInterval(b.CTRInterval), "–"), "place": l.Ordinal(max(1, median))})}
	if old, ok := before[b.ID]; ok {
		change, interval := v.countChange(b.Clicks, old.Clicks, all.Model.Dispersion)
		clicks.Beside = join(clicks.Beside, "<br>", text(change), text(interval), text(v.T("compare.than")))
		shows.Beside = join(shows.Beside, "<br>", text(v.change(b.Shows, old.Shows)), text(v.T("compare.than")))
		merit.Beside = join(merit.Beside, "<br>", l.Say("compare.merit.before", words.With{"old": v.number(old.Merit, 2)}))
	}
	return []figureOfBenefit{merit, rank, clicks, shows}
}

// stagesTable is how far people go with the benefit, by visitors if they are counted.
func (r *request) stagesTable(f report.Funnel) *table {
	l := r.language
	if len(f.Benefits) == 0 {
		return nil
	}
	own := f.Benefits[0]
	if v := own.Visitors; v != nil && v.Shown != nil && v.Opened != nil && v.Acted != nil {
		t := &table{Class: "cards", Columns: []column{{Name: r.T("col.stage")}, {Class: "n", Name: r.T("col.visitors")}, {Class: "n", Name: r.T("col.share")}}}
		t.Rows = []row{
			{Cells: []cell{{Header: true, Body: text(r.T("stage.shown.one"))}, {Class: "n", Label: r.T("col.visitors"), Body: text(l.Whole(*v.Shown))}, {Class: "n", Label: r.T("col.share"), Body: text(l.Percent(1, 0))}}},
			{Cells: []cell{{Header: true, Body: text(r.T("stage.opened.one"))}, {Class: "n", Label: r.T("col.visitors"), Body: text(l.Whole(*v.Opened))}, {Class: "n", Label: r.T("col.share"), Body: under(r.rate(v.OpenRate), r.rateInterval(v.OpenInterval))}}},
			{Cells: []cell{{Header: true, Body: text(r.T("stage.acted.one"))}, {Class: "n", Label: r.T("col.visitors"), Body: text(l.Whole(*v.Acted))}, {Class: "n", Label: r.T("col.share"), Body: under(l.Percent(float64(*v.Acted)/float64(max(1, *v.Shown)), 1), r.rateInterval(insight.Wilson(*v.Acted, *v.Shown)))}}},
		}
		t.Caption = r.T("stages.visitors")
		return t
	}
	records := own.Records
	t := &table{Class: "cards", Caption: r.T("stages.records"), Columns: []column{{Name: r.T("col.stage")}, {Class: "n", Name: r.T("col.records")}, {Class: "n", Name: r.T("col.ratio.before")}}}
	t.Rows = []row{
		{Cells: []cell{{Header: true, Body: text(r.T("stage.shown.one"))}, {Class: "n", Label: r.T("col.records"), Body: text(l.Whole(records.Shown))}, {Class: "n", Body: "–"}}},
		{Cells: []cell{{Header: true, Body: text(r.T("stage.opened.one"))}, {Class: "n", Label: r.T("col.records"), Body: text(l.Whole(records.Opened))}, {Class: "n", Label: r.T("col.ratio.before"), Body: text(r.rate(records.OpenRate))}}},
		{Cells: []cell{{Header: true, Body: text(r.T("stage.acted.one"))}, {Class: "n", Label: r.T("col.records"), Body: text(l.Whole(records.Acted))}, {Class: "n", Label: r.T("col.ratio.before"), Body: text(r.rate(records.ActRate))}}},
	}
	return t
}
