package conn

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// loopReadBytes is what a loop reads of a connection at a time.
	loopReadBytes = 64 << 10
	// mostPending and mostOwed are how many answers of a connection may wait, and
	// about how many bytes, before no more of it is read.
	mostPending, mostOwed = 64, 16 << 10
)

// loop serves connections in one goroutine. What is not said to be guarded belongs
// to that.
type loop struct {
	server *Server
	number uint64 // among the loops
	poller *poller
	ended  chan struct{}
	count  atomic.Int64 // connections, and those that are about to come

	mu    sync.Mutex
	inbox []func() // what the loop is asked to do, guarded by mu
	over  bool     // nothing is done any more, guarded by mu

	sockets   sockets
	again     []*socket // of which there is more to read
	draining  bool      // connections are closed when they are answered
	abandoned bool      // connections are closed, answered or not

	read     []byte // what was read last
	records  records
	parser   parser
	request  *aside            // that is parsed, and given away if a goroutine answers it
	response fasthttp.Response // to what waited, empty between answers
	rendered rendering

	// waiting are the answers that wait, in the order in which they must go.
	waiting []waitingAnswer
	newest  Pending // what was passed to Await last, if that waits
	wake    func()  // poller.wake, made once
	// turn is when the first request of this turn was read, or zero before.
	turn time.Time
}

// waitingAnswer is an answer that waits for an outcome, or behind one that does:
// then it is there already.
type waitingAnswer struct {
	socket  *socket
	pending Pending
	outcome Outcome
	bytes   []byte
	owed    int
	last    bool
}

func newLoop(s *Server, number uint64) (*loop, error) {
	poller, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &loop{
		server: s, number: number, poller: poller, ended: make(chan struct{}), read: make([]byte, loopReadBytes),
		parser:  newParser(s.config.PlainPath, s.config.PlainFields, s.config.Bounds.HeaderBytes, min(s.config.BodyBytes, heldBodyBytes)),
		request: s.loops.newAside(), wake: poller.wake, rendered: newRendering(),
	}, nil
}

// post has the loop do something soon. It returns false when the loop is over.
// It may be called by any goroutine.
func (l *loop) post(do func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.inbox = append(l.inbox, do)
	l.poller.wake()
	return true
}

// drain has the loop end once it has served what has come from its connections.
func (l *loop) drain() {
	l.post(func() {
		l.draining = true
		for c := range l.sockets.all() {
			c.drain()
		}
	})
}

// abandon has the loop close its connections, and those that are given to it yet, and end. It
// may never have been drained: a server can be stopped while it starts.
func (l *loop) abandon() {
	l.post(func() { l.draining, l.abandoned = true, true })
}

// closeAll closes the connections of a loop that is abandoned.
func (l *loop) closeAll() {
	l.waiting = nil
	for c := range l.sockets.all() {
		c.close()
	}
}

func (l *loop) run() {
	defer close(l.ended)
	defer l.poller.close()
	for {
		happened := l.poller.glance
		if len(l.again) == 0 {
			happened = l.poller.wait
		}
		events := happened()
		l.turn = time.Time{}
		for _, event := range events {
			if c := l.sockets.at(event.Fd); c != nil {
				c.happened(event.Events)
			}
		}
		l.readAgain()
		l.answerWaiting()
		if l.doAsAsked() {
			return
		}
		// The goroutine that commits was made runnable here and must not wait until
		// this one has nothing to do.
		runtime.Gosched()
	}
}

// doAsAsked does what was posted, and says whether the loop is over.
func (l *loop) doAsAsked() (over bool) {
	l.mu.Lock()
	inbox := l.inbox
	l.inbox = nil
	l.over = l.draining && len(inbox) == 0 && l.sockets.count == 0 && len(l.waiting) == 0
	over = l.over
	l.mu.Unlock()
	for _, do := range inbox {
		do()
	}
	if l.abandoned {
		l.closeAll()
	}
	if len(inbox) > 0 {
		l.poller.wake() // look once more whether the loop is over
	}
	return over
}

func (l *loop) readAgain() {
	again := l.again
	l.again = nil
	for _, c := range again {
		c.queued = false
		c.receive()
		c.settle()
	}
}

// enter begins to serve a connection, of which the first request has come in most
// cases.
func (l *loop) enter(c *socket) {
	l.sockets.add(c)
	c.receive() // first, for the poller not to tell of what is there
	if c.gone {
		return
	}
	events := uint32(reading)
	if c.full {
		events |= writing
	}
	if l.poller.add(c.fd, events) != nil {
		c.close()
		return
	}
	c.watched = true
	c.settle()
}

// leave forgets a connection.
func (l *loop) leave(c *socket) {
	l.sockets.remove(c)
	c.gone = true
	if c.secure.isShaking() {
		close(c.secure.handshake.come)
	}
	l.count.Add(-1)
}

// answer has the handler answer a plain post, and sends that or has it wait. More
// says whether another request follows.
func (l *loop) answer(c *socket, more bool) {
	x := &l.request.Exchange
	x.begin(&c.connection, l.now())
	x.lane = l.number
	x.Response.Reset()
	if !x.handle() {
		c.close()
		return
	}
	if x.Request.Header.ConnectionClose() || x.Response.ConnectionClose() || x.last {
		c.fate = closes
	}
	if x.outcome != nil {
		l.await(waitingAnswer{socket: c, pending: x.pending, outcome: x.outcome, owed: x.outcome.Bytes(), last: c.fate == closes})
		return
	}
	answer := l.rendered.bytes(&x.Response, c.fate == closes || c.isLast(more))
	l.server.answers.release(x.reserved) // it is a copy
	if c.pending == 0 {
		c.send(answer)
		return
	}
	l.await(waitingAnswer{socket: c, bytes: bytes.Clone(answer), owed: len(answer)})
}

func (l *loop) await(w waitingAnswer) {
	w.socket.pending++
	w.socket.owed += w.owed
	l.waiting = append(l.waiting, w)
	if w.pending != nil && w.pending != l.newest {
		l.newest = w.pending
		w.pending.Notify(l.wake)
	}
}

// answerWaiting sends the answers that wait for nothing any more.
func (l *loop) answerWaiting() {
	ready := l.ready()
	if ready == 0 {
		return
	}
	now := time.Now()
	var asked Pending
	var decided error
	for i := range l.waiting[:ready] {
		w := &l.waiting[i]
		if w.pending != nil && w.pending != asked {
			asked, decided = w.pending, w.pending.Wait()
		}
		l.answerNow(w, decided, now)
	}
	for i := range l.waiting[:ready] { // a connection may have had several
		l.waiting[i].socket.settle()
	}
	rest := copy(l.waiting, l.waiting[ready:])
	clear(l.waiting[rest:])
	l.waiting = l.waiting[:rest]
	switch {
	case rest == 0:
		l.newest = nil
	case l.waiting[0].pending.Settled(): // it has been since
		l.poller.wake()
	}
}

// ready is how many of the first answers wait for nothing any more. Many wait for the same.
func (l *loop) ready() int {
	var settled Pending
	for i := range l.waiting {
		switch pending := l.waiting[i].pending; {
		case pending == nil || pending == settled:
		case !pending.Settled():
			return i
		default:
			settled = pending
		}
	}
	return len(l.waiting)
}

// answerNow renders an answer whose outcome is decided, and sends it.
func (l *loop) answerNow(w *waitingAnswer, decided error, now time.Time) {
	c := w.socket
	c.pending--
	c.owed -= w.owed
	if w.outcome == nil {
		c.send(w.bytes)
		return
	}
	prepared := w.outcome.Answer(&l.response, decided, now)
	last := w.last || c.isLast(len(c.held) > 0)
	if prepared != nil {
		c.send(l.rendered.prepared(prepared, last, now))
		return
	}
	c.send(l.rendered.bytes(&l.response, last))
	l.response.Reset()
}

// now is when the first request of a turn was read. One that is read later in the turn may have
// come since: it seems to have taken so much longer, and never less than it did.
func (l *loop) now() time.Time {
	if l.turn.IsZero() {
		l.turn = time.Now()
	}
	return l.turn
}
