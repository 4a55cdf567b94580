package httpapi

import (
	"crypto/tls"
	"io"
	"net"
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
// It also knows its phase, for boundedListener, which closes it when that lasts
// too long, or when another client needs the place.
type lingeringConn struct {
	net.Conn
	clock  *coarseClock
	stay   atomic.Int64 // a stay
	unread atomic.Bool
	closed atomic.Bool
	// released is called once nothing of the connection is left.
	released func()
}

func newLingeringConn(conn net.Conn, clock *coarseClock) *lingeringConn {
	c := &lingeringConn{Conn: conn, clock: clock}
	c.stay.Store(int64(stayOf(receiving, clock.at(time.Now()))))
	return c
}

// lingering returns the connection of a request, which may be inside TLS; nil
// when it has none, which its methods take.
func lingering(ctx *fasthttp.RequestCtx) *lingeringConn {
	conn := ctx.Conn()
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, _ := conn.(*lingeringConn)
	return c
}

func (c *lingeringConn) current() stay { return stay(c.stay.Load()) }

// move goes from one phase to another, if it is in that one.
func (c *lingeringConn) move(from, to phase) {
	if at := c.current(); at.phase() == from {
		c.stay.CompareAndSwap(int64(at), int64(stayOf(to, c.clock.now())))
	}
}

// Read reads from the client: the answer before, if any, has left then, and what
// comes first begins a request.
func (c *lingeringConn) Read(b []byte) (int, error) {
	c.move(sending, idle)
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.move(idle, receiving)
	}
	return n, err
}

// claim says that a request has arrived and is worked on. It returns false when
// the connection is being closed, so that nobody would hear the answer.
func (c *lingeringConn) claim() bool {
	return c == nil || stay(c.stay.Swap(int64(stayOf(working, 0)))).phase() != evicted
}

// answered says that an answer is about to leave.
func (c *lingeringConn) answered(at time.Time) {
	if c != nil {
		c.stay.Store(int64(stayOf(sending, c.clock.at(at))))
	}
}

// abandon says that the rest of what the client sends will not be read.
func (c *lingeringConn) abandon() {
	if c != nil {
		c.unread.Store(true)
	}
}

// timeOut ends a phase that has lasted too long, if the connection is still in
// it: a request that does not arrive fails, and is answered so; otherwise there
// is nothing to say.
func (c *lingeringConn) timeOut(s stay) bool {
	if s.phase() != receiving {
		return c.evict(s)
	}
	return c.stay.CompareAndSwap(int64(s), int64(stayOf(late, 0))) && c.Conn.SetReadDeadline(time.Unix(0, 1)) == nil
}

// evict closes a connection that is still where it was.
func (c *lingeringConn) evict(s stay) bool {
	if !c.stay.CompareAndSwap(int64(s), int64(stayOf(evicted, 0))) {
		return false
	}
	c.closed.Store(true)
	c.release()
	return true
}

// release frees the connection for good. It may be called more than once.
func (c *lingeringConn) release() error {
	err := c.Conn.Close()
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
