package conn

import (
	"bufio"
	"time"

	"github.com/valyala/fasthttp"
)

// Last has the answer's body written as it comes about, by a function that the HTTP
// library calls once the handler has returned. It is to flush what is to leave, to return
// at an error, which means that the client is gone, and when stopped is closed. The
// connection is closed then. Only requests that Config.Streamed names can be answered so.
func (x *Exchange) Last(write func(w *bufio.Writer, stopped <-chan struct{})) {
	stopped := x.server.stopped
	x.lasting = func(w *bufio.Writer) { write(w, stopped) }
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
	x.SetBodyStreamWriter(x.lasting)
	_ = x.SetWriteDeadline(time.Time{})
}
