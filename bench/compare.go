package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// loadReport reads the results of an earlier run; nil if no path is given.
func loadReport(path string) (*report, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("earlier results: %w", err)
	}
	earlier := &report{}
	if err := json.Unmarshal(data, earlier); err != nil {
		return nil, fmt.Errorf("earlier results %q: %w", path, err)
	}
	return earlier, nil
}

// writeComparison writes what servers cost beside what they cost in an earlier run, in
// multiples of the ceiling of the same run: machines and days differ, and the ceiling
// with them.
func (r *report) writeComparison(output io.Writer, earlier *report) {
	if earlier == nil {
		return
	}
	fmt.Fprintf(output, "\nBeside the run of %s, revision %s\n", earlier.Started.Format("2 January 2006, 15:04"), earlier.Revision)
	rows := [][]string{{"load", "target", "CPU ÷ ceiling before", "now", "records/s ÷ ceiling before", "now"}}
	for i := range r.Cells {
		cell := &r.Cells[i]
		for j := range cell.Lanes {
			lane := &cell.Lanes[j]
			now, has := lane.Ratios[string(ceilingLane)]
			before, had := earlier.ratio(cell, lane.Name)
			if has && had {
				rows = append(rows, []string{cell.title(), lane.Name, decimals(before.CPUPerRequest, 2), decimals(now.CPUPerRequest, 2),
					decimals(before.Records, 2), decimals(now.Records, 2)})
			}
		}
	}
	if len(rows) == 1 {
		fmt.Fprintln(output, "no load was measured in both")
		return
	}
	writeTable(output, rows)
}

// ratio is that of a lane to the ceiling in the cell of the same load, if there is one.
func (r *report) ratio(cell *cellResult, name string) (found ratio, ok bool) {
	for i := range r.Cells {
		if other := &r.Cells[i]; other.sameLoad(cell.cellSpec) && other.Rate == 0 == (cell.Rate == 0) {
			for j := range other.Lanes {
				if other.Lanes[j].Name == name {
					found, ok = other.Lanes[j].Ratios[string(ceilingLane)]
					return found, ok
				}
			}
		}
	}
	return ratio{}, false
}
