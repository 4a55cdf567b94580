package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"
)

// growing is one thing that grows while all others stay.
type growing struct {
	of     string // what grows, in the plural
	sizes  []int
	briefs []int // the sizes of a smoke test
	cell   func(size int) cellSpec
}

// curve is what costs become of as one thing grows.
type curve struct {
	// Of is what grows.
	Of    string       `json:"of"`
	Sizes []int        `json:"sizes"`
	Costs []cost       `json:"costs"`
	Cells []cellResult `json:"cells"`
}

// cost is one cost at each size of a curve.
type cost struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
	// Slope is the exponent e for which the cost grows with the size to the power of e, by
	// least squares, and Steepest the largest such exponent between two neighbours.
	Slope    float64 `json:"slope"`
	Steepest float64 `json:"steepest"`
}

// growths are the curves that were asked for, in this order.
func (o *options) growths() []growing {
	return slices.DeleteFunc(o.allGrowths(), func(one growing) bool { return !slices.Contains(o.growth, one.of) })
}

func (o *options) allGrowths() []growing {
	server := func(spec laneSpec) []laneSpec { return o.only(serverLane).lanes(spec) }
	const batch, connections = 30, 256
	allTime := []string{"statistics", "insight/benefits"}
	return []growing{
		{"connections", []int{1, 4, 16, 64, 256, 1024, 4096}, []int{1, 8}, func(size int) cellSpec {
			return cellSpec{Batch: batch, Connections: size, Pipeline: 1, Specs: o.only(serverLane, ceilingLane).lanes(laneSpec{})}
		}},
		{"counters", []int{10_000, 100_000, 1_000_000, 10_000_000}, []int{1000, 10_000}, func(size int) cellSpec {
			return cellSpec{Batch: batch, Connections: connections, Pipeline: 1, Specs: server(laneSpec{Counters: size}), probes: allTime, restarted: true}
		}},
		{"benefits", []int{100, 600, 10_000}, []int{60, 600}, func(size int) cellSpec {
			return cellSpec{Batch: batch, Connections: connections, Pipeline: 1, Benefits: size, Specs: server(laneSpec{}), probes: allTime, restarted: true}
		}},
		{"days", []int{1, 30, 365, 1825}, []int{1, 3}, func(size int) cellSpec {
			window := "?start_at=" + lastDay().AddDate(0, 0, 1-size).Format(time.DateOnly) + "&end_at=" + lastDay().Format(time.DateOnly)
			return cellSpec{Batch: batch, Connections: connections, Pipeline: 1, Specs: server(laneSpec{Days: size}), restarted: true,
				probes: []string{"statistics" + window, "benefits" + window, "insight/benefits" + window}}
		}},
	}
}

// growthCells are all cells of all curves.
func growthCells(all []growing, brief bool) (cells []cellSpec) {
	for _, one := range all {
		for _, size := range one.measured(brief) {
			cells = append(cells, one.cell(size))
		}
	}
	return cells
}

func (g growing) measured(brief bool) []int {
	if brief {
		return g.briefs
	}
	return g.sizes
}

// grow measures a curve, from the smallest size to the largest.
func (h *matrixRun) grow(ctx context.Context, one growing) (curve, error) {
	found := curve{Of: one.of, Sizes: one.measured(h.options.smoke)}
	for _, size := range found.Sizes {
		cell, err := h.runCell(ctx, one.cell(size))
		if err != nil {
			return curve{}, fmt.Errorf("%d %s: %w", size, one.of, err)
		}
		found.Cells = append(found.Cells, *cell)
	}
	found.addCosts()
	return found, nil
}

// addCosts works out the costs of the server, which is the first lane.
func (c *curve) addCosts() {
	for _, measure := range c.measures() {
		one := cost{Name: measure.name}
		for i := range c.Cells {
			one.Values = append(one.Values, measure.of(&c.Cells[i].Lanes[0]))
		}
		if slices.Max(one.Values) == 0 {
			continue // the system does not tell
		}
		one.Slope, one.Steepest = slopes(c.Sizes, one.Values, measure.small)
		c.Costs = append(c.Costs, one)
	}
}

// costMeasure is a cost that a lane has.
type costMeasure struct {
	name string
	// small is a value up to which differences say nothing.
	small float64
	of    func(lane *laneResult) float64
}

// smallTime is in milliseconds: up to that, a start or a read is mostly what it takes at
// any size. A read of 10,000 counters takes more.
const smallTime = 1

func (c *curve) measures() []costMeasure {
	all := []costMeasure{
		{"CPU µs a request", 0, func(lane *laneResult) float64 { return lane.CPUPerRequest / 1000 }},
		{"memory MB", 0, func(lane *laneResult) float64 { return float64(lane.Resident) / 1e6 }},
	}
	if c.Of == "connections" {
		return append(all,
			costMeasure{"p99 ms", smallTime, func(lane *laneResult) float64 { return inMilliseconds(lane.Latency.P99) }},
			costMeasure{"CPU ÷ ceiling", 0, func(lane *laneResult) float64 { return lane.Ratios[string(ceilingLane)].CPUPerRequest }})
	}
	all = append(all,
		costMeasure{"start ms", smallTime, func(lane *laneResult) float64 { return 1000 * lane.Restart.Seconds }},
		costMeasure{"memory MB after a start", 0, func(lane *laneResult) float64 { return float64(lane.Restart.Resident) / 1e6 }},
		costMeasure{"disk MB", 0, func(lane *laneResult) float64 { return float64(lane.Restart.Bytes) / 1e6 }})
	for i, read := range c.Cells[0].Lanes[0].Reads {
		name := pathOnly(read.Path)
		all = append(all,
			costMeasure{name + " CPU ms", smallTime, func(lane *laneResult) float64 { return lane.Reads[i].First.cost() }},
			costMeasure{name + " again", smallTime, func(lane *laneResult) float64 { return lane.Reads[i].Again.cost() }},
			costMeasure{name + " after a record", smallTime, func(lane *laneResult) float64 { return lane.Reads[i].AfterRecord.cost() }})
	}
	return all
}

// cost is processor time in milliseconds, which says more on a machine with other work
// than how long it took.
func (c readCost) cost() float64 { return inMilliseconds(cmp.Or(c.CPU, c.Took)) }

func inMilliseconds(duration time.Duration) float64 {
	return float64(duration) / float64(time.Millisecond)
}

// slopes returns the exponent with which values grow with sizes, and the largest between
// two neighbours, where a small value counts as the largest small one.
func slopes(sizes []int, values []float64, small float64) (overall, steepest float64) {
	var xs, ys []float64
	for i, value := range values {
		if value = max(value, small); value > 0 {
			xs, ys = append(xs, math.Log(float64(sizes[i]))), append(ys, math.Log(value))
		}
	}
	if len(xs) < 2 {
		return 0, 0
	}
	steepest = math.Inf(-1)
	for i := 1; i < len(xs); i++ {
		steepest = max(steepest, (ys[i]-ys[i-1])/(xs[i]-xs[i-1]))
	}
	_, overall = stat.LinearRegression(xs, ys, nil, false)
	return overall, steepest
}

const (
	// steeperThan is from which exponent on growth is called worse than linear: a tenth above
	// one is within what runs differ by, a fifth of a cost at ten times the size.
	steeperThan = 1.1
	// perhapsSteeperThan is from which on it is said that it may be, so that another run is
	// looked at.
	perhapsSteeperThan = 1.03
)

// warnings name the costs that grow faster than what they are of, or may do so.
func (c *curve) warnings() (warnings []string) {
	for _, one := range c.Costs {
		verdict := "Worse than linear"
		switch {
		case one.Steepest <= perhapsSteeperThan:
			continue
		case one.Steepest <= steeperThan:
			verdict = "Worse than linear, or within what runs differ by,"
		}
		warnings = append(warnings, fmt.Sprintf("%s in %s: %s grows with an exponent of up to %.2f.", verdict, c.Of, one.Name, one.Steepest))
	}
	return warnings
}

// title heads a curve's table.
func (c *curve) title() string { return "growth with " + c.Of }

// rows are the table of a curve, its titles first: a row for each size, and the exponents.
func (c *curve) rows() [][]string {
	titles, slope, steepest := []string{c.Of}, []string{"exponent"}, []string{"at most, between neighbours"}
	rows := make([][]string, len(c.Sizes))
	for i, size := range c.Sizes {
		rows[i] = []string{grouped(float64(size))}
	}
	for _, one := range c.Costs {
		titles = append(titles, one.Name)
		slope, steepest = append(slope, signed(one.Slope)), append(steepest, signed(one.Steepest))
		for i, value := range one.Values {
			rows[i] = append(rows[i], significant(value))
		}
	}
	return append(append([][]string{titles}, rows...), slope, steepest)
}

// pathOnly is a path without its query.
func pathOnly(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return "/" + path
}

// signed writes an exponent.
func signed(value float64) string { return strconv.FormatFloat(value, 'f', 2, 64) }

// significant writes a number with three digits, or all of those before the point.
func significant(value float64) string {
	if value >= 100 {
		return grouped(value)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}
