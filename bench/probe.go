package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stats-recorder/harness"
)

// readResult is what a read cost once the load was over.
type readResult struct {
	Path string `json:"path"`
	// First is the first read, Again the median of those after it, and AfterRecord the
	// median of reads before each of which a request was recorded.
	First       readCost `json:"first"`
	Again       readCost `json:"again"`
	AfterRecord readCost `json:"after_record"`
}

// readCost is how long an answer took to its end, and the processor time of the target,
// which is 0 where the system does not tell; in nanoseconds in JSON.
type readCost struct {
	Took time.Duration `json:"took_ns"`
	CPU  time.Duration `json:"cpu_ns,omitempty"`
}

// probeReads is how many reads a median is of.
const probeReads = 5

// probe reads each of the lane's paths without load, unchanged and after records.
func (l *lane) probe(ctx context.Context) (found []readResult, err error) {
	server, isServer := l.target.(*httpTarget)
	if !isServer || !l.spec.startsServer() {
		return nil, nil
	}
	for _, path := range l.probes {
		result := readResult{Path: path}
		if result.First, err = measureRead(ctx, server, path); err != nil {
			return nil, err
		}
		if result.Again, err = medianRead(ctx, server, path, func() error { return nil }); err != nil {
			return nil, err
		}
		if result.AfterRecord, err = medianRead(ctx, server, path, func() error { return l.postOnce(ctx) }); err != nil {
			return nil, err
		}
		found = append(found, result)
	}
	return found, nil
}

// medianRead is the medians of some reads, before each of which something is done.
func medianRead(ctx context.Context, server *httpTarget, path string, before func() error) (readCost, error) {
	var took, cpu []float64
	for range probeReads {
		if err := before(); err != nil {
			return readCost{}, err
		}
		one, err := measureRead(ctx, server, path)
		if err != nil {
			return readCost{}, err
		}
		took, cpu = append(took, float64(one.Took)), append(cpu, float64(one.CPU))
	}
	return readCost{Took: time.Duration(median(took)), CPU: time.Duration(median(cpu))}, nil
}

// measureRead reads an answer to its end.
func measureRead(ctx context.Context, server *httpTarget, path string) (cost readCost, err error) {
	before, err := known(server.usage())
	if err != nil {
		return readCost{}, err
	}
	begin := time.Now()
	body, err := harness.OpenRead(ctx, server.base, path)
	if err != nil {
		return readCost{}, err
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return readCost{}, fmt.Errorf("read %s: %w", path, err)
	}
	cost.Took = time.Since(begin)
	after, err := known(server.usage())
	cost.CPU = after.cpu - before.cpu
	return cost, err
}

// postOnce sends the next request of the lane's first walk.
func (l *lane) postOnce(ctx context.Context) error {
	one, err := l.target.connect(ctx, l.walks[0], manner{})
	if err != nil {
		return err
	}
	defer one.close()
	_, err = one.exchange(1)
	return err
}
