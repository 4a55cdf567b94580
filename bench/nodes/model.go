package main

import (
	"fmt"
	"io"
	"math"
)

// costs are those of the model, in nanoseconds of a processor.
type costs struct {
	pages, hot           float64 // of a record, with all that is done for it but telling others
	tellPages, tellHot   float64 // of a record, to gather it and to make frames
	mergePages, mergeHot float64 // of a counter that others told
}

// measuredCosts are what `go run ./bench` says of a record (pages, and batches of 30), and
// in snapshot BenchmarkTellOfAWindow of a record and BenchmarkMergeOfASecond of a counter,
// medians on a machine that did nothing else. Those of a record alone are of an earlier day than
// those of telling and merging.
var measuredCosts = costs{pages: 740, hot: 487, tellPages: 22, tellHot: 13, mergePages: 39, mergeHot: 23}

const (
	processors = 2 // of a node
	nanosecond = 1e-9

	// A frame costs the node that tells it so much, and so much for each kilobyte; and the
	// nodes that get it. Measured with three nats-servers 2.15.2 and frames of 5 to 50 KB.
	tellFrame, tellKilobyte = 60e-6, 2e-6
	takeFrame, takeKilobyte = 5e-6, 1.25e-6
	frameLimit              = 1000.0 // kilobytes: more is several frames
)

// A told row is what a frame of a number of records holds.
type told struct{ records, counters, bytes float64 }

// traffics are what was measured of frames that stand alone: pages of 1 to 60 benefits of
// 600, with clicks, and pages of thirty alone, whose counters are 18,000.
var (
	tellsPages = []told{
		{1_938, 1_928, 10_800}, {7_700, 7_546, 21_700}, {30_000, 27_900, 49_000}, {120_000, 97_200, 136_000}, {500_000, 290_000, 402_000}, {1_000_000, 460_000, 658_000},
	}
	tellsHot = []told{{1_938, 1_830, 9_000}, {7_680, 6_220, 17_000}, {120_000, 18_000, 45_000}, {1_000_000, 18_000, 45_000}}
)

// of is what so many records tell, between two rows in proportion.
func of(rows []told, records float64) told {
	if records <= rows[0].records {
		share := records / rows[0].records
		names := math.Min(7_000, rows[0].bytes) // which are there however few records
		return told{records, rows[0].counters * share, names + (rows[0].bytes-names)*share}
	}
	for i := 1; i < len(rows); i++ {
		low, high := rows[i-1], rows[i]
		if records <= high.records || i == len(rows)-1 {
			share := (records - low.records) / (high.records - low.records)
			return told{records, low.counters + share*(high.counters-low.counters), low.bytes + share*(high.bytes-low.bytes)}
		}
	}
	panic("no rows")
}

// A cluster is some nodes that all take records and merge each other's, or, with readers
// apart, only take them.
type cluster struct {
	nodes        int
	window       float64 // seconds
	parse, tell  float64 // nanoseconds of a record
	merge        float64 // nanoseconds of a counter
	rows         []told
	readersMerge bool // and these nodes do not
}

// load is what part of a second a node's processors work at a rate of records a second.
func (c cluster) load(rate float64) (own, merging float64) {
	frame := of(c.rows, rate*c.window)
	frames := math.Max(1, math.Ceil(frame.bytes/1000/frameLimit)) / c.window
	kilobytes := frame.bytes / 1000 / c.window
	own = rate * c.parse * nanosecond
	if c.nodes > 1 {
		own += rate*c.tell*nanosecond + frames*tellFrame + kilobytes*tellKilobyte
	}
	merging = float64(c.nodes-1) * (frame.counters*c.merge*nanosecond/c.window + frames*takeFrame + kilobytes*takeKilobyte)
	return own, merging
}

// rate is how many records a second each node takes at most, and what part of its time
// it merges.
func (c cluster) rate() (records, merging float64) {
	low, high := 0.0, processors/(c.parse*nanosecond)
	for range 60 {
		middle := (low + high) / 2
		own, others := c.load(middle)
		if c.readersMerge {
			others = 0
		}
		if own+others > processors {
			high = middle
		} else {
			low = middle
		}
	}
	_, others := c.load(low)
	return low, others / processors
}

// print prints the model.
func (c costs) print(output io.Writer) {
	counts := []int{1, 2, 4, 8, 16, 32, 64}
	fmt.Fprintf(output, "million records/s of all nodes, and percent of linear\n%-40s", "nodes")
	for _, nodes := range counts {
		fmt.Fprintf(output, "%10d", nodes)
	}
	fmt.Fprintln(output, "   a reader follows")
	for _, traffic := range []struct {
		name               string
		parse, tell, merge float64
		rows               []told
	}{
		{"pages", c.pages, c.tellPages, c.mergePages, tellsPages},
		{"hot counters", c.hot, c.tellHot, c.mergeHot, tellsHot},
	} {
		for _, window := range []float64{0.1, 1} {
			of := cluster{window: window, parse: traffic.parse, tell: traffic.tell, merge: traffic.merge, rows: traffic.rows}
			title := fmt.Sprintf("%s, LOG_WINDOW=%gs, ", traffic.name, window)
			of.printRow(output, title+"all", counts)
			fmt.Fprintln(output)
			of.readersMerge = true
			of.printRow(output, title+"ingest", counts)
			of.nodes = 2
			_, merging := of.rate()
			fmt.Fprintf(output, "%12.0f nodes\n", 1/merging)
		}
	}
}

// printRow prints what numbers of nodes take together.
func (c cluster) printRow(output io.Writer, title string, counts []int) {
	fmt.Fprintf(output, "%-40s", title)
	c.nodes = 1
	alone, _ := c.rate()
	for _, nodes := range counts {
		c.nodes = nodes
		rate, _ := c.rate()
		fmt.Fprint(output, figure(float64(nodes)*rate, rate/alone))
	}
}

func figure(rate, share float64) string { return fmt.Sprintf("%6.1f%4.0f", rate/1e6, 100*share) }
