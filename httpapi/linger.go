package httpapi

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// lingerTime and lingerBytes bound how long a connection with an unread
	// request stays open after its answer.
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

// lingeringConn is a connection that may be closed while the client still
// sends. Closing a socket that has unread bytes resets it, and the client never
// sees the answer (RFC 9112, 9.6); so the sending side is closed first and what
// still comes is thrown away.
//
// It also knows its state, for boundedListener, which closes it when a phase
// lasts too long, or when another client needs the place.
//
// It is either one of fasthttp's or in an event loop, and may go from the one to
// the other between two requests: see promote and handBack.
type lingeringConn struct {
	net.Conn // closed while the connection is in a loop
	clock    *coarseClock
	state    atomic.Int64 // a connState
	unread   atomic.Bool
	closed   atomic.Bool
	// released is called once nothing of the connection is left.
	released func()

	// These belong to whom the connection belongs to at the time.
	ahead   []byte // what was read of it and is not served
	leaving bool   // it goes to an event loop: fasthttp gets no more than it has
	posts   int    // plain posts since it came back from an event loop
	returns int    // how often it did, or mostReturns

	mu   sync.Mutex
	loop loopConn // where the connection is, nil when it is fasthttp's; guarded by mu, as is Conn when it changes
}

// loopConn is a connection in an event loop, for other goroutines than the
// loop's. Its methods return at once.
type loopConn interface {
	// drop closes the connection.
	drop()
	// runOut ends what the client did not send in time.
	runOut()
}

func newLingeringConn(conn net.Conn, clock *coarseClock) *lingeringConn {
	c := &lingeringConn{Conn: conn, clock: clock}
	c.state.Store(int64(stateOf(fresh, clock.at(time.Now()))))
	return c
}

// lingering returns the connection of a request, which may be inside TLS; nil
// when it has none, which its methods take.
func lingering(ctx *fasthttp.RequestCtx) *lingeringConn {
	switch conn := ctx.Conn().(type) {
	case *lingeringConn:
		return conn
	case returnedConn:
		return conn.lingeringConn
	case *loopPlace:
		return conn.lingeringConn
	case *tls.Conn:
		c, _ := conn.NetConn().(*lingeringConn)
		return c
	default:
		return nil
	}
}

func (c *lingeringConn) current() connState { return connState(c.state.Load()) }

// move goes from one phase to another, if it is in that one.
func (c *lingeringConn) move(from, to phase) {
	if at := c.current(); at.phase() == from {
		c.state.CompareAndSwap(int64(at), int64(stateOf(to, c.clock.now())))
	}
}

// Read reads what is ahead, then from the client: the answer before, if any, has left then, or waits
// for the next one, and what comes first begins a request. (What fasthttp throws
// away of a body that nobody read does so too; then the next request has the
// time of one that is arriving.)
func (c *lingeringConn) Read(b []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(b, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	if c.leaving {
		return 0, errLeaving
	}
	c.move(sending, idle)
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.move(idle, receiving)
		c.move(fresh, receiving)
	}
	return n, err
}

// claim says that a request has arrived and is worked on, and returns the phase
// before.
func (c *lingeringConn) claim() phase {
	return connState(c.state.Swap(int64(stateOf(working, 0)))).phase()
}

// claim says that a request has arrived and is worked on. It returns false when
// its connection is being closed, so that nobody would hear the answer.
func claim(ctx *fasthttp.RequestCtx) bool {
	c := lingering(ctx)
	if c == nil {
		return true
	}
	before := c.claim()
	if before == evicted || before == late { // it arrived at the last moment; nothing more can
		ctx.SetConnectionClose()
	}
	return before != evicted
}

// answered says that an answer is about to leave.
func (c *lingeringConn) answered(at time.Time) {
	if c != nil {
		c.state.Store(int64(stateOf(sending, c.clock.at(at))))
	}
}

// abandon says that the rest of what the client sends will not be read.
func (c *lingeringConn) abandon() {
	if c != nil {
		c.unread.Store(true)
	}
}

// timeOut ends a phase that has lasted too long, if the connection is still in
// it. Where the client was to send, reading fails, so that fasthttp answers what
// has begun to arrive and sends what it holds back; else there is nothing to say.
func (c *lingeringConn) timeOut(s connState) bool {
	if s.phase() == sending || s.phase() == late {
		return c.evict(s)
	}
	if !c.state.CompareAndSwap(int64(s), int64(stateOf(late, c.clock.now()))) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loop != nil {
		c.loop.runOut()
		return true
	}
	return c.Conn.SetReadDeadline(time.Unix(0, 1)) == nil
}

// evict closes a connection that is still where it was.
func (c *lingeringConn) evict(s connState) bool {
	if !c.state.CompareAndSwap(int64(s), int64(stateOf(evicted, 0))) {
		return false
	}
	c.closed.Store(true)
	c.release()
	return true
}

// release frees the connection for good. It may be called more than once.
func (c *lingeringConn) release() error {
	c.mu.Lock()
	var err error
	if c.loop != nil {
		c.loop.drop()
	} else {
		err = c.Conn.Close()
	}
	c.mu.Unlock()
	if c.released != nil {
		c.released()
	}
	return err
}

// Close closes the connection, later and in the background if it must linger.
func (c *lingeringConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || !c.unread.Load() {
		return c.release()
	}
	if err := half.CloseWrite(); err != nil {
		return c.release()
	}
	c.answered(time.Now())
	go func() {
		defer c.release()
		if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			io.CopyN(io.Discard, c.Conn, lingerBytes)
		}
	}()
	return nil
}
