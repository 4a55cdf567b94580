package httpapi

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// leastWait is how long a connection must have kept the server waiting
	// before it may be closed in favour of a new one.
	leastWait = 250 * time.Millisecond
	// waitSample is how many connections are looked at to find one of those.
	waitSample = 64
	// refusedFor is how long a refused connection is kept, so that its client can
	// read why. There may be maxRefused of them, or fewer where few connections may be.
	refusedFor = 500 * time.Millisecond
	maxRefused = 64

	firstPause, longestPause = 5 * time.Millisecond, 250 * time.Millisecond
	// acceptLogInterval is how often failures to accept are logged at most.
	acceptLogInterval = time.Minute
)

// boundedListener keeps the number of open connections within a limit, and
// survives what makes accepting fail for a while, such as a process without
// free file descriptors. fasthttp ends at both.
//
// A full house is not a reason to turn away the next client as long as others
// only sit there: without that, a few thousand idle connections would lock out
// everybody. So a new connection takes the place of one that waits for its
// client, if one of a sample does for more than a moment: the one that waits
// longest. Redis chooses which keys to evict in the same way.
//
// It also closes connections whose clients take too long, see timeouts.
type boundedListener struct {
	net.Listener
	limit   int
	refusal []byte // what a refused client is told; nil for nothing
	metrics *Metrics
	logger  *slog.Logger

	refused   chan struct{} // a place for each refused connection that is kept
	closed    chan struct{}
	closeOnce func()
	logged    time.Time // when a failure to accept was logged last

	clock    coarseClock
	timeouts timeouts
	loops    *eventLoops // that serve connections of this listener; may be nil

	mu   sync.Mutex
	open map[*lingeringConn]struct{} // guarded by mu
}

// newBoundedListener returns a listener within bounds that are complete. It must
// be closed.
func newBoundedListener(inner net.Listener, bounds Bounds, refusal []byte, metrics *Metrics, logger *slog.Logger) *boundedListener {
	closed := make(chan struct{})
	l := &boundedListener{
		Listener: inner, limit: bounds.Connections, refusal: refusal, metrics: metrics, logger: logger,
		refused: make(chan struct{}, min(maxRefused, bounds.Connections/4+4)),
		closed:  closed, closeOnce: sync.OnceFunc(func() { close(closed) }),
		clock: coarseClock{began: time.Now()}, timeouts: newTimeouts(bounds),
		open: map[*lingeringConn]struct{}{},
	}
	go l.sweep()
	return l
}

// sweep closes connections whose clients take too long, until the listener is
// closed: from then on Server.Shutdown says how long they have.
func (l *boundedListener) sweep() {
	ticker := time.NewTicker(coarseTick)
	defer ticker.Stop()
	for swept := time.Now(); ; {
		select {
		case now := <-ticker.C:
			l.clock.tick()
			if now.Sub(swept) >= l.timeouts.interval {
				swept = now
				l.timeOut()
			}
		case <-l.closed:
			return
		}
	}
}

func (l *boundedListener) timeOut() {
	now := l.clock.now()
	for conn, since := range l.those(func(at connState) bool { return l.timeouts.expired(at, now) }) {
		if conn.timeOut(since) {
			l.metrics.defence.timedOut.Add(1)
		}
	}
}

// those are the open connections whose state is as wanted, and that state.
func (l *boundedListener) those(wanted func(connState) bool) map[*lingeringConn]connState {
	found := map[*lingeringConn]connState{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.open {
		if at := conn.current(); wanted(at) {
			found[conn] = at
		}
	}
	return found
}

// Accept returns the next connection that there is room for. It fails only
// when the listener is closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	pause := firstPause
	for {
		conn, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			pause = l.wait(err, pause)
			continue
		}
		pause = firstPause
		if accepted := l.admit(conn); accepted != nil {
			return accepted, nil
		}
		l.refuse(conn)
	}
}

// Close closes the listener, and a moment later those of its connections on
// which nothing has come by then: fasthttp would wait for them, and browsers open
// some in advance.
func (l *boundedListener) Close() error {
	l.closeOnce()
	l.loops.finish()
	time.AfterFunc(leastWait, func() {
		for conn, since := range l.those(func(at connState) bool { return at.phase() == fresh }) {
			conn.evict(since)
		}
	})
	if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // it was closed before
}

// wait waits after a failure to accept, and returns how long to wait after the next.
func (l *boundedListener) wait(err error, pause time.Duration) time.Duration {
	l.metrics.defence.acceptFailures.Add(1)
	if time.Since(l.logged) > acceptLogInterval {
		l.logged = time.Now()
		l.logger.Warn("connections cannot be accepted", "error", err)
	}
	if l.makeRoom() {
		pause = firstPause
	}
	select {
	case <-time.After(pause):
	case <-l.closed:
	}
	return min(2*pause, longestPause)
}

// admit returns the connection to serve, or nil if there is no room.
func (l *boundedListener) admit(conn net.Conn) *lingeringConn {
	if l.count() >= l.limit && !l.makeRoom() {
		return nil
	}
	accepted := newLingeringConn(conn, &l.clock)
	accepted.released = func() { l.forget(accepted) }
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[accepted] = struct{}{}
	return accepted
}

func (l *boundedListener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

func (l *boundedListener) forget(conn *lingeringConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
}

// makeRoom closes a connection that waits for its client, if it finds one.
func (l *boundedListener) makeRoom() bool {
	conn, at := l.longestWaiting()
	if conn == nil || l.clock.at(time.Now())-at.since() < leastWait.Milliseconds() || !conn.evict(at) {
		return false
	}
	l.metrics.defence.evicted.Add(1)
	return true
}

// longestWaiting looks at some connections.
func (l *boundedListener) longestWaiting() (longest *lingeringConn, since connState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := 0
	for conn := range l.open { // in a random order
		if at := conn.current(); at.waiting() && (longest == nil || at.since() < since.since()) {
			longest, since = conn, at
		}
		if seen++; seen == waitSample {
			break
		}
	}
	return longest, since
}

// refuse says that there is no room, and closes the connection: after a
// moment, so that what the client has sent does not reset it first.
func (l *boundedListener) refuse(conn net.Conn) {
	l.metrics.defence.refused.Add(1)
	half, ok := conn.(interface{ CloseWrite() error })
	if l.refusal == nil || !ok {
		conn.Close()
		return
	}
	select {
	case l.refused <- struct{}{}:
	default:
		conn.Close()
		return
	}
	go func() {
		defer func() { <-l.refused }()
		defer conn.Close()
		if conn.SetDeadline(time.Now().Add(refusedFor)) != nil {
			return
		}
		if _, err := conn.Write(l.refusal); err == nil && half.CloseWrite() == nil {
			io.CopyN(io.Discard, conn, lingerBytes)
		}
	}()
}

// refusal is the answer to a client that there is no room for.
func refusal(origins Origins) []byte {
	const body = `{"message":"too many connections at the moment; try again in ` + retryAfter + ` seconds"}`
	header := "HTTP/1.1 503 " + fasthttp.StatusMessage(fasthttp.StatusServiceUnavailable) + "\r\n" +
		"Content-Type: " + string(jsonContentType) + "\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Retry-After: " + retryAfter + "\r\n" +
		"Connection: close\r\n"
	if origins.any {
		header += string(allowOrigin) + ": " + string(anyOrigin) + "\r\n"
	}
	return []byte(header + "\r\n" + body)
}
