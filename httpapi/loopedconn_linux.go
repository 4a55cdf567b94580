package httpapi

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fate is what becomes of a connection in an event loop once all that came from
// it is answered.
type fate int

const (
	stays      fate = iota
	closed          // it is closed
	handedBack      // it goes back to fasthttp, with what is held
)

// loopedConn is a connection in an event loop, to which it belongs. Only drop and
// runOut may be called by other goroutines.
type loopedConn struct {
	conn *lingeringConn
	loop *eventLoop
	fd   int

	held []byte // what has come and is not served
	need int    // the size of the request that is arriving; 0 when it is not known
	out  []byte // answers that may be sent and are not

	pending int // answers that wait for a commit
	owed    int // bytes of them

	fate fate
	gone bool // it has met its fate

	// What is known of the socket: it takes no more for now; there may be more to
	// read; the client sends no more after that; it has sent its last.
	full, moreToRead, hungUp, ended bool

	stopped bool // there may be whole requests in what is held
	queued  bool // the loop will read it again
}

func (c *loopedConn) drop() { c.loop.post(c.close) }

func (c *loopedConn) runOut() { c.loop.post(c.late) }

// late ends a connection whose client did not send in time. If a part of a request
// has come, fasthttp answers it.
func (c *loopedConn) late() {
	if c.gone || c.conn.current().phase() != late {
		return
	}
	c.finish()
	c.settle()
}

// finish ends a connection of which no more can be served than has come.
func (c *loopedConn) finish() {
	if c.fate = closed; len(c.held) > 0 {
		c.fate = handedBack
	}
}

// happened reads and writes what goes.
func (c *loopedConn) happened(events uint32) {
	c.hungUp = c.hungUp || events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	c.full = false
	if events&^uint32(unix.EPOLLOUT) != 0 {
		c.receive()
	}
	c.settle()
}

// busy says that no more may be served of the connection for now.
func (c *loopedConn) busy() bool {
	return c.gone || c.fate != stays || len(c.out) > 0 || c.pending >= mostPending || c.owed >= mostOwed
}

// receive reads what has come, and serves it.
func (c *loopedConn) receive() {
	c.moreToRead = true
	if c.busy() {
		return // settle has it read once it is not
	}
	buffer := c.loop.read
	n, err := uninterrupted(func() (int, error) { return unix.Read(c.fd, buffer) })
	switch {
	case err == unix.EAGAIN:
		c.moreToRead = false
	case err != nil:
		c.close()
	case n == 0:
		c.moreToRead, c.ended = false, true
	default:
		// A short read means that there was no more, but an end that came with it is
		// not told again.
		c.moreToRead = n == len(buffer) || c.hungUp
		c.conn.move(idle, receiving)
		c.arrived(buffer[:n])
	}
}

// arrived serves the requests in what is held and what has come.
func (c *loopedConn) arrived(data []byte) {
	if len(c.held) > 0 {
		c.held = append(c.held, data...)
		data = c.held
	}
	rest := c.serve(data)
	if len(rest) == 0 && cap(c.held) > firstBodyBytes {
		c.held = nil
		return
	}
	c.held = append(c.held[:0], rest...)
}

// serve answers the requests at the beginning of data and returns the rest.
func (c *loopedConn) serve(data []byte) (rest []byte) {
	for len(data) > 0 && !c.busy() {
		if len(data) < c.need {
			return data
		}
		size, verdict := c.loop.parser.parse(&c.loop.ctx.Request, data)
		switch verdict {
		case requestArriving:
			c.need = size
			return data
		case requestOdd:
			c.fate = handedBack
			return data
		}
		c.need = 0
		c.loop.answer(c)
		data = data[size:]
	}
	c.stopped = len(data) > 0
	return data
}

// send writes an answer, or keeps it for settle when another one follows or the
// socket is full.
func (c *loopedConn) send(answer []byte) {
	switch {
	case c.gone:
	case c.pending > 0 || len(c.out) > 0:
		c.out = append(c.out, answer...)
	default:
		c.write(answer)
	}
}

// flush writes what was kept.
func (c *loopedConn) flush() {
	out := c.out
	c.out = c.out[:0]
	c.write(out)
}

func (c *loopedConn) write(answer []byte) {
	n, err := uninterrupted(func() (int, error) { return unix.Write(c.fd, answer) })
	if err != nil && err != unix.EAGAIN {
		c.close()
		return
	}
	n = max(n, 0)
	c.full = n < len(answer)
	if c.out = append(c.out, answer[n:]...); len(c.out) == 0 && cap(c.out) > firstBodyBytes {
		c.out = nil
	}
}

// settle does what is due after a connection was read or written: it sends what
// was kept, goes on with what is held, and lets the connection meet its fate once
// nothing of it waits.
func (c *loopedConn) settle() {
	for {
		if !c.gone && len(c.out) > 0 && !c.full {
			c.flush()
		}
		if c.gone || c.pending > 0 {
			return
		}
		if len(c.out) > 0 {
			c.conn.move(working, sending)
			c.conn.move(receiving, sending)
			return
		}
		if c.fate != stays || !c.stopped {
			break
		}
		c.stopped = false
		c.arrived(nil)
	}
	c.decide()
	switch c.fate {
	case closed:
		c.end()
	case handedBack:
		c.handBack()
	default:
		c.rest()
	}
}

// decide says what becomes of a connection of which nothing waits.
func (c *loopedConn) decide() {
	if c.fate == stays && !c.moreToRead && (c.ended || c.loop.draining) {
		c.finish()
	}
}

// rest leaves it to the client to go on, who may have done so.
func (c *loopedConn) rest() {
	turn := idle
	if len(c.held) > 0 {
		turn = receiving
	}
	for _, before := range []phase{working, sending, receiving} {
		if before != turn {
			c.conn.move(before, turn)
		}
	}
	if c.moreToRead && !c.queued {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

// end closes a connection whose last answer was sent.
func (c *loopedConn) end() {
	if !c.conn.unread.Load() {
		c.close()
		return
	}
	if c.reclaim() { // it must linger
		_ = c.conn.Close()
	}
}

// close closes the connection at once.
func (c *loopedConn) close() {
	if c.gone {
		return
	}
	c.loop.leave(c)
	unix.Close(c.fd)
	c.conn.mu.Lock()
	c.conn.loop = nil
	c.conn.mu.Unlock()
	_ = c.conn.Close() // of which only its place is left
}

// handBack gives the connection to fasthttp, with what is not served.
func (c *loopedConn) handBack() {
	if !c.reclaim() {
		return
	}
	c.conn.ahead = c.held
	c.conn.move(idle, receiving)
	server := c.loop.server
	server.metrics.handedBack.Add(1)
	server.serveAgain(c.conn)
}

// reclaim takes the connection out of the loop, for who reads and writes it like
// any other. It returns false if it was closed.
func (c *loopedConn) reclaim() bool {
	c.loop.poller.remove(c.fd)
	c.loop.leave(c)
	file := os.NewFile(uintptr(c.fd), "connection")
	conn, err := net.FileConn(file)
	file.Close()
	c.conn.mu.Lock()
	c.conn.loop = nil
	if err == nil {
		c.conn.Conn = conn
	}
	closed := c.conn.closed.Load()
	if err == nil && c.conn.current().phase() == late {
		err = conn.SetReadDeadline(time.Unix(0, 1))
	}
	c.conn.mu.Unlock()
	switch {
	case closed && conn != nil:
		conn.Close()
	case err != nil:
		_ = c.conn.Close()
	}
	return err == nil && !closed
}
