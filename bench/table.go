package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// column is one column of a table of lanes. A column that is blank in all rows
// is left out.
type column struct {
	title string
	cell  func(lane *laneResult) string
}

// columns are those of a cell's table, in order.
func columns() []column {
	latency := func(title string, pick func(latencySummary) time.Duration) column {
		return column{title, func(lane *laneResult) string { return milliseconds(pick(lane.Latency)) }}
	}
	reading := func(title string, pick func(latencySummary) time.Duration) column {
		return column{title, func(lane *laneResult) string {
			if lane.Reading == nil {
				return ""
			}
			return milliseconds(pick(*lane.Reading))
		}}
	}
	return []column{
		{"target", func(lane *laneResult) string { return lane.Name }},
		{"requests/s", func(lane *laneResult) string { return grouped(lane.RequestsPerSecond) }},
		{"records/s", func(lane *laneResult) string { return grouped(lane.RecordsPerSecond) }},
		latency("p50 ms", func(s latencySummary) time.Duration { return s.Median }),
		latency("p90", func(s latencySummary) time.Duration { return s.P90 }),
		latency("p99", func(s latencySummary) time.Duration { return s.P99 }),
		{"p99 of 0.1 s", func(lane *laneResult) string { return milliseconds(time.Duration(lane.P99OfPieces)) }},
		latency("p99.9", func(s latencySummary) time.Duration { return s.P999 }),
		latency("max", func(s latencySummary) time.Duration { return s.Max }),
		{"CPU µs/req", func(lane *laneResult) string { return decimals(lane.CPUPerRequest/1000, 1) }},
		{"CPU ns/rec", func(lane *laneResult) string { return decimals(lane.CPUPerRecord, 0) }},
		{"RSS MB", func(lane *laneResult) string { return decimals(float64(lane.Resident)/1e6, 0) }},
		{"RSS B/counter", func(lane *laneResult) string {
			if lane.Counters == 0 {
				return ""
			}
			return decimals(divide(float64(lane.Resident), float64(lane.Distinct)), 0)
		}},
		{"disk B/rec", func(lane *laneResult) string { return decimals(lane.WrittenPerRecord, 1) }},
		reading("read p50 ms", func(s latencySummary) time.Duration { return s.Median }),
		reading("read max", func(s latencySummary) time.Duration { return s.Max }),
		{"restart s", func(lane *laneResult) string {
			if lane.Restart == nil {
				return ""
			}
			return decimals(lane.Restart.Seconds, 2)
		}},
		{"disk B/counter", func(lane *laneResult) string {
			if lane.Restart == nil {
				return ""
			}
			return decimals(lane.Restart.Stored, 2)
		}},
		{"unsent", func(lane *laneResult) string { return decimals(lane.Unsent, 0) }},
	}
}

// ratioColumns compare with the lanes that others are compared with.
func (c *cellResult) ratioColumns() []column {
	var compared []column
	for position := range c.Lanes {
		other := &c.Lanes[position]
		reference := other.Name
		title := "first"
		if kind := other.Kind; kind.isMeasure() {
			title = string(kind)
		}
		compared = append(compared, column{"rec/s ÷ " + title, func(lane *laneResult) string {
			return decimals(lane.Ratios[reference].Records, 2)
		}}, column{"CPU ÷ " + title, func(lane *laneResult) string {
			return decimals(lane.Ratios[reference].CPUPerRequest, 2)
		}}, column{"p99 ÷ " + title, func(lane *laneResult) string {
			if _, compared := lane.Ratios[reference]; !compared || c.Rate == 0 {
				return "" // of a closed loop, p99 says how many were sent at a time
			}
			return decimals(divide(float64(lane.Latency.P99), float64(other.Latency.P99)), 2)
		}}, column{"p99 of 0.1 s ÷ " + title, func(lane *laneResult) string {
			if c.Rate == 0 {
				return "" // for the same reason
			}
			return decimals(lane.Ratios[reference].P99OfPieces, 2)
		}})
	}
	return compared
}

// rows returns the table of a cell, its titles first.
func (c *cellResult) rows() [][]string {
	rows := make([][]string, len(c.Lanes)+1)
	for _, one := range append(columns(), c.ratioColumns()...) {
		blank := true
		cells := []string{one.title}
		for position := range c.Lanes {
			cell := one.cell(&c.Lanes[position])
			blank = blank && cell == ""
			cells = append(cells, cell)
		}
		if blank {
			continue
		}
		for number, cell := range cells {
			rows[number] = append(rows[number], cell)
		}
	}
	return rows
}

// writeTable writes rows with aligned columns: the first to the left, numbers to
// the right.
func writeTable(output io.Writer, rows [][]string) {
	widths := columnWidths(rows)
	for _, row := range rows {
		var line strings.Builder
		for position, cell := range row {
			padding := strings.Repeat(" ", widths[position]-utf8.RuneCountInString(cell))
			if position == 0 {
				line.WriteString(cell + padding)
			} else {
				line.WriteString("  " + padding + cell)
			}
		}
		fmt.Fprintln(output, strings.TrimRight(line.String(), " "))
	}
}

// writeMarkdownTable writes rows as a Markdown table that reads well unrendered.
func writeMarkdownTable(output io.Writer, rows [][]string) {
	widths := columnWidths(rows)
	for number, row := range rows {
		for position, cell := range row {
			padding := strings.Repeat(" ", widths[position]-utf8.RuneCountInString(cell))
			if position == 0 {
				fmt.Fprintf(output, "| %s%s |", cell, padding)
			} else {
				fmt.Fprintf(output, " %s%s |", padding, cell)
			}
		}
		fmt.Fprintln(output)
		if number == 0 {
			fmt.Fprintln(output, markdownRule(widths))
		}
	}
}

// markdownRule is the line below the titles; it aligns numbers to the right.
func markdownRule(widths []int) string {
	var rule strings.Builder
	for position, width := range widths {
		if position == 0 {
			rule.WriteString("|" + strings.Repeat("-", width+2) + "|")
		} else {
			rule.WriteString(strings.Repeat("-", width+1) + ":|")
		}
	}
	return rule.String()
}

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for position, cell := range row {
			widths[position] = max(widths[position], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// grouped writes a whole number with its thousands apart.
func grouped(value float64) string {
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	for position := len(digits) - 3; position > 0; position -= 3 {
		digits = digits[:position] + "," + digits[position:]
	}
	return digits
}

// shortCount writes a number by its thousands or millions.
func shortCount(value float64) string {
	switch {
	case value >= 1e6:
		return strconv.FormatFloat(value/1e6, 'g', 3, 64) + "M"
	case value >= 1e3:
		return strconv.FormatFloat(value/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

// decimals writes a number, or nothing where there is none.
func decimals(value float64, places int) string {
	if value == 0 {
		return ""
	}
	return strconv.FormatFloat(value, 'f', places, 64)
}

func milliseconds(duration time.Duration) string {
	return decimals(float64(duration)/float64(time.Millisecond), 2)
}
