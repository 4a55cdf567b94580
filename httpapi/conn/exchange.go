package conn

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

var (
	// ErrTooLarge means that a body is larger than Config.BodyBytes.
	ErrTooLarge = errors.New("the body is too large")
	// ErrClosed means that a connection is being closed: nobody would hear the answer.
	ErrClosed = errors.New("the connection is being closed")
)

// firstBodyBytes is what a body gets before more of it has arrived.
const firstBodyBytes = 8 << 10

// Exchange is a request and the answer to it. It belongs to the handler that is
// called with it, until that returns.
type Exchange struct {
	// RequestCtx has the request and the response. Only these may be used of it: it
	// need not have a connection.
	*fasthttp.RequestCtx

	server     *Server
	connection *connection
	lane       uint64
	came       time.Time
	// oversized is whether the request's body is larger than any may be, and
	// therefore will not be read.
	oversized bool
	last      bool // nothing can be asked after it
	// lasting writes a body as it comes about; nil for most answers.
	lasting  func(w *bufio.Writer, left, stopped <-chan struct{})
	reserved int64
	// stream is the answer's body where that is read as it leaves, streamed its size.
	stream   io.ReadCloser
	streamed int64
	buffer   *[]byte // that the body was received in

	pending Pending
	outcome Outcome
}

// Pending is a decision that an answer waits for, such as a commit: its methods
// are those of *counters.Ticket.
type Pending interface {
	// Settled says whether Wait need not wait any more.
	Settled() bool
	// Notify has notice called once it is.
	Notify(notice func())
	// Wait returns what was decided.
	Wait() error
}

// Outcome renders an answer once what it waits for is decided. All that it needs
// of the request, which is gone by then, it has taken along.
type Outcome interface {
	// Answer fills in an empty response at a time, or leaves it empty and returns a
	// prepared one. The error is that of Pending.Wait. It is called once, by any
	// goroutine, and must not block.
	Answer(response *fasthttp.Response, decided error, now time.Time) *Prepared
	// Bytes is about how much memory is held until then.
	Bytes() int
}

// Detached returns an exchange without a connection for a request that came in
// another way, such as from a test.
func Detached(ctx *fasthttp.RequestCtx) *Exchange { return &Exchange{RequestCtx: ctx} }

// Lane is a number that is that of few exchanges which are answered at the same time: the
// number of a loop, or of a connection. Figures that are written to by lanes need no processor
// to wait for another one's.
func (x *Exchange) Lane() uint64 { return x.lane }

// Came is when the request had come, or begun to if its body is streamed. A loop has one time for
// the requests that it reads in one turn, that of the first.
func (x *Exchange) Came() time.Time {
	if x.came.IsZero() {
		return time.Now()
	}
	return x.came
}

// Client is the address of the connection's other end, or the zero Addr if that has none.
func (x *Exchange) Client() netip.Addr {
	if x.connection == nil {
		return addressOf(x.RemoteAddr())
	}
	return x.connection.client
}

// IsTLS says whether the client speaks TLS. fasthttp does not know of what a loop serves.
func (x *Exchange) IsTLS() bool {
	if x.server == nil {
		return x.RequestCtx.IsTLS()
	}
	return x.server.config.TLS != nil
}

func addressOf(address net.Addr) netip.Addr {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// Await has the answer wait until pending is settled; outcome renders it then.
// The handler must return at once, and whatever it has put into the response is
// dropped. Of all that a server's requests wait for, what is passed to Await first
// should be settled first: an answer that is ready leaves behind those before it.
func (x *Exchange) Await(pending Pending, outcome Outcome) {
	x.pending, x.outcome = pending, outcome
}

// Reserve holds the bytes of an answer against Bounds.AnswerBytes until it has
// left. It returns false when large answers to other clients do not leave enough.
func (x *Exchange) Reserve(size int) bool {
	if x.server == nil || size <= smallAnswerBytes {
		return true
	}
	if !x.server.answers.reserve(int64(size)) {
		return false
	}
	x.reserved = int64(size)
	return true
}

// Stream has a body of that size be read as it leaves, by one goroutine at a time, which
// closes it: when it has left, or is not wanted. Reading it may take a moment, but must
// wait for no other client.
func (x *Exchange) Stream(body io.ReadCloser, size int64) {
	if x.server == nil {
		x.SetBodyStream(body, int(size))
		return
	}
	x.stream, x.streamed = body, size
}

// DropStream closes a body that is not to be sent.
func (x *Exchange) DropStream() {
	if x.stream != nil {
		_ = x.stream.Close()
		x.stream, x.streamed = nil, 0
	}
}

// Abandon says that nothing more can be made of the connection, and that what the
// client still sends will not be read: it is closed after the answer.
func (x *Exchange) Abandon() {
	x.pending, x.outcome, x.last = nil, nil, true
	if x.connection != nil {
		x.connection.unread.Store(true)
	}
}

// Receive returns when the whole body is there for Request.Body. It fails with
// ErrTooLarge, ErrClosed, or an error of Config.Invalid.
func (x *Exchange) Receive() error {
	if x.oversized {
		return ErrTooLarge
	}
	if x.RequestBodyStream() == nil {
		return nil // and claimed
	}
	x.buffer = x.server.bodies.Get().(*[]byte)
	body, err := x.receive((*x.buffer)[:0])
	if err != nil {
		x.Abandon()
		return err
	}
	if cap(body) <= keptBytes {
		*x.buffer = body
	}
	x.Request.SetBodyRaw(body)
	if !x.claim() {
		return ErrClosed
	}
	return nil
}

// receive appends the body's stream. The buffer grows with what arrives, where
// fasthttp allocates as many bytes as a client says it will send.
func (x *Exchange) receive(body []byte) ([]byte, error) {
	stream, limit, declared := x.RequestBodyStream(), x.server.config.BodyBytes, x.Request.Header.ContentLength()
	body = slices.Grow(body, min(max(declared, 1), firstBodyBytes))
	for {
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF) && len(body) < declared:
			return nil, io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, known(err)
		case len(body) == cap(body):
			body = slices.Grow(body, len(body))
		}
	}
}

// begin has the exchange be about a request that came at a time.
func (x *Exchange) begin(c *connection, at time.Time) {
	x.came, x.lane = at, c.number
	x.connection, x.oversized, x.last, x.reserved, x.lasting = c, false, false, 0, nil
	x.stream, x.streamed = nil, 0
	x.pending, x.outcome = nil, nil
}

// handle has the handler answer a request that has arrived, as a whole but for a
// streamed body. It returns false when nobody would hear the answer.
func (x *Exchange) handle() bool {
	if x.RequestBodyStream() == nil && !x.claim() {
		return false
	}
	x.server.config.Handler(x)
	return true
}

// claim says that the request is there and worked on. It returns false when nobody
// would hear the answer.
func (x *Exchange) claim() bool {
	open, last := x.connection.claim()
	x.last = x.last || last
	return open
}

// finish waits for what the answer waits for.
func (x *Exchange) finish() {
	if x.outcome == nil {
		return
	}
	err := x.pending.Wait()
	x.Response.Reset()
	if prepared := x.outcome.Answer(&x.Response, err, time.Now()); prepared != nil {
		prepared.Fill(&x.Response)
	}
	x.pending, x.outcome = nil, nil
}

// end gives back what the request took. Its body is gone then.
func (x *Exchange) end() {
	if x.buffer != nil {
		x.Request.ResetBody()
		x.server.bodies.Put(x.buffer)
		x.buffer = nil
	}
}
