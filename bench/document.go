package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Marks in a document between which the results of a run stand.
const (
	beginMark = "<!-- The results are written by: "
	endMark   = "<!-- The end of the results. -->"
)

// errNoMarks is returned for a document that has no place for results.
var errNoMarks = errors.New("no marks for results")

// writeInto writes the results into a document, in place of those of an earlier run.
func (r *report) writeInto(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("document: %w", err)
	}
	begin, end := strings.Index(string(content), beginMark), strings.Index(string(content), endMark)
	if begin < 0 || end < begin {
		return fmt.Errorf("document %q: %w: want a line that begins with %q, and a line %q", path, errNoMarks, beginMark, endMark)
	}
	written := string(content[:begin]) + r.results() + string(content[end:])
	if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	return nil
}

// results are the tables of a document, with the command beside each figure.
func (r *report) results() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s%s -->\n\n", beginMark, strings.Join(r.Command, " "))
	fmt.Fprintf(&text, "All figures here are of one run, on %s, of revision %s, in %.0f minutes:\n`%s`. ",
		r.Started.UTC().Format("2006-01-02"), r.Revision, r.Seconds/60, strings.Join(r.Command, " "))
	fmt.Fprintf(&text, "%s, %d cores, %s, %s.\n", r.Machine.Processor, r.Machine.Cores, r.Machine.System, r.Machine.Go)
	if len(r.Notes) > 0 {
		fmt.Fprintf(&text, "\n- %s\n", strings.Join(r.Notes, "\n- "))
	}
	for _, one := range []struct {
		title, says string
		rows        [][]string
	}{
		{"Beside the ceiling", "CPU of a request ÷ that of the ceiling, without visitors and with them. A p99 is of all requests, or the median of those of pieces of 0.1 s.", r.ceilingRows()},
		{"Throughput and latency", "Milliseconds, and CPU time of a request.", r.throughputRows()},
		{"Variants of the server", "Each beside the first of its load.", r.variantRows()},
	} {
		if len(one.rows) > 1 {
			fmt.Fprintf(&text, "\n### %s\n\n%s\n\n", one.title, one.says)
			writeMarkdownTable(&text, one.rows)
		}
	}
	for i := range r.Growth {
		grown := &r.Growth[i]
		fmt.Fprintf(&text, "\n### %s\n\n`go run ./bench -growth %s`; reads are without load: the first, again, and just after a record.\n\n",
			capitalized(grown.title()), grown.Of)
		writeMarkdownTable(&text, grown.rows())
	}
	text.WriteString("\n")
	return text.String()
}

// lane is the first lane of a cell of that name, nil if there is none.
func (c *cellResult) lane(name string) *laneResult {
	for i := range c.Lanes {
		if c.Lanes[i].Name == name {
			return &c.Lanes[i]
		}
	}
	return nil
}

// ceilingRows are a row for each load that was measured without and with visitors.
func (r *report) ceilingRows() [][]string {
	rows := [][]string{{"load", "CPU ÷ ceiling", "with visitors", "with ÷ without", "records/s ÷ ceiling", "p99 ms", "÷ ceiling's", "p99 of 0.1 s", "÷ ceiling's", "command"}}
	for i := range r.Cells {
		cell := &r.Cells[i]
		bare, visited, ceiling := cell.lane(string(serverLane)+" "+withoutVisitors), cell.lane(string(serverLane)), cell.lane(string(ceilingLane))
		if bare == nil || visited == nil || ceiling == nil {
			continue
		}
		rows = append(rows, []string{
			cell.title(),
			decimals(bare.Ratios[ceiling.Name].CPUPerRequest, 2),
			decimals(visited.Ratios[ceiling.Name].CPUPerRequest, 2),
			decimals(visited.Ratios[bare.Name].CPUPerRequest, 2),
			decimals(bare.Ratios[ceiling.Name].Records, 2),
			milliseconds(bare.Latency.P99),
			decimals(divide(float64(bare.Latency.P99), float64(ceiling.Latency.P99)), 1),
			milliseconds(time.Duration(bare.P99OfPieces)),
			decimals(bare.Ratios[ceiling.Name].P99OfPieces, 1),
			"`" + cell.command() + " -setting " + withoutVisitors + ",none`",
		})
	}
	return rows
}

// throughputRows are a row for each target of the loads that Redis has, too.
func (r *report) throughputRows() [][]string {
	rows := [][]string{{"load", "target", "records/s", "p50", "p99", "CPU µs", "server ÷ it: records/s", "command"}}
	for i := range r.Cells {
		cell := &r.Cells[i]
		if cell.lane(string(redisLane)) == nil {
			continue
		}
		for j := range cell.Lanes {
			lane := &cell.Lanes[j]
			rows = append(rows, []string{
				cell.title(), lane.Name, grouped(lane.RecordsPerSecond), milliseconds(lane.Latency.Median), milliseconds(lane.Latency.P99),
				decimals(lane.CPUPerRequest/1000, 1), decimals(cell.Lanes[0].Ratios[lane.Name].Records, 2),
				"`" + cell.command() + "`",
			})
		}
	}
	return rows
}

// variantRows are a row for each server of the loads in which nothing but servers that
// differ was measured.
func (r *report) variantRows() [][]string {
	rows := [][]string{{"load", "target", "records/s ÷ first", "CPU ÷ first", "p99 ms", "memory MB", "disk bytes a record", "command"}}
	for i := range r.Cells {
		cell := &r.Cells[i]
		if cell.lane(string(serverLane)+" "+withoutVisitors) != nil || cell.lane(string(redisLane)) != nil || len(cell.Lanes) < 2 {
			continue
		}
		for j := range cell.Lanes {
			lane := &cell.Lanes[j]
			if lane.Kind != serverLane {
				continue
			}
			first := lane.Ratios[cell.Lanes[0].Name]
			rows = append(rows, []string{
				cell.title(), lane.Name, decimals(first.Records, 2), decimals(first.CPUPerRequest, 2), milliseconds(lane.Latency.P99),
				decimals(float64(lane.Resident)/1e6, 0), decimals(lane.Kept, 2), "`" + cell.command() + "`",
			})
		}
	}
	return rows
}

// command measures a cell alone, but for the settings of its servers.
func (c *cellResult) command() string {
	words := []string{"go run ./bench", "-batch", "page"}
	if c.Batch > 0 {
		words[2] = fmt.Sprint(c.Batch)
	}
	words = append(words, "-connections", fmt.Sprint(c.Connections))
	if c.Posts > 0 {
		words = append(words, "-posts", fmt.Sprint(c.Posts))
	}
	if c.Encrypted {
		words = append(words, "-tls")
	}
	if c.Strangers {
		words = append(words, "-visitors record")
	}
	if c.PeakShare > 0 {
		words = append(words, fmt.Sprintf("-rate %.0f%%", 100*c.PeakShare))
	}
	if durabilities := c.variants(func(s laneSpec) string { return s.Durability }); len(durabilities) > 1 {
		words = append(words, "-durability", strings.Join(durabilities, ","))
	}
	if counters := c.variants(func(s laneSpec) string { return fmt.Sprint(s.Counters) }); len(counters) > 1 {
		words = append(words, "-counters", strings.Join(counters, ","))
	}
	return strings.Join(words, " ")
}

// variants are the different values of the servers of a cell, in order.
func (c *cellResult) variants(of func(laneSpec) string) (values []string) {
	for i := range c.Lanes {
		if value := of(c.Lanes[i].laneSpec); c.Lanes[i].Kind == serverLane && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}
