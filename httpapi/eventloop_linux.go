package httpapi

import (
	"bufio"
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

const (
	// loopReadBytes is what a loop reads of a connection at a time.
	loopReadBytes = 64 << 10
	// mostPending and mostOwed are how many answers of a connection may wait, and
	// about how many bytes, before no more of it is read.
	mostPending, mostOwed = 64, 16 << 10
)

// eventLoop serves the plain posts of its connections in one goroutine. What is
// not said to be guarded belongs to that.
type eventLoop struct {
	server *Server
	poller *poller
	ended  chan struct{}
	count  atomic.Int64 // connections, and those that are about to come

	mu    sync.Mutex
	inbox []func() // what the loop is asked to do, guarded by mu
	over  bool     // nothing is done any more, guarded by mu

	conns    map[int32]*loopedConn // by descriptor
	again    []*loopedConn         // of which there is more to read
	ending   bool                  // the loop ends once it has no connection
	draining bool                  // connections are closed when they are answered

	read   []byte // what was read last
	parser requestParser
	ctx    fasthttp.RequestCtx
	place  loopPlace // the connection of ctx
	writer answerWriter

	// waiting are the answers that wait, in the order in which they must go.
	waiting []waitingAnswer
	last    *counters.Ticket // the newest one among them
	wake    func()           // poller.wake, made once
}

// waitingAnswer is an answer that may be sent once its promise is kept.
type waitingAnswer struct {
	conn    *loopedConn
	bytes   []byte
	promise promise
}

func newEventLoop(s *Server) (*eventLoop, error) {
	poller, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &eventLoop{
		server: s, poller: poller, ended: make(chan struct{}), conns: map[int32]*loopedConn{},
		read: make([]byte, loopReadBytes), parser: newRequestParser(s.config.Bounds.HeaderBytes, min(s.config.MaxBodyBytes, streamedBodyBytes)),
		writer: newAnswerWriter(), wake: poller.wake,
	}
	l.ctx.Init2(&l.place, s.http.Logger, false)
	return l, nil
}

// post has the loop do something soon. It returns false when the loop is over.
// It may be called by any goroutine.
func (l *eventLoop) post(do func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.inbox = append(l.inbox, do)
	l.poller.wake()
	return true
}

func (l *eventLoop) finish() { l.post(func() { l.ending = true }) }

func (l *eventLoop) drain() {
	l.post(func() {
		l.ending, l.draining = true, true
		for _, c := range l.conns {
			c.receive() // what came before the stop
			c.settle()
		}
	})
}

func (l *eventLoop) run() {
	defer close(l.ended)
	defer l.poller.close()
	for {
		happened := l.poller.glance
		if len(l.again) == 0 {
			happened = l.poller.wait
		}
		for _, event := range happened() {
			if c := l.conns[event.Fd]; c != nil {
				c.happened(event.Events)
			}
		}
		l.readAgain()
		l.keepPromises()
		if l.doAsAsked() {
			return
		}
		// The goroutine that commits was made runnable here and must not wait until
		// this one has nothing to do.
		runtime.Gosched()
	}
}

// doAsAsked does what was posted, and says whether the loop is over.
func (l *eventLoop) doAsAsked() (over bool) {
	l.mu.Lock()
	inbox := l.inbox
	l.inbox = nil
	l.over = l.ending && len(inbox) == 0 && len(l.conns) == 0 && len(l.waiting) == 0
	over = l.over
	l.mu.Unlock()
	for _, do := range inbox {
		do()
	}
	if len(inbox) > 0 {
		l.poller.wake() // look once more whether the loop is over
	}
	return over
}

func (l *eventLoop) readAgain() {
	again := l.again
	l.again = nil
	for _, c := range again {
		c.queued = false
		c.receive()
		c.settle()
	}
}

// enter begins to serve a connection.
func (l *eventLoop) enter(c *loopedConn) {
	l.conns[int32(c.fd)] = c
	ahead := c.conn.ahead
	c.conn.ahead = nil
	switch {
	case l.poller.add(c.fd) != nil:
		c.held, c.fate = ahead, handedBack
	case len(ahead) > 0:
		c.conn.move(idle, receiving)
		c.arrived(ahead)
	case l.draining:
		c.receive()
	}
	c.settle()
}

// leave forgets a connection.
func (l *eventLoop) leave(c *loopedConn) {
	delete(l.conns, int32(c.fd))
	c.gone = true
	l.count.Add(-1)
}

// answer has the server's handler answer a request, and sends that or promises it.
func (l *eventLoop) answer(c *loopedConn) {
	l.place.lingeringConn, l.place.promise = c.conn, promise{}
	l.ctx.Response.Reset()
	l.server.handle(&l.ctx)
	if l.ctx.Response.ConnectionClose() {
		c.fate = closed
	}
	answer := l.writer.bytes(&l.ctx.Response)
	ticket := l.place.promise.ticket
	if ticket == nil && c.pending == 0 {
		c.send(answer)
		return
	}
	c.pending++
	c.owed += len(answer)
	l.waiting = append(l.waiting, waitingAnswer{c, answer, l.place.promise})
	if ticket != nil && ticket != l.last {
		l.last = ticket
		ticket.Notify(l.wake)
	}
}

// keepPromises sends the answers that wait for nothing any more. Tickets are
// settled in the order in which they are given out.
func (l *eventLoop) keepPromises() {
	kept := 0
	for kept < len(l.waiting) && l.waiting[kept].promise.settled() {
		kept++
	}
	if kept == 0 {
		return
	}
	now := time.Now()
	for i := range l.waiting[:kept] {
		l.keep(&l.waiting[i], now)
	}
	for i := range l.waiting[:kept] { // a connection may have had several
		l.waiting[i].conn.settle()
	}
	rest := copy(l.waiting, l.waiting[kept:])
	clear(l.waiting[rest:])
	l.waiting = l.waiting[:rest]
	if rest == 0 {
		l.last = nil
	}
}

func (p *promise) settled() bool { return p.ticket == nil || p.ticket.Settled() }

// keep sends an answer whose ticket is settled, or says why it cannot be given.
func (l *eventLoop) keep(w *waitingAnswer, now time.Time) {
	answer, c := w.bytes, w.conn
	if w.promise.ticket != nil {
		if err := w.promise.ticket.Wait(); err != nil {
			answer = unkept(answer, err)
			w.promise.exchange.status = fasthttp.StatusServiceUnavailable
		} else {
			l.server.metrics.accepted(w.promise.exchange.connection, w.promise.records)
		}
		l.server.observe(w.promise.exchange, now)
	}
	c.pending--
	c.owed -= len(w.bytes)
	if l.draining && c.pending == 0 && c.fate == stays {
		answer, c.fate = lastAnswer(answer), closed
	}
	c.send(answer)
}

// answerWriter turns responses into bytes.
type answerWriter struct {
	buffer *bytes.Buffer
	writer *bufio.Writer
	last   []byte
}

func newAnswerWriter() answerWriter {
	buffer := new(bytes.Buffer)
	return answerWriter{buffer: buffer, writer: bufio.NewWriter(buffer)}
}

// bytes returns a response as it is sent. Nobody may change it: answers are all
// the same until the second in their Date header changes, and then are the same
// bytes here too.
func (w *answerWriter) bytes(response *fasthttp.Response) []byte {
	w.buffer.Reset()
	w.writer.Reset(w.buffer)
	_ = response.Write(w.writer) // into memory
	_ = w.writer.Flush()
	if !bytes.Equal(w.buffer.Bytes(), w.last) {
		w.last = bytes.Clone(w.buffer.Bytes())
	}
	return w.last
}
