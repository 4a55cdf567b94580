package conn

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// fate is what becomes of a connection in a loop once all that came from it is
// answered.
type fate int

const (
	stays  fate = iota
	closes      // it is closed
	leaves      // it goes to fasthttp for good, with what is held
)

// socket is a connection in a loop, to which it belongs. Only drop and runOut may
// be called by other goroutines.
type socket struct {
	connection
	loop   *loop
	fd     int
	secure *secure // nil without TLS

	held []byte // what has come and is not served
	need int    // the size of the request that is arriving; 0 when it is not known
	out  []byte // answers that may be sent and are not
	// large is a large answer's body that follows these, reserved what is held for it.
	large    []byte
	reserved int64
	// stream is the rest of a large answer that is read as it leaves, piece the buffer
	// that it is read into.
	stream io.ReadCloser
	piece  []byte

	pending int  // answers that wait for an outcome
	owed    int  // bytes of them
	away    bool // a goroutine answers a request of it

	fate fate
	gone bool // it has met its fate

	// What is known of the socket: it takes no more for now; there may be more to
	// read; the client sends no more after that; it has sent its last.
	full, moreToRead, hungUp, ended bool

	due     int  // bytes that had come before a stop and are not read
	watched bool // the poller looks at it
	used    bool // something has come
	stopped bool // there may be whole requests in what is held
	queued  bool // the loop will read it again
}

func (c *socket) drop() { c.loop.post(c.close) }

func (c *socket) runOut() { c.loop.post(c.late) }

// late ends a connection whose client did not send in time. If a part of a request
// has come, or nothing at all, fasthttp answers that.
func (c *socket) late() {
	if c.gone || c.current().phase() != late {
		return
	}
	if c.secure.isShaking() { // there is nothing to answer yet
		c.close()
		return
	}
	if c.finish(); !c.used {
		c.fate = leaves
	}
	c.settle()
}

// happened reads and writes what goes. That a client sends more, or has ended, does not say
// that it takes more: the poller tells of both whenever it is asked about writing.
func (c *socket) happened(events uint32) {
	c.hungUp = c.hungUp || events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.full = false
	}
	if events&^uint32(unix.EPOLLOUT) != 0 {
		c.receive()
	}
	c.settle()
}

// busy says that no more may be served of the connection for now.
func (c *socket) busy() bool {
	return c.gone || c.fate != stays || c.away || c.stopped || c.unsent() || c.pending >= mostPending || c.owed >= mostOwed ||
		c.secure.isBusy()
}

func (c *socket) unsent() bool {
	return len(c.out) > 0 || len(c.large) > 0 || c.stream != nil || c.secure.isUnsent()
}

// isWithin says whether the client is within a request, or a handshake.
func (c *socket) isWithin() bool {
	return len(c.held) > 0 || c.secure.isShaking() || c.secure.isWithin()
}

// mayRead says whether there may be more to read that is to be served. At a stop
// that is what had come before.
func (c *socket) mayRead() bool {
	return c.moreToRead && (!c.loop.draining || !c.used || c.due > 0)
}

// drain serves what has come from a connection, which is not to stay. One on which hands
// were shaken, and nothing was asked, is not waited for: it may have been shaking them, or
// doing something else below HTTP, when places.evictFresh looked at it.
func (c *socket) drain() {
	c.used = c.used || c.secure.isShaken()
	c.due, _ = unix.IoctlGetInt(c.fd, unix.SIOCINQ)
	c.receive()
	c.settle()
}

// receive reads what has come, and serves it.
func (c *socket) receive() {
	c.moreToRead = true
	if c.busy() || !c.mayRead() {
		return // settle has it read once it may be
	}
	buffer := c.loop.read
	if c.secure.isShaking() {
		buffer = buffer[:handshakeReadBytes]
	}
	n, err := readNow(c.fd, buffer)
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
		c.due -= n
		c.move(idle, receiving)
		c.move(fresh, receiving)
		c.came(buffer[:n])
	}
}

// came serves what was read.
func (c *socket) came(data []byte) {
	if c.secure != nil {
		c.unseal(data)
		return
	}
	c.used = true
	c.arrived(data)
}

// arrived serves the requests in what is held and what has come.
func (c *socket) arrived(data []byte) {
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
func (c *socket) serve(data []byte) (rest []byte) {
	for len(data) > 0 && !c.busy() {
		if len(data) < c.need {
			return data
		}
		size, found := c.loop.parser.parse(&c.loop.request.Request, data)
		switch found {
		case arriving:
			c.need = size
			return data
		case foreign:
			c.fate = leaves
			return data
		case simple:
			if c.loop.server.isStreamed(&c.loop.request.Request.Header) {
				c.fate = leaves
				return data
			}
			if c.pending > 0 { // what it answers must not be older than theirs
				c.stopped = true
				return data
			}
			c.loop.answerAside(c)
		case plain:
			c.loop.answer(c, len(data) > size)
		}
		c.need = 0
		data = data[size:]
	}
	c.stopped = len(data) > 0
	return data
}

// isLast says whether an answer is the last one because of a stop: then the client
// may still send, and must not be reset before it has read the answer.
func (c *socket) isLast(more bool) bool {
	if !c.loop.server.stopping.Load() || c.fate != stays || c.pending > 0 || c.away || more || c.stopped || c.mayRead() || c.secure.isWithin() {
		return false
	}
	c.fate = closes
	c.unread.Store(true)
	return true
}

// send writes an answer, or keeps it for settle when another one follows or the
// socket is full.
func (c *socket) send(answer []byte) {
	switch {
	case c.gone:
	case c.pending > 0 || len(c.out) > 0:
		c.out = append(c.out, answer...)
	default:
		c.out = append(c.out, c.write(answer)...)
	}
}

// flush writes what was kept.
func (c *socket) flush() {
	if c.flushSealed(); c.full || c.gone {
		return
	}
	rest := c.write(c.out)
	c.out = c.out[:copy(c.out, rest)]
	if len(c.out) == 0 && cap(c.out) > firstBodyBytes {
		c.out = nil
	}
	if len(c.large) > 0 && len(c.out) == 0 && !c.full {
		if c.large = c.write(c.large); len(c.large) == 0 {
			c.release()
		}
	}
	if c.stream != nil && len(c.out) == 0 && len(c.large) == 0 && !c.gone && !c.away {
		c.readStream()
	}
}

// write writes as much of an answer as goes and returns the rest.
func (c *socket) write(answer []byte) (rest []byte) {
	if c.secure != nil {
		return c.seal(answer)
	}
	return c.transmit(answer)
}

// transmit writes as many bytes as go and returns the rest.
func (c *socket) transmit(bytes []byte) (rest []byte) {
	n, err := writeNow(c.fd, bytes)
	if err != nil && err != unix.EAGAIN {
		c.close()
		return nil
	}
	rest = bytes[max(n, 0):]
	if c.full = len(rest) > 0; c.full && c.watched && c.loop.poller.change(c.fd, reading|writing) != nil {
		c.close()
	}
	return rest
}

// release gives back what was held for a large answer.
func (c *socket) release() {
	c.loop.server.answers.release(c.reserved)
	c.large, c.reserved = nil, 0
}

// settle does what is due after a connection was read or written: it sends what
// was kept, goes on with what is held, and lets the connection meet its fate once
// nothing of it waits.
func (c *socket) settle() {
	for {
		if !c.gone && c.unsent() && !c.full {
			c.flush()
		}
		if c.gone || c.pending > 0 || c.away || c.secure.isBusy() {
			return
		}
		if c.unsent() {
			c.move(working, sending)
			c.move(receiving, sending)
			return
		}
		if c.fate != stays || !c.stopped {
			break
		}
		c.stopped = false
		c.arrived(nil)
	}
	if c.fate == stays && !c.mayRead() && (c.ended || c.loop.draining && c.used) {
		c.finish()
	}
	switch c.fate {
	case closes:
		c.end()
	case leaves:
		c.leave()
	default:
		c.rest()
	}
}

// finish ends a connection of which no more can be served than has come.
func (c *socket) finish() {
	if c.fate = closes; len(c.held) > 0 || c.secure.isWithin() {
		c.fate = leaves
	} else if c.loop.draining && c.isRecent() {
		c.unread.Store(true)
	}
}

// rest leaves it to the client to go on, who may have done so.
func (c *socket) rest() {
	turn := idle
	if c.isWithin() {
		turn = receiving
	}
	if before := c.current().phase(); before != turn && (before == working || before == sending || before == receiving) {
		c.move(before, turn)
	}
	if c.mayRead() && !c.queued {
		c.queued = true
		c.loop.again = append(c.loop.again, c)
	}
}

// end closes a connection whose last answer was sent.
func (c *socket) end() {
	if c.sayEnd(); c.gone {
		return
	}
	if !c.unread.Load() {
		c.close()
		return
	}
	if library := c.toLibrary(); library != nil {
		_ = library.Close() // it lingers
	}
}

// close closes the connection at once.
func (c *socket) close() {
	if c.gone {
		return
	}
	c.loop.leave(c)
	unix.Close(c.fd)
	c.release()
	if !c.away { // else whoever reads it ends it
		c.endStream()
	}
	c.places.forget(&c.connection)
}

// leave gives the connection to fasthttp, with what is not served.
func (c *socket) leave() {
	if library := c.toLibrary(); library != nil {
		c.move(idle, receiving)
		c.loop.server.config.Events.Left()
		c.loop.server.loops.left.give(c.withHeld(library))
	}
}

// withHeld returns what fasthttp is to read: what is held, then what comes.
func (c *socket) withHeld(library *libraryConn) net.Conn {
	if c.secure != nil {
		return c.secure.leave(library, c.held)
	}
	library.ahead = c.held
	return library
}

// toLibrary takes the connection out of the loop, for who reads and writes it like
// any other. If that fails, it is closed, and nil is returned.
func (c *socket) toLibrary() *libraryConn {
	c.loop.poller.remove(c.fd)
	conn, err := netConn(c.fd)
	if err != nil {
		c.close()
		return nil
	}
	c.loop.leave(c)
	library := &libraryConn{Conn: conn, connection: &c.connection, server: c.loop.server}
	c.carriedBy(library)
	return library
}

// netConn makes a connection of Go's network library of a descriptor, which is
// that one's then unless it fails.
func netConn(fd int) (net.Conn, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(own), "connection")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err == nil {
		unix.Close(fd)
	}
	return conn, err
}
