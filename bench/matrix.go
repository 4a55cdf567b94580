package main

import (
	"fmt"
	"slices"
	"strings"
)

// laneKind is what a lane puts under load.
type laneKind string

const (
	serverLane  laneKind = "server"  // this module's server
	rivalLane   laneKind = "rival"   // another build of it
	urlLane     laneKind = "url"     // a server that runs already
	ceilingLane laneKind = "ceiling" // HTTP alone
	redisLane   laneKind = "redis"   // the same increments without HTTP
	// durableRedisLane is the same, with each pipeline on disk before its answer.
	durableRedisLane laneKind = "redis-always"
)

// laneKinds are all there are, in the order in which they have their turns.
func laneKinds() []laneKind {
	return []laneKind{serverLane, rivalLane, urlLane, ceilingLane, redisLane, durableRedisLane}
}

// isRedis says whether the lane does increments without HTTP.
func (k laneKind) isRedis() bool { return k == redisLane || k == durableRedisLane }

// isMeasure says whether there is one of it in a cell, which servers are compared with.
func (k laneKind) isMeasure() bool { return k == ceilingLane || k.isRedis() }

// defaultDurability is the server's own default.
const defaultDurability = "always"

// withoutVisitors is a server that counts records alone.
const withoutVisitors = "VISITORS=off"

// laneSpec is one target in a cell of the matrix.
type laneSpec struct {
	Kind laneKind `json:"kind"`
	// Durability is what an acknowledgement of the server means.
	Durability string `json:"durability,omitempty"`
	// Setting is one that the server has otherwise than by default, NAME=VALUE.
	Setting string `json:"setting,omitempty"`
	// Counters is over how many distinct counters the records are spread; 0
	// lets them arise as they do on a site.
	Counters int `json:"counters,omitempty"`
	// Readers is how many read the statistics without pause during the rounds.
	Readers int `json:"readers,omitempty"`
	// Days is how many closed days of counts the server begins with.
	Days int `json:"days,omitempty"`
}

// name tells the lanes of a cell apart.
func (s laneSpec) name() string {
	parts := []string{string(s.Kind)}
	if s.Kind.isMeasure() {
		return parts[0] // there is one of each in a cell
	}
	if s.Durability != "" && s.Durability != defaultDurability {
		parts = append(parts, s.Durability)
	}
	if s.Setting != "" {
		parts = append(parts, s.Setting)
	}
	if s.Counters > 0 {
		parts = append(parts, shortCount(float64(s.Counters))+" counters")
	}
	if s.Readers > 0 {
		parts = append(parts, fmt.Sprintf("%d reading", s.Readers))
	}
	if s.Days > 0 {
		parts = append(parts, fmt.Sprintf("%d days", s.Days))
	}
	return strings.Join(parts, " ")
}

// startsServer tells whether the lane starts a server of the contract.
func (s laneSpec) startsServer() bool { return s.Kind == serverLane || s.Kind == rivalLane }

// cellSpec is one cell of the matrix: lanes under the same kind of load, measured
// in turns so that they can be compared.
type cellSpec struct {
	Batch       int `json:"batch"` // records in a request; 0 is whole pages
	Connections int `json:"connections"`
	Pipeline    int `json:"pipeline"`
	manner
	// Rate is requests per second of an open loop; 0 is a closed loop.
	Rate float64 `json:"rate,omitempty"`
	// PeakShare makes an open loop of that share of what the first lane reached
	// in a closed loop of the same kind before.
	PeakShare float64 `json:"peak_share,omitempty"`
	// Benefits is how many distinct benefits there are; 0 is as many as the options say.
	Benefits int `json:"benefits,omitempty"`
	// Strangers has a visitor for each record, and not one for each request.
	Strangers bool       `json:"visitor_for_each_record,omitempty"`
	Specs     []laneSpec `json:"-"`
	// probes are paths that are read once the load is over.
	probes []string
	// restarted has each server started again on its data at the end.
	restarted bool
}

// manner is how a connection is used. The zero value is one that posts for as long
// as the load lasts.
type manner struct {
	// Posts is after how many posts the client closes a connection and opens
	// another; 0 keeps it.
	Posts int `json:"posts_per_connection,omitempty"`
	// Reads is how many percent of the requests read instead of posting.
	Reads float64 `json:"reads_percent,omitempty"`
	// Encrypted is whether it speaks TLS.
	Encrypted bool `json:"encrypted,omitempty"`
}

// title describes the manner for the end of a longer title; "" if it is the usual.
func (m manner) title() string {
	title := ""
	switch {
	case m.Posts == 1:
		title += ", 1 post each"
	case m.Posts > 1:
		title += fmt.Sprintf(", %d posts each", m.Posts)
	}
	if m.Encrypted {
		title += ", TLS"
	}
	if m.Reads > 0 {
		title += fmt.Sprintf(", %g %% reads", m.Reads)
	}
	return title
}

// batchTitle names the batch size.
func (c cellSpec) batchTitle() string {
	if c.Batch == 0 {
		return "pages of 1 to 60"
	}
	return fmt.Sprintf("batches of %d", c.Batch)
}

// title describes the load of the cell in a line.
func (c cellSpec) title() string {
	title := fmt.Sprintf("%s, %d connections", c.batchTitle(), c.Connections) + c.manner.title()
	if c.Benefits > 0 {
		title += fmt.Sprintf(", %s benefits", shortCount(float64(c.Benefits)))
	}
	if c.Strangers {
		title += ", a visitor for each record"
	}
	if c.Pipeline > 1 {
		title += fmt.Sprintf(", pipelining %d", c.Pipeline)
	}
	switch {
	case c.Rate > 0:
		title += fmt.Sprintf(", open loop at %s requests/s", grouped(c.Rate))
	case c.PeakShare > 0:
		title += fmt.Sprintf(", open loop at %.0f %% of the peak", 100*c.PeakShare)
	}
	return title
}

// sameLoad tells whether two cells differ in nothing but the rate.
func (c cellSpec) sameLoad(other cellSpec) bool {
	return c.Batch == other.Batch && c.Connections == other.Connections && c.Pipeline == other.Pipeline &&
		c.manner == other.manner && c.Benefits == other.Benefits && c.Strangers == other.Strangers
}

// matrix returns the cells that the options ask for.
func (o *options) matrix() []cellSpec {
	switch {
	case o.custom:
		return o.customMatrix()
	case len(o.growth) > 0 && !o.full:
		return nil
	case o.smoke:
		return o.smokeMatrix()
	case o.full:
		return o.fullMatrix()
	}
	return o.standardMatrix()
}

// countSteps is how many turns the lanes of all cells have, warming up included.
func countSteps(cells []cellSpec, rounds int) int {
	steps := 0
	for _, cell := range cells {
		steps += len(cell.Specs) * (1 + rounds)
	}
	return steps
}

// standardMatrix is what a run without arguments measures.
func (o *options) standardMatrix() []cellSpec {
	all := o.lanes(laneSpec{})
	const connections = 256
	var cells []cellSpec
	for _, batch := range []int{1, 30, 100, 0} {
		cells = append(cells, cellSpec{Batch: batch, Connections: connections, Pipeline: 1, Specs: all})
	}
	steady := o.speakingHTTP().lanes(laneSpec{})
	cells = append(cells, cellSpec{Connections: connections, Pipeline: 1, PeakShare: 0.5, Specs: steady})
	if !o.wants(serverLane) {
		return cells
	}
	return append(cells, o.variantMatrix()...)
}

// variantMatrix compares what the server can be set to, and how much it can hold.
func (o *options) variantMatrix() []cellSpec {
	own := o.only(serverLane, ceilingLane)
	const connections = 256
	return []cellSpec{
		cellSpec{Batch: 30, Connections: connections, Pipeline: 1, Specs: own.lanes(
			laneSpec{}, laneSpec{Durability: "everysec"}, laneSpec{Durability: "snapshot"})},
		cellSpec{Batch: 30, Connections: connections, Pipeline: 1, Specs: own.lanes(
			laneSpec{Counters: 10_000}, laneSpec{Counters: 1_000_000})},
	}
}

// fullMatrix is all that docs/performance.md has a figure of, but for growth: the server
// without and with visitors in each load.
func (o *options) fullMatrix() []cellSpec {
	const many, some = 256, 64
	bare := laneSpec{Setting: withoutVisitors}
	all, own := o.lanes(bare, laneSpec{}), o.only(serverLane, ceilingLane).lanes(bare, laneSpec{})
	cells := []cellSpec{}
	for _, batch := range []int{1, 30, 100, 0} {
		cells = append(cells, cellSpec{Batch: batch, Connections: many, Pipeline: 1, Specs: all})
	}
	for _, batch := range []int{1, 30, 100, 0} {
		cells = append(cells, cellSpec{Batch: batch, Connections: some, Pipeline: 1, Specs: own})
	}
	cells = append(cells,
		cellSpec{Batch: 30, Connections: 16, Pipeline: 1, Specs: own},
		cellSpec{Batch: 30, Connections: many, Pipeline: 1, Strangers: true, Specs: own})
	for _, posts := range []int{1, 2, 3} {
		cells = append(cells, cellSpec{Batch: 30, Connections: some, Pipeline: 1, manner: manner{Posts: posts}, Specs: own})
	}
	for _, batch := range []int{1, 30} {
		cells = append(cells, cellSpec{Batch: batch, Connections: many, Pipeline: 1, manner: manner{Encrypted: true}, Specs: own})
	}
	cells = append(cells, cellSpec{Batch: 30, Connections: many, Pipeline: 1, PeakShare: 0.5, Specs: own})
	return append(cells, o.variantMatrix()...)
}

// smokeMatrix does everything once, as briefly as possible.
func (o *options) smokeMatrix() []cellSpec {
	wire := o.speakingHTTP().lanes(laneSpec{})
	cells := []cellSpec{
		{Batch: 30, Connections: 16, Pipeline: 4, Specs: o.lanes(laneSpec{})},
		{Batch: 0, Connections: 16, Pipeline: 1, Rate: 500, Specs: o.lanes(laneSpec{Counters: 5000, Readers: 1})},
		{Batch: 0, Connections: 16, Pipeline: 1, manner: manner{Posts: 2}, Specs: wire},
		{Batch: 30, Connections: 16, Pipeline: 1, manner: manner{Reads: 1}, Specs: wire},
	}
	if o.wants(serverLane) { // which can be given a certificate
		own := o.only(serverLane, ceilingLane).lanes(laneSpec{})
		cells = append(cells, cellSpec{Batch: 30, Connections: 16, Pipeline: 1, manner: manner{Encrypted: true}, Specs: own})
	}
	return cells
}

// customMatrix is every combination of what was asked for. What changes the
// load makes a cell of its own; what changes the server makes a lane.
func (o *options) customMatrix() []cellSpec {
	var variants []laneSpec
	for _, durability := range o.durabilities {
		for _, setting := range o.settings {
			for _, counters := range o.counters {
				for _, readers := range o.readers {
					variants = append(variants, laneSpec{Durability: durability, Setting: setting, Counters: counters, Readers: readers})
				}
			}
		}
	}
	var cells []cellSpec
	for _, cell := range o.loads() {
		measured := o
		switch {
		case cell.Encrypted: // only what is started here can be given a certificate
			measured = o.only(serverLane, rivalLane, ceilingLane)
		case cell.manner != (manner{}):
			measured = o.speakingHTTP()
		}
		cell.Rate, cell.Specs = o.rate, measured.lanes(variants...)
		cells = append(cells, cell)
		if o.peakShare > 0 {
			cell.PeakShare = o.peakShare
			cells = append(cells, cell)
		}
	}
	return cells
}

// loads are the combinations of what changes the load, as cells without lanes.
func (o *options) loads() []cellSpec {
	var cells []cellSpec
	for _, batch := range o.batches {
		for _, connections := range o.connections {
			for _, pipeline := range o.pipelines {
				for _, posts := range o.posts {
					for _, reads := range o.reads {
						for _, strangers := range o.strangers {
							cells = append(cells, cellSpec{Batch: batch, Connections: connections, Pipeline: pipeline, Strangers: strangers,
								manner: manner{Posts: posts, Reads: reads, Encrypted: o.encrypted}})
						}
					}
				}
			}
		}
	}
	return cells
}

// lanes returns the lanes of a cell: all variants of the servers, and one of
// each other target, under the load of the first variant.
func (o *options) lanes(variants ...laneSpec) []laneSpec {
	var lanes []laneSpec
	for _, kind := range o.targets {
		for position, variant := range variants {
			lane := laneSpec{Kind: kind, Counters: variant.Counters}
			if lane.startsServer() {
				lane.Durability, lane.Setting, lane.Readers, lane.Days = variant.Durability, variant.Setting, variant.Readers, variant.Days
				if lane.Durability == "" {
					lane.Durability = defaultDurability
				}
			} else if position > 0 {
				continue
			}
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

func (o *options) wants(kind laneKind) bool { return slices.Contains(o.targets, kind) }

// speakingHTTP returns options without the targets that have no HTTP connections.
func (o *options) speakingHTTP() *options {
	return o.only(serverLane, rivalLane, urlLane, ceilingLane)
}

// only returns options that differ in having no targets but these.
func (o *options) only(kinds ...laneKind) *options {
	reduced := *o
	reduced.targets = slices.DeleteFunc(slices.Clone(o.targets), func(target laneKind) bool {
		return !slices.Contains(kinds, target)
	})
	return &reduced
}
