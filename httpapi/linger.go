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
// It also knows since when it waits for its client, for boundedListener.
type lingeringConn struct {
	net.Conn
	unread atomic.Bool
	closed atomic.Bool
	// waiting is since when the client is to send or to take something, in Unix
	// nanoseconds; 0 while a request of its is worked on; evicted.
	waiting atomic.Int64
	// released is called once nothing of the connection is left; nil for nobody.
	released func()
}

// evicted means that the connection is being closed in favour of another.
const evicted = -1

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

// claim says that a request has arrived and is worked on. It returns false when
// the connection is being closed, so that nobody would hear the answer.
func (c *lingeringConn) claim() bool { return c == nil || c.waiting.Swap(0) != evicted }

// wait says that it is the client's turn.
func (c *lingeringConn) wait(since time.Time) {
	if c != nil {
		c.waiting.Store(since.UnixNano())
	}
}

// abandon says that the rest of what the client sends will not be read.
func (c *lingeringConn) abandon() {
	if c != nil {
		c.unread.Store(true)
	}
}

// evict closes a connection that still waits since then.
func (c *lingeringConn) evict(since int64) bool {
	if !c.waiting.CompareAndSwap(since, evicted) {
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
	c.wait(time.Now())
	go func() {
		defer c.release()
		if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			io.CopyN(io.Discard, c.Conn, lingerBytes)
		}
	}()
	return nil
}
