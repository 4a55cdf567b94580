package page

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// firstRows is how many rows a long table begins with.
const firstRows = 100

// benefitsView is the view of benefits: which interest at equal place, which to move up?
type benefitsView struct {
	*frame
	Table *table
	// More is what leads to the other rows.
	More template.HTML
	// Explained says that the explanations have something to explain.
	Explained         bool
	WhyRaw, NeverLink template.HTML
	ReadOrder         template.HTML
}

func showBenefits(r *request) (content, error) {
	q := r.query()
	q.Order = r.benefitsOrder()
	all, err := r.page.config.Reports.Benefits(r.ctx, q)
	if err != nil {
		return nil, err
	}
	positions, err := r.page.config.Reports.Positions(r.ctx, r.query())
	if err != nil {
		return nil, err
	}
	v := &benefitsView{frame: r.newFrame()}
	rows := r.chosen(all.Benefits)
	v.Filters = r.newFilters(append([]field{r.stageField(), r.groupField(groupsOf(all)), r.compareField(), r.searchField()}, r.versionField()...)...)
	v.Download = r.download("benefits", askOrder, string(q.Order))
	if r.address[askNever] != "" {
		v.showNever(all)
		return v, nil
	}
	f := r.benefitsFacts(all, rows, positions)
	v.Phrase = f.sentence(r.language)
	v.linkUnderExposed(f)
	if f.identified && f.opened && f.shown > 0 {
		v.Caveats = []template.HTML{r.Say("benefits.caveat")}
		v.Explained, v.WhyRaw, v.ReadOrder = true, r.whyRaw(positions), r.whyOrder(rows)
	}
	if len(all.Never) > 0 && !r.shared {
		v.NeverLink = join(r.language.Count("benefits.never", float64(len(all.Never)), words.With{"n": r.language.Number(float64(len(all.Never)), 0), "period": r.period()}),
			r.link(r.here(askNever, "1"), r.T("benefits.never.list"))) + "."
	}
	if len(rows) > 0 {
		before, err := r.benefitsBefore()
		if err != nil {
			return nil, err
		}
		v.fill(all, rows, before)
	}
	return v, nil
}

// linkUnderExposed leads to the benefits that are worth moving up, and back.
func (v *benefitsView) linkUnderExposed(f benefitsFacts) {
	if v.shared || !f.identified {
		return
	}
	switch {
	case v.address[askUnder] != "":
		v.Phrase = join(v.language.Count("benefits.only.under", float64(f.under), words.With{"x": v.language.Number(float64(f.under), 0)}), v.link(v.here(askUnder, ""), v.T("benefits.under.back")))
	case f.under > 0:
		v.Phrase = join(v.Phrase, v.link(v.here(askUnder, "1", askOrder, ""), v.language.CountPlain("benefits.under.see", float64(f.under), nil)))
	}
}

// benefitsOrder is what was asked for, or the rank.
func (r *request) benefitsOrder() report.Order {
	order := report.Order(r.address[askOrder])
	if slices.Contains(report.Orders(), order) {
		return order
	}
	return report.OrderScore
}

// chosen are the rows of the group and the search, all that were shown if there is
// neither. By id means by name here, which is what people see.
func (r *request) chosen(all []report.Benefit) []report.Benefit {
	group, search := r.address[askGroup], foldedSearch(r.address[askSearch])
	var rows []report.Benefit
	for _, b := range all {
		if r.address[askUnder] != "" && !b.UnderExposed {
			continue
		}
		if b.Shows > 0 && (group == "" || string(b.Group) == group) && (search == "" || strings.Contains(folded(string(b.Label)+"\n"+b.ID), search)) {
			rows = append(rows, b)
		}
	}
	if r.benefitsOrder() == report.OrderID {
		slices.SortFunc(rows, func(a, b report.Benefit) int {
			return cmp.Or(strings.Compare(folded(nameOf(a.Identity)), folded(nameOf(b.Identity))), strings.Compare(a.ID, b.ID))
		})
	}
	return rows
}

// groupsOf are the groups that there are, by name.
func groupsOf(all report.Benefits) []string {
	var groups []string
	for _, g := range all.Groups {
		groups = append(groups, string(g.Group))
	}
	slices.SortFunc(groups, func(a, b string) int { return strings.Compare(folded(a), folded(b)) })
	return groups
}

func (r *request) benefitsFacts(all report.Benefits, rows []report.Benefit, positions report.Positions) benefitsFacts {
	f := benefitsFacts{
		period: r.period(), group: r.address[askGroup], search: r.address[askSearch],
		shown: len(rows), pages: pagesOf(positions), identified: all.Model.Identified,
	}
	for _, b := range all.Benefits {
		f.opened = f.opened || b.Clicks > 0
	}
	for _, b := range rows {
		switch {
		case b.ID == counters.OtherBenefit:
			continue
		case b.Verdict == insight.NoVerdict:
			f.apart++
		case b.Verdict == insight.VerdictAbove:
			f.above++
		case b.Verdict == insight.VerdictBelow:
			f.below++
		default:
			f.undecided++
		}
		if b.UnderExposed {
			f.under++
		}
	}
	return f
}

// pagesOf are the pages of results: each has one first place.
func pagesOf(p report.Positions) uint64 {
	for _, rank := range p.Ranks {
		if rank.From == 1 {
			return rank.Shows
		}
	}
	return 0
}

// benefitsBefore are the rows of the period before, by id; nil if it is not asked for.
func (r *request) benefitsBefore() (map[string]report.Benefit, error) {
	if !r.compares() {
		return nil, nil
	}
	all, err := r.page.config.Reports.Benefits(r.ctx, r.before())
	if err != nil {
		return nil, err
	}
	before := map[string]report.Benefit{}
	for _, b := range all.Benefits {
		before[b.ID] = b
	}
	return before, nil
}

// fill makes the table.
func (v *benefitsView) fill(all report.Benefits, rows []report.Benefit, before map[string]report.Benefit) {
	shown := rows
	if v.address[askLimit] != "all" && len(rows) > firstRows+firstRows/10 {
		shown = rows[:firstRows]
		v.More = join(v.language.Say("rows.first", words.With{"n": v.language.Number(firstRows, 0), "t": v.language.Number(float64(len(rows)), 0)}),
			v.link(v.here(askLimit, "all"), v.language.Fill("rows.all", words.With{"t": v.language.Number(float64(len(rows)), 0)})))
	}
	t := &table{Class: "forest", Caption: v.language.Say("benefits.caption", nil), Complete: len(shown) == len(rows), Columns: v.benefitsColumns()}
	for _, b := range shown {
		t.Rows = append(t.Rows, v.benefitsRow(b, before, all.Model.Dispersion))
	}
	v.Table = t
}

// benefitsColumns are the headings; each sorts by what is under it.
func (r *request) benefitsColumns() []column {
	chosen := r.benefitsOrder()
	sorted := func(class, name string, order report.Order) column {
		c := column{Class: class, Name: name}
		if !r.shared {
			c.Address = r.here(askOrder, string(order))
		}
		if order == chosen {
			c.Sorted = "descending"
			if order == report.OrderScore || order == report.OrderID {
				c.Sorted = "ascending"
			}
		}
		return c
	}
	return []column{
		sorted("rk", r.T("col.rank"), report.OrderScore),
		sorted("who", r.T("col.benefit"), report.OrderID),
		sorted("n", r.T("col.shows"), report.OrderShows),
		sorted("n", r.T(r.clicksKey()), report.OrderClicks),
		sorted("n", r.T("col.rate"), report.OrderCTR),
		sorted("n", r.T("col.merit"), report.OrderMerit),
		{Class: "p", Name: r.T("col.forest"), Axis: draw.MeritScale.ScaleAxis(r.meritTicks())},
		{Class: "vd plain", Name: r.T("col.verdict")},
	}
}

// clicksKey is the key of the name of clicks at the stage that is counted.
func (r *request) clicksKey() string { return "col.clicks." + r.stage.String() }

// meritTicks are the marks of the scale of merits, which doubles at each.
func (r *request) meritTicks() []draw.Tick {
	var ticks []draw.Tick
	for _, v := range []float64{0.25, 0.5, 1, 2, 4} {
		decimals := 0
		if v < 1 {
			decimals = map[float64]int{0.25: 2, 0.5: 1}[v]
		}
		ticks = append(ticks, draw.Tick{At: v, Label: r.language.Number(v, decimals)})
	}
	return ticks
}

func (r *request) benefitsRow(b report.Benefit, before map[string]report.Benefit, dispersion float64) row {
	l := r.language
	if b.ID == counters.OtherBenefit {
		b.Label = report.Text(r.T("benefit.other"))
	}
	flag := ""
	if b.UnderExposed {
		flag = r.T("flag.under")
	}
	rank, between := "–", ""
	if b.Rank > 0 {
		rank = l.Number(float64(b.Rank), 0)
		between = l.Between(l.Number(float64(b.RankInterval.First), 0), l.Number(float64(b.RankInterval.Last), 0))
	}
	old, known := before[b.ID]
	shows, clicks, between95, merit := "", "", "", ""
	if known {
		shows = r.change(b.Shows, old.Shows)
		clicks, between95 = r.countChange(b.Clicks, old.Clicks, dispersion)
		merit = l.Fill("compare.merit.before", words.With{"old": r.number(old.Merit, 2)})
	}
	cells := []cell{
		{Class: "rk", Body: under(rank, between)},
		r.benefitCell(b.Identity, flag),
		{Class: "n", Label: r.T("col.shows"), Body: under(l.Whole(b.Shows), shows)},
		{Class: "n", Label: r.T(r.clicksKey()), Body: under(l.Whole(b.Clicks), clicks, between95)},
		{Class: "n", Label: r.T("col.rate"), Body: under(r.rate(b.CTR), "")},
		{Class: "n key-n", Label: r.T("col.merit"), Body: strong(r.number(b.Merit, 2), r.interval(b.MeritInterval, 2), merit)},
		{Class: "p", Body: r.forest(b)},
		{Class: "vd", Body: r.verdict(b)},
	}
	rankValue := float64(b.Rank)
	if b.Rank == 0 {
		rankValue = 1e9
	}
	return row{values(rankValue, nameOf(b.Identity), b.Shows, b.Clicks, b.CTR, b.Merit, "", ""), cells}
}

// kindOf is the mark of a verdict.
func kindOf(v insight.Verdict) string {
	switch v {
	case insight.VerdictAbove:
		return "above"
	case insight.VerdictBelow:
		return "below"
	default:
		return "unsure"
	}
}

func (r *request) forest(b report.Benefit) template.HTML {
	if !b.Merit.Known() || !b.MeritInterval.Known() {
		return ""
	}
	i := draw.Interval{Lower: float64(b.MeritInterval.Lower), Middle: float64(b.Merit), Upper: float64(b.MeritInterval.Upper)}
	return draw.MeritScale.Row(i, r.meritTicks(), 1, kindOf(b.Verdict))
}

// verdict is a mark with its word.
func (r *request) verdict(b report.Benefit) template.HTML {
	kind := kindOf(b.Verdict)
	word := r.T("verdict." + kind)
	if b.Verdict == insight.NoVerdict {
		word = r.T("verdict.none")
	}
	return template.HTML(`<span class="v `+kind+`"><svg aria-hidden="true"><use href="#m-`+kind+`"/></svg>`) + text(word) + "</span>"
}

// whyRaw says what the first place does to the raw rate, if that is known.
func (r *request) whyRaw(p report.Positions) template.HTML {
	said := r.Say("benefits.why.raw")
	first, fifth := visibilityAt(p, 1), visibilityAt(p, 5)
	if !first.Visibility.Known() || !fifth.Visibility.Known() || fifth.Visibility <= 0 || first.Visibility <= fifth.Visibility {
		return said
	}
	worth := r.language.Fill("benefits.why.worth", words.With{"x": times(r.language, float64(first.Visibility/fifth.Visibility))})
	return join(said, r.link(r.to("positions"), worth)+".", r.Say("benefits.why.merit"))
}

// whyOrder explains a row that stands above one of more merit, if there is one.
func (r *request) whyOrder(rows []report.Benefit) template.HTML {
	if r.benefitsOrder() != report.OrderScore {
		return ""
	}
	for i := 1; i < len(rows); i++ {
		above, below := r.number(rows[i-1].Merit, 2), r.number(rows[i].Merit, 2)
		if rows[i-1].Merit.Known() && rows[i].Merit > rows[i-1].Merit && above != below {
			return r.language.Say("benefits.read.order", words.With{"above": above, "below": below})
		}
	}
	return ""
}

// showNever lists the known benefits that were not shown.
func (v *benefitsView) showNever(all report.Benefits) {
	l, n := v.language, len(all.Never)
	with := words.With{"n": l.Number(float64(n), 0), "period": v.period()}
	v.Download = ""
	switch {
	case n > 0:
		v.Phrase = l.Count("benefits.never", float64(n), with)
	default:
		v.Phrase = l.Say("benefits.never.none", with)
	}
	v.More = v.link(v.here(askNever, ""), v.T("benefits.never.back"))
	if n == 0 {
		return
	}
	t := &table{Class: "cards", Columns: []column{{Name: v.T("col.benefit")}, {Name: v.T("col.type")}, {Name: v.T("col.id")}}}
	for _, id := range all.Never {
		name := v.benefitCell(id, "")
		t.Rows = append(t.Rows, row{Cells: []cell{name, {Label: v.T("col.type"), Body: text(cmp.Or(string(id.Type), "–"))},
			{Label: v.T("col.id"), Body: "<code>" + text(id.ID) + "</code>"}}})
	}
	v.Table = t
}
