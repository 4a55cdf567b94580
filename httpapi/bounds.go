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
	// readerBytes is what making an answer takes: a piece of the counters, and what
	// compresses it.
	readerBytes = 8 << 20
	// inflaterBytes is what inflating one body takes, most of it zstd's window.
	inflaterBytes = 9 << 20
)

// Demand is what clients may make a server hold, all of it together.
type Demand struct {
	Bounds Bounds
	// MaxBodyBytes limits a body.
	MaxBodyBytes int
	// Inflaters is how many bodies may be inflated at one time, Readers how many answers
	// to reads be made.
	Inflaters, Readers int
	// RateLimited is whether clients are remembered by their address.
	RateLimited bool
}

// WorstCase is the memory that clients can make a server use at one time, beside
// the counters themselves.
func (d Demand) WorstCase() (bytes uint64) {
	b := d.Bounds.withDefaults()
	bytes = uint64(b.Connections)*d.ConnectionBytes() + uint64(b.AnswerBytes) +
		uint64(d.Inflaters)*inflaterBytes + uint64(d.Readers)*readerBytes
	if d.RateLimited {
		bytes += limiterBytes
	}
	return bytes
}

// ConnectionBytes is what one client can take of it, with the body that it sends.
func (d Demand) ConnectionBytes() uint64 {
	return uint64(conn.IdleBytes) + uint64(d.Bounds.withDefaults().HeaderBytes) + bodyCopies*(uint64(d.MaxBodyBytes)+encodingOverhead)
}

// InflatersWithin is how many bodies to inflate at one time: two for each processor,
// if the memory has room for them, and at least one.
func InflatersWithin(memory uint64) int {
	return int(min(uint64(2*runtime.GOMAXPROCS(0)), max(1, memory/inflaterBytes)))
}

// ReadersWithin is how many answers to reads to make at one time: one for each processor,
// because more would only take memory, if the memory has room for them, and at least one.
func ReadersWithin(memory uint64) int {
	return int(min(uint64(runtime.GOMAXPROCS(0)), max(1, memory/readerBytes)))
}
