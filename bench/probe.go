package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stats-recorder/harness"
)

// readResult is how long one read took once the load was over, in nanoseconds in JSON.
type readResult struct {
	Path string `json:"path"`
	// First is the first read, Again the median of those after it, and AfterRecord the
	// median of reads before each of which a request was recorded.
	First       time.Duration `json:"first_ns"`
	Again       time.Duration `json:"again_ns"`
	AfterRecord time.Duration `json:"after_record_ns"`
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
		if result.First, err = timeRead(ctx, server, path); err != nil {
			return nil, err
		}
		var again, after []float64
		for range probeReads {
			unchanged, err := timeRead(ctx, server, path)
			if err != nil {
				return nil, err
			}
			if err := l.postOnce(ctx); err != nil {
				return nil, err
			}
			changed, err := timeRead(ctx, server, path)
			if err != nil {
				return nil, err
			}
			again, after = append(again, float64(unchanged)), append(after, float64(changed))
		}
		result.Again, result.AfterRecord = time.Duration(median(again)), time.Duration(median(after))
		found = append(found, result)
	}
	return found, nil
}

// timeRead reads an answer to its end.
func timeRead(ctx context.Context, server *httpTarget, path string) (time.Duration, error) {
	begin := time.Now()
	body, err := harness.OpenRead(ctx, server.base, path)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return time.Since(begin), nil
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
