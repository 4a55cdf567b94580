package page

import (
	"html/template"
	"strconv"

	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// positionsView is the view of places: what is a place in the list worth?
type positionsView struct {
	*frame
	Kinds                   []navigation
	Map                     mapFigure
	ReadHidden              []pair
	PageTotal, BenefitIndex string
	// Reading says the marked cell.
	Reading    template.HTML
	Visibility *figure
	Meaning    []template.HTML
}

// A figure is a picture with its caption and its table.
type figure struct {
	Title, Summary string
	Caption        template.HTML
	Key, Picture   template.HTML
	Table          *table
	// NoPrint leaves the table away on paper.
	NoPrint bool
}

type mapFigure struct {
	Title   string
	Caption template.HTML
	Key     template.HTML
	Picture template.HTML
	Table   *table
}

func showPositions(r *request) (content, error) {
	q := r.query()
	q.Benefit = r.address[askBenefit]
	p, err := r.page.config.Reports.Positions(r.ctx, q)
	if err != nil {
		return nil, err
	}
	v := &positionsView{frame: r.newFrame()}
	fields := []field{r.stageField(), r.compareField()}
	v.Filters = r.newFilters(append(fields, r.versionField()...)...)
	v.Download = r.download("positions")
	facts := positionsFactsOf(p, r.period())
	v.Phrase = facts.sentence(r.language)
	if q.Benefit != "" {
		if err := v.ofOne(q.Benefit); err != nil {
			return nil, err
		}
	}
	if facts.pages == 0 && q.Benefit == "" || len(p.Cells) == 0 {
		return v, nil
	}
	if p.Model.Identified && q.Benefit == "" {
		v.Caveats = append(v.Caveats, r.Say("positions.always"))
	}
	if r.stage == insight.StageActed {
		v.Caveats = append(v.Caveats, r.Say("acted.positions"))
	}
	v.showMap(p)
	if q.Benefit != "" || !p.Model.Identified {
		return v, nil
	}
	return v, v.showVisibility(p)
}

// ofOne makes it the view of the places of one benefit.
func (v *positionsView) ofOne(id string) error {
	q := v.query()
	q.Benefit = id
	b, err := v.page.config.Reports.Benefits(v.ctx, q)
	if err != nil {
		return err
	}
	identity := report.Identity{ID: id}
	if len(b.Benefits) > 0 {
		identity = b.Benefits[0].Identity
	}
	v.Phrase = v.language.Say("positions.one", words.With{"name": v.link(v.to("benefit", askBenefit, id), nameOf(identity))})
	return nil
}

func (v *positionsView) showMap(p report.Positions) {
	m := v.newHeatMap(p)
	kind := v.mapKind()
	for _, k := range mapKinds {
		v.Kinds = append(v.Kinds, navigation{v.here(askMap, k), v.T("map." + k), k == kind})
	}
	title := v.T("map.title." + kind)
	caption := v.Say("map.caption." + kind)
	v.Map = mapFigure{Title: title, Caption: join(caption, v.Say("map.caption.few")), Picture: m.Draw(), Table: v.cellTable(p, kind)}
	v.Map.Key = draw.Key(m.Ramp, v.T("map.key"), v.keyLabels(kind), v.T("few"))
	v.ReadHidden = v.address.except(askPageTotal, askIndex)
	if m.Marked != nil {
		v.PageTotal, v.BenefitIndex = strconv.Itoa(m.Columns[m.Marked.Column].From), strconv.Itoa(m.Rows[m.Marked.Row].From)
		v.Reading = v.reading(m)
	} else {
		v.PageTotal, v.BenefitIndex = v.address[askPageTotal], v.address[askIndex]
		v.Reading = v.Say("map.reading.none")
	}
}

// reading says the marked cell.
func (r *request) reading(m draw.HeatMap) template.HTML {
	l, c := r.language, m.Marked
	where := l.Say("map.cell", words.With{"k": placeName(l, m.Rows[c.Row].From, m.Rows[c.Row].To), "t": lengthName(m.Columns[c.Column])})
	with := words.With{"shows": l.Whole(c.Shows), "clicks": l.Whole(c.Clicks), "rate": l.Percent(float64(c.Clicks)/float64(max(1, c.Shows)), 1),
		"low": l.Percent(c.Lower, 1), "high": l.Percent(c.Upper, 1), "expected": l.Number(c.Expected, 0)}
	key := "map.reading"
	if c.Shows < fewShows || c.Clicks > c.Shows {
		key = "map.reading.few"
	}
	said := l.Say(key, with)
	if c.Expected == c.Expected { // known
		said = join(said, l.Say("map.reading.expected", with))
	}
	return "<b>" + where + "</b><br>" + said
}

func lengthName(c draw.MapColumn) string {
	if c.From == c.To {
		return strconv.Itoa(c.From)
	}
	return strconv.Itoa(c.From) + "–" + strconv.Itoa(c.To)
}

func placeName(l *words.Language, from, to int) template.HTML {
	if from == to {
		return l.Ordinal(from)
	}
	return l.Ordinal(from) + "–" + l.Ordinal(to)
}

func (r *request) keyLabels(kind string) []string {
	if kind == mapGap {
		return []string{r.T("map.key.less"), "−3", "−2", "−1", "+1", "+2", "+3"}
	}
	labels := []string{"0"}
	for _, from := range rateShades {
		labels = append(labels, r.language.Percent(from, 0))
	}
	return labels
}

// visible are the places whose visibility is known well enough to be drawn: those with
// an interval of a factor of three at most.
func visible(p report.Positions) []report.Place {
	var rows []report.Place
	for _, rank := range p.Ranks {
		if rank.Visibility.Known() && rank.Visibility > 0 && rank.Interval.Known() && rank.Interval.Lower > 0 && rank.Interval.Upper <= 3*rank.Interval.Lower {
			rows = append(rows, rank)
		}
	}
	return rows
}

func (v *positionsView) showVisibility(p report.Positions) error {
	l, rows := v.language, visible(p)
	if len(rows) < 2 {
		return nil
	}
	var before []draw.Visible
	if v.compares() {
		old, err := v.page.config.Reports.Positions(v.ctx, v.before())
		if err != nil {
			return err
		}
		for _, rank := range visible(old) {
			before = append(before, draw.Visible{Place: int(rank.From), Interval: draw.Interval{Middle: float64(rank.Visibility)}})
		}
	}
	t := &table{Columns: []column{{Name: v.T("col.place")}, {Class: "n", Name: v.T("col.visibility")}, {Class: "n", Name: v.T("col.interval")}}}
	var points []draw.Visible
	labelled := map[int]bool{1: true, 2: true, 3: true, 5: true, 10: true, 20: true, 46: true}
	for _, rank := range rows {
		d := draw.Visible{Place: int(rank.From), Interval: draw.Interval{Lower: float64(rank.Interval.Lower), Middle: float64(rank.Visibility), Upper: float64(rank.Interval.Upper)}}
		if labelled[d.Place] {
			d.Label = l.Number(d.Middle, 2)
			if d.Middle == 1 {
				d.Label = "1"
			}
		}
		points = append(points, d)
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: placeName(l, int(rank.From), int(rank.To))},
			{Class: "n", Body: text(v.number(rank.Visibility, 2))}, {Class: "n ci", Body: text(v.interval(rank.Interval, 2))}}})
	}
	names := draw.Names{ID: "vis", Title: v.T("visibility.title"), Description: v.visibilityInWords(rows)}
	v.Visibility = &figure{Title: names.Title, Caption: v.Say("visibility.caption"), Summary: v.T("table.see"), Table: t,
		Picture: draw.Visibility(names, 260, points, before, v.placeTicks(points), v.fractionTicks())}
	if v.compares() {
		v.Visibility.Caption = join(v.Visibility.Caption, v.Say("compare.dashed"))
	}
	v.Meaning = v.meaning(p)
	return nil
}

func (v *positionsView) visibilityInWords(rows []report.Place) string {
	last := rows[len(rows)-1]
	return v.language.Fill("visibility.words", words.With{"k": v.language.OrdinalPlain(int(last.From)), "x": v.number(last.Visibility, 2)})
}

func (r *request) placeTicks(points []draw.Visible) []draw.Tick {
	var ticks []draw.Tick
	last := points[len(points)-1].Place
	for _, k := range []int{1, 2, 3, 5, 10, 20, 50, 100} {
		if k <= max(10, last) {
			ticks = append(ticks, draw.Tick{At: float64(k), Label: r.language.OrdinalPlain(k)})
		}
	}
	return ticks
}

func (v *positionsView) fractionTicks() []draw.Tick {
	return []draw.Tick{{At: 0, Label: "0"}, {At: 0.25, Label: v.language.Number(0.25, 2)}, {At: 0.5, Label: v.language.Number(0.5, 2)},
		{At: 0.75, Label: v.language.Number(0.75, 2)}, {At: 1, Label: "1"}}
}

// meaning says what visibilities mean in openings, on pages of the commonest length.
func (v *positionsView) meaning(p report.Positions) []template.HTML {
	l := v.language
	var usual report.Length
	for _, length := range p.Lengths {
		if length.From >= 10 && length.Level.Known() && length.Shows/uint64(length.From) > usual.Shows/uint64(max(1, usual.From)) {
			usual = length
		}
	}
	first, third, tenth := visibilityAt(p, 1), visibilityAt(p, 3), visibilityAt(p, 10)
	if usual.From == 0 || !first.Visibility.Known() || !third.Visibility.Known() || !tenth.Visibility.Known() {
		return []template.HTML{v.Say("positions.separate")}
	}
	of := func(rank report.Place) string { return about(l, float64(1000*usual.Level*rank.Visibility)) }
	return []template.HTML{
		l.Say("positions.thousand", words.With{"t": rangeName(usual.Range), "a": of(first), "b": of(third), "c": of(tenth)}),
		v.Say("positions.separate"),
	}
}

func rangeName(r report.Range) string {
	return lengthName(draw.MapColumn{From: int(r.From), To: int(r.To)})
}
