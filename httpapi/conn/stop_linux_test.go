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
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAStopDoesNotResetAClientThatStillSends stops a server while answers are still in
// its socket, and has the client send more. A reset would take them away.
func TestAStopDoesNotResetAClientThatStillSends(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		const requests = 60 // whose answers are more than the client's socket holds, not more than both
		d := open(t, way)
		conn, reader := d.dial(t)
		socketOf(conn).SetReadBuffer(2 << 10)
		send(t, conn, strings.Repeat(emptyPost, requests))
		in := func(p phase) bool { return len(d.places.those(func(at state) bool { return at.phase() == p })) == 1 }
		eventually(t, "all is answered", func() bool { return d.handled.Load() == requests && in(idle) })
		stopped := make(chan error, 1)
		go func() { stopped <- d.Shutdown(context.Background()) }()
		eventually(t, "the server closes the connection", func() bool { return in(sending) || d.places.count() == 0 })
		for range 2 {
			send(t, conn, emptyPost)
		}
		for range requests {
			told(t, reader, http.StatusOK)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// isDraining says whether all loops know that the server stops.
func (d *desk) isDraining() bool {
	for _, l := range d.loops.running() {
		draining := make(chan bool, 1)
		if l.post(func() { draining <- l.draining }) && !<-draining {
			return false
		}
	}
	return d.stopping.Load()
}

// TestAStopAnswersWhatHasCome stops a server while a request waits, one is worked
// on, and another has come behind it.
func TestAStopAnswersWhatHasCome(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		pending, release := undecided(), make(chan struct{})
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) {
				if x.IsPost() {
					x.Await(pending, accepted{})
				} else {
					<-release
				}
			}
		})
		var readers []*bufio.Reader
		for _, request := range []string{emptyPost, getNothing} {
			conn, reader := d.dial(t)
			send(t, conn, request)
			readers = append(readers, reader)
		}
		eventually(t, "both are worked on", func() bool { return d.handled.Load() == 2 })
		stopped := make(chan error, 1)
		go func() { stopped <- d.Shutdown(context.Background()) }()
		eventually(t, "the server stops", d.isDraining)
		pending.make(nil)
		close(release)
		for _, reader := range readers {
			if response := told(t, reader, http.StatusOK); !response.Close {
				t.Error("the answer does not say that it is the last one")
			}
			expectEnd(t, reader)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// TestARequestThatIsOnItsWayAtAStopIsAnswered has a client send on a connection that was
// idle when the server began to stop: it cannot know, and must not send it again.
func TestARequestThatIsOnItsWayAtAStopIsAnswered(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		d.lastWait = time.Hour
		sends, answers := d.seasoned(t)
		silent, _ := d.seasoned(t)
		stopped := make(chan error, 1)
		go func() { stopped <- d.Shutdown(context.Background()) }()
		eventually(t, "the server stops", d.isStopped)
		if response := ask(t, sends, answers, emptyPost, http.StatusOK); !response.Close {
			t.Error("the answer does not say that it is the last one")
		}
		expectEnd(t, answers)
		select {
		case <-stopped:
			t.Error("the server has stopped before the client that sent nothing could")
		default:
		}
		silent.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestAStopLeavesNobodyWaitingForAnOutcome(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		pending := undecided()
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) { x.Await(pending, accepted{}) }
		})
		defer pending.make(nil)
		var readers []*bufio.Reader
		for _, request := range []string{emptyPost, getNothing} { // in a loop, and beside it
			conn, reader := d.dial(t)
			send(t, conn, request)
			readers = append(readers, reader)
		}
		eventually(t, "both wait", func() bool { return d.handled.Load() == 2 })
		impatient, cancel := context.WithCancel(context.Background())
		cancel()
		if err := d.Shutdown(impatient); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for _, reader := range readers {
			if answer, _ := io.ReadAll(reader); len(answer) > 0 {
				t.Errorf("%q is answered, and nothing is decided", answer)
			}
		}
		if left := d.places.count(); left > 0 {
			t.Errorf("%d connections are left", left)
		}
	})
}

// TestALoopThatIsAbandonedEndsThoughAConnectionIsGivenToItYet has a connection come that was
// accepted just before.
func TestALoopThatIsAbandonedEndsThoughAConnectionIsGivenToItYet(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{Handler: answer, Bounds: testBounds(), Events: &counted{}, Logger: slog.New(slog.DiscardHandler)})
	if !s.loops.start(&net.TCPAddr{}) {
		t.Fatal("no loops")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	for i, l := range s.loops.running() {
		hold := make(chan struct{})
		l.post(func() { <-hold })
		l.abandon()
		if i == 0 {
			c := &socket{fd: pair[0], loop: l}
			c.carrier = c
			if !s.places.admit(&c.connection) {
				t.Fatal("no place")
			}
			l.count.Add(1)
			l.post(func() { l.enter(c) })
		}
		close(hold)
		select {
		case <-l.ended:
		case <-time.After(patience):
			t.Fatal("the loop goes on")
		}
	}
}

// TestLoopsThatBeginDuringAStopEndWithIt has loops begin when a stop has looked for them
// already, as those of a server that is stopped as soon as it listens.
func TestLoopsThatBeginDuringAStopEndWithIt(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{Handler: answer, Bounds: testBounds(), Events: &counted{}, Logger: slog.New(slog.DiscardHandler)})
	s.stopLoops(t.Context())
	if !s.loops.start(&net.TCPAddr{}) {
		t.Fatal("no loops")
	}
	ended := make(chan struct{})
	go func() { s.abandon(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the loops go on")
	}
}

// TestAStopWaitsForOutcomes stops a server while one client waits for a commit,
// and another has gone away meanwhile.
func TestAStopWaitsForOutcomes(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		pending, answered := undecided(), new(atomic.Int64)
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) { x.Await(pending, counting{answered: answered}) }
		})
		stays, reader := d.dial(t)
		leaves, _ := d.dial(t)
		send(t, leaves, emptyPost)
		send(t, stays, emptyPost+emptyPost)
		eventually(t, "all wait", func() bool { return d.handled.Load() == 3 })
		socketOf(leaves).SetLinger(0)
		socketOf(leaves).Close()
		eventually(t, "the client has gone", func() bool { return d.places.count() == 1 })
		stopped := make(chan error, 1)
		go func() { stopped <- d.Shutdown(context.Background()) }()
		eventually(t, "the server stops", d.isDraining)
		select {
		case <-stopped:
			t.Fatal("the server has stopped before the commit was decided")
		default:
		}
		pending.make(nil)
		for _, last := range []bool{false, true} {
			if response := told(t, reader, http.StatusOK); response.Close != last {
				t.Errorf("that the answer is the last one: %v, want %v", response.Close, last)
			}
		}
		expectEnd(t, reader)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if got := answered.Load(); got != 3 {
			t.Errorf("%d outcomes are answered, want 3, of which one is of the client that has gone", got)
		}
	})
}
