package conn

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

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

const getStream = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"

func TestAStreamedAnswerIsSentWholeAndClosed(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		free := func() bool { return d.answers.leaving.Load() == 0 }
		taker, takes := d.dial(t)
		for range 3 {
			send(t, taker, getStream+emptyPost)
			response, err := http.ReadResponse(takes, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || string(body) != strings.Repeat("x", streamedBytes) || response.ContentLength != streamedBytes {
				t.Fatalf("%d bytes of %d, %v; want %d", len(body), response.ContentLength, err, streamedBytes)
			}
			told(t, takes, http.StatusOK)
		}
		eventually(t, "it is closed", free)
		send(t, taker, strings.Replace(getStream, "GET", "HEAD", 1)+emptyPost)
		response, err := http.ReadResponse(takes, &http.Request{Method: http.MethodHead})
		if err != nil || response.ContentLength != streamedBytes {
			t.Errorf("HEAD: %v, %v", response, err)
		}
		told(t, takes, http.StatusOK)
		leaver, _ := d.dial(t)
		leaver.(*net.TCPConn).SetReadBuffer(32 << 10)
		send(t, leaver, getStream)
		eventually(t, "it is being sent", func() bool { return d.answers.leaving.Load() == 1 })
		leaver.Close()
		eventually(t, "it is closed when the client has left", free)
	})
}

func TestAStreamThatFailsEndsTheConnection(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way, func(c *Config) { c.PlainPath = "/failing" })
		conn, reader := d.dial(t)
		send(t, conn, getStream)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err == nil {
			t.Error("a part of an answer is taken for the whole")
		}
		eventually(t, "it is closed", func() bool { return d.answers.leaving.Load() == 0 })
	})
}

func TestASlowTakerOfAStreamHoldsUpNobody(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		slow, reads := d.dial(t)
		slow.(*net.TCPConn).SetReadBuffer(32 << 10)
		send(t, slow, getStream)
		eventually(t, "it is being sent", func() bool { return d.answers.leaving.Load() == 1 })
		other, takes := d.dial(t)
		for range 3 {
			ask(t, other, takes, emptyPost, http.StatusOK)
		}
		response, err := http.ReadResponse(reads, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != streamedBytes || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
