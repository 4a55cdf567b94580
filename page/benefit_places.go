package page

import (
	"html/template"
	"math"

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

// placesTable is what a benefit receives at its places.
func (r *request) placesTable(p report.Positions) *table {
	l := r.language
	t := &table{Class: "tight", Columns: []column{{Name: r.T("col.places")}, {Class: "n", Name: r.T("col.shows.short")}, {Class: "n", Name: r.T(r.clicksKey() + ".short")},
		{Class: "n", Name: r.T("col.rate.short")}, {Class: "n", Name: r.T("col.expected.short")}}}
	for _, g := range benefitPlaceGroups {
		var s sums
		for _, c := range p.Cells {
			if within(int(c.BenefitIndex), g) {
				s.add(c)
			}
		}
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

// higherPlace is the place that one asks about for a benefit that stands lower.
const higherPlace = 3

// whatIf is how many clicks a benefit would be expected to get higher up: on each page
// length its shows · merit · visibility · level, at the last place of shorter pages.
func (r *request) whatIf(b report.Benefit, own, all report.Positions, median int) template.HTML {
	if median <= higherPlace || !b.Merit.Known() || b.Merit == 0 || !b.MeritInterval.Known() {
		return ""
	}
	levels := map[int]insight.Number{}
	for _, length := range all.Lengths {
		levels[insight.Class(length.From)] = length.Level
	}
	expected := 0.0
	for _, c := range own.Cells {
		place := min(uint16(higherPlace), c.PageTotal)
		visibility, level := visibilityAt(all, place).Visibility, levels[insight.Class(c.PageTotal)]
		if !visibility.Known() || !level.Known() {
			return ""
		}
		expected += float64(c.Shows) * float64(b.Merit*visibility*level)
	}
	if expected <= float64(b.Clicks) {
		return ""
	}
	l, per := r.language, expected/float64(b.Merit)
	return l.Say("benefit.whatif", words.With{"place": l.Ordinal(higherPlace), "n": about(l, expected), "low": about(l, per*float64(b.MeritInterval.Lower)),
		"high": about(l, per*float64(b.MeritInterval.Upper)), "now": l.Whole(b.Clicks)})
}
