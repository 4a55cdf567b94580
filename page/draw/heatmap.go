package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// A MapCell is a place on pages of a length: a column and a row of a HeatMap.
type MapCell struct {
	Column, Row   int
	Shows, Clicks uint64
	Expected      float64 // NaN if it is not known
	Lower, Upper  float64 // the interval of the rate; NaN if it is not known
	Shade         int     // 0 to 6
	Few           bool    // too few to be shaded
}

// A MapRow is a class of places.
type MapRow struct {
	// From and To are the first and the last place.
	From, To int
	// Name and Rate stand beside it, if there is room.
	Name, Rate string
}

// A MapColumn is a class of page lengths.
type MapColumn struct{ From, To int }

// A HeatMap is the map of page length and place. Rows get lower with the place: the
// first ten hold most of what matters.
type HeatMap struct {
	Names
	Columns []MapColumn
	Rows    []MapRow
	// Cells are in the order of columns, then rows.
	Cells []MapCell
	// Ramp is the class of the shades without their number: h or d.
	Ramp string
	// Across is written under the columns.
	Across string
	// Marked is the cell that is read out; nil for none.
	Marked *MapCell
	// Height is that of the map without its axes; 0 is that of the map of all places.
	Height float64
	// Phi is the dispersion, for those who read Values.
	Phi float64
}

const (
	mapHeight   = 480
	columnWidth = 10
	// fewRows is up to how many rows each has its name beside it.
	fewRows = 10
)

func (m HeatMap) height() float64 { return cmp.Or(m.Height, mapHeight) }

// tops are the y of the rows, and of the end of the last.
func (m HeatMap) tops() []float64 {
	sum, heights := 0.0, make([]float64, len(m.Rows))
	for i, r := range m.Rows {
		heights[i] = max(5.5, 34/math.Pow(float64(max(1, r.From)), 0.62))
		sum += heights[i]
	}
	tops := make([]float64, len(m.Rows)+1)
	for i, h := range heights {
		tops[i+1] = tops[i] + h*m.height()/sum
	}
	for i := range tops {
		tops[i] = math.Round(10*tops[i]) / 10
	}
	return tops
}

// Draw draws the map with its axes.
func (m HeatMap) Draw() template.HTML {
	tops := m.tops()
	inner := m.shades(tops) + fmt.Sprintf(`<path class="stairs" d="%s"/>`, m.outline(tops)) + m.frame("cur2", tops) + m.frame("cur", tops)
	svg := picture(m.height(), m.Names, ` class="cells"`+m.data(tops), stretched(float64(len(m.Columns)*columnWidth), m.height(), inner))
	return template.HTML(fmt.Sprintf(`<div class="map"><svg width="100%%" height="%s" aria-hidden="true">%s</svg>%s<svg class="x" width="100%%" height="38" aria-hidden="true">%s</svg></div>`,
		short(m.height()), m.left(tops), svg, m.under()))
}

// shades is a path for each shade, which is a tenth of the bytes of one for each cell.
func (m HeatMap) shades(tops []float64) string {
	const few = 7
	var paths [few + 1]strings.Builder
	for _, c := range m.Cells {
		shade := c.Shade
		if c.Few {
			shade = few
		}
		fmt.Fprintf(&paths[shade], "M%d %sh%dv%sh-%[3]dz", c.Column*columnWidth, short(tops[c.Row]), columnWidth, short(tops[c.Row+1]-tops[c.Row]))
	}
	var out strings.Builder
	for shade := range paths {
		if paths[shade].Len() == 0 {
			continue
		}
		class := m.Ramp + strconv.Itoa(shade)
		if shade == few {
			class = "few"
		}
		fmt.Fprintf(&out, `<path class="%s" d="%s"/>`, class, paths[shade].String())
	}
	return out.String()
}

// outline is the line around the triangle of all cells.
func (m HeatMap) outline(tops []float64) string {
	lowest := make([]float64, len(m.Columns)+1)
	for _, c := range m.Cells {
		lowest[c.Column] = max(lowest[c.Column], tops[c.Row+1])
	}
	var out strings.Builder
	for i := range m.Columns {
		fmt.Fprintf(&out, "M%d %sh%dV%s", i*columnWidth, short(lowest[i]), columnWidth, short(lowest[i+1]))
	}
	fmt.Fprintf(&out, "M0 0H%d", len(m.Columns)*columnWidth)
	if len(m.Columns) > 0 {
		fmt.Fprintf(&out, "M0 0V%s", short(lowest[0]))
	}
	return out.String()
}

// frame is the frame around the cell that is read out. The script moves it.
func (m HeatMap) frame(class string, tops []float64) string {
	if m.Marked == nil {
		return fmt.Sprintf(`<rect class="%s" hidden="" width="%d"/>`, class, columnWidth)
	}
	row := m.Marked.Row
	return fmt.Sprintf(`<rect class="%s" x="%d" y="%s" width="%d" height="%s"/>`, class,
		m.Marked.Column*columnWidth, short(tops[row]), columnWidth, short(tops[row+1]-tops[row]))
}

// left has the names and rates of the rows that have room for them.
func (m HeatMap) left(tops []float64) string {
	const room = 17
	named := map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 7: true, 10: true, 14: true, 20: true, 28: true, 46: true, 64: true}
	var c canvas
	last := -math.MaxFloat64
	for i, r := range m.Rows {
		middle := (tops[i]+tops[i+1])/2 + 4.5
		if middle-last < room || !named[r.From] && len(m.Rows) > fewRows {
			continue
		}
		last = middle
		c.text(fmt.Sprintf(`class="end strong" x="100%%" dx="-58" y="%s"`, short(middle)), r.Name)
		c.text(fmt.Sprintf(`class="end" x="100%%" dx="-8" y="%s"`, short(middle)), r.Rate)
	}
	return c.String()
}

// under has the lengths of some columns.
func (m HeatMap) under() string {
	var c canvas
	every := max(1, len(m.Columns)/7)
	if every > 3 {
		every = 5
	}
	for i, column := range m.Columns {
		if i != 0 && column.From%every != 0 || column.From != column.To && i%every != 0 {
			continue
		}
		c.text(fmt.Sprintf(`class="mid" x="%s" y="14"`, percent((float64(i)+0.5)*100/float64(len(m.Columns)))), span(column.From, column.To))
	}
	c.text(`x="0" y="34"`, m.Across)
	return c.String()
}

// span is a class as text: 12, or 35–38.
func span(from, to int) string {
	if from == to {
		return strconv.Itoa(from)
	}
	return strconv.Itoa(from) + "–" + strconv.Itoa(to)
}

// data is what the script reads: the classes, the tops, and a row of numbers a cell.
func (m HeatMap) data(tops []float64) string {
	join := func(n int, text func(int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = text(i)
		}
		return strings.Join(parts, ",")
	}
	var values strings.Builder
	for i, c := range m.Cells {
		if i > 0 {
			values.WriteByte(';')
		}
		fmt.Fprintf(&values, "%d,%d,%d,%d,%s,%s,%s", c.Column, c.Row, c.Shows, c.Clicks, rounded(c.Expected, 0), rounded(c.Lower, 4), rounded(c.Upper, 4))
	}
	return fmt.Sprintf(` data-map="" data-ts="%s" data-ks="%s" data-y="%s" data-v="%s"`,
		join(len(m.Columns), func(i int) string { return span(m.Columns[i].From, m.Columns[i].To) }),
		join(len(m.Rows), func(i int) string { return span(m.Rows[i].From, m.Rows[i].To) }),
		join(len(tops), func(i int) string { return short(tops[i]) }), values.String())
}

// rounded is a number with so many decimals at most; nothing for one that is not known.
func rounded(x float64, decimals int) string {
	if math.IsNaN(x) {
		return ""
	}
	scale := math.Pow(10, float64(decimals))
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', -1, 64)
}

// Key is the legend of a map: a label a shade, then that of the hatching.
func Key(ramp, title string, labels []string, few string) template.HTML {
	var c canvas
	c.add(`<ul class="key" aria-label="%s">`, template.HTMLEscapeString(title))
	for i, l := range labels {
		c.add(`<li><svg aria-hidden="true" preserveAspectRatio="none"><rect class="%s%d" width="100%%" height="14"/></svg><span>%s</span></li>`, ramp, i, template.HTMLEscapeString(l))
	}
	c.add(`<li class="gap"><svg aria-hidden="true"><rect width="100%%" height="14" fill="url(#hatch)"/></svg><span>%s</span></li></ul>`, template.HTMLEscapeString(few))
	return c.markup()
}
