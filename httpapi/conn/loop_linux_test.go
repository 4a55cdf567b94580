package conn

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

func TestAConnectionLeavesItsLoopOnceAndForGood(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		const foreign = postHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"
		d := open(t, way)
		conn, reader := d.dial(t)
		for range 3 { // these may stay
			for request, status := range map[string]int{
				emptyPost: 200, getNothing: 404, "OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n": 404, "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]": 404,
				postHead + "Content-Encoding: x\r\nContent-Length: 2\r\n\r\n[]":                 200,
				postHead + "Content-Length: 100000\r\n\r\n[" + strings.Repeat(" ", 99998) + "]": 200,
			} {
				ask(t, conn, reader, request, status)
			}
		}
		if looped, left := d.looped.Load(), d.left.Load(); looped != 1 || left != 0 {
			t.Errorf("%d connections began in a loop, of which %d left; want 1 and 0", looped, left)
		}
		for range 3 {
			ask(t, conn, reader, emptyPost+foreign, 200)
			told(t, reader, 200)
		}
		if looped, left := d.looped.Load(), d.left.Load(); looped != 1 || left != 1 {
			t.Errorf("%d connections began in a loop, of which %d left; want 1 and 1", looped, left)
		}
	})
}

func TestThereIsALoopForEachProcessor(t *testing.T) {
	t.Parallel()
	d := open(t)
	conn, reader := d.dial(t)
	ask(t, conn, reader, emptyPost, 200)
	count := len(d.loops.running())
	if count != runtime.GOMAXPROCS(0) {
		t.Errorf("%d loops serve %d processors", count, runtime.GOMAXPROCS(0))
	}
}

// inTurn has other connections served by all loops for a while: a clock for what a
// loop does in its next rounds.
func (d *desk) inTurn(t *testing.T) {
	t.Helper()
	for range 2 * len(d.loops.running()) {
		conn, reader := d.seasoned(t)
		for range 10 {
			ask(t, conn, reader, emptyPost, http.StatusOK)
		}
		conn.Close()
	}
}

// TestAClientThatTakesNoAnswersIsReadNoFurther has a client send without reading,
// until the server stops reading too, then send more, and then take everything.
func TestAClientThatTakesNoAnswersIsReadNoFurther(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		const requests, more = 5000, 50 // whose answers are more than the sockets hold
		var served atomic.Int64
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) {
				if len(x.Request.Body()) == 3 {
					served.Add(1)
				}
			}
		})
		const post = postHead + "Content-Length: 3\r\n\r\n[ ]"
		conn, reader := d.dial(t)
		socketOf(conn).SetReadBuffer(16 << 10)
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(conn, strings.Repeat(post, requests))
			sent <- err
		}()
		eventually(t, "the server stops reading", func() bool {
			before := served.Load()
			full := len(d.places.those(func(at state) bool { return at.phase() == sending })) == 1
			d.inTurn(t) // others are served meanwhile
			return full && served.Load() == before || before == requests
		})
		if err := <-sent; err != nil { // into the sockets
			t.Fatal(err)
		}
		for range more {
			send(t, conn, post)
		}
		d.inTurn(t)
		if got := served.Load(); got > requests/2 { // of which sockets hold a fifth
			t.Errorf("%d requests are served while no answers are taken", got)
		}
		for range requests + more {
			told(t, reader, http.StatusOK)
		}
	})
}

// TestAnAnswerIsTriedAgainOnlyWhenTheClientTakesMore has a client ask, or end, while its answer
// does not go: the poller tells of that each time it is asked when the client takes more.
func TestAnAnswerIsTriedAgainOnlyWhenTheClientTakesMore(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		conn, _ := d.dial(t)
		socketOf(conn).SetReadBuffer(16 << 10)
		send(t, conn, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
		eventually(t, "the answer does not go", func() bool {
			return len(d.places.those(func(at state) bool { return at.phase() == sending })) == 1
		})
		send(t, conn, getNothing)
		if err := socketOf(conn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		told := make(chan bool)
		eventually(t, "more has come", func() bool {
			for _, l := range d.loops.running() {
				for c := range l.inside() {
					if due, _ := unix.IoctlGetInt(c.fd, unix.SIOCINQ); due >= len(getNothing) {
						go l.post(func() { told <- l.tellsAgain(c) })
						return true
					}
				}
			}
			return false
		})
		if <-told {
			t.Error("it is tried again at once")
		}
	})
}

// inside are the connections of a loop.
func (l *loop) inside() map[*socket]bool {
	found := make(chan map[*socket]bool)
	l.post(func() {
		all := map[*socket]bool{}
		for c := range l.sockets.all() {
			all[c] = true
		}
		found <- all
	})
	return <-found
}

// tellsAgain says whether the poller tells of a connection once more after it has told that
// something has come. It is run by the loop.
func (l *loop) tellsAgain(c *socket) bool {
	l.poller.glance()
	c.happened(unix.EPOLLIN | unix.EPOLLRDHUP)
	for _, event := range l.poller.glance() {
		if event.Fd == int32(c.fd) && event.Events&unix.EPOLLOUT == 0 {
			return true
		}
	}
	return false
}

// TestAClientWhoseAnswersWaitIsReadNoFurther has many requests come together whose
// answers wait, in number and in size.
func TestAClientWhoseAnswersWaitIsReadNoFurther(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		bytes int // of an answer
		most  int64
	}{
		{"many answers", 1, mostPending}, {"large answers", 1000, mostOwed/1000 + 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const requests = 500
			pending := undecided()
			var waiting atomic.Int64
			d := open(t, func(c *Config) {
				c.Handler = func(x *Exchange) {
					if len(x.Request.Body()) > 2 {
						waiting.Add(1)
						x.Await(pending, accepted{test.bytes})
					}
				}
			})
			conn, reader := d.dial(t)
			send(t, conn, strings.Repeat(postHead+"Content-Length: 3\r\n\r\n[ ]", requests))
			eventually(t, "the server stops reading", func() bool { return waiting.Load() >= test.most })
			d.inTurn(t)
			if got := waiting.Load(); got != test.most {
				t.Errorf("%d answers wait, want %d", got, test.most)
			}
			pending.make(nil)
			for range requests {
				told(t, reader, http.StatusOK)
			}
		})
	}
}

func TestAClientThatTakesNoAnswersInTimeLosesItsConnection(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		d := open(t, way, within(0, 300*time.Millisecond, 0))
		conn, _ := d.seasoned(t)
		socketOf(conn).SetReadBuffer(2 << 10)
		for err := error(nil); err == nil; {
			_, err = io.WriteString(conn, emptyPost)
		}
		d.expectTimedOut(t)
		eventually(t, "its place is free", func() bool { return d.places.count() == 0 })
	})
}

// waitedFor returns when the connections that wait have done so for long enough to
// have to go.
func (d *desk) waitedFor(t *testing.T, connections int) {
	t.Helper()
	eventually(t, "they have waited", func() bool {
		now := d.places.clock.at(time.Now())
		return len(d.places.those(func(at state) bool { return at.waiting() && now-at.since() > leastWait.Milliseconds() })) >= connections
	})
}

func TestAConnectionMakesRoomForANewOne(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way, func(c *Config) { c.Bounds.Connections = 2 })
		older, olderReader := d.seasoned(t)
		_, newerReader := d.seasoned(t)
		d.waitedFor(t, 2)
		ask(t, older, olderReader, emptyPost, http.StatusOK) // so that the newer one has waited longer
		third, thirdReader := d.seasoned(t)
		ask(t, third, thirdReader, emptyPost, http.StatusOK)
		ask(t, older, olderReader, emptyPost, http.StatusOK)
		expectEnd(t, newerReader)
		if evicted := d.evicted.Load(); evicted != 1 {
			t.Errorf("%d connections had to go, want 1", evicted)
		}
	})
}

func TestAClientThatThereIsNoRoomForIsToldSo(t *testing.T) {
	t.Parallel()
	each(t, openWays, func(t *testing.T, way func(*Config)) {
		release := make(chan struct{})
		d := open(t, way, func(c *Config) {
			c.Bounds.Connections, c.Refusal = 1, []byte("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
			c.Handler = func(x *Exchange) { <-release }
		})
		conn, reader := d.dial(t)
		send(t, conn, getNothing)
		eventually(t, "it is worked on", func() bool { return d.handled.Load() == 1 })
		_, refused := d.dial(t)
		told(t, refused, http.StatusServiceUnavailable)
		expectEnd(t, refused)
		close(release)
		told(t, reader, http.StatusOK)
		if got := d.counted.refused.Load(); got != 1 {
			t.Errorf("%d connections are refused, want 1", got)
		}
	})
}

// TestAConnectionIsClosedAfterItsLastRequest has the client say so in requests that
// a loop, a goroutine and fasthttp answer, with more behind that is not to be served.
func TestAConnectionIsClosedAfterItsLastRequest(t *testing.T) {
	t.Parallel()
	const last = "Connection: close\r\n"
	for name, request := range map[string]string{
		"a plain post": postHead + last + "Content-Length: 2\r\n\r\n[]",
		"a read":       "GET /benefits HTTP/1.1\r\nHost: x\r\n" + last + "\r\n",
		"chunks":       postHead + last + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t *testing.T, way func(*Config)) {
				d := open(t, way)
				conn, reader := d.seasoned(t)
				if response := ask(t, conn, reader, request+emptyPost, http.StatusOK); !response.Close {
					t.Error("the answer does not say that it is the last one")
				}
				expectEnd(t, reader)
				if handled := d.handled.Load(); handled != 2 {
					t.Errorf("%d requests are answered, want 2", handled)
				}
			})
		})
	}
}

func TestAnAnswerThatWaitedIsTheLastOneIfTheClientSaidSo(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		pending := undecided()
		d := open(t, way, func(c *Config) { c.Handler = func(x *Exchange) { x.Await(pending, accepted{}) } })
		conn, reader := d.dial(t)
		send(t, conn, postHead+"Connection: close\r\nContent-Length: 2\r\n\r\n[]")
		eventually(t, "it waits", func() bool { return d.handled.Load() == 1 })
		pending.make(errors.New("no space"))
		if response := told(t, reader, http.StatusServiceUnavailable); !response.Close {
			t.Error("the answer does not say that it is the last one")
		}
		expectEnd(t, reader)
	})
}

// TestAReadIsAnsweredAfterThePostsBeforeIt sends both together.
func TestAReadIsAnsweredAfterThePostsBeforeIt(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		pending := undecided()
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) {
				if x.IsPost() {
					x.Await(pending, accepted{})
				} else if !pending.Settled() {
					x.Response.SetStatusCode(http.StatusConflict)
				}
			}
		})
		conn, reader := d.dial(t)
		send(t, conn, emptyPost+getNothing+emptyPost)
		eventually(t, "the post waits", func() bool { return d.handled.Load() == 1 })
		pending.make(nil)
		for range 3 {
			told(t, reader, http.StatusOK)
		}
	})
}

// TestALargeAnswerHoldsItsBytesUntilItHasLeft has clients take large answers, not
// take them, and go away.
func TestALargeAnswerHoldsItsBytesUntilItHasLeft(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		const large = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
		d := open(t, way, func(c *Config) { c.Bounds.AnswerBytes = 700 << 10 })
		free := func() bool { return d.answers.leaving.Load() == 0 }
		taker, takes := d.dial(t)
		for range 3 {
			if response := ask(t, taker, takes, large+emptyPost, http.StatusOK); response.ContentLength != 300<<10 {
				t.Fatalf("the answer has %d bytes", response.ContentLength)
			}
			told(t, takes, http.StatusOK)
		}
		eventually(t, "the bytes come back", free)
		leaver, _ := d.dial(t)
		socketOf(leaver).SetReadBuffer(32 << 10)
		send(t, leaver, large)
		waiter, waits := d.dial(t)
		socketOf(waiter).SetReadBuffer(32 << 10)
		send(t, waiter, large)
		eventually(t, "both wait", func() bool { return d.answers.leaving.Load() == 600<<10 })
		ask(t, taker, takes, large, http.StatusServiceUnavailable)
		leaver.Close()
		told(t, waits, http.StatusOK)
		eventually(t, "the bytes come back", free)
		send(t, taker, strings.Replace(large, "GET", "HEAD", 1))
		if response, err := http.ReadResponse(takes, &http.Request{Method: http.MethodHead}); err != nil || response.ContentLength != 300<<10 {
			t.Errorf("HEAD: %v, %v", response, err)
		}
		eventually(t, "the bytes come back", free)
	})
}

// TestABurstThatFillsTheSocketIsAnswered has more come at once, before a loop looks at
// the connection for the first time, than the sockets take answers.
func TestABurstThatFillsTheSocketIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, openWays, func(t *testing.T, way func(*Config)) {
		const requests = 330 // which one read takes
		d := open(t, way)
		before, _ := d.seasoned(t) // so that there are loops
		before.Close()
		eventually(t, "it is gone", func() bool { return d.places.count() == 0 })
		arrived := make(chan struct{})
		for _, l := range d.loops.running() {
			l.post(func() { <-arrived })
		}
		conn, reader := d.dial(t)
		socketOf(conn).SetReadBuffer(8 << 10)
		send(t, conn, strings.Repeat(emptyPost, requests))
		close(arrived)
		eventually(t, "answers wait", func() bool {
			return len(d.places.those(func(at state) bool { return at.phase() == sending })) == 1
		})
		for range requests {
			told(t, reader, http.StatusOK)
		}
	})
}

// counting is an Outcome that counts.
type counting struct {
	accepted
	answered *atomic.Int64
}

func (c counting) Answer(response *fasthttp.Response, decided error, now time.Time) *Prepared {
	c.answered.Add(1)
	return c.accepted.Answer(response, decided, now)
}

// TestAConnectionThatWaitsForACommitKeepsItsPlace has a connection wait for a slow
// disk whose last request is answered by itself, and another want its place.
func TestAConnectionThatWaitsForACommitKeepsItsPlace(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	pending := undecided()
	d := open(t, within(0, timeout, 0), func(c *Config) {
		c.Bounds.Connections, c.Refusal = 1, []byte("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
		c.Handler = func(x *Exchange) {
			if len(x.Request.Body()) > 1 {
				x.Await(pending, accepted{})
			} else {
				x.Response.SetStatusCode(http.StatusUnprocessableEntity)
			}
		}
	})
	conn, reader := d.dial(t)
	send(t, conn, emptyPost+postHead+"Content-Length: 1\r\n\r\n{")
	eventually(t, "both are worked on", func() bool { return d.handled.Load() == 2 })
	begun := d.places.clock.now()
	eventually(t, "it would have to go", func() bool { return d.places.clock.now()-begun > (2 * timeout).Milliseconds() })
	_, refused := d.dial(t)
	told(t, refused, http.StatusServiceUnavailable)
	pending.make(nil)
	told(t, reader, http.StatusOK)
	told(t, reader, http.StatusUnprocessableEntity)
	if d.evicted.Load()+d.timedOut.Load() > 0 {
		t.Error("the connection counts as one that had to go")
	}
}
