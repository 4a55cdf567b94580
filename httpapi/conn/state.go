package conn

import (
	"sync/atomic"
	"time"
)

// phase is what a connection is doing.
type phase int64

const (
	fresh     phase = iota // the connection has just come, and sent nothing
	idle                   // no request has begun
	receiving              // a request is arriving
	sending                // an answer is leaving
	working                // a request is being worked on
	late                   // what the client was to send did not come in time: reading fails
	evicted                // the connection is being closed
	phases

	phaseBits = 3
)

// state is a phase and since when a connection is in it, in one word, so that
// who serves the connection and those that look for connections to close need no
// lock: milliseconds of the server's clock above phaseBits of phase.
type state int64

func stateOf(p phase, since int64) state { return state(since<<phaseBits | int64(p)) }

func (s state) phase() phase { return phase(s & (1<<phaseBits - 1)) }
func (s state) since() int64 { return int64(s >> phaseBits) }

// waiting says whether the server waits for the client, who may then have to
// make room for another.
func (s state) waiting() bool { return s.phase() != working && s.phase() != evicted }

// coarseClock counts milliseconds since it was made, whatever happens to the
// time of day. Reading it costs next to nothing, which each request does several
// times. It is set each coarseTick, and so is about that far behind.
type coarseClock struct {
	began time.Time
	last  atomic.Int64
}

func (c *coarseClock) at(t time.Time) int64 { return t.Sub(c.began).Milliseconds() }
func (c *coarseClock) tick()                { c.last.Store(c.at(time.Now())) }
func (c *coarseClock) now() int64           { return c.last.Load() }

const coarseTick = 50 * time.Millisecond

// timeouts are how long a connection may be in each phase, in milliseconds; 0 is
// without a limit.
//
// fasthttp has such limits too, but sets a deadline of the socket for each
// step of each request: that was a twentieth of the processor time of a request
// with one record. Here the steps are only noted, and one goroutine looks at all
// connections now and then.
//
// A request whose beginning came with the one before it counts as idle until
// more of it comes: it may take both limits together.
type timeouts struct {
	limits   [phases]int64
	interval time.Duration // between looks
}

func newTimeouts(b Bounds) timeouts {
	t := timeouts{interval: min(b.ReadTimeout, b.WriteTimeout, b.IdleTimeout) / 8}
	t.interval = min(max(t.interval, coarseTick), 20*coarseTick)
	for phase, limit := range map[phase]time.Duration{
		fresh: b.ReadTimeout, idle: b.IdleTimeout, receiving: b.ReadTimeout, sending: b.WriteTimeout, late: b.WriteTimeout,
	} {
		t.limits[phase] = (limit + coarseTick).Milliseconds()
	}
	return t
}

// expired says whether a connection has been in its phase for too long.
func (t *timeouts) expired(s state, now int64) bool {
	limit := t.limits[s.phase()]
	return limit > 0 && now-s.since() > limit
}
