package draw

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Names are what says a picture to those who do not see it. ID is unique in the
// document and a valid identifier.
type Names struct{ ID, Title, Description string }

// A Tick is a mark of an axis.
type Tick struct {
	At    float64
	Label string
}

// canvas is where the elements of a picture are written.
type canvas struct{ strings.Builder }

func (c *canvas) add(format string, arguments ...any) { fmt.Fprintf(c, format, arguments...) }

// text writes text; the attributes are our own.
func (c *canvas) text(attributes, text string) {
	c.add(`<text %s>%s</text>`, attributes, html.EscapeString(text))
}

func (c *canvas) markup() template.HTML { return template.HTML(c.String()) }

// short is a number with two decimals at most.
func short(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "0"
	}
	text := strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
	if text == "-0" {
		return "0"
	}
	return text
}

// percent is a position along x.
func percent(x float64) string { return short(x) + "%" }

// picture frames a drawing with its names.
func picture(height float64, names Names, attributes, inner string) string {
	return fmt.Sprintf(`<svg width="100%%" height="%s" role="img" aria-labelledby="%[2]s-t %[2]s-d"%[3]s><title id="%[2]s-t">%[4]s</title><desc id="%[2]s-d">%[5]s</desc>%[6]s</svg>`,
		short(height), names.ID, attributes, html.EscapeString(names.Title), html.EscapeString(names.Description), inner)
}

// stretched is for curves and areas: its x goes from 0 to width over the whole picture.
func stretched(width, height float64, inner string) string {
	return fmt.Sprintf(`<svg viewBox="0 0 %s %s" preserveAspectRatio="none" width="100%%" height="%[2]s">%s</svg>`, short(width), short(height), inner)
}

// stretchedWidth is the width of the curves' own coordinates.
const stretchedWidth = 1000

// plot puts the labels of the y axis into a column of their own, which keeps its width
// on a telephone. Right is drawn in a third column, if there is anything.
func plot(height float64, labels []Tick, y func(float64) float64, names Names, inner, right string) template.HTML {
	var axis canvas
	for _, l := range labels {
		axis.text(fmt.Sprintf(`class="end" x="100%%" dx="-8" y="%s"`, short(y(l.At)+4.5)), l.Label)
	}
	class := "plot"
	if right != "" {
		class += " has-r"
		right = fmt.Sprintf(`<svg width="100%%" height="%s" aria-hidden="true">%s</svg>`, short(height), right)
	}
	return template.HTML(fmt.Sprintf(`<div class="%s"><svg width="100%%" height="%s" aria-hidden="true">%s</svg>%s%s</div>`,
		class, short(height), axis.String(), picture(height, names, "", inner), right))
}

// horizontal writes the lines of the y axis; that of base is stronger.
func (c *canvas) horizontal(ticks []Tick, y func(float64) float64, base float64, strong string) {
	for _, t := range ticks {
		class := "grid"
		if t.At == base {
			class = strong
		}
		c.add(`<line class="%s" x1="0" x2="100%%" y1="%s" y2="%[2]s"/>`, class, short(y(t.At)))
	}
}

// A point is in the coordinates of a path.
type point struct{ x, y float64 }

func path(points []point) string {
	var out strings.Builder
	for i, p := range points {
		out.WriteByte("ML"[min(i, 1)])
		out.WriteString(short(p.x) + " " + short(p.y))
	}
	return out.String()
}

// area is what lies between two lines.
func area(upper, lower []point) string {
	if len(upper) == 0 {
		return ""
	}
	var back strings.Builder
	for i := len(lower) - 1; i >= 0; i-- {
		back.WriteString("L" + short(lower[i].x) + " " + short(lower[i].y))
	}
	return path(upper) + back.String() + "Z"
}

// anchor is the class of a text at x, so that it does not leave the picture.
func anchor(x float64) string {
	switch {
	case x < 4:
		return ""
	case x > 96:
		return "end"
	default:
		return "mid"
	}
}

// below writes the labels of the x axis.
func (c *canvas) below(ticks []Tick, x func(float64) float64, y float64) {
	for _, t := range ticks {
		at := x(t.At)
		c.text(fmt.Sprintf(`class="%s" x="%s" y="%s"`, anchor(at), percent(at), short(y)), t.Label)
	}
}
