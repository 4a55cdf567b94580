package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// slowestLatency is the largest latency told apart; anything slower counts as it.
const slowestLatency = 10 * time.Minute

// pieceLength is how long a piece of a phase is. A burst of some milliseconds in which
// the whole machine is late, the sending too, decides the p99 of all requests of a phase,
// and that of one or two of its pieces.
const pieceLength = 100 * time.Millisecond

// latencies is the distribution of the latencies of one phase, and of those of each of
// its pieces. Connections record through recorders of their own, so that they rarely meet
// at its lock.
type latencies struct {
	mutex     sync.Mutex
	histogram *hdrhistogram.Histogram   // nanoseconds, three digits
	pieces    []*hdrhistogram.Histogram // by when a request began, two digits; nil where none did
}

func newLatencies() *latencies {
	return &latencies{histogram: hdrhistogram.New(1, int64(slowestLatency), 3)}
}

// recorder returns a recorder for one goroutine.
func (l *latencies) recorder() *latencyRecorder { return &latencyRecorder{owner: l} }

// merge adds all latencies of another distribution that nobody records to, but not their
// pieces, which are of another phase.
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

// p99OfPieces returns the median over the pieces of the p99 of each. Of a piece with
// few requests that is one of the slowest.
func (l *latencies) p99OfPieces() time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var slow []float64
	for _, piece := range l.pieces {
		if piece != nil {
			slow = append(slow, float64(piece.ValueAtPercentile(99)))
		}
	}
	return time.Duration(median(slow))
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
	pending [recordedAtOnce]timedRequest
	count   int
}

// timedRequest is when a request began, since the start of the phase, and how long it took.
type timedRequest struct{ began, latency time.Duration }

// record notes when a request began, since the start of the phase, and how long it took.
func (r *latencyRecorder) record(began, latency time.Duration) {
	r.pending[r.count] = timedRequest{began, latency}
	r.count++
	if r.count == len(r.pending) {
		r.flush()
	}
}

// flush hands what was gathered to the distribution.
func (r *latencyRecorder) flush() {
	r.owner.mutex.Lock()
	defer r.owner.mutex.Unlock()
	for _, request := range r.pending[:r.count] {
		inRange := int64(min(max(request.latency, 1), slowestLatency))
		_ = r.owner.histogram.RecordValue(inRange) // it only refuses what is out of range
		_ = r.owner.piece(request.began).RecordValue(inRange)
	}
	r.count = 0
}

// piece returns the distribution of the piece in which a request began. The mutex must be held.
func (l *latencies) piece(began time.Duration) *hdrhistogram.Histogram {
	number := int(began / pieceLength)
	if missing := number + 1 - len(l.pieces); missing > 0 {
		l.pieces = append(l.pieces, make([]*hdrhistogram.Histogram, missing)...)
	}
	if l.pieces[number] == nil {
		l.pieces[number] = hdrhistogram.New(1, int64(slowestLatency), 2)
	}
	return l.pieces[number]
}
