package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Config is what a Server needs.
type Config struct {
	// Handler answers requests. It is called by many goroutines at a time, and holds
	// up other clients while it answers a plain post to PlainPath.
	Handler func(*Exchange)
	// Invalid answers what is not a valid request, after which the connection is
	// closed. The error is ErrTooLarge, *fasthttp.ErrSmallBuffer for a header that is
	// too large, a net.Error that is a timeout, or anything else.
	Invalid func(*Exchange, error)
	// Streamed says of a request that its answer may be a stream, see Exchange.Last; nil
	// if there are none.
	Streamed func(*fasthttp.RequestHeader) bool
	// Wanted says of a request whose client waits to be asked for its body (RFC 9110,
	// 10.1.1) whether to ask. If not, Handler answers it without, and must not receive
	// it. nil asks always.
	Wanted func(*fasthttp.RequestHeader) bool
	// PlainPath is where most clients post what is answered quickly.
	PlainPath string
	// PlainFields are the header fields that Handler reads of such a post beside Host and
	// those about its content, as fasthttp writes their names. It need not be given others.
	PlainFields []string
	// Events are told what becomes of connections.
	Events Events
	Bounds Bounds
	// Refusal is sent to a client that there is no room for; nil for nothing.
	Refusal []byte
	// BodyBytes limits a body as it is sent.
	BodyBytes int
	// TLS has the certificate to speak TLS with; nil for plain HTTP.
	TLS *tls.Config
	// Logger gets what goes wrong inside, without what came from a client.
	Logger *slog.Logger
	// WithoutLoops has fasthttp serve everything, to compare it with event loops.
	WithoutLoops bool
}

// Events are told what becomes of connections, by many goroutines at a time.
type Events interface {
	// Refused is called for a client that there was no room for, Evicted for one
	// that had to make room, TimedOut for one that took too long.
	Refused()
	Evicted()
	TimedOut()
	// AcceptFailed is called when a connection cannot be accepted for a while.
	AcceptFailed()
	// Looped is called for a connection that begins in an event loop, Left when it
	// goes from there to fasthttp.
	Looped()
	Left()
}

// Server serves connections. Make one with NewServer.
type Server struct {
	config  Config
	http    *fasthttp.Server
	places  *places
	answers answers
	loops   *loops
	// refused has a place for each refused connection that is kept for a moment.
	refused  chan struct{}
	stopping atomic.Bool
	stopped  chan struct{}
	stop     func() // closes stopped, once
	// lastWait is how long a stop waits for a request on a connection that has none.
	lastWait time.Duration

	oversized oversized
	// exchanges holds *Exchange for fasthttp's requests, bodies *[]byte.
	exchanges, bodies sync.Pool

	mu       sync.Mutex
	listener io.Closer // that is served, nil before; guarded by mu
}

// NewServer returns a server. It must be shut down, so that nothing of it is left.
func NewServer(config Config) *Server {
	s := &Server{
		config: config, places: newPlaces(config.Bounds, config.Events), stopped: make(chan struct{}), lastWait: leastWait,
		answers: answers{limit: int64(config.Bounds.AnswerBytes)},
		refused: make(chan struct{}, min(maxRefused, config.Bounds.Connections/4+4)),
	}
	s.stop = sync.OnceFunc(func() { close(s.stopped) })
	s.exchanges.New = func() any { return &Exchange{server: s} }
	s.bodies.New = func() any { return new([]byte) }
	s.http = s.newHTTP()
	s.loops = newLoops(s)
	return s
}

// Serve answers the connections of a listener until Shutdown. It may be called
// once, and the listener is its own from then on.
func (s *Server) Serve(listener net.Listener) error {
	go s.places.sweep(s.stopped)
	if served, err := s.serveInLoops(listener); served {
		return err
	}
	bounded := newBoundedListener(listener, s, s.refusal())
	s.listening(bounded)
	if s.config.TLS == nil {
		return s.http.Serve(bounded)
	}
	// TLS is outermost, so that what lingers is the connection below it.
	return s.http.Serve(tls.NewListener(bounded, s.config.TLS))
}

// refusal is what a client is sent that there is no room for. With TLS it is not told why:
// that would take a handshake.
func (s *Server) refusal() []byte {
	if s.config.TLS != nil {
		return nil
	}
	return s.config.Refusal
}

// listening notes what Shutdown has to close, which it may have been called for.
func (s *Server) listening(listener io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = listener
	if s.stopping.Load() {
		_ = listener.Close()
	}
}

// Shutdown closes the listener, and each connection when its request has been
// answered. One on which none comes stays for a moment: a request may be on its way, and
// whoever has sent it cannot know whether it was served, and must not send it again. When the
// context ends, what is left is closed: a client that kept its connection open until then
// has its answers, but for those that still wait to be decided, which nobody gets any more.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	closing := s.closeListener() // at once: nobody new comes while the loops end
	s.awaitRequests(ctx)
	s.stopLoops(ctx)
	err := s.http.ShutdownWithContext(ctx)
	s.awaitPlaces(ctx)
	s.abandon()
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return errors.Join(closing, err)
}

// abandon closes the connections that are left.
func (s *Server) abandon() {
	s.loops.abandon()
	for c, since := range s.places.those(func(state) bool { return true }) {
		c.evict(since)
	}
}

// closeListener closes the listener, and a moment later those of its connections
// on which nothing has come by then.
func (s *Server) closeListener() error {
	s.stop()
	time.AfterFunc(s.lastWait, s.places.evictFresh)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// isStopped says whether the listener is closed, or is about to be.
func (s *Server) isStopped() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// awaitRequests lets the requests come that were on their way at a stop.
func (s *Server) awaitRequests(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.lastWait)
	defer cancel()
	s.awaitPlaces(ctx)
}

// stopLoops ends the event loops. A client that does not take its answers must not
// use up the time that others have, so it has half of it.
func (s *Server) stopLoops(ctx context.Context) {
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Now().Add(time.Until(deadline)/2))
		defer cancel()
	}
	s.loops.drain(ctx)
}

// awaitPlaces waits until no connection is left, also of those that linger: the end of the
// process would reset them.
func (s *Server) awaitPlaces(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for s.places.count() > 0 && ctx.Err() == nil {
		<-ticker.C
	}
}
