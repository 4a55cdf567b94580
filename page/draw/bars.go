package draw

import (
	"fmt"
	"html/template"
)

// A Bar is a count with a label under it, if there is one. Quiet bars are grey.
type Bar struct {
	Value float64
	Label string
	Quiet bool
}

// Days is a bar for each day.
func Days(names Names, bars []Bar, before []float64) template.HTML {
	const base = 96
	top := 1.0
	for _, b := range bars {
		top = max(top, b.Value)
	}
	for _, v := range before {
		top = max(top, v)
	}
	var c canvas
	width := 100 / float64(max(1, len(bars)))
	y := func(v float64) float64 { return base * (1 - v/top) }
	for i, b := range bars {
		class := "bar"
		if b.Quiet {
			class = "bar b2"
		}
		c.add(`<rect class="%s" x="%s" width="%s" y="%s" height="%s"/>`, class, percent(float64(i)*width), percent(0.74*width), short(y(b.Value)), short(base-y(b.Value)))
		if b.Label != "" {
			at := (float64(i) + 0.37) * width
			if class := anchor(at); class == "end" {
				at = 100
			} else if class == "" {
				at = 0
			}
			c.text(fmt.Sprintf(`class="%s" x="%s" y="113"`, anchor(at), percent(at)), b.Label)
		}
	}
	if len(before) > 0 {
		var points []point
		for i, v := range before {
			points = append(points, point{stretchedWidth / 100 * (float64(i) + 0.37) * width, y(v)})
		}
		c.WriteString(stretched(stretchedWidth, 118, fmt.Sprintf(`<path class="line dash" d="%s"/>`, path(points))))
	}
	c.add(`<line class="axis" x1="0" x2="100%%" y1="%d" y2="%[1]d"/>`, base)
	return template.HTML(picture(118, names, "", c.String()))
}

// Places is the share of shows at each place from the first, with a line at the median.
func Places(names Names, shares []float64, median int, labels []Tick, heights []Tick, medianText string) template.HTML {
	const top, tall = 22, 104
	most := 1e-9
	for _, s := range shares {
		most = max(most, s)
	}
	width := 100 / float64(max(1, len(shares)))
	y := func(v float64) float64 { return top + tall*(1-v/most) }
	x := func(place float64) float64 { return width * (place - 0.62) }
	var c canvas
	for i, s := range shares {
		c.add(`<rect class="bar" x="%s" width="%s" y="%s" height="%s"/>`, percent(float64(i)*width), percent(0.76*width), short(y(s)), short(top+tall-y(s)))
	}
	c.add(`<line class="axis" x1="0" x2="100%%" y1="%d" y2="%[1]d"/>`, top+tall)
	c.below(labels, x, top+tall+17)
	if median > 0 && median <= len(shares) {
		at := x(float64(median))
		class, dx := "strong", "6"
		if at > 45 {
			class, dx = "strong end", "-6"
		}
		c.add(`<line class="one" x1="%s" x2="%[1]s" y1="4" y2="%d" stroke-dasharray="4 3"/>`, percent(at), top+tall)
		c.text(fmt.Sprintf(`class="%s" x="%s" dx="%s" y="11"`, class, percent(at), dx), medianText)
	}
	return plot(146, heights, y, names, c.String(), "")
}
