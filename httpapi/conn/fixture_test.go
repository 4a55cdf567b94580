package conn

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// counted are Events.
type counted struct{ refused, evicted, timedOut, failed, looped, left atomic.Int64 }

func (c *counted) Refused()      { c.refused.Add(1) }
func (c *counted) Evicted()      { c.evicted.Add(1) }
func (c *counted) TimedOut()     { c.timedOut.Add(1) }
func (c *counted) AcceptFailed() { c.failed.Add(1) }
func (c *counted) Looped()       { c.looped.Add(1) }
func (c *counted) Left()         { c.left.Add(1) }

// desk is a server that answers as a test says, and its address.
type desk struct {
	*Server
	counted
	address string
	handled atomic.Int64 // requests
	served  chan error
}

// ways are who serves connections.
var (
	ways = map[string]func(*Config){
		"in a loop":             func(*Config) {},
		"by fasthttp":           func(c *Config) { c.WithoutLoops = true },
		"in a loop, with TLS":   withTLS,
		"by fasthttp, with TLS": func(c *Config) { withTLS(c); c.WithoutLoops = true },
	}
	openWays = only("in a loop", "by fasthttp")
	loopWays = only("in a loop", "in a loop, with TLS")
)

// only are some of the ways.
func only(names ...string) map[string]func(*Config) {
	some := map[string]func(*Config){}
	for _, name := range names {
		some[name] = ways[name]
	}
	return some
}

// eachWay runs a test of what must not depend on who serves a connection, nor on TLS.
func eachWay(t *testing.T, test func(t *testing.T, way func(*Config))) { each(t, ways, test) }

// each runs a test for some ways.
func each(t *testing.T, ways map[string]func(*Config), test func(t *testing.T, way func(*Config))) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

func testBounds() Bounds {
	return Bounds{Connections: 100, HeaderBytes: 8 << 10, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, AnswerBytes: 1 << 20}
}

// open starts a server that answers with answer unless the changes say otherwise.
func open(t testing.TB, changes ...func(*Config)) *desk {
	t.Helper()
	d := &desk{served: make(chan error, 1)}
	config := Config{Handler: answer, Invalid: answerInvalid, PlainPath: "/benefits", Events: &d.counted, Bounds: testBounds(),
		BodyBytes: 132 << 10, Logger: slog.New(slog.DiscardHandler)}
	for _, change := range changes {
		change(&config)
	}
	handler := config.Handler
	config.Handler = func(x *Exchange) { d.handled.Add(1); handler(x) }
	// Accepted sockets have the small buffers of the one that listens: it is quick to
	// fill a connection.
	small := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 8<<10) })
	}}
	listener, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.Server, d.address = NewServer(config), listener.Addr().String()
	go func() { d.served <- d.Serve(listener) }()
	t.Cleanup(func() {
		patience, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := d.Shutdown(patience); err != nil {
			t.Error(err)
		}
		if err := <-d.served; err != nil {
			t.Error(err)
		}
	})
	return d
}

// answer knows one path to post to.
func answer(x *Exchange) {
	switch err := x.Receive(); {
	case string(x.Path()) == "/large":
		body := []byte(strings.Repeat("x", 300<<10))
		if !x.Reserve(len(body)) {
			x.Response.SetStatusCode(http.StatusServiceUnavailable)
			return
		}
		x.Response.SetBodyRaw(body)
	case string(x.Path()) == "/stream":
		x.Stream(&stream{server: x.server, left: streamedBytes}, streamedBytes)
	case string(x.Path()) != "/benefits":
		x.Response.SetStatusCode(http.StatusNotFound)
	case err != nil:
		answerInvalid(x, err)
	default:
		x.Response.SetBodyString("[]")
	}
}

func answerInvalid(x *Exchange, err error) {
	var tooLargeHeader *fasthttp.ErrSmallBuffer
	var network net.Error
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.As(err, &tooLargeHeader):
		status = http.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &network) && network.Timeout():
		status = http.StatusRequestTimeout
	}
	x.Response.SetStatusCode(status)
}

// decision is a Pending that a test makes.
type decision struct {
	made chan struct{}
	err  error

	mu      sync.Mutex
	notices []func() // guarded by mu
}

func undecided() *decision { return &decision{made: make(chan struct{})} }

func (d *decision) Settled() bool {
	select {
	case <-d.made:
		return true
	default:
		return false
	}
}

func (d *decision) Notify(notice func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Settled() {
		notice()
		return
	}
	d.notices = append(d.notices, notice)
}

func (d *decision) Wait() error { <-d.made; return d.err }

func (d *decision) make(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
	close(d.made)
	for _, notice := range d.notices {
		notice()
	}
}

// accepted is an Outcome.
type accepted struct{ bytes int }

func (a accepted) Bytes() int { return a.bytes }

func (a accepted) Answer(response *fasthttp.Response, decided error, _ time.Time) *Prepared {
	if decided != nil {
		response.SetStatusCode(http.StatusServiceUnavailable)
	}
	return nil
}

const (
	postHead   = "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	emptyPost  = postHead + "Content-Length: 2\r\n\r\n[]"
	getNothing = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
)

func (d *desk) dial(t testing.TB) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if d.config.TLS != nil {
		conn = shakeHands(t, conn)
	}
	return conn, bufio.NewReader(conn)
}

// seasoned is a connection on which something was asked.
func (d *desk) seasoned(t testing.TB) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, reader := d.dial(t)
	ask(t, conn, reader, emptyPost, http.StatusOK)
	return conn, reader
}

// ask sends a request and returns the answer.
func ask(t testing.TB, conn net.Conn, reader *bufio.Reader, request string, status int) *http.Response {
	t.Helper()
	send(t, conn, request)
	return told(t, reader, status)
}

func send(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// told is the next answer, of which the body was read.
func told(t testing.TB, reader *bufio.Reader, status int) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("status %d, want %d", response.StatusCode, status)
	}
	return response
}

func expectEnd(t testing.TB, reader *bufio.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, reader); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection is not closed: %v", err)
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

const streamedBytes = 3 << 20

// stream is a body of x, which holds room of its server until it is closed. One of a
// server that has a name fails in the middle.
type stream struct {
	server *Server
	left   int
	began  bool
	closed bool
}

var errStream = errors.New("the disk is gone")

func (s *stream) Read(b []byte) (int, error) {
	if s.closed {
		panic("a stream is read after its end")
	}
	if !s.began {
		s.began = true
		s.server.TakeRoom(1)
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	if s.server.config.PlainPath == "/failing" && s.left < streamedBytes/2 {
		return 0, errStream
	}
	n := min(len(b), s.left, 50_000)
	for i := range b[:n] {
		b[i] = 'x'
	}
	s.left -= n
	return n, nil
}

func (s *stream) Close() error {
	if s.began && !s.closed {
		s.server.GiveRoom(1)
	}
	s.closed = true
	return nil
}
