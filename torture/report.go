package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func joinLines(lines []string) string { return "  " + strings.Join(lines, "\n  ") }

// result is how a scenario ended: with a report, unless it could not run.
type result struct {
	name   string
	report *report
	err    error
}

// add adds what the same scenario did another time.
func (r *result) add(again result) {
	r.err = errors.Join(r.err, again.err)
	if r.report == nil || again.report == nil {
		return
	}
	r.report.cycles += again.report.cycles
	r.report.verdict.add(again.report.verdict)
	r.report.notes = append(r.report.notes, again.report.notes...)
}

// canGoOn says whether another time would show anything new.
func (r result) canGoOn() bool { return r.err == nil }

// failed says whether something was lost, or was not as it must be.
func (r result) failed() bool { return r.err != nil && !errors.Is(r.err, errUnavailable) }

// writeSummary prints what all scenarios did. The last line has the sums.
func writeSummary(output io.Writer, results []result, seed uint64) {
	table := tabwriter.NewWriter(output, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tcycles\tacknowledged records\tlosses\tended")
	cycles, compared, losses, failed := 0, uint64(0), uint64(0), 0
	for _, r := range results {
		if r.failed() {
			failed++
		}
		if r.report == nil {
			fmt.Fprintf(table, "%s\t-\t-\t-\t%s\n", r.name, firstLine(r.err))
			continue
		}
		v := r.report.verdict
		cycles, compared, losses = cycles+r.report.cycles, compared+v.compared, losses+v.losses()
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", r.name, r.report.cycles, v.compared, v.losses(), firstLine(r.err))
	}
	table.Flush()
	for _, r := range results {
		if r.report == nil {
			continue
		}
		for _, note := range r.report.notes {
			fmt.Fprintf(output, "%s: %s\n", r.report.scenario, note)
		}
	}
	fmt.Fprintf(output, "%d cycles, %d acknowledged records compared, %d losses, %d of %d scenarios failed, seed %d\n",
		cycles, compared, losses, failed, len(results), seed)
}

func firstLine(err error) string {
	if err == nil {
		return "ok"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
