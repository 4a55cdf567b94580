package conn

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"slices"
	"time"
)

const (
	// recordBytes is the most that a record of TLS has of a request or an answer.
	recordBytes = 16 << 10
	// sealedBytes is how much of an answer is sealed at a time: with what TLS adds, it
	// is sent by one call of writeNow.
	sealedBytes = 3 * recordBytes
)

// secure is the TLS of a connection in a loop: it is between the socket, which has
// records, and the requests and answers in them. The loop gives it what it has read, and
// sends what is sealed; nothing here waits. crypto/tls takes that: a read that fails for
// the moment goes on with the next one.
type secure struct {
	tls    *tls.Conn
	wire   *wire
	sealed []byte // records that may be sent and are not
	// handshake is nil when it is over. Until then everything else but wire.records
	// belongs to the goroutine that does it.
	handshake *handshake
}

func newSecure(c *socket, config *tls.Config) *secure {
	s := &secure{handshake: &handshake{socket: c, come: make(chan []byte, 1), asks: true}}
	s.wire = &wire{Conn: s.handshake}
	s.tls = tls.Server(s.wire, config)
	return s
}

// isShaking says whether hands are being shaken on a connection, if that has TLS.
func (s *secure) isShaking() bool { return s != nil && s.handshake != nil }

// isShaken says whether hands were shaken on a connection with TLS.
func (s *secure) isShaken() bool { return s != nil && s.handshake == nil }

// isWithin says whether a record has come in part: more must follow.
func (s *secure) isWithin() bool { return s.isShaken() && s.wire.isWithin() }

// isUnsent says whether there are records to be sent.
func (s *secure) isUnsent() bool { return s != nil && len(s.sealed) > 0 }

// isBusy says that nothing more is to be read for now: the handshake has enough.
func (s *secure) isBusy() bool { return s.isShaking() && !s.handshake.asks }

// wire is what TLS reads from and writes to: that of who serves the connection, first a
// handshake, then a loop, and then fasthttp if the connection leaves that.
type wire struct {
	net.Conn
	head [5]byte // of a record
	have int     // bytes of it that have come
	rest int     // bytes of the record that are to follow
}

// Read follows the records that are read.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	for data := b[:n]; len(data) > 0; {
		if w.rest > 0 {
			skipped := min(w.rest, len(data))
			w.rest -= skipped
			data = data[skipped:]
			continue
		}
		copied := copy(w.head[w.have:], data)
		data = data[copied:]
		if w.have += copied; w.have == len(w.head) {
			w.have, w.rest = 0, int(binary.BigEndian.Uint16(w.head[3:]))
		}
	}
	return n, err
}

func (w *wire) isWithin() bool { return w.have > 0 || w.rest > 0 }

// unserved are the methods of a net.Conn that TLS calls in vain where a loop reads and
// writes, and those that it does not call.
type unserved struct{ net.Conn }

// SetWriteDeadline does nothing: a loop has deadlines of its own.
func (unserved) SetWriteDeadline(time.Time) error { return nil }

// records are what the TLS of a loop's connections reads from and writes to: of one at a
// time.
type records struct {
	unserved
	come   []byte // what was read and is not taken
	sealed []byte // what is to be sent
	opened []byte // what was in them
}

// Read takes what has come, or fails for the moment.
func (r *records) Read(b []byte) (int, error) {
	if len(r.come) == 0 {
		return 0, nothingYet{}
	}
	n := copy(b, r.come)
	r.come = r.come[n:]
	return n, nil
}

// Write gathers sealed records for the loop to send.
func (r *records) Write(b []byte) (int, error) {
	r.sealed = append(r.sealed, b...)
	return len(b), nil
}

// nothingYet is a net.Error that TLS takes for one of the moment.
type nothingYet struct{}

// Error is the message, which nobody reads.
func (nothingYet) Error() string { return "nothing has come" }

// Timeout is false: no deadline has passed.
func (nothingYet) Timeout() bool { return false }

// Temporary is true, which is what TLS goes by.
func (nothingYet) Temporary() bool { return true }

// open returns what is in records that have come, of one connection, until the next call. It
// ends with an error, which is nothingYet if more can come.
func (r *records) open(conn *tls.Conn, data []byte) ([]byte, error) {
	r.come, r.opened = data, r.opened[:0]
	for {
		r.opened = slices.Grow(r.opened, recordBytes)
		n, err := conn.Read(r.opened[len(r.opened):cap(r.opened)])
		r.opened = r.opened[:len(r.opened)+n]
		if err != nil {
			r.come = nil
			return r.opened, err
		}
	}
}

// unseal serves what is in records that have come.
func (c *socket) unseal(data []byte) {
	if c.secure.isShaking() {
		c.secure.handshake.take(data)
		return
	}
	opened, err := c.loop.records.open(c.secure.tls, data)
	if err != (nothingYet{}) { // the client has said that it ends, or what it sent is no TLS
		c.moreToRead, c.ended = false, true
	}
	if len(opened) > 0 || c.secure.isWithin() { // which may have come with the end of a handshake
		c.move(fresh, receiving)
	}
	if len(opened) > 0 {
		c.used = true
		c.arrived(opened)
	}
	c.sendSealed()
}

// seal writes as much of an answer as goes and returns the rest. Some records may be left
// that flushSealed sends.
func (c *socket) seal(answer []byte) (rest []byte) {
	for len(answer) > 0 && !c.secure.isUnsent() && !c.gone {
		n := min(len(answer), sealedBytes)
		if _, err := c.secure.tls.Write(answer[:n]); err != nil {
			c.close()
			return nil
		}
		answer = answer[n:]
		c.sendSealed()
	}
	return answer
}

// sendSealed sends the records that TLS has written, or keeps them.
func (c *socket) sendSealed() {
	written := c.loop.records.sealed
	c.loop.records.sealed = written[:0]
	if len(written) > 0 && !c.gone {
		if !c.secure.isUnsent() {
			written = c.transmit(written)
		}
		c.secure.sealed = append(c.secure.sealed, written...)
	}
}

// flushSealed sends records that were kept.
func (c *socket) flushSealed() {
	if c.secure.isUnsent() {
		if c.secure.sealed = c.transmit(c.secure.sealed); len(c.secure.sealed) == 0 {
			c.secure.sealed = nil
		}
	}
}

// sayEnd tells the client that nothing more comes, if TLS is there to say so.
func (c *socket) sayEnd() {
	if c.secure.isShaken() {
		_ = c.secure.tls.CloseWrite() // into memory, or not if an alert has said it
		c.sendSealed()
	}
}

// secureConn is a connection with TLS that fasthttp serves after a loop did.
type secureConn struct {
	*tls.Conn
	library *libraryConn // below TLS
	ahead   []byte       // what a loop has opened and not served
}

// leave has the library's connection carry TLS from now on.
func (s *secure) leave(library *libraryConn, ahead []byte) *secureConn {
	s.wire.Conn = library
	return &secureConn{Conn: s.tls, library: library, ahead: ahead}
}

// NetConn is the connection below TLS.
func (c *secureConn) NetConn() net.Conn { return c.library }

// Read reads what is ahead, then from the client.
func (c *secureConn) Read(b []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}
