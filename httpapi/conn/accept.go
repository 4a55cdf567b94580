package conn

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	// refusedFor is how long a refused connection is kept, so that its client can
	// read why. There may be maxRefused of them, or fewer where few connections may be.
	refusedFor = 500 * time.Millisecond
	maxRefused = 64

	firstPause, longestPause = 5 * time.Millisecond, 250 * time.Millisecond
	// acceptLogInterval is how often failures to accept are logged at most.
	acceptLogInterval = time.Minute
)

// pauser waits after failures to accept, longer each time. It survives what makes
// accepting fail for a while, such as a process without free file descriptors.
type pauser struct {
	server *Server
	pause  time.Duration
	logged time.Time // when a failure was logged last
}

// failed waits before the next try.
func (p *pauser) failed(err error) {
	s := p.server
	s.config.Events.AcceptFailed()
	if time.Since(p.logged) > acceptLogInterval {
		p.logged = time.Now()
		s.config.Logger.Warn("connections cannot be accepted", "error", err)
	}
	if p.pause = min(2*p.pause, longestPause); p.pause == 0 || s.places.makeRoom() {
		p.pause = firstPause
	}
	select {
	case <-time.After(p.pause):
	case <-s.stopped:
	}
}

// succeeded makes the next pause a short one.
func (p *pauser) succeeded() { p.pause = 0 }

// boundedListener accepts connections for fasthttp that there is a place for.
type boundedListener struct {
	net.Listener
	server  *Server
	refusal []byte
	pauser  pauser
}

func newBoundedListener(inner net.Listener, server *Server, refusal []byte) *boundedListener {
	return &boundedListener{Listener: inner, server: server, refusal: refusal, pauser: pauser{server: server}}
}

// Accept returns the next connection. It fails only when the listener is closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			l.pauser.failed(err)
			continue
		}
		l.pauser.succeeded()
		c := &libraryConn{Conn: conn, connection: &connection{client: addressOf(conn.RemoteAddr())}, server: l.server}
		c.carrier = c
		if l.server.places.admit(c.connection) {
			return c, nil
		}
		l.server.refuse(conn, l.refusal)
	}
}

// Close closes the listener, if it is not closed.
func (l *boundedListener) Close() error {
	if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// refuse says that there is no room, and closes the connection: after a
// moment, so that what the client has sent does not reset it first.
func (s *Server) refuse(conn net.Conn, refusal []byte) {
	s.config.Events.Refused()
	half, ok := conn.(interface{ CloseWrite() error })
	if refusal == nil || !ok {
		conn.Close()
		return
	}
	select {
	case s.refused <- struct{}{}:
	default:
		conn.Close()
		return
	}
	go func() {
		defer func() { <-s.refused }()
		defer conn.Close()
		if conn.SetDeadline(time.Now().Add(refusedFor)) != nil {
			return
		}
		if _, err := conn.Write(refusal); err == nil && half.CloseWrite() == nil {
			io.CopyN(io.Discard, conn, lingerBytes)
		}
	}()
}
