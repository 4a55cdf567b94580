package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// slowestLatency is the largest latency told apart; anything slower counts as it.
const slowestLatency = 10 * time.Minute

// latencies is the distribution of the latencies of one phase. Connections
// record through recorders of their own, so that they rarely meet at its lock.
type latencies struct {
	mutex     sync.Mutex
	histogram *hdrhistogram.Histogram // nanoseconds, three digits
}

func newLatencies() *latencies {
	return &latencies{histogram: hdrhistogram.New(1, int64(slowestLatency), 3)}
}

// recorder returns a recorder for one goroutine.
func (l *latencies) recorder() *latencyRecorder { return &latencyRecorder{owner: l} }

// merge adds all latencies of another distribution that nobody records to.
func (l *latencies) merge(other *latencies) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.histogram.Merge(other.histogram)
}

// summary returns the percentiles that reports show.
func (l *latencies) summary() latencySummary {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	at := func(percentile float64) time.Duration {
		return time.Duration(l.histogram.ValueAtPercentile(percentile))
	}
	return latencySummary{
		Median: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: time.Duration(l.histogram.Max()),
	}
}

// latencySummary is the percentiles of a distribution, in nanoseconds in JSON.
type latencySummary struct {
	Median time.Duration `json:"p50_ns"`
	P90    time.Duration `json:"p90_ns"`
	P99    time.Duration `json:"p99_ns"`
	P999   time.Duration `json:"p99_9_ns"`
	Max    time.Duration `json:"max_ns"`
}

// recordedAtOnce is how many latencies a recorder gathers before it takes the lock.
const recordedAtOnce = 256

// latencyRecorder gathers the latencies seen by one goroutine.
type latencyRecorder struct {
	owner   *latencies
	pending [recordedAtOnce]time.Duration
	count   int
}

// record notes the latency of one request.
func (r *latencyRecorder) record(latency time.Duration) {
	r.pending[r.count] = latency
	r.count++
	if r.count == len(r.pending) {
		r.flush()
	}
}

// flush hands what was gathered to the distribution.
func (r *latencyRecorder) flush() {
	r.owner.mutex.Lock()
	defer r.owner.mutex.Unlock()
	for _, latency := range r.pending[:r.count] {
		inRange := min(max(latency, 1), slowestLatency)
		_ = r.owner.histogram.RecordValue(int64(inRange)) // it only refuses what is out of range
	}
	r.count = 0
}
