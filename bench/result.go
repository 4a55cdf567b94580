package main

import (
	"slices"
	"time"
)

// report is everything a run found out, as it is written to JSON.
type report struct {
	Started  time.Time    `json:"started"`
	Seconds  float64      `json:"seconds"`
	Command  []string     `json:"command"`
	Revision string       `json:"revision,omitempty"`
	Machine  machine      `json:"machine"`
	Notes    []string     `json:"notes,omitempty"`
	Cells    []cellResult `json:"cells"`
	// Growth is how costs grow with one thing at a time.
	Growth []curve `json:"growth,omitempty"`
}

// cellResult is what a cell of the matrix found: lanes that were measured in
// turns, and may be compared with each other.
type cellResult struct {
	cellSpec
	Lanes []laneResult `json:"lanes"`
}

// laneResult is what one target did in a cell. Its figures are the medians of
// its rounds; latencies are over all of its rounds together.
type laneResult struct {
	Name string `json:"name"`
	laneSpec
	figures
	Latency latencySummary `json:"latency"`
	// Acknowledged is all records since the lane began, warm-up included: those
	// that the target's own counts were compared with.
	Acknowledged int64 `json:"records_acknowledged"`
	// Distinct is how many counters they fall on.
	Distinct int `json:"distinct_counters"`
	// Verified tells that the target was asked, and had counted exactly them.
	Verified bool `json:"verified"`
	// Resident and Peak are the memory of the target's process at the end.
	Resident int64 `json:"resident_bytes,omitempty"`
	Peak     int64 `json:"peak_resident_bytes,omitempty"`
	// Kept is by how much the data directory grew per acknowledged record.
	Kept float64 `json:"data_directory_bytes_per_record,omitempty"`
	// Reading is the latency of reading the statistics during the rounds.
	Reading *latencySummary `json:"reading,omitempty"`
	// Reads is how long reads took once the load was over, in the order of the paths.
	Reads []readResult `json:"reads,omitempty"`
	// Restart is what starting again on the data took, where that was asked for.
	Restart *restartResult `json:"restart,omitempty"`
	// Ratios compare with other lanes of the cell, by their name.
	Ratios map[string]ratio `json:"ratios,omitempty"`
	Rounds []figures        `json:"rounds"`
}

// restartResult is what stopping a server and starting it again took.
type restartResult struct {
	// Seconds is from starting the process until it serves.
	Seconds float64 `json:"seconds"`
	// Bytes is the size of the data directory between, and Stored that per distinct counter.
	Bytes  int64   `json:"data_directory_bytes"`
	Stored float64 `json:"data_directory_bytes_per_counter"`
	// Resident is the memory of the new process, before it was asked anything.
	Resident int64 `json:"resident_bytes,omitempty"`
}

// figures are the rates and costs of one round, or their medians. What a system
// does not tell, and what does not apply, is 0.
type figures struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	RecordsPerSecond  float64 `json:"records_per_second"`
	// CPUPerRequest and CPUPerRecord are user and system time of the target's
	// process, in nanoseconds.
	CPUPerRequest float64 `json:"cpu_ns_per_request,omitempty"`
	CPUPerRecord  float64 `json:"cpu_ns_per_record,omitempty"`
	// GeneratorCPUPerRequest is what this program used itself, in nanoseconds.
	GeneratorCPUPerRequest float64 `json:"generator_cpu_ns_per_request,omitempty"`
	// WrittenPerRecord is bytes that went to storage per record, in whole
	// blocks of the file system.
	WrittenPerRecord float64 `json:"written_bytes_per_record,omitempty"`
	// P99OfPieces is the median, over pieces of a tenth of a second, of the p99 of those
	// requests that began in each, in nanoseconds.
	P99OfPieces float64 `json:"p99_of_pieces_ns,omitempty"`
	// Unsent is requests that were due in an open loop and could not be sent; of
	// all rounds together, not their median.
	Unsent float64 `json:"unsent,omitempty"`
}

// ratio compares two lanes of a cell: the median, over the rounds, of the
// quotient of the two rounds that were measured next to each other.
type ratio struct {
	Records       float64 `json:"records_per_second"`
	CPUPerRequest float64 `json:"cpu_per_request,omitempty"`
	P99OfPieces   float64 `json:"p99_of_pieces,omitempty"`
}

// peak returns the requests per second that the first lane reached in a closed
// loop of the same load, 0 if there was none.
func (r *report) peak(load cellSpec) float64 {
	for position := range r.Cells {
		if cell := &r.Cells[position]; cell.Rate == 0 && cell.sameLoad(load) {
			return cell.Lanes[0].RequestsPerSecond
		}
	}
	return 0
}

// newFigures works out the rates of one round from what was seen on both sides.
func newFigures(load *loadResult, before, after usages) figures {
	cpu := float64(after.target.cpu - before.target.cpu)
	written := float64(after.target.written - before.target.written)
	requests, records := float64(load.requests), float64(load.records)
	return figures{
		RequestsPerSecond:      requests / load.elapsed.Seconds(),
		RecordsPerSecond:       records / load.elapsed.Seconds(),
		CPUPerRequest:          divide(cpu, requests),
		CPUPerRecord:           divide(cpu, records),
		GeneratorCPUPerRequest: divide(float64(after.generator-before.generator), requests),
		WrittenPerRecord:       divide(written, records),
		P99OfPieces:            float64(load.latency.p99OfPieces()),
		Unsent:                 float64(load.unsent),
	}
}

// medianFigures returns the median of each figure over the rounds.
func medianFigures(rounds []figures) figures {
	of := func(pick func(figures) float64) float64 {
		values := make([]float64, 0, len(rounds))
		for _, round := range rounds {
			values = append(values, pick(round))
		}
		return median(values)
	}
	unsent := 0.0
	for _, round := range rounds {
		unsent += round.Unsent
	}
	return figures{
		RequestsPerSecond:      of(func(f figures) float64 { return f.RequestsPerSecond }),
		RecordsPerSecond:       of(func(f figures) float64 { return f.RecordsPerSecond }),
		CPUPerRequest:          of(func(f figures) float64 { return f.CPUPerRequest }),
		CPUPerRecord:           of(func(f figures) float64 { return f.CPUPerRecord }),
		GeneratorCPUPerRequest: of(func(f figures) float64 { return f.GeneratorCPUPerRequest }),
		WrittenPerRecord:       of(func(f figures) float64 { return f.WrittenPerRecord }),
		P99OfPieces:            of(func(f figures) float64 { return f.P99OfPieces }),
		Unsent:                 unsent,
	}
}

// compareRounds returns the ratio of one lane's rounds to another's.
func compareRounds(rounds, reference []figures) ratio {
	var records, cpu, slow []float64
	for position := range min(len(rounds), len(reference)) {
		one, other := rounds[position], reference[position]
		records = append(records, divide(one.RecordsPerSecond, other.RecordsPerSecond))
		cpu = append(cpu, divide(one.CPUPerRequest, other.CPUPerRequest))
		slow = append(slow, divide(one.P99OfPieces, other.P99OfPieces))
	}
	return ratio{Records: median(records), CPUPerRequest: median(cpu), P99OfPieces: median(slow)}
}

// addRatios compares every server with those that it is measured beside: the
// ceiling, Redis, and the first of the servers.
func (c *cellResult) addRatios() {
	for position := range c.Lanes {
		lane := &c.Lanes[position]
		if lane.Kind.isMeasure() {
			continue
		}
		lane.Ratios = map[string]ratio{}
		for number := range c.Lanes {
			other := &c.Lanes[number]
			if other != lane && (number == 0 || other.Kind.isMeasure()) {
				lane.Ratios[other.Name] = compareRounds(lane.Rounds, other.Rounds)
			}
		}
	}
}

// median returns the middle of the values, 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// divide returns 0 where a quotient says nothing.
func divide(dividend, divisor float64) float64 {
	if divisor == 0 {
		return 0
	}
	return dividend / divisor
}
