package draw

import (
	"fmt"
	"html/template"
	"math"
)

// A Scale places values along x, logarithmically from Low to High.
type Scale struct{ Low, High float64 }

// MeritScale is that of the forest of merits.
var MeritScale = Scale{0.2, 5}

func (s Scale) x(value float64) float64 {
	value = min(s.High, max(s.Low, value))
	return 100 * math.Log(value/s.Low) / math.Log(s.High/s.Low)
}

// Interval is an estimate between two limits.
type Interval struct{ Lower, Middle, Upper float64 }

// ScaleAxis is the axis above a column of intervals.
func (s Scale) ScaleAxis(ticks []Tick) template.HTML {
	var c canvas
	c.add(`<svg class="ax" width="100%%" height="16" aria-hidden="true">`)
	c.below(ticks, s.x, 12)
	c.add(`</svg>`)
	return c.markup()
}

// Row is an interval in a row of a table, among the marks of the axis. Kind is above,
// below or unsure. An arrow says that the interval goes on to the left of the scale.
func (s Scale) Row(i Interval, ticks []Tick, one float64, kind string) template.HTML {
	var c canvas
	c.add(`<svg class="fx %s" width="100%%" height="100%%" aria-hidden="true">`, kind)
	for _, t := range ticks {
		class := "grid"
		if t.At == one {
			class = "one"
		}
		c.add(`<line class="%s" x1="%s" x2="%[2]s" y2="100%%"/>`, class, percent(s.x(t.At)))
	}
	c.add(`<line class="iv" x1="%s" x2="%s" y1="50%%" y2="50%%"/>`, percent(s.x(i.Lower)), percent(s.x(i.Upper)))
	if i.Lower < s.Low {
		c.add(`<svg x="0" y="50%%" overflow="visible"><path d="M-6 0 1-5v10z" class="iv"/></svg>`)
	}
	if i.Upper > s.High {
		c.add(`<svg x="100%%" y="50%%" overflow="visible"><path d="M6 0-1-5v10z" class="iv"/></svg>`)
	}
	c.add(`<svg x="%s" y="50%%" overflow="visible"><use href="#m-%s" x="-8" y="-8" width="16" height="16"/></svg></svg>`, percent(s.x(i.Middle)), kind)
	return c.markup()
}

// Share is a share with its interval in a row of a table, from 0 to 1.
func Share(i Interval) template.HTML {
	var c canvas
	c.add(`<svg class="fx unsure" width="100%%" height="100%%" aria-hidden="true">`)
	for q := 0; q <= 100; q += 25 {
		class := "grid"
		if q%100 == 0 {
			class = "axis"
		}
		c.add(`<line class="%s" x1="%d%%" x2="%[2]d%%" y2="100%%"/>`, class, q)
	}
	if !math.IsNaN(i.Lower) && !math.IsNaN(i.Upper) {
		c.add(`<line class="iv" x1="%s" x2="%s" y1="50%%" y2="50%%"/>`, percent(100*i.Lower), percent(100*i.Upper))
	}
	c.add(`<circle class="dot" cx="%s" cy="50%%" r="4.5"/></svg>`, percent(100*min(1, i.Middle)))
	return c.markup()
}

// ShareAxis is the axis above a column of shares, in percent.
func ShareAxis() template.HTML {
	var c canvas
	c.add(`<svg class="ax" width="100%%" height="16" aria-hidden="true">`)
	c.below([]Tick{{0, "0"}, {50, "50"}, {100, "100"}}, func(x float64) float64 { return x }, 12)
	c.add(`</svg>`)
	return c.markup()
}

// Usual is a value of today within the usual ones, all relative to the median: ±40 % of
// it for every row, so that rows can be compared.
func Usual(now, low, median, high float64) template.HTML {
	if median <= 0 {
		return ""
	}
	x := func(v float64) float64 { return 50 + 50*max(-1, min(1, (v/median-1)/UsualSpan)) }
	var c canvas
	c.add(`<svg width="100%%" height="40" aria-hidden="true"><line class="grid" x1="0" x2="100%%" y1="20" y2="20"/>`)
	c.add(`<rect class="bandfill" x="%s" width="%s" y="10" height="20"/>`, percent(x(low)), percent(x(high)-x(low)))
	c.add(`<line class="one" x1="50%%" x2="50%%" y1="5" y2="35"/><circle class="dot" cx="%s" cy="20" r="7"/></svg>`, percent(x(now)))
	return c.markup()
}

// UsualSpan is how far from the median Usual reaches on each side.
const UsualSpan = 0.4

// UsualAxis is the axis above a column of Usual.
func UsualAxis(left, right string) template.HTML {
	var c canvas
	c.add(`<svg width="100%%" height="16" aria-hidden="true">`)
	c.below([]Tick{{0, left}, {50, "0"}, {100, right}}, func(x float64) float64 { return x }, 12)
	c.add(`</svg>`)
	return c.markup()
}

// FunnelBar is a stage of a funnel.
type FunnelBar struct {
	// Name and Count stand above the bar, Percent beside its end, Lost under it.
	Name, Count, Percent, Lost string
	// Share is the length of the bar, of 1.
	Share float64
}

// Funnel is a bar for each stage.
func Funnel(names Names, bars []FunnelBar) template.HTML {
	var c canvas
	for i, b := range bars {
		y := 86 * float64(i)
		c.text(fmt.Sprintf(`class="strong" x="0" y="%s"`, short(y+14)), b.Name)
		c.text(fmt.Sprintf(`class="end" x="100%%" y="%s"`, short(y+14)), b.Count)
		share := 100 * min(1, max(0, b.Share))
		c.add(`<rect class="ghost" x="0" width="100%%" y="%s" height="28"/><rect class="bar" x="0" width="%s" y="%[1]s" height="28"/>`, short(y+22), percent(share))
		switch {
		case b.Percent != "" && share > 85:
			c.text(fmt.Sprintf(`class="strong end on" x="%s" dx="-8" y="%s"`, percent(share), short(y+41)), b.Percent)
		case b.Percent != "":
			c.text(fmt.Sprintf(`class="strong" x="%s" dx="8" y="%s"`, percent(share), short(y+41)), b.Percent)
		}
		if b.Lost != "" {
			c.text(fmt.Sprintf(`x="0" y="%s"`, short(y+70)), b.Lost)
		}
	}
	return template.HTML(picture(86*float64(len(bars))-28, names, "", c.String()))
}
