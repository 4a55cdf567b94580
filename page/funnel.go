package page

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// funnelView is the view of the way: where do people stop?
type funnelView struct {
	*frame
	Bars *figure
	Loss *table
	More template.HTML
	// Outside are events of no stage.
	Outside *table
}

// A way is the numbers of the three stages, of visitors or of records.
type way struct{ shown, opened, acted uint64 }

func wayOf(records report.Records, visitors *report.VisitorFunnel) (w way, byVisitors, known bool) {
	if visitors == nil {
		return way{records.Shown, records.Opened, records.Acted}, false, true
	}
	if visitors.Shown == nil || visitors.Opened == nil || visitors.Acted == nil {
		return way{}, true, false
	}
	return way{*visitors.Shown, *visitors.Opened, *visitors.Acted}, true, true
}

func showFunnel(r *request) (content, error) {
	q := r.query()
	q.Group = r.address[askGroup]
	f, err := r.page.config.Reports.Funnel(r.ctx, q)
	if err != nil {
		return nil, err
	}
	benefits, err := r.page.config.Reports.Benefits(r.ctx, r.query())
	if err != nil {
		return nil, err
	}
	v := &funnelView{frame: r.newFrame()}
	v.Filters = r.newFilters(append([]field{r.groupField(groupsOf(benefits)), r.compareField()}, r.versionField()...)...)
	v.Download = r.download("funnel")
	total, byVisitors, known := wayOf(f.Records, f.Visitors)
	facts := funnelFacts{period: r.period(), visitors: byVisitors, shown: total.shown, opened: total.opened, acted: total.acted, sampled: 1}
	if err := v.addCaveats(byVisitors, f, &facts); err != nil {
		return nil, err
	}
	v.Phrase = facts.sentence(r.language)
	if !known || total.shown == 0 {
		return v, nil
	}
	if v.Bars, err = v.bars(total, byVisitors, q); err != nil {
		return nil, err
	}
	v.showLoss(f)
	v.Outside = v.outsideTable(f.Records.Outside)
	return v, nil
}

// addCaveats says what the numbers are not of.
func (v *funnelView) addCaveats(byVisitors bool, f report.Funnel, facts *funnelFacts) error {
	switch {
	case byVisitors:
		visitors, err := v.page.config.Reports.Visitors(v.ctx, v.query())
		if err != nil {
			return err
		}
		if visitors.Sampled > 0 {
			facts.sampled = 1 / visitors.Sampled
		}
		v.Caveats = append(v.Caveats, v.Say("funnel.caveat"))
		if visitors.Days < v.window.days() {
			v.Caveats = append(v.Caveats, v.language.Count("funnel.days", float64(visitors.Days), words.With{"n": v.language.Number(float64(visitors.Days), 0), "t": v.language.Number(float64(v.window.days()), 0)}))
		}
	case facts.shown == 0:
	case hasVisitors(f):
		v.Caveats = append(v.Caveats, v.Say("funnel.several"))
	default:
		v.Caveats = append(v.Caveats, v.Say("funnel.off"))
	}
	return nil
}

// hasVisitors says whether visitors of benefits are counted.
func hasVisitors(f report.Funnel) bool {
	return slices.ContainsFunc(f.Benefits, func(b report.BenefitFunnel) bool { return b.Visitors != nil })
}

// bars draws the three stages.
func (v *funnelView) bars(w way, byVisitors bool, q report.Query) (*figure, error) {
	l, unit := v.language, "unit.records"
	if byVisitors {
		unit = "unit.visitors"
	}
	names := []string{v.T("stage.list"), v.T("stage.opened.any"), v.T("stage.acted.any")}
	if !byVisitors {
		names[0] = v.T("stage.shown.records")
		names[1], names[2] = v.T("stage.opened.records"), v.T("stage.acted.records")
	}
	numbers := []uint64{w.shown, w.opened, w.acted}
	var bars []draw.FunnelBar
	t := &table{Class: "cards", Columns: []column{{Name: v.T("col.stage")}, {Class: "n", Name: v.T(unit + ".name")}, {Class: "n", Name: v.T("col.share")}, {Class: "n", Name: v.T("col.interval")}}}
	for i, n := range numbers {
		share := float64(n) / float64(w.shown)
		b := draw.FunnelBar{Name: names[i], Count: l.Whole(n), Share: share}
		if i == 0 { // the others are of the same, and their names are longer
			b.Count = l.CountPlain(unit, float64(n), words.With{"n": l.Whole(n)})
		}
		interval := ""
		if i > 0 {
			b.Percent = l.Percent(share, 1)
			if byVisitors {
				interval = v.rateInterval(insight.Wilson(n, w.shown))
			}
		}
		if i < 2 && byVisitors && numbers[i+1] <= n {
			lost := n - numbers[i+1]
			b.Lost = l.Fill([]string{"lost.opening", "lost.acting"}[i], words.With{"n": l.Whole(lost), "x": l.Percent(float64(lost)/float64(max(1, n)), 0)})
		}
		bars = append(bars, b)
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(names[i])}, {Class: "n", Label: v.T(unit + ".name"), Body: text(l.Whole(n))},
			{Class: "n", Label: v.T("col.share"), Body: text(l.Percent(share, 1))}, {Class: "n ci", Label: v.T("col.interval"), Body: text(cmp.Or(interval, "–"))}}})
	}
	if err := v.addBefore(t, byVisitors, q); err != nil {
		return nil, err
	}
	title := draw.Names{ID: "fun", Title: v.T("funnel.title"), Description: l.Fill("funnel.words", words.With{"a": bars[0].Count, "b": bars[1].Count, "c": bars[2].Count})}
	caption := v.Say("funnel.caption")
	if !byVisitors {
		caption = v.Say("funnel.caption.records")
	}
	return &figure{Title: title.Title, Caption: caption, Picture: draw.Funnel(title, bars), Summary: v.T("table.see"), Table: t}, nil
}

// addBefore adds the shares of the period before to the table, if they are asked for.
func (v *funnelView) addBefore(t *table, byVisitors bool, q report.Query) error {
	if !v.compares() {
		return nil
	}
	q.From, q.To = v.before().From, v.before().To
	f, err := v.page.config.Reports.Funnel(v.ctx, q)
	if err != nil {
		return err
	}
	old, oldVisitors, known := wayOf(f.Records, f.Visitors)
	if !known || oldVisitors != byVisitors || old.shown == 0 {
		return nil
	}
	t.Columns = append(t.Columns, column{Class: "n", Name: v.T("compare.column")})
	for i, n := range []uint64{old.shown, old.opened, old.acted} {
		t.Rows[i].Cells = append(t.Rows[i].Cells, cell{Class: "n", Label: v.T("compare.column"),
			Body: under(v.language.Percent(float64(n)/float64(old.shown), 1), v.language.Whole(n))})
	}
	return nil
}

// A loss is a benefit with those who opened it and went no further.
type loss struct {
	report.BenefitFunnel
	way
	lost uint64
}

// firstLosses is how many rows the table of losses begins with.
const firstLosses = 20

// showLoss lists the benefits by openings without a step.
func (v *funnelView) showLoss(f report.Funnel) {
	var losses []loss
	byVisitors := hasVisitors(f)
	for _, b := range f.Benefits {
		w, _, known := wayOf(b.Records, b.Visitors)
		if known && (b.Visitors != nil) == byVisitors && w.opened > 0 && b.ID != counters.OtherBenefit {
			losses = append(losses, loss{b, w, w.opened - min(w.opened, w.acted)})
		}
	}
	if len(losses) == 0 {
		return
	}
	v.sortLosses(losses)
	shown := losses
	if v.address[askLimit] != "all" && len(losses) > firstLosses {
		shown = losses[:firstLosses]
		if !v.shared {
			v.More = v.link(v.here(askLimit, "all"), v.language.Fill("rows.all", words.With{"t": v.language.Number(float64(len(losses)), 0)}))
		}
	}
	caption := "loss.caption.records"
	if byVisitors {
		caption = "loss.caption"
	}
	t := &table{Class: "forest loss", Caption: v.language.Say(caption, words.With{"n": v.language.Number(float64(len(shown)), 0)}), Complete: len(shown) == len(losses), Columns: v.lossColumns()}
	for _, one := range shown {
		t.Rows = append(t.Rows, v.lossRow(one, byVisitors))
	}
	v.Loss = t
}

// lossOrders are what the losses are sorted by; the API has no such order, since it
// answers all of them.
var lossOrders = map[string]func(a, b loss) int{
	"lost":   func(a, b loss) int { return cmp.Compare(b.lost, a.lost) },
	"id":     func(a, b loss) int { return strings.Compare(folded(nameOf(a.Identity)), folded(nameOf(b.Identity))) },
	"shown":  func(a, b loss) int { return cmp.Compare(b.shown, a.shown) },
	"opened": func(a, b loss) int { return cmp.Compare(b.opened, a.opened) },
	"acted":  func(a, b loss) int { return cmp.Compare(b.acted, a.acted) },
	"rate": func(a, b loss) int {
		return cmp.Compare(float64(b.acted)/float64(b.opened), float64(a.acted)/float64(a.opened))
	},
}

func (r *request) lossOrder() string {
	if order := r.address[askOrder]; lossOrders[order] != nil {
		return order
	}
	return "lost"
}

func (r *request) sortLosses(losses []loss) {
	compare := lossOrders[r.lossOrder()]
	slices.SortFunc(losses, func(a, b loss) int { return cmp.Or(compare(a, b), strings.Compare(a.ID, b.ID)) })
}

func (r *request) lossColumns() []column {
	sorted := func(class, key, order string) column {
		c := column{Class: class, Name: r.T(key)}
		if !r.shared {
			c.Address = r.here(askOrder, order)
		}
		if order == r.lossOrder() {
			c.Sorted = "descending"
			if order == "id" {
				c.Sorted = "ascending"
			}
		}
		return c
	}
	return []column{sorted("rk n", "col.lost", "lost"), sorted("who", "col.benefit", "id"), sorted("n", "col.shown.by", "shown"),
		sorted("n", "col.opened.by", "opened"), sorted("n", "col.acted.by", "acted"), sorted("n", "col.acted.rate", "rate"),
		{Class: "p", Name: r.T("col.acted.picture"), Axis: draw.ShareAxis()}}
}

func (r *request) lossRow(one loss, byVisitors bool) row {
	l, rate := r.language, float64(one.acted)/float64(one.opened)
	interval := insight.UnknownInterval()
	if byVisitors {
		interval = insight.Wilson(one.acted, one.opened)
	}
	between := ""
	if interval.Known() {
		between = l.Between(l.Percent(float64(interval.Lower), 0), l.Percent(float64(interval.Upper), 0))
	}
	picture := draw.Interval{Lower: float64(interval.Lower), Middle: min(1, rate), Upper: float64(interval.Upper)}
	if math.IsNaN(rate) {
		picture.Middle = 0
	}
	return row{values(one.lost, nameOf(one.Identity), one.shown, one.opened, one.acted, rate, ""), []cell{
		{Class: "rk n", Label: r.T("col.lost"), Body: text(l.Whole(one.lost))},
		r.benefitCell(one.Identity, ""),
		{Class: "n", Label: r.T("col.shown.by"), Body: text(l.Whole(one.shown))},
		{Class: "n", Label: r.T("col.opened.by"), Body: text(l.Whole(one.opened))},
		{Class: "n", Label: r.T("col.acted.by"), Body: text(l.Whole(one.acted))},
		{Class: "n key-n", Label: r.T("col.acted.rate"), Body: strong(l.Percent(rate, 0), between)},
		{Class: "p", Body: draw.Share(picture)},
	}}
}

// outsideTable are the events that are of no stage.
func (r *request) outsideTable(outside map[string]uint64) *table {
	if len(outside) == 0 {
		return nil
	}
	t := &table{Caption: r.T("outside.caption"), Columns: []column{{Name: r.T("col.event")}, {Class: "n", Name: r.T("col.records")}}}
	var names []string
	for name := range outside {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(outside[b], outside[a]), strings.Compare(a, b))
	})
	for _, name := range names {
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: "<code>" + text(name) + "</code>"}, {Class: "n", Body: text(r.language.Whole(outside[name]))}}})
	}
	return t
}
