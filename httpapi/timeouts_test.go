package httpapi

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// smallBuffers makes it quick to fill a connection.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(8 << 10)
	}
	return conn, err
}

// guarded is a server with short timeouts, which records nothing.
func guarded(t *testing.T, bounds Bounds) (listener *boundedListener, address string) {
	t.Helper()
	server := stubServer(t, new(fickleRecorder), slog.DiscardHandler)
	server.config.Bounds = bounds.withDefaults()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener = server.guard(smallBuffers{inner}, nil)
	served := make(chan error, 1)
	go func() { served <- server.http.Serve(listener) }()
	t.Cleanup(func() { listener.Close(); <-served })
	return listener, inner.Addr().String()
}

func dialed(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

const (
	postHead  = "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	emptyPost = postHead + "Content-Length: 2\r\n\r\n[]"
	onePost   = postHead + "Content-Length: 67\r\n\r\n" + `{"benefit_id":"RSA","hash_id":"h","benefit_index":1,"page_total":2}`
)

// expectTimedOut requires one connection to be counted, which may be a moment
// after its client has seen it.
func expectTimedOut(t *testing.T, listener *boundedListener) {
	t.Helper()
	count := &listener.metrics.defence.timedOut
	for deadline := time.Now().Add(10 * time.Second); count.Load() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := count.Load(); got != 1 {
		t.Errorf("%d connections timed out, want 1", got)
	}
}

func TestWhatTheClientDoesNotSendInTimeEndsTheConnection(t *testing.T) {
	t.Parallel()
	short, long := 300*time.Millisecond, time.Minute
	for _, test := range []struct {
		name     string
		bounds   Bounds
		sent     string
		answered []string // statuses
	}{
		{"nothing at all", Bounds{ReadTimeout: short, IdleTimeout: long}, "", []string{"408"}},
		{"a part of a header", Bounds{ReadTimeout: short, IdleTimeout: long}, "POST /ben", []string{"408"}},
		{"a part of a body", Bounds{ReadTimeout: short, IdleTimeout: long}, postHead + "Content-Length: 9\r\n\r\n[", []string{"408"}},
		{"no second request", Bounds{ReadTimeout: long, IdleTimeout: short}, emptyPost, []string{"200"}},
		{"a part of a second header", Bounds{ReadTimeout: short, IdleTimeout: short}, emptyPost + "POST /ben", []string{"200", "408"}},
		{"a part of a second body, while the first answer is held back", Bounds{ReadTimeout: short, IdleTimeout: short},
			emptyPost + postHead + "Content-Length: 9\r\n\r\n[", []string{"200", "408"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listener, address := guarded(t, test.bounds)
			conn := dialed(t, address)
			if _, err := io.WriteString(conn, test.sent); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, err := io.ReadAll(conn)
			if err != nil {
				t.Errorf("the connection is not closed: %v", err)
			}
			var statuses []string
			for _, part := range strings.Split(string(answer), "HTTP/1.1 ")[1:] {
				statuses = append(statuses, part[:3])
			}
			if strings.Join(statuses, " ") != strings.Join(test.answered, " ") {
				t.Errorf("statuses %q, want %q", statuses, test.answered)
			}
			expectTimedOut(t, listener)
		})
	}
}

// TestNoClientKeepsItsPlaceByNotReading has clients make the server write where
// it reads, which "100 Continue" does, and take nothing of it.
func TestNoClientKeepsItsPlaceByNotReading(t *testing.T) {
	t.Parallel()
	const clients = 40
	timeout := 300 * time.Millisecond
	listener, address := guarded(t, Bounds{ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: timeout})
	for client := range clients {
		conn := dialed(t, address)
		conn.(*net.TCPConn).SetReadBuffer(2 << 10)
		go func() {
			for range client { // so that they fill up in different places
				io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
			}
			for err := error(nil); err == nil; {
				io.WriteString(conn, postHead+"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
				time.Sleep(100 * time.Microsecond) // so that the header comes alone
				_, err = io.WriteString(conn, "[]")
			}
		}()
	}
	deadline := time.Now().Add(20 * time.Second)
	for listener.metrics.defence.timedOut.Load() < clients || listener.count() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are still open", listener.count())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAClientThatHasSentNothingDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	listener, address := guarded(t, Bounds{ReadTimeout: time.Minute})
	silent, used := dialed(t, address), dialed(t, address)
	io.WriteString(used, emptyPost)
	used.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := used.Read(make([]byte, 1)); err != nil { // both are accepted by then
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	silent.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := silent.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
	used.SetReadDeadline(time.Now().Add(leastWait))
	if _, err := io.ReadAll(used); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection that was used: %v, want it open: it is fasthttp's to close", err)
	}
}
