package httpapi

import (
	"sync/atomic"
	"time"
)

// phase is what a connection is doing. In all but working the server waits for
// the client.
type phase int64

const (
	idle      phase = iota // no request has begun
	receiving              // a request is arriving, or the connection has just come
	sending                // an answer is leaving
	working                // a request is being worked on
	late                   // a request did not arrive in time: reading it fails
	evicted                // the connection is being closed
	phases

	phaseBits = 3
)

// stay is a phase and since when a connection is in it, in one word, so that
// the connection's goroutine and those that look for connections to close need
// no lock: milliseconds of the listener's clock above phaseBits of phase.
type stay int64

func stayOf(p phase, since int64) stay { return stay(since<<phaseBits | int64(p)) }

func (s stay) phase() phase { return phase(s & (1<<phaseBits - 1)) }
func (s stay) since() int64 { return int64(s >> phaseBits) }

// coarseClock counts milliseconds since it was made, whatever happens to the
// time of day. Reading it costs next to nothing, which each request does several
// times, and is up to one coarseTick behind.
type coarseClock struct {
	began time.Time
	last  atomic.Int64
}

func (c *coarseClock) at(t time.Time) int64 { return t.Sub(c.began).Milliseconds() }
func (c *coarseClock) tick()                { c.last.Store(c.at(time.Now())) }
func (c *coarseClock) now() int64           { return c.last.Load() }

const coarseTick = 50 * time.Millisecond

// patience is how long a connection may be in each phase, in milliseconds; 0 is
// without a limit.
//
// fasthttp has such limits too, but sets a deadline of the socket for each
// step of each request: that was a twentieth of the processor time of a request
// with one record. Here the steps are only noted, and one goroutine looks at all
// connections now and then.
type patience struct {
	limits   [phases]int64
	interval time.Duration // between looks
}

func newPatience(b Bounds) patience {
	p := patience{interval: min(b.ReadTimeout, b.WriteTimeout, b.IdleTimeout) / 8}
	p.interval = min(max(p.interval, coarseTick), 20*coarseTick)
	for phase, limit := range map[phase]time.Duration{idle: b.IdleTimeout, receiving: b.ReadTimeout, sending: b.WriteTimeout} {
		p.limits[phase] = (limit + coarseTick).Milliseconds()
	}
	return p
}

// ends says whether a connection has been in a phase for too long.
func (p *patience) ends(s stay, now int64) bool {
	limit := p.limits[s.phase()]
	return limit > 0 && now-s.since() > limit
}

// waiting says whether the server waits for a client, who may lose its place.
func (s stay) waiting() bool {
	return s.phase() == idle || s.phase() == receiving || s.phase() == sending
}
