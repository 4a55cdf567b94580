package page

import (
	"html/template"
	"math"
	"strconv"
	"strings"

	"stats-recorder/insight"
	"stats-recorder/report"
)

// A table is rows of cells under columns. Every picture has one.
type table struct {
	Class   string
	Caption any
	Columns []column
	Rows    []row
	// Complete says that all rows are there: then the script may sort them in place.
	Complete bool
	// Scroll names a table that is wider than a telephone; it scrolls by itself.
	Scroll string
}

// A column is a heading. One with an Address can be sorted by.
type column struct {
	Class, Name string
	Address     string
	// Sorted is ascending or descending if the rows are sorted by it.
	Sorted string
	// Axis is drawn in place of the name, which is still said.
	Axis template.HTML
	// Quiet has the name said, not shown.
	Quiet bool
}

// A row has its values for sorting, separated by bars, in the order of the columns.
type row struct {
	Values string
	Cells  []cell
}

// A cell is a cell. Label is the column's name for narrow screens.
type cell struct {
	Class, Label string
	Header       bool
	Body         template.HTML
}

// Sorts says whether a column can be sorted by.
func (t *table) Sorts() bool {
	for _, c := range t.Columns {
		if c.Address != "" {
			return true
		}
	}
	return false
}

// values are for sorting. Bars in text become spaces.
func values(all ...any) string {
	texts := make([]string, len(all))
	for i, v := range all {
		switch v := v.(type) {
		case string:
			texts[i] = strings.ReplaceAll(v, "|", " ")
		case float64:
			if !math.IsNaN(v) {
				texts[i] = strconv.FormatFloat(v, 'g', 6, 64)
			}
		case insight.Number:
			if v.Known() {
				texts[i] = strconv.FormatFloat(float64(v), 'g', 6, 64)
			}
		case uint64:
			texts[i] = strconv.FormatUint(v, 10)
		case int:
			texts[i] = strconv.Itoa(v)
		}
	}
	return strings.Join(texts, "|")
}

func text(s string) template.HTML { return template.HTML(template.HTMLEscapeString(s)) }

// under is a value with its interval, or other notes, on lines below.
func under(value string, notes ...string) template.HTML { return text(value) + lines(notes) }

// strong is under with the value in bold.
func strong(value string, notes ...string) template.HTML {
	return "<b>" + text(value) + "</b>" + lines(notes)
}

func lines(notes []string) (all template.HTML) {
	for _, note := range notes {
		if note != "" {
			all += template.HTML(` <span class="ci">`) + text(note) + "</span>"
		}
	}
	return all
}

// state is a mark with its word. Kind is ok, warn, bad or off.
func state(kind, word string) template.HTML {
	return template.HTML(`<span class="st `+kind+`"><svg aria-hidden="true"><use href="#i-`+kind+`"/></svg>`) + text(word) + "</span>"
}

// benefitCell is a benefit's name, with a link to it, who offers it, and a flag.
func (r *request) benefitCell(id report.Identity, flag string) cell {
	name := template.HTML(`<span class="name">`) + text(nameOf(id)) + "</span>"
	if !r.shared {
		name = template.HTML(`<a class="name" href="`) + text(r.to("benefit", askBenefit, id.ID)) + `">` + text(nameOf(id)) + "</a>"
	}
	if id.Group != "" || flag != "" {
		name += template.HTML(`<span class="inst">`) + text(string(id.Group))
		if flag != "" {
			name += template.HTML(` <span class="flag">`) + text(flag) + "</span>"
		}
		name += "</span>"
	}
	return cell{Class: "who", Header: true, Body: name}
}

// number, rate and span write numbers that may not be known; a dash stands for one.
func (r *request) number(n insight.Number, decimals int) string {
	return r.language.Number(float64(n), decimals)
}

func (r *request) rate(n insight.Number) string { return r.language.Percent(float64(n), 1) }

func (r *request) interval(i insight.Interval, decimals int) string {
	if !i.Known() {
		return ""
	}
	return r.language.Between(r.number(i.Lower, decimals), r.number(i.Upper, decimals))
}

func (r *request) rateInterval(i insight.Interval) string {
	if !i.Known() {
		return ""
	}
	return r.language.Between(r.rate(i.Lower), r.rate(i.Upper))
}
