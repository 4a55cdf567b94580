package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// lingerTime and lingerBytes bound how long a connection with an unread
	// request stays open after its answer. At a stop stopLingerTime does, which is
	// enough for the answer to arrive anywhere.
	lingerTime, stopLingerTime = 5 * time.Second, time.Second
	lingerBytes                = 64 << 20
	// drainedBytes is how much of an unread body fasthttp reads in order to keep
	// the connection; its own constant is not exported.
	drainedBytes = 256 << 10
)

func (s *Server) newHTTP() *fasthttp.Server {
	bounds := s.config.Bounds
	return &fasthttp.Server{
		Handler:               s.handleLibrary,
		ErrorHandler:          s.handleInvalid,
		HeaderReceived:        s.headerReceived,
		Logger:                protocolLog{s.config.Logger},
		NoDefaultServerHeader: true,
		// A multipart body is refused like any other that is not JSON.
		DisablePreParseMultipartForm: true,
		// fasthttp allocates as many bytes as a client says it will send, before they
		// arrive, and keeps them with the connection. As long as no body may be large,
		// that is a bounded price, and spares each request a copy of its body and an
		// allocation: a twentieth of the processor time of a batch of 30.
		StreamRequestBody:  s.config.BodyBytes > heldBodyBytes,
		MaxRequestBodySize: s.config.BodyBytes,
		ReadBufferSize:     bounds.HeaderBytes,
		CloseOnShutdown:    true,
		// places have the timeouts, and the handler takes the time.
		LazyRequestTime: true,
		// places have the limit. The worker of a connection that is closed is free a
		// little later than its place there.
		Concurrency: 2*bounds.Connections + 1024,
	}
}

// handleLibrary answers a request that fasthttp has read.
func (s *Server) handleLibrary(ctx *fasthttp.RequestCtx) {
	x := s.exchangeOf(ctx)
	defer s.exchanges.Put(x)
	x.oversized = s.oversized.take(&ctx.Request.Header)
	x.handle()
	x.leaveBody()
	x.end() // before others wait, so that few buffers are used in turn
	x.finish()
	if x.lasting != nil {
		s.sendLasting(x)
		return
	}
	if s.stopping.Load() {
		x.Abandon()
	}
	s.send(x)
}

// handleInvalid answers what never became a request.
func (s *Server) handleInvalid(ctx *fasthttp.RequestCtx, err error) {
	x := s.exchangeOf(ctx)
	defer s.exchanges.Put(x)
	s.oversized.take(&ctx.Request.Header)
	x.Abandon()
	s.config.Invalid(x, known(err))
	s.send(x)
}

// known is an error that fasthttp has returned as one of Config.Invalid.
func known(err error) error {
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return ErrTooLarge
	}
	return err
}

func (s *Server) exchangeOf(ctx *fasthttp.RequestCtx) *Exchange {
	x := s.exchanges.Get().(*Exchange)
	x.RequestCtx = ctx
	x.begin(libraryConnOf(ctx.Conn()).connection, time.Now())
	return x
}

// send leaves the answer to fasthttp to write.
func (s *Server) send(x *Exchange) {
	if x.last {
		x.SetConnectionClose()
	}
	// fasthttp would hold back an answer until the rest of a body has come, of which
	// a part came with this request; but not one after which it is to set a deadline.
	_ = x.SetWriteDeadline(time.Time{})
	x.connection.answered(time.Now())
	if x.stream != nil {
		x.SetBodyStream(x.stream, int(x.streamed))
		return
	}
	if x.reserved > 0 {
		leaving := &leavingAnswer{answers: &s.answers, size: x.reserved}
		leaving.Reset(x.Response.Body())
		x.SetBodyStream(leaving, leaving.Len())
	}
}

// leaveBody is for requests whose body nobody has read.
func (x *Exchange) leaveBody() {
	switch length := x.Request.Header.ContentLength(); {
	case x.oversized:
		x.Abandon()
	case x.RequestBodyStream() != nil && x.buffer == nil && (length < 0 || length > drainedBytes):
		x.Abandon()
	}
}

// headerReceived is called before fasthttp waits for the first part of a body. One
// that will be too large, or that the client need not send, is not waited for.
func (s *Server) headerReceived(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if header.ContentLength() > s.config.BodyBytes || !s.wants(header) {
		header.Del(fasthttp.HeaderExpect)
		header.SetContentLength(0)
		header.SetConnectionClose()
		s.oversized.add(header)
	}
	return fasthttp.RequestConfig{}
}

// wants says whether to ask for a body that the client waits to be asked for. What
// does not wait is taken as it comes.
func (s *Server) wants(header *fasthttp.RequestHeader) bool {
	waits := bytes.EqualFold(header.Peek(fasthttp.HeaderExpect), []byte("100-continue"))
	return !waits || s.config.Wanted == nil || s.config.Wanted(header)
}

// oversized knows the requests whose body is too large, or not wanted, between the two calls that
// fasthttp makes for each, by where their header is.
type oversized struct {
	mu      sync.Mutex
	headers map[*fasthttp.RequestHeader]struct{} // guarded by mu
}

func (o *oversized) add(header *fasthttp.RequestHeader) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.headers == nil {
		o.headers = map[*fasthttp.RequestHeader]struct{}{}
	}
	o.headers[header] = struct{}{}
}

// take says whether a request is one of them, once.
func (o *oversized) take(header *fasthttp.RequestHeader) bool {
	if !header.ConnectionClose() { // no lock, and nearly always so
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, found := o.headers[header]
	delete(o.headers, header)
	return found
}

// libraryConn is a connection that fasthttp serves.
//
// It may be closed while the client still sends. Closing a socket that has unread
// bytes resets it, and the client never sees the answer (RFC 9112, 9.6); so the
// sending side is closed first and what still comes is thrown away.
type libraryConn struct {
	net.Conn
	*connection
	server *Server
	ahead  []byte // what a loop has read and not served
	once   sync.Once
}

// libraryConnOf returns the connection of a request, which may be inside TLS.
func libraryConnOf(conn net.Conn) *libraryConn {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	return conn.(*libraryConn) // all that fasthttp is given are
}

func (c *libraryConn) drop()   { _ = c.Conn.Close() }
func (c *libraryConn) runOut() { _ = c.Conn.SetReadDeadline(time.Unix(0, 1)) }

// SetWriteDeadline spares taking back a deadline that was not set: see send.
func (c *libraryConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// Read reads what is ahead, then from the client: the answer before, if any, has
// left then, and what comes first begins a request. (What fasthttp throws away of
// a body that nobody read does so too; then the next request has the time of one
// that is arriving.)
func (c *libraryConn) Read(b []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(b, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	c.move(sending, idle)
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.move(idle, receiving)
		c.move(fresh, receiving)
	}
	return n, err
}

// Close closes the connection, later and in the background if it must linger.
func (c *libraryConn) Close() error {
	var err error
	c.once.Do(func() { err = c.close() })
	return err
}

func (c *libraryConn) close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	lingers := c.unread.Load() || c.server.stopping.Load() && c.isRecent()
	if !ok || !lingers || half.CloseWrite() != nil {
		return c.release()
	}
	c.answered(time.Now())
	go func() {
		defer c.release()
		limit := lingerTime
		if c.server.stopping.Load() {
			limit = stopLingerTime
		}
		if c.Conn.SetReadDeadline(time.Now().Add(limit)) == nil {
			io.CopyN(io.Discard, c.Conn, lingerBytes)
		}
	}()
	return nil
}

// release frees the connection for good.
func (c *libraryConn) release() error {
	err := c.Conn.Close()
	c.places.forget(c.connection)
	if errors.Is(err, net.ErrClosed) {
		return nil // it had to make room
	}
	return err
}

// protocolLog sends fasthttp's log to ours, at a level where a client's
// mistakes do not fill the disk, and without what fasthttp says about the
// client: its address, and the beginning of what it sent.
type protocolLog struct{ logger *slog.Logger }

// Printf is called by fasthttp.
func (l protocolLog) Printf(_ string, arguments ...any) {
	if !l.logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for _, argument := range arguments {
		if err, ok := argument.(error); ok {
			l.logger.Debug("http", "problem", impersonal(err))
			return
		}
	}
	l.logger.Debug("http", "problem", "unknown")
}

// impersonal says what kind of error it is, with nothing in it that came from
// a client.
func impersonal(err error) string {
	var number syscall.Errno
	var tooLargeHeader *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &tooLargeHeader):
		return "header too large"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return fmt.Sprintf("%T", err)
}
