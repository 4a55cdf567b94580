package page

import (
	"html/template"
	"time"

	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// qualityView is the view of quality and method: can it be trusted, how is it computed?
type qualityView struct {
	*frame
	Checks  *table
	Example *table
}

// A check is a check with its outcome: ok, warn, bad or off.
type check struct {
	key, state string
	measured   string
}

func showQuality(r *request) (content, error) {
	v := &qualityView{frame: r.newFrame()}
	v.Filters = r.newFilters(r.versionInput())
	v.Download = r.download("quality")
	checks, err := r.checks()
	if err != nil {
		return nil, err
	}
	v.Phrase = qualitySentence(r.language, checks, r.period())
	if len(checks) > 0 {
		v.Checks = r.checksTable(checks)
	}
	v.Example = r.exampleTable()
	return v, nil
}

// checks are those of the window; none without pages.
func (r *request) checks() ([]check, error) {
	q, err := r.page.config.Reports.Quality(r.ctx, r.query())
	if err != nil {
		return nil, err
	}
	positions, err := r.page.config.Reports.Positions(r.ctx, r.query())
	if err != nil {
		return nil, err
	}
	var clicks uint64
	for _, rank := range positions.Ranks {
		clicks += rank.Clicks
	}
	if q.Pages == 0 && clicks == 0 && q.Orphans == 0 {
		return nil, nil
	}
	return r.judge(q, clicks), nil
}

const (
	// balanceWatch and balanceBad are shares of pages by which the places of a page may
	// differ: some are lost when a page is left.
	balanceWatch, balanceBad = 0.02, 0.10
	// orphanWatch and orphanBad are shares of openings without a show.
	orphanWatch, orphanBad = 0.01, 0.20
	// repeatedWatch is the share of openings beyond shows.
	repeatedWatch = 0.05
	// freeWatch is below how much free space, in bytes, the disk may soon be full: about
	// from there on a start warns too.
	freeWatch = 500e6
	// dispersionWatch is from which dispersion on counts vary oddly.
	dispersionWatch = 4
)

// judge holds the numbers against the limits.
func (r *request) judge(q report.Quality, clicks uint64) []check {
	l := r.language
	limit := func(x, watch, bad float64) string {
		switch {
		case x >= bad:
			return "bad"
		case x >= watch:
			return "warn"
		default:
			return "ok"
		}
	}
	orphans := float64(q.Orphans) / float64(max(1, clicks+q.Orphans))
	repeated := float64(q.Repeated) / float64(max(1, clicks))
	all := []check{
		{"balance", limit(float64(q.Balance), balanceWatch, balanceBad), l.Fill("check.balance.measured", words.With{"x": l.Percent(float64(q.Balance), 1), "limit": l.Percent(balanceWatch, 0)})},
		{"orphans", limit(orphans, orphanWatch, orphanBad), l.Fill("check.orphans.measured", words.With{"x": l.Percent(orphans, 1), "n": l.Whole(q.Orphans)})},
		{"repeated", limit(repeated, repeatedWatch, 2), l.Fill("check.repeated.measured", words.With{"x": l.Percent(repeated, 1), "n": l.Number(float64(q.RepeatedPlaces), 0)})},
		{"identified", map[bool]string{true: "ok", false: "bad"}[q.Model.Identified], r.T(map[bool]string{true: "check.identified.yes", false: "check.identified.no"}[q.Model.Identified])},
		{"dispersion", limit(q.Model.Dispersion, dispersionWatch, 1e9), "φ = " + l.Number(q.Model.Dispersion, 2)},
		{"other", limit(float64(q.OtherShows+q.OtherClicks), 1, 1e18), l.CountPlain("check.other.measured", float64(q.OtherShows+q.OtherClicks), words.With{"n": l.Whole(q.OtherShows + q.OtherClicks)})},
		{"misplaced", limit(float64(q.Misplaced), 1, 1e18), l.CountPlain("check.misplaced.measured", float64(q.Misplaced), words.With{"n": l.Whole(q.Misplaced)})},
		{"kept", "ok", r.kept(q)},
	}
	if !insight.Number(q.Balance).Known() {
		all[0].state, all[0].measured = "off", "–"
	}
	if free := r.page.config.FreeBytes(); free >= 0 {
		all = append(all, check{"disk", limit(-float64(free), -freeWatch, 1), l.Fill("check.disk.measured", words.With{"free": l.Bytes(free), "limit": l.Bytes(freeWatch)})})
	}
	return all
}

// kept says since when counts are kept.
func (r *request) kept(q report.Quality) string {
	l := r.language
	first, err := time.Parse(time.DateOnly, string(q.FirstDay))
	if err != nil {
		return "–"
	}
	if from, err := time.Parse(time.DateOnly, string(q.KeptFrom)); err == nil && from.After(first) {
		first = from
	}
	return l.Fill("check.kept.measured", words.With{"date": l.Date(first)})
}

// qualitySentence is the first of the list whose condition holds.
func qualitySentence(l *words.Language, checks []check, period string) template.HTML {
	good, watched := 0, []check{}
	for _, c := range checks {
		switch c.state {
		case "bad":
			return l.Say("quality.bad", words.With{"reason": l.Plain("check." + c.key + ".reason")})
		case "warn":
			watched = append(watched, c)
		default:
			good++
		}
	}
	with := words.With{"period": period, "n": l.Number(float64(len(checks)), 0), "g": l.Number(float64(good), 0), "k": l.Number(float64(len(watched)), 0)}
	switch {
	case len(checks) == 0:
		return l.Say("quality.nothing", with)
	case len(watched) == 0:
		return l.Say("quality.good", with)
	case len(watched) == 1:
		with["reason"] = l.Plain("check." + watched[0].key + ".reason")
		return l.Say("quality.watch.one", with)
	default:
		return l.Say("quality.watch.other", with)
	}
}

func (r *request) checksTable(checks []check) *table {
	t := &table{Class: "cards", Columns: []column{{Name: r.T("col.check")}, {Name: r.T("col.measured")}, {Name: r.T("col.state")}}}
	for _, c := range checks {
		name := template.HTML(`<span class="name">`) + text(r.T("check."+c.key)) + template.HTML(`</span><span class="inst">`) + text(r.T("check."+c.key+".what")) + "</span>"
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: name}, {Label: r.T("col.measured"), Body: text(c.measured)}, {Body: r.checkState(c)}}})
	}
	return t
}

func (r *request) checkState(c check) template.HTML { return state(c.state, r.T("state."+c.state)) }

// exampleTable is the example that anybody can do by hand.
func (r *request) exampleTable() *table {
	l := r.language
	of := func(a, b int) template.HTML {
		return text(l.Number(float64(a), 0) + " / " + l.Number(float64(b), 0) + " = " + l.Percent(float64(a)/float64(b), 0))
	}
	t := &table{Class: "ex", Scroll: r.T("example"), Caption: r.Say("example.caption"), Columns: []column{{Name: r.T("col.benefit")},
		{Class: "n", Name: l.OrdinalPlain(1) + " " + r.T("place")}, {Class: "n", Name: l.OrdinalPlain(2) + " " + r.T("place")}, {Class: "n", Name: r.T("example.together")}}}
	t.Rows = []row{
		{Cells: []cell{{Header: true, Body: "A"}, {Class: "n", Body: of(180, 900)}, {Class: "n", Body: of(10, 100)}, {Class: "n", Body: text(l.Percent(0.19, 1))}}},
		{Cells: []cell{{Header: true, Body: "B"}, {Class: "n", Body: of(10, 100)}, {Class: "n", Body: of(45, 900)}, {Class: "n", Body: text(l.Percent(0.055, 1))}}},
		{Cells: []cell{{Header: true, Body: "<b>A ÷ B</b>"}, {Class: "n", Body: strong(l.Number(2, 1), "")}, {Class: "n", Body: strong(l.Number(2, 1), "")}, {Class: "n", Body: strong(l.Number(3.45, 2), "")}}},
	}
	return t
}
