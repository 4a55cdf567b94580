package conn

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// connection is one client's connection, from when it is accepted until nothing
// of it is left, whoever serves it.
type connection struct {
	number uint64
	client netip.Addr // the zero Addr if it has none
	places *places
	state  atomic.Int64 // a state
	unread atomic.Bool  // the rest of what the client sends will not be read

	mu      sync.Mutex
	carrier carrier // guarded by mu
}

// carrier serves a connection: a loop or the library. Its methods may be called
// by any goroutine, under the connection's lock, and return at once.
type carrier interface {
	// drop closes the connection.
	drop()
	// runOut ends what the client did not send in time.
	runOut()
}

func (c *connection) current() state { return state(c.state.Load()) }

// move goes from one phase to another, if it is in that one.
func (c *connection) move(from, to phase) {
	if at := c.current(); at.phase() == from {
		c.state.CompareAndSwap(int64(at), int64(stateOf(to, c.places.clock.now())))
	}
}

// claim says that a request has arrived and is worked on. It is open unless
// nobody would hear the answer, and last when nothing more can come.
func (c *connection) claim() (open, last bool) {
	before := state(c.state.Swap(int64(stateOf(working, 0)))).phase()
	return before != evicted, before == evicted || before == late
}

// answered says that an answer is about to leave.
func (c *connection) answered(at time.Time) {
	c.state.Store(int64(stateOf(sending, c.places.clock.at(at))))
}

// isRecent says whether an answer has left so lately that the client need not have
// it: a reset would take it away.
func (c *connection) isRecent() bool {
	return c.places.clock.at(time.Now())-c.current().since() < stopLingerTime.Milliseconds()
}

// timeOut ends a phase that has lasted too long, if the connection is still in
// it. Where the client was to send, reading fails, so that what has begun to
// arrive is answered and what was held back is sent; else there is nothing to say.
func (c *connection) timeOut(s state) bool {
	if s.phase() == sending || s.phase() == late {
		return c.evict(s)
	}
	if !c.state.CompareAndSwap(int64(s), int64(stateOf(late, c.places.clock.now()))) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carrier.runOut()
	return true
}

// evict closes a connection that is still where it was.
func (c *connection) evict(s state) bool {
	if !c.state.CompareAndSwap(int64(s), int64(stateOf(evicted, 0))) {
		return false
	}
	c.mu.Lock()
	c.carrier.drop()
	c.mu.Unlock()
	c.places.forget(c)
	return true
}

// carriedBy gives the connection to a carrier. It must then meet what has been
// decided about it before.
func (c *connection) carriedBy(next carrier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carrier = next
	switch c.current().phase() {
	case evicted:
		next.drop()
	case late:
		next.runOut()
	}
}
