package conn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

const (
	// handshakeReadBytes is what a loop reads for a handshake at a time, which is kept
	// until it has its turn: a hello has 2 KB.
	handshakeReadBytes = 8 << 10
	// handshakeBytes is the most that a client may send until hands are shaken, half of
	// which may belong to its first requests. crypto/tls takes hellos of 64 KB, and makes
	// twice the room for them.
	handshakeBytes = 32 << 10
)

var errLongHandshake = errors.New("the handshake is too long")

// handshake is what the goroutine reads from and writes to that shakes hands on a
// connection: that takes longer than other clients of the loop may wait. The loop reads for
// it when it asks, and sends what it has written since. Its methods are the goroutine's
// unless said otherwise.
type handshake struct {
	unserved
	socket *socket
	come   chan []byte // what was read for it; closed when the loop has the connection no more
	rest   []byte      // of that
	taken  int         // bytes that were read
	flight []byte      // what is to be sent

	asks  bool // it waits for the client, the loop's to know
	began bool // there is a goroutine, the loop's to know
}

// Read takes what has come, and waits for the client where nothing has. It returns io.EOF
// where no more can come, and errLongHandshake for more than a handshake needs.
func (h *handshake) Read(b []byte) (int, error) {
	if len(h.rest) == 0 && !h.ask() {
		return 0, io.EOF
	}
	n := copy(b, h.rest)
	h.rest = h.rest[n:]
	if h.taken += n; h.taken > handshakeBytes {
		return 0, errLongHandshake
	}
	return n, nil
}

// Write gathers what is sent before the client is waited for.
func (h *handshake) Write(b []byte) (int, error) {
	h.flight = append(h.flight, b...)
	return len(b), nil
}

// ask waits for more from the client, and lets others have its turn meanwhile. It returns
// false if none can come.
func (h *handshake) ask() bool {
	flight := h.flight
	h.flight = nil
	if !h.socket.loop.post(func() { h.asked(flight) }) {
		return false
	}
	loops := h.socket.loop.server.loops
	<-loops.turns
	h.rest = <-h.come
	loops.turns <- struct{}{}
	return len(h.rest) > 0
}

func (h *handshake) run() {
	loops := h.socket.loop.server.loops
	loops.turns <- struct{}{}
	defer func() { <-loops.turns }()
	err := h.socket.secure.tls.Handshake()
	h.socket.loop.post(func() { h.socket.shaken(err) }) // or the loop has closed the connection
}

// take gives the handshake what it has asked for. It is run by the loop.
func (h *handshake) take(data []byte) {
	h.asks = false
	h.come <- bytes.Clone(data)
	if !h.began {
		h.began = true
		go h.run()
	}
}

// asked is run by the loop.
func (h *handshake) asked(flight []byte) {
	c := h.socket
	if c.gone {
		return
	}
	h.asks = true
	c.loop.records.sealed = append(c.loop.records.sealed, flight...)
	c.sendSealed()
	c.settle()
}

// shaken goes on with a connection whose handshake has ended. It is run by the loop.
func (c *socket) shaken(err error) {
	if c.gone {
		return
	}
	h := c.secure.handshake
	c.secure.handshake, c.secure.wire.Conn = nil, &c.loop.records
	c.loop.records.sealed = append(c.loop.records.sealed, h.flight...)
	if isPlainHTTP(err) {
		c.loop.records.sealed = append(c.loop.records.sealed, plainHTTPAnswer...)
		c.unread.Store(c.moreToRead)
	}
	c.sendSealed()
	if err != nil {
		protocolLog{c.loop.server.config.Logger}.Printf("", err)
		c.fate = closes
	} else {
		c.begin(h.rest)
	}
	c.settle()
}

// plainHTTPAnswer is what a client gets that speaks HTTP without TLS, as from Go's own server.
const plainHTTPAnswer = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

// isPlainHTTP says whether a handshake has failed because what came first is a request. Once the
// client has spoken TLS, it takes nothing in plain: crypto/tls leaves Conn out then.
func isPlainHTTP(err error) bool {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil {
		return false
	}
	switch string(header.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO":
		return true
	default:
		return false
	}
}

// begin serves what came with the end of a handshake. The connection is as new as one that
// needs none. At a stop it gets no other requests than have come.
func (c *socket) begin(rest []byte) {
	c.move(receiving, fresh)
	if c.loop.draining {
		c.used = true
		c.due, _ = unix.IoctlGetInt(c.fd, unix.SIOCINQ)
	}
	c.unseal(rest)
}
