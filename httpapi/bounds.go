package httpapi

import (
	"cmp"
	"runtime"
	"time"
)

// Bounds limit what clients can make a server hold, and for how long. Fields
// that are 0 mean those of DefaultBounds.
type Bounds struct {
	// Connections is how many clients may be connected. One more takes the place
	// of one that keeps the server waiting, or else is answered with 503.
	Connections int
	// HeaderBytes limits a request's first line and header.
	HeaderBytes int
	// ReadTimeout is how long a request may take to arrive, WriteTimeout how
	// long its answer may take to leave, IdleTimeout how long a connection may
	// be without a request.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// AnswerBytes limits the large answers that are on their way to clients at
	// one time. One that does not fit beside others becomes a 503.
	AnswerBytes int
}

// DefaultBounds are meant for a public server on a small machine.
func DefaultBounds() Bounds {
	return Bounds{
		Connections:  4096,
		HeaderBytes:  8 << 10,
		ReadTimeout:  15 * time.Second,
		WriteTimeout: 60 * time.Second,
		IdleTimeout:  75 * time.Second,
		AnswerBytes:  256 << 20,
	}
}

func (b Bounds) withDefaults() Bounds {
	defaults := DefaultBounds()
	return Bounds{
		Connections:  cmp.Or(b.Connections, defaults.Connections),
		HeaderBytes:  cmp.Or(b.HeaderBytes, defaults.HeaderBytes),
		ReadTimeout:  cmp.Or(b.ReadTimeout, defaults.ReadTimeout),
		WriteTimeout: cmp.Or(b.WriteTimeout, defaults.WriteTimeout),
		IdleTimeout:  cmp.Or(b.IdleTimeout, defaults.IdleTimeout),
		AnswerBytes:  cmp.Or(b.AnswerBytes, defaults.AnswerBytes),
	}
}

const (
	// idleConnectionBytes is what a connection without a request keeps beside its
	// header buffer: fasthttp's writer, first part of a body and context, and a
	// goroutine's stack. One in an event loop keeps less: its answers that wait, of
	// which there are about mostOwed bytes.
	idleConnectionBytes = 40 << 10
	// bodyCopies is how often a body is in memory while it is recorded: as it was
	// sent, inflated, and as records.
	bodyCopies = 3
	// readBytes is what making an answer takes for each counter in it; see
	// BenchmarkMillionCounters of the program.
	readBytes = 56
	// inflaterBytes is what inflating one body takes, most of it zstd's window.
	inflaterBytes = 9 << 20
)

// WorstCase is the memory that clients can make a server with these bounds use
// at one time, beside the counters themselves.
func (b Bounds) WorstCase(maxBodyBytes, maxCounters int) (bytes uint64) {
	b = b.withDefaults()
	connection := idleConnectionBytes + b.HeaderBytes + bodyCopies*(maxBodyBytes+encodingOverhead)
	return uint64(b.Connections)*uint64(connection) + uint64(b.AnswerBytes) +
		uint64(inflaters())*inflaterBytes + uint64(readers())*uint64(maxCounters)*readBytes + limiterBytes
}

// inflaters and readers are how many requests may do at one time what takes
// much processor time and memory: more would only take memory.
func inflaters() int { return 2 * runtime.GOMAXPROCS(0) }
func readers() int   { return runtime.GOMAXPROCS(0) }
