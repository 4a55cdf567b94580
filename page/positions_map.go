package page

import (
	"math"
	"strconv"

	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// The kinds of map: raw rates, what the model expects, and how far both are apart.
const (
	mapRate     = "rate"
	mapExpected = "expected"
	mapGap      = "gap"
)

var mapKinds = []string{mapRate, mapExpected, mapGap}

const (
	// fewShows and fewExpected are below which a cell has no shade: with shows alone
	// the corner of long pages is a chessboard.
	fewShows    = 30
	fewExpected = 2
)

var (
	// rateShades are the rates at which shades begin, each twice the one before.
	rateShades = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32}
	// gapShades are in usual deviations of chance.
	gapShades = []float64{-3, -2, -1, 1, 2, 3}
)

func (r *request) mapKind() string {
	for _, kind := range mapKinds {
		if r.address[askMap] == kind {
			return kind
		}
	}
	return mapRate
}

const (
	// rowsOfFullHeight is from how many rows on the map has its full height, rowHeight
	// what each of fewer rows has, on average and in pixels.
	rowsOfFullHeight, rowHeight = 10, 48
)

// sums are cells added up.
type sums struct {
	shows, clicks, compared uint64
	expected                float64
}

func (s *sums) add(c report.Cell) {
	s.shows, s.clicks, s.compared = s.shows+c.Shows, s.clicks+c.Clicks, s.compared+c.Compared
	s.expected += float64(c.Expected)
}

// few says whether there is too little for a rate.
func (s sums) few() bool { return s.shows < fewShows || s.expected < fewExpected }

// gap is how far the clicks are from those expected, in usual deviations of chance:
// (observed − expected) ÷ √(φ·expected).
func (s sums) gap(dispersion float64) float64 {
	return (float64(s.compared) - s.expected) / math.Sqrt(max(1, dispersion)*s.expected)
}

// newHeatMap pools the exact places to the classes of the model.
func (r *request) newHeatMap(p report.Positions) draw.HeatMap {
	kind := r.mapKind()
	m := draw.HeatMap{Ramp: "h", Across: r.T("map.across"), Phi: p.Model.Dispersion,
		Names: draw.Names{ID: "map", Title: r.T("map.title." + kind), Description: r.T("map.words." + kind)}}
	if kind == mapGap {
		m.Ramp = "d"
	}
	var pooled [insight.Classes][insight.Classes]*sums
	for _, c := range p.Cells {
		t, k := insight.Class(c.PageTotal), insight.Class(c.BenefitIndex)
		if t == 0 || k == 0 || k > t {
			continue // odd records of imports stand nowhere on a page
		}
		if pooled[t][k] == nil {
			pooled[t][k] = &sums{}
		}
		pooled[t][k].add(c)
	}
	rows := r.mapRows(p, &m)
	if lines := len(m.Rows); lines < rowsOfFullHeight {
		m.Height = rowHeight * float64(lines)
	}
	for t := range pooled {
		column := false
		for k, s := range pooled[t] {
			if s == nil {
				continue
			}
			if !column {
				from, to := insight.ClassRange(t)
				m.Columns, column = append(m.Columns, draw.MapColumn{From: int(from), To: int(to)}), true
			}
			m.Cells = append(m.Cells, newMapCell(len(m.Columns)-1, rows[k], *s, kind, p.Model.Dispersion))
		}
	}
	r.mark(&m)
	return m
}

// mapRows makes a row for each class of places, and returns their numbers by class.
func (r *request) mapRows(p report.Positions, m *draw.HeatMap) map[int]int {
	rows := map[int]int{}
	for _, rank := range p.Ranks {
		if rank.From == 0 {
			continue
		}
		rows[insight.Class(rank.From)] = len(m.Rows)
		name := r.language.OrdinalPlain(int(rank.From))
		if rank.From != rank.To {
			name = strconv.Itoa(int(rank.From)) + "–" + strconv.Itoa(int(rank.To))
		}
		rate := "–"
		if rank.Shows >= fewShows {
			rate = r.rate(rank.CTR)
		}
		m.Rows = append(m.Rows, draw.MapRow{From: int(rank.From), To: int(rank.To), Name: name, Rate: rate})
	}
	return rows
}

func newMapCell(column, row int, s sums, kind string, dispersion float64) draw.MapCell {
	interval := insight.Wilson(s.clicks, s.shows)
	c := draw.MapCell{Column: column, Row: row, Shows: s.shows, Clicks: s.clicks, Expected: s.expected,
		Lower: float64(interval.Lower), Upper: float64(interval.Upper), Few: s.few()}
	switch kind {
	case mapGap:
		c.Shade, c.Few = shadeOf(s.gap(dispersion), gapShades), c.Few || math.IsNaN(s.expected)
	case mapExpected:
		c.Shade, c.Few = shadeOf(s.expected/float64(max(1, s.shows)), rateShades), c.Few || math.IsNaN(s.expected)
	default:
		c.Shade = shadeOf(float64(s.clicks)/float64(max(1, s.shows)), rateShades)
	}
	return c
}

// shadeOf is how many of the limits are reached.
func shadeOf(x float64, limits []float64) int {
	shade := 0
	for _, limit := range limits {
		if x >= limit {
			shade++
		}
	}
	return shade
}

// mark marks the cell that was asked for, or else the third place of the commonest
// length.
func (r *request) mark(m *draw.HeatMap) {
	total, index := number(r.address[askPageTotal]), number(r.address[askIndex])
	if total == 0 && index == 0 {
		total, index = commonest(m)
	}
	for i, c := range m.Cells {
		column, row := m.Columns[c.Column], m.Rows[c.Row]
		if column.From <= total && total <= column.To && row.From <= index && index <= row.To {
			m.Marked = &m.Cells[i]
			return
		}
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func commonest(m *draw.HeatMap) (total, index int) {
	var most uint64
	for _, c := range m.Cells {
		if m.Rows[c.Row].From == 1 && c.Shows > most {
			most, total = c.Shows, m.Columns[c.Column].From
		}
	}
	return total, min(3, total)
}

// The groups of the table under the map.
var (
	placeGroups  = [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 5}, {6, 8}, {9, 12}, {13, 20}, {21, 1023}}
	lengthGroups = [][2]int{{1, 5}, {6, 8}, {9, 12}, {13, 16}, {17, 22}, {23, 1023}}
)

// cellTable is the map in groups of places and lengths.
func (r *request) cellTable(p report.Positions, kind string) *table {
	t := &table{Scroll: r.T("map.table.name"), Caption: r.Say("map.table." + kind), Columns: []column{{Name: r.T("col.place")}}}
	for _, g := range lengthGroups {
		t.Columns = append(t.Columns, column{Class: "n", Name: r.groupName(g)})
	}
	for _, places := range placeGroups {
		cells := []cell{{Header: true, Body: text(r.groupName(places))}}
		for _, lengths := range lengthGroups {
			s := sumsOf(p.Cells, places, lengths)
			cells = append(cells, cell{Class: "n", Body: under(r.cellValue(s, kind, p.Model.Dispersion))})
		}
		t.Rows = append(t.Rows, row{Cells: cells})
	}
	return t
}

func within(x int, g [2]int) bool { return g[0] <= x && x <= g[1] }

func (r *request) groupName(g [2]int) string {
	switch {
	case g[0] == g[1]:
		return strconv.Itoa(g[0])
	case g[1] == 1023:
		return r.language.Fill("and.more", words.With{"n": strconv.Itoa(g[0])})
	default:
		return r.language.Between(strconv.Itoa(g[0]), strconv.Itoa(g[1]))
	}
}

// cellValue is the value of a group of cells with the counts that it is of.
func (r *request) cellValue(s sums, kind string, dispersion float64) (value, counts string) {
	l := r.language
	if s.few() {
		return "–", ""
	}
	switch kind {
	case mapGap:
		return l.Number(s.gap(dispersion), 1), l.Whole(s.compared) + " / " + l.Number(s.expected, 0)
	case mapExpected:
		return l.Percent(s.expected/float64(s.shows), 1), l.Number(s.expected, 0) + " / " + l.Whole(s.shows)
	default:
		return l.Percent(float64(s.clicks)/float64(s.shows), 1), l.Whole(s.clicks) + " / " + l.Whole(s.shows)
	}
}
