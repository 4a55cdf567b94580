package conn

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

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
		socketOf(leaver).SetReadBuffer(32 << 10)
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
		socketOf(slow).SetReadBuffer(32 << 10)
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

// heldStream is a body of x of which nothing is there before goOn is closed. It notes
// how many read it at one time.
type heldStream struct {
	left          int
	began         chan struct{} // closed when it is read first
	goOn          chan struct{}
	once          sync.Once
	readers, most atomic.Int32
}

func (s *heldStream) Read(b []byte) (int, error) {
	if now := s.readers.Add(1); now > s.most.Load() {
		s.most.Store(now)
	}
	defer s.readers.Add(-1)
	s.once.Do(func() { close(s.began) })
	<-s.goOn
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), s.left)
	for i := range b[:n] {
		b[i] = 'x'
	}
	s.left -= n
	return n, nil
}

func (s *heldStream) Close() error { return nil }

// TestAStreamIsReadByOneAtATime has a client send more while a piece of its answer is
// being read.
func TestAStreamIsReadByOneAtATime(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		held := &heldStream{left: streamedBytes, began: make(chan struct{}), goOn: make(chan struct{})}
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) {
				if string(x.Path()) != "/stream" {
					answer(x)
					return
				}
				x.Stream(held, streamedBytes)
			}
		})
		taker, takes := d.dial(t)
		send(t, taker, getStream)
		<-held.began
		send(t, taker, emptyPost)
		for range 4 * runtime.GOMAXPROCS(0) { // each loop has looked at what came before
			other, answers := d.dial(t)
			ask(t, other, answers, emptyPost, http.StatusOK)
		}
		close(held.goOn)
		response, err := http.ReadResponse(takes, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != streamedBytes || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		told(t, takes, http.StatusOK)
		if most := held.most.Load(); most != 1 {
			t.Errorf("%d read the stream at one time", most)
		}
	})
}
