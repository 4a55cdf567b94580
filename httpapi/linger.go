package httpapi

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	// lingerTime and lingerBytes bound how long a connection with an unread
	// request stays open after its answer.
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

// lingeringListener makes connections whose Close can linger.
type lingeringListener struct{ net.Listener }

func (l lingeringListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingeringConn{Conn: conn}, nil
}

// lingeringConn is a connection that may be closed while the client still
// sends. Closing a socket that has unread bytes resets it, and the client never
// sees the answer (RFC 9112, 9.6); so the sending side is closed first and what
// still comes is thrown away.
type lingeringConn struct {
	net.Conn
	unread atomic.Bool
}

// Close closes the connection, later and in the background if it must linger.
func (c *lingeringConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || !c.unread.Load() {
		return c.Conn.Close()
	}
	if err := half.CloseWrite(); err != nil {
		return c.Conn.Close()
	}
	go func() {
		defer c.Conn.Close()
		if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			io.CopyN(io.Discard, c.Conn, lingerBytes)
		}
	}()
	return nil
}
