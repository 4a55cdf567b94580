package page

import (
	"html/template"
	"math"
	"strconv"

	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// showsAt adds up the shows of cells by place, from 1.
func showsAt(cells []report.Cell) (shows []uint64, total uint64) {
	for _, c := range cells {
		k := int(c.BenefitIndex)
		if k == 0 {
			continue
		}
		for len(shows) < k {
			shows = append(shows, 0)
		}
		shows[k-1] += c.Shows
		total += c.Shows
	}
	return shows, total
}

// medianPlace is the place at which, or before, half of the shows are.
func medianPlace(cells []report.Cell) int {
	shows, total := showsAt(cells)
	sum := uint64(0)
	for i, n := range shows {
		if sum += n; 2*sum >= total && total > 0 {
			return i + 1
		}
	}
	return 0
}

// placesDrawn is how many places are drawn at most.
const placesDrawn = 40

// placesFigure draws where a benefit is shown.
func (r *request) placesFigure(p report.Positions) *figure {
	shows, total := showsAt(p.Cells)
	if total == 0 {
		return nil
	}
	drawn := len(shows)
	for sum := uint64(0); drawn > 10 && (sum+shows[drawn-1])*100 < total; drawn-- { // a long tail of single shows
		sum += shows[drawn-1]
	}
	drawn = max(min(drawn, placesDrawn), min(10, placesDrawn))
	shares, most := make([]float64, drawn), 0.0
	for i := range shares {
		if i < len(shows) {
			shares[i] = float64(shows[i]) / float64(total)
			most = max(most, shares[i])
		}
	}
	var labels []draw.Tick
	for _, k := range []int{1, 5, 10, 15, 20, 25, 30, 35, 40} {
		if k <= drawn && (drawn <= 25 || k == 1 || k%10 == 0) {
			labels = append(labels, draw.Tick{At: float64(k), Label: r.language.OrdinalPlain(k)})
		}
	}
	median := medianPlace(p.Cells)
	medianText := r.language.Fill("places.median", words.With{"place": r.language.OrdinalPlain(median)})
	names := draw.Names{ID: "pl", Title: r.T("places.title"), Description: medianText}
	return &figure{Title: names.Title, Caption: r.Say("places.caption"),
		Picture: draw.Places(names, shares, median, labels, []draw.Tick{{At: most, Label: r.language.Percent(most, 0)}, {At: 0, Label: "0"}}, medianText)}
}

var benefitPlaceGroups = [][2]int{{1, 5}, {6, 10}, {11, 15}, {16, 20}, {21, 1023}}

// everything is a group of all places, or of all lengths.
var everything = [2]int{1, 1023}

// sumsOf adds up the cells of a group of places and lengths.
func sumsOf(cells []report.Cell, places, lengths [2]int) (s sums) {
	for _, c := range cells {
		if within(int(c.BenefitIndex), places) && within(int(c.PageTotal), lengths) {
			s.add(c)
		}
	}
	return s
}

// placesTable is what a benefit receives at its places.
func (r *request) placesTable(p report.Positions) *table {
	l := r.language
	t := &table{Class: "tight", Columns: []column{{Name: r.T("col.places")}, {Class: "n", Name: r.T("col.shows.short")}, {Class: "n", Name: r.T(r.clicksKey() + ".short")},
		{Class: "n", Name: r.T("col.rate.short")}, {Class: "n", Name: r.T("col.expected.short")}}}
	for _, g := range benefitPlaceGroups {
		s := sumsOf(p.Cells, g, everything)
		rate, expected := "–", "–"
		if s.shows >= fewShows {
			rate = l.Percent(float64(s.clicks)/float64(s.shows), 1)
		}
		if !math.IsNaN(s.expected) && s.shows > 0 {
			expected = l.Number(s.expected, 0)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(r.groupName(g))}, {Class: "n", Body: text(l.Whole(s.shows))},
			{Class: "n", Body: text(l.Whole(s.clicks))}, {Class: "n", Body: text(rate)}, {Class: "n", Body: text(expected)}}})
	}
	return t
}

// ownMap is the map of a benefit in groups of places and lengths: of one benefit, the
// cells of the map of all have too few shows.
func (r *request) ownMap(p report.Positions) *figure {
	m := draw.HeatMap{Ramp: "h", Height: 230, Across: r.T("map.across"), Phi: p.Model.Dispersion,
		Names: draw.Names{ID: "own", Title: r.T("map.own.title"), Description: r.T("map.words.rate")}}
	longest := 0
	for _, c := range p.Cells {
		longest = max(longest, int(c.PageTotal))
	}
	var rows [][2]int
	for _, places := range placeGroups {
		s := sumsOf(p.Cells, places, everything)
		if s.shows < fewShows {
			continue
		}
		rows = append(rows, places)
		m.Rows = append(m.Rows, draw.MapRow{From: places[0], To: places[1], Name: r.rowName(places), Rate: r.rate(insight.Number(float64(s.clicks) / float64(s.shows)))})
	}
	for _, lengths := range lengthGroups {
		if s := sumsOf(p.Cells, everything, lengths); s.shows < fewShows {
			continue
		}
		m.Columns = append(m.Columns, draw.MapColumn{From: lengths[0], To: min(lengths[1], longest)})
		for row, places := range rows {
			if s := sumsOf(p.Cells, places, lengths); s.shows > 0 {
				m.Cells = append(m.Cells, newMapCell(len(m.Columns)-1, row, s, mapRate, p.Model.Dispersion))
			}
		}
	}
	if len(m.Columns) < 2 || len(m.Rows) < 2 {
		return nil
	}
	return &figure{Title: m.Title, Caption: join(r.Say("map.own.caption"), r.Say("map.caption.few")), Key: draw.Key(m.Ramp, r.T("map.key"), r.keyLabels(mapRate), r.T("few")),
		Picture: m.Draw(), Summary: r.T("table.see"), Table: r.cellTable(p, mapRate), NoPrint: true}
}

// rowName is a group of places where there is little room.
func (r *request) rowName(g [2]int) string {
	switch {
	case g[0] == g[1]:
		return r.language.OrdinalPlain(g[0])
	case g[1] == everything[1]:
		return strconv.Itoa(g[0]) + "+"
	}
	return strconv.Itoa(g[0]) + "–" + strconv.Itoa(g[1])
}

const (
	// higherPlace is the place that one asks about for a benefit that stands lower.
	higherPlace = 3
	// higherPlaces is up to which place the curve of what is expected goes.
	higherPlaces = 20
)

// expectedAt is how many clicks an average benefit would get that stood at a place on
// all pages of another one: on each page length its shows · visibility · level, at the
// last place of shorter pages. It is not known for places whose visibility is not.
func expectedAt(place int, own, all report.Positions) (expected float64, known bool) {
	levels := map[int]insight.Number{}
	for _, length := range all.Lengths {
		levels[insight.Class(length.From)] = length.Level
	}
	for _, c := range own.Cells {
		visibility, level := visibilityAt(all, min(uint16(place), c.PageTotal)).Visibility, levels[insight.Class(c.PageTotal)]
		if !visibility.Known() || !level.Known() {
			return 0, false
		}
		expected += float64(c.Shows) * float64(visibility*level)
	}
	return expected, true
}

// whatIf is how many clicks a benefit would be expected to get higher up.
func (r *request) whatIf(b report.Benefit, own, all report.Positions, median int) template.HTML {
	if median <= higherPlace || !b.Merit.Known() || b.Merit == 0 || !b.MeritInterval.Known() {
		return ""
	}
	average, known := expectedAt(higherPlace, own, all)
	if !known || average*float64(b.Merit) <= float64(b.Clicks) {
		return ""
	}
	l := r.language
	return l.Say("benefit.whatif", words.With{"place": l.Ordinal(higherPlace), "n": about(l, average*float64(b.Merit)), "low": about(l, average*float64(b.MeritInterval.Lower)),
		"high": about(l, average*float64(b.MeritInterval.Upper)), "now": l.Whole(b.Clicks)})
}

// expectedFigure draws what a benefit would be expected to get at each place, beside
// what it gets at its own; nil if that is not known of enough places.
func (r *request) expectedFigure(b report.Benefit, own, all report.Positions) *figure {
	if !b.Merit.Known() || b.Merit == 0 || !b.MeritInterval.Known() {
		return nil
	}
	l := r.language
	t := &table{Class: "tight", Columns: []column{{Name: r.T("col.place")}, {Class: "n", Name: r.T(r.clicksKey() + ".expected")}, {Class: "n", Name: r.T("col.interval")}}}
	labelled := map[int]bool{1: true, higherPlace: true, 5: true, 10: true}
	var points []draw.Visible
	top := float64(b.Clicks)
	for _, rank := range visible(all) {
		average, known := expectedAt(int(rank.From), own, all)
		if !known || rank.From > higherPlaces {
			break
		}
		point := draw.Visible{Place: int(rank.From), Interval: draw.Interval{Lower: average * float64(b.MeritInterval.Lower), Middle: average * float64(b.Merit), Upper: average * float64(b.MeritInterval.Upper)}}
		if labelled[point.Place] {
			point.Label = about(l, point.Middle)
		}
		points, top = append(points, point), max(top, point.Upper)
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: placeName(l, int(rank.From), int(rank.To))},
			{Class: "n", Body: text(about(l, point.Middle))}, {Class: "n ci", Body: text(l.Between(about(l, point.Lower), about(l, point.Upper)))}}})
	}
	if len(points) < 3 {
		return nil
	}
	now := []draw.Visible{{Place: 1, Interval: draw.Interval{Middle: float64(b.Clicks)}}, {Place: points[len(points)-1].Place, Interval: draw.Interval{Middle: float64(b.Clicks)}}}
	names := draw.Names{ID: "if", Title: r.T("expected.title"), Description: l.Fill("expected.words", words.With{"n": about(l, points[0].Middle), "now": l.Whole(b.Clicks)})}
	return &figure{Title: names.Title, Caption: l.Say("expected.caption", words.With{"now": l.Whole(b.Clicks)}), Summary: r.T("table.see"), Table: t, NoPrint: true,
		Picture: draw.Visibility(names, 150, points, now, r.placeTicks(points), r.roundTicks(top))}
}
