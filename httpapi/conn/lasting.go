package conn

import (
	"bufio"
	"io"
	"time"

	"github.com/valyala/fasthttp"
)

// Last has the answer's body written as it comes about, by a function that the HTTP
// library calls once the handler has returned. It is to flush what is to leave, and to
// return at an error, when left is closed, which both mean that the client is gone, and
// when stopped is closed. The connection is closed then. Only requests that
// Config.Streamed names can be answered so.
func (x *Exchange) Last(write func(w *bufio.Writer, left, stopped <-chan struct{})) {
	x.lasting = write
}

// isStreamed says whether a request is one whose answer may be a stream. The library
// serves these: a loop has whole answers only.
func (s *Server) isStreamed(header *fasthttp.RequestHeader) bool {
	return s.config.Streamed != nil && s.config.Streamed(header)
}

// sendLasting leaves a stream to fasthttp to write. No limit of time is on it: it ends by
// itself.
func (s *Server) sendLasting(x *Exchange) {
	x.SetConnectionClose()
	_ = x.SetWriteDeadline(time.Time{})
	left, write := libraryConnOf(x.Conn()).left(), x.lasting
	x.SetBodyStreamWriter(func(w *bufio.Writer) { write(w, left, s.stopped) })
}

// left is closed once the client has ended the connection, or the server has. Nothing else
// may be read from it any more: what comes is thrown away.
func (c *libraryConn) left() <-chan struct{} {
	left := make(chan struct{})
	_ = c.Conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(left)
		_, _ = io.Copy(io.Discard, c.Conn)
	}()
	return left
}
