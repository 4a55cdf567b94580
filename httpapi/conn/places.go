package conn

import (
	"sync"
	"time"
)

const (
	// leastWait is how long a connection must have kept the server waiting
	// before it may be closed in favour of a new one.
	leastWait = 250 * time.Millisecond
	// waitSample is how many connections are looked at to find one of those.
	waitSample = 64
)

// places keep the number of open connections within a limit.
//
// A full house is not a reason to turn away the next client as long as others
// only sit there: without that, a few thousand idle connections would lock out
// everybody. So a new connection takes the place of one that waits for its
// client, if one of a sample does for more than a moment: the one that waits
// longest. Redis chooses which keys to evict in the same way.
//
// They also close connections whose clients take too long, see timeouts.
type places struct {
	limit    int
	events   Events
	clock    coarseClock
	timeouts timeouts

	mu       sync.Mutex
	open     map[*connection]struct{} // guarded by mu
	admitted uint64                   // connections so far, guarded by mu
}

func newPlaces(bounds Bounds, events Events) *places {
	return &places{
		limit: bounds.Connections, events: events, clock: coarseClock{began: time.Now()},
		timeouts: newTimeouts(bounds), open: map[*connection]struct{}{},
	}
}

// admit gives a new connection a place, and says whether there is one.
func (p *places) admit(c *connection) bool {
	if p.count() >= p.limit && !p.makeRoom() {
		return false
	}
	c.places = p
	c.state.Store(int64(stateOf(fresh, p.clock.at(time.Now()))))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admitted++
	c.number = p.admitted
	p.open[c] = struct{}{}
	return true
}

// forget gives back a connection's place, if it has not been given back before.
func (p *places) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *places) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// makeRoom closes a connection that waits for its client, if it finds one.
func (p *places) makeRoom() bool {
	c, at := p.longestWaiting()
	if c == nil || p.clock.at(time.Now())-at.since() < leastWait.Milliseconds() || !c.evict(at) {
		return false
	}
	p.events.Evicted()
	return true
}

// longestWaiting looks at some connections.
func (p *places) longestWaiting() (longest *connection, since state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := 0
	for c := range p.open { // in a random order
		if at := c.current(); at.waiting() && (longest == nil || at.since() < since.since()) {
			longest, since = c, at
		}
		if seen++; seen == waitSample {
			break
		}
	}
	return longest, since
}

// sweep closes connections whose clients take too long, until the end of the
// channel: from then on Server.Shutdown says how long they have.
func (p *places) sweep(stop <-chan struct{}) {
	ticker := time.NewTicker(coarseTick)
	defer ticker.Stop()
	for swept := time.Now(); ; {
		select {
		case now := <-ticker.C:
			p.clock.tick()
			if now.Sub(swept) >= p.timeouts.interval {
				swept = now
				p.timeOut()
			}
		case <-stop:
			return
		}
	}
}

func (p *places) timeOut() {
	now := p.clock.now()
	for c, since := range p.those(func(at state) bool { return p.timeouts.expired(at, now) }) {
		if c.timeOut(since) {
			p.events.TimedOut()
		}
	}
}

// evictFresh closes the connections on which nothing has come: fasthttp would wait
// for them at a stop, and browsers open some in advance.
func (p *places) evictFresh() {
	for c, since := range p.those(func(at state) bool { return at.phase() == fresh }) {
		c.evict(since)
	}
}

// those are the open connections whose state is as wanted, and that state.
func (p *places) those(wanted func(state) bool) map[*connection]state {
	found := map[*connection]state{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		if at := c.current(); wanted(at) {
			found[c] = at
		}
	}
	return found
}
