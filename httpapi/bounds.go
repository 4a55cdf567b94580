package httpapi

import (
	"cmp"
	"runtime"
	"time"

	"stats-recorder/httpapi/conn"
)

// Bounds limit what clients can make a server hold, and for how long. Fields
// that are 0 mean those of DefaultBounds. One more connection than may be, or a
// large answer that does not fit beside others, becomes a 503.
type Bounds conn.Bounds

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
	connection := conn.IdleBytes + b.HeaderBytes + bodyCopies*(maxBodyBytes+encodingOverhead)
	return uint64(b.Connections)*uint64(connection) + uint64(b.AnswerBytes) +
		uint64(inflaters())*inflaterBytes + uint64(readers())*uint64(maxCounters)*readBytes + limiterBytes
}

// inflaters and readers are how many requests may do at one time what takes
// much processor time and memory: more would only take memory.
func inflaters() int { return 2 * runtime.GOMAXPROCS(0) }
func readers() int   { return runtime.GOMAXPROCS(0) }
