package conn

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scriptedListener accepts what it is told to, then blocks until it is closed.
type scriptedListener struct {
	script chan any // an error, or a net.Conn
	closed chan struct{}
}

func (l *scriptedListener) Accept() (net.Conn, error) {
	select {
	case next := <-l.script:
		if err, failed := next.(error); failed {
			return nil, err
		}
		return next.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *scriptedListener) Close() error   { close(l.closed); return nil }
func (l *scriptedListener) Addr() net.Addr { return &net.TCPAddr{} }

func scripted(t *testing.T, limit int, log io.Writer, script ...any) (*boundedListener, *counted) {
	inner := &scriptedListener{make(chan any, len(script)), make(chan struct{})}
	for _, next := range script {
		inner.script <- next
	}
	bounds, events := testBounds(), new(counted)
	bounds.Connections = limit
	server := NewServer(Config{Bounds: bounds, Events: events, Logger: slog.New(slog.NewTextHandler(log, nil))})
	return newBoundedListener(inner, server, nil), events
}

// far is the far side of a connection of which the near side is returned too.
func far(t *testing.T) (near, far net.Conn) {
	near, far = net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestFailuresToAcceptPass(t *testing.T) {
	var log strings.Builder
	near, _ := far(t)
	l, events := scripted(t, 10, &log, error(syscall.EMFILE), error(syscall.ENFILE), errors.New("unheard of"), near)
	if conn, err := l.Accept(); err != nil || conn == nil {
		t.Fatalf("Accept: %v, want a connection after the failures", err)
	}
	if failures, lines := events.failed.Load(), strings.Count(log.String(), "\n"); failures != 3 || lines != 1 {
		t.Errorf("%d failures count and are %d lines in the log, want 3 and 1", failures, lines)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
	}
}

func TestANewConnectionTakesThePlaceOfOneThatWaitsLongest(t *testing.T) {
	now := time.Now()
	var nears [5]net.Conn
	for i := range nears {
		nears[i], _ = far(t)
	}
	l, events := scripted(t, 3, io.Discard, nears[0], nears[1], nears[2], nears[3])
	var conns [4]*connection
	accept := func() *connection {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn.(*libraryConn).connection
	}
	open := func(c *connection) bool {
		open, _ := c.claim()
		return open
	}
	for i := range 3 {
		conns[i] = accept()
	}
	conns[0].answered(now.Add(-time.Minute))
	conns[1].answered(now.Add(-time.Hour))
	conns[2].answered(now.Add(-24 * time.Hour))
	if !open(conns[2]) {
		t.Fatal("a request of an open connection is not worked on")
	}
	conns[3] = accept()
	if open(conns[1]) || !open(conns[0]) {
		t.Error("not the connection that waited longest had to go")
	}
	conns[0].answered(time.Now())
	if _, err := nears[1].Write([]byte("x")); err == nil {
		t.Error("the connection that had to go is open")
	}
	if got := l.server.places.count(); got != 3 {
		t.Errorf("%d connections are open, want 3", got)
	}
	if l.server.places.admit(&connection{carrier: &libraryConn{Conn: nears[4]}}) {
		t.Error("a connection that only came just now had to go")
	}
	if evicted := events.evicted.Load(); evicted != 1 {
		t.Errorf("%d connections had to go, want 1", evicted)
	}
}

func TestAClosedConnectionGivesItsPlaceBackOnce(t *testing.T) {
	near, _ := far(t)
	l, _ := scripted(t, 1, io.Discard, near)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if got := l.server.places.count(); got != 0 {
		t.Errorf("%d connections are open, want none", got)
	}
}
