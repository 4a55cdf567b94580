package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
)

// A Visible is the visibility of a place.
type Visible struct {
	Place int
	Interval
	// Label is written at the point; empty for none.
	Label string
}

// Visibility is the curve of visibilities with its band, over places that are spaced by
// proportion. Places are in ascending order; before is drawn in dashes, such as those of
// the period before.
func Visibility(names Names, height float64, rows, before []Visible, places, heights []Tick) template.HTML {
	last := 10.0
	for _, r := range rows {
		last = max(last, float64(r.Place))
	}
	top := 1.0
	for _, h := range heights {
		top = max(top, h.At)
	}
	x := func(k float64) float64 { return 2 + 94*math.Log(k)/math.Log(last) }
	y := func(v float64) float64 { return 20 + (1-min(top, v)/top)*(height-50) }
	var c canvas
	c.horizontal(heights, y, -1, "grid")
	c.below(places, x, height-8)
	var middle, upper, lower []point
	for _, r := range rows {
		at := stretchedWidth / 100 * x(float64(r.Place))
		middle = append(middle, point{at, y(r.Middle)})
		upper, lower = append(upper, point{at, y(r.Upper)}), append(lower, point{at, y(r.Lower)})
	}
	var old []point
	for _, r := range before {
		if float64(r.Place) <= last {
			old = append(old, point{stretchedWidth / 100 * x(float64(r.Place)), y(r.Middle)})
		}
	}
	c.WriteString(stretched(stretchedWidth, height, fmt.Sprintf(`<path class="bandfill" d="%s"/><path class="line dash" d="%s"/><path class="line" d="%s"/>`,
		area(upper, lower), path(old), path(middle))))
	for _, r := range rows {
		at := percent(x(float64(r.Place)))
		if r.Place <= 10 {
			c.add(`<circle class="dot" cx="%s" cy="%s" r="5"/>`, at, short(y(r.Middle)))
		}
		if r.Label != "" {
			c.text(fmt.Sprintf(`class="strong" x="%s" dx="6" dy="-8" y="%s"`, at, short(y(r.Upper))), r.Label)
		}
	}
	return plot(height, heights, y, names, c.String(), "")
}

// A Week is observed ÷ expected of a week.
type Week struct {
	Label string
	Interval
}

// Weeks are the ratios of weeks in order, on a scale from half to twice. Weeks that are
// not known are left open.
func Weeks(names Names, weeks []Week, heights []Tick) template.HTML {
	const height, low, high = 204, 0.5, 2
	x := func(i float64) float64 { return 100 * (i + 0.5) / float64(len(weeks)) }
	y := func(v float64) float64 { return 12 + 160*(1-math.Log(min(high, max(low, v))/low)/math.Log(high/low)) }
	var c canvas
	c.horizontal(heights, y, 1, "one")
	every := max(1, (len(weeks)+3)/4)
	for i, w := range weeks {
		at := percent(x(float64(i)))
		if i%every == 0 {
			c.below([]Tick{{float64(i), w.Label}}, x, 196)
		}
		if math.IsNaN(w.Middle) {
			continue
		}
		c.add(`<line class="iv" x1="%s" x2="%[1]s" y1="%s" y2="%s"/><circle class="dot" cx="%[1]s" cy="%[4]s" r="5"/>`,
			at, short(y(w.Lower)), short(y(w.Upper)), short(y(w.Middle)))
	}
	return plot(height, heights, y, names, c.String(), "")
}

// An HourOfDay is what was counted in an hour beside what is usual then. Now is NaN for
// an hour that is not over.
type HourOfDay struct{ Now, Low, Median, High float64 }

// firstUnderUsual is the first hour that the words for the band are above on the narrowest
// screen.
const firstUnderUsual = 12

// Hours is a day by its hours, in a band of what is usual.
func Hours(names Names, hours []HourOfDay, heights, below []Tick, today, usual string) template.HTML {
	const height, lowest = 236, 210
	top := 1.0
	for _, h := range hours {
		for _, v := range []float64{h.Now, h.High} {
			if v > top {
				top = v
			}
		}
	}
	top *= 1.15 // room for a label above the band
	x := func(h float64) float64 { return 100 * h / float64(max(1, len(hours))) }
	y := func(v float64) float64 { return 10 + (lowest-10)*(1-v/top) }
	var now, low, median, high []point
	for i, h := range hours {
		at := stretchedWidth / 100 * x(float64(i)+0.5)
		if !math.IsNaN(h.Now) {
			now = append(now, point{at, y(h.Now)})
		}
		if !math.IsNaN(h.Median) {
			low, median, high = append(low, point{at, y(h.Low)}), append(median, point{at, y(h.Median)}), append(high, point{at, y(h.High)})
		}
	}
	var c canvas
	c.horizontal(heights, y, 0, "axis")
	c.below(below, x, 230)
	c.WriteString(stretched(stretchedWidth, height, fmt.Sprintf(`<path class="bandfill" d="%s"/><path class="line dash" d="%s"/><path class="line" d="%s"/>`,
		area(high, low), path(median), path(now))))
	if n := len(now); n > 0 {
		at := now[n-1]
		// Below the line, which rises in the first half of a day and falls in the second.
		class, dx, dy := "strong end", "-4", "22"
		if at.x < 0.5*stretchedWidth {
			class, dx = "strong", "8"
		}
		if at.y > lowest-30 {
			dy = "-14"
		}
		c.add(`<circle class="dot" cx="%s" cy="%s" r="5"/>`, percent(at.x/10), short(at.y))
		c.text(fmt.Sprintf(`class="%s" x="%s" dx="%s" dy="%s" y="%s"`, class, percent(at.x/10), dx, dy, short(at.y)), today)
	}
	if n := len(high); n > firstUnderUsual {
		peak := slices.MinFunc(high[firstUnderUsual:], func(a, b point) int { return cmp.Compare(a.y, b.y) })
		c.text(fmt.Sprintf(`class="end" x="100%%" dy="-12" y="%s"`, short(peak.y)), usual)
	}
	return plot(height, heights, y, names, c.String(), "")
}

// A Looked is a lift with both intervals at the end of a day: the wide one holds for
// everybody who looks every day, the narrow one for one look.
type Looked struct{ Interval, Narrow Interval }

// Lift is the lift of an experiment by day. Days are in order.
func Lift(names Names, days []Looked, heights, below []Tick, right [3]string) template.HTML {
	const height = 284
	low, high := heights[0].At, heights[len(heights)-1].At
	x := func(d float64) float64 { return 100 * d / float64(max(1, len(days)-1)) }
	y := func(v float64) float64 { return 14 + 244*(1-(max(low, min(high, v))-low)/(high-low)) }
	line := func(value func(Looked) float64) (points []point) {
		for i, d := range days {
			if v := value(d); !math.IsNaN(v) {
				points = append(points, point{stretchedWidth / 100 * x(float64(i)), y(v)})
			}
		}
		return points
	}
	upper, lower := line(func(d Looked) float64 { return d.Interval.Upper }), line(func(d Looked) float64 { return d.Interval.Lower })
	inner := fmt.Sprintf(`<path class="bandfill" d="%s"/><path class="bandfill in" d="%s"/><path class="line thin" d="%s"/><path class="line thin" d="%s"/><path class="line" d="%s"/>`,
		area(upper, lower), area(line(func(d Looked) float64 { return d.Narrow.Upper }), line(func(d Looked) float64 { return d.Narrow.Lower })),
		path(upper), path(lower), path(line(func(d Looked) float64 { return d.Interval.Middle })))
	var c canvas
	c.horizontal(heights, y, math.NaN(), "")
	c.below(below, x, 278)
	c.WriteString(stretched(stretchedWidth, height, inner))
	last := days[len(days)-1].Interval
	c.add(`<line class="one" x1="0" x2="100%%" y1="%s" y2="%[1]s"/><circle class="dot" cx="100%%" cy="%s" r="5"/>`, short(y(0)), short(y(last.Middle)))
	var r canvas
	middle := y(last.Middle)
	r.text(fmt.Sprintf(`class="strong" x="10" y="%s"`, short(middle+4.5)), right[1])
	r.text(fmt.Sprintf(`x="10" y="%s"`, short(min(middle-14, y(last.Upper)+1))), right[2])
	r.text(fmt.Sprintf(`x="10" y="%s"`, short(max(middle+23, y(last.Lower)+8))), right[0])
	return plot(height, heights, y, names, c.String(), r.String())
}
