package httpapi

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// loopedConn is a connection in an event loop, to which it belongs. Only drop and
// runOut may be called by other goroutines.
type loopedConn struct {
	*lingeringConn
	loop   *eventLoop
	server *Server
	fd     int

	held    []byte // what has come and is not served
	need    int    // how much of it the request that is arriving will have; 0 is unknown
	out     []byte // what the socket did not take
	pending int    // answers that wait for a commit

	full       bool // the socket takes no more for now
	moreToRead bool // there may be more to read
	queued     bool // the loop will read it again
	stopped    bool // there may be whole requests in what is held
	hungUp     bool // the client sends no more after that
	ending     bool // it is closed once all is answered
	odd        bool // it goes back to fasthttp once all is answered
	gone       bool // it is closed, or fasthttp's
}

func (c *loopedConn) drop() { c.loop.post(c.close) }

func (c *loopedConn) runOut() { c.loop.post(c.late) }

// late ends a connection whose client did not send in time. If a part of a request
// has come, fasthttp answers it.
func (c *loopedConn) late() {
	if c.gone || c.current().phase() != late {
		return
	}
	if len(c.held) == 0 {
		c.ending = true
	} else {
		c.odd = true
	}
	c.settle()
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

// busy says that no more may be read of the connection for now.
func (c *loopedConn) busy() bool {
	return c.gone || c.odd || c.ending || len(c.out) > 0 || c.pending >= mostPending
}

// receive reads what has come, and serves it.
func (c *loopedConn) receive() {
	c.moreToRead = true
	if c.busy() {
		return
	}
	buffer := c.loop.read
	n, err := unix.Read(c.fd, buffer)
	for err == unix.EINTR {
		n, err = unix.Read(c.fd, buffer)
	}
	switch {
	case err == unix.EAGAIN:
		c.moreToRead = false
	case err != nil:
		c.close()
	case n == 0:
		c.ending, c.moreToRead = true, false
	default:
		// A short read means that there was no more, but an end that came with it is
		// not told again.
		c.moreToRead = n == len(buffer) || c.hungUp
		c.move(idle, receiving)
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
			c.odd = true
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
	if c.gone {
		return
	}
	if c.pending > 0 || len(c.out) > 0 {
		c.out = append(c.out, answer...)
		return
	}
	c.write(answer)
}

// flush writes what was kept.
func (c *loopedConn) flush() {
	out := c.out
	c.out = c.out[:0]
	c.write(out)
}

func (c *loopedConn) write(answer []byte) {
	n, err := unix.Write(c.fd, answer)
	for err == unix.EINTR {
		n, err = unix.Write(c.fd, answer)
	}
	if err != nil && err != unix.EAGAIN {
		c.close()
		return
	}
	n = max(n, 0)
	c.full = n < len(answer)
	c.out = append(c.out, answer[n:]...)
}

// settle does what is due after a connection was read or written: it writes what
// was kept, goes on with what was held, gives the connection back or closes it.
func (c *loopedConn) settle() {
	for {
		if !c.gone && len(c.out) > 0 && !c.full {
			c.flush()
		}
		if c.gone || c.pending > 0 {
			return
		}
		if len(c.out) > 0 {
			c.move(working, sending)
			return
		}
		if c.ending || c.odd || !c.stopped {
			break
		}
		c.stopped = false
		c.arrived(nil)
	}
	switch {
	case c.ending:
		c.end()
	case c.odd:
		c.handBack()
	case c.moreToRead:
		c.readLater()
	case c.loop.draining && len(c.held) > 0:
		c.handBack()
	case c.loop.draining:
		c.close()
	}
	c.rest()
}

// readLater has the loop read the connection once the others had their turn.
func (c *loopedConn) readLater() {
	if !c.queued {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

// rest notes that it is the client's turn.
func (c *loopedConn) rest() {
	turn := idle
	if len(c.held) > 0 {
		turn = receiving
	}
	c.move(working, turn)
	c.move(sending, turn)
}

// end closes a connection whose last answer was sent.
func (c *loopedConn) end() {
	if !c.unread.Load() {
		c.close()
		return
	}
	if c.reclaim() { // it must linger
		_ = c.Close()
	}
}

// close closes the connection at once.
func (c *loopedConn) close() {
	if c.gone {
		return
	}
	c.loop.leave(c)
	unix.Close(c.fd)
	c.mu.Lock()
	c.lingeringConn.loop = nil
	c.mu.Unlock()
	_ = c.Close()
}

// handBack gives the connection to fasthttp, with what it has not served.
func (c *loopedConn) handBack() {
	if !c.reclaim() {
		return
	}
	c.ahead = c.held
	if len(c.ahead) > 0 {
		c.move(idle, receiving)
	}
	c.server.metrics.handedBack.Add(1)
	c.server.serveAgain(c.lingeringConn)
}

// reclaim takes the connection out of the loop, for who reads and writes it like
// any other. It returns false if it was closed.
func (c *loopedConn) reclaim() bool {
	c.loop.poller.remove(c.fd)
	c.loop.leave(c)
	file := os.NewFile(uintptr(c.fd), "connection")
	conn, err := net.FileConn(file)
	file.Close()
	c.mu.Lock()
	c.lingeringConn.loop = nil
	if err == nil {
		c.Conn = conn
	}
	closed := c.closed.Load()
	if err == nil && c.current().phase() == late {
		err = conn.SetReadDeadline(time.Unix(0, 1))
	}
	c.mu.Unlock()
	switch {
	case closed && conn != nil:
		conn.Close()
	case err != nil:
		_ = c.Close()
	}
	return err == nil && !closed
}
