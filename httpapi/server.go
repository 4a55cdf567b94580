package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

// BuiltInEvents are the event types that every server knows, in the order of
// their numbers.
var BuiltInEvents = []string{
	"show", "showDetails", "showDetailsFromGroupPage", "form", "instructions", "link", "msa",
	"show-locations", "link-ineligible", "show-unexpected", "show-unexpected-amount-link", "close", "teleservice",
	"teleservicePrefill", "retour-logement", "simulation-caf", "email",
}

// A Recorder makes batches durable.
type Recorder interface {
	// Record adds a batch to the store; the batch may be reused at once. It may be
	// acknowledged when Wait of the ticket, which may be nil, returns nil. An error
	// here or there means that it is not counted, now or later.
	Record(batch *counters.Batch) (*counters.Ticket, error)
}

// Config is what a Server needs.
type Config struct {
	Store    *counters.Store
	Recorder Recorder
	History  History
	// Origins are the origins whose pages may read the answers.
	Origins Origins
	// EventTypes are accepted beside BuiltInEvents.
	EventTypes []string
	// Limits bound what the store grows to.
	Limits counters.Limits
	// MaxEventAge is how old a record's created_at may be; 0 means no limit.
	MaxEventAge time.Duration
	// MaxBodyBytes limits a body after inflation.
	MaxBodyBytes int
	// Bounds limit what clients can make the server hold.
	Bounds Bounds
	// RateLimit bounds how many records a client may send.
	RateLimit RateLimit
	// ReadToken is what readers must know; empty for nothing.
	ReadToken string
	// TLS has the certificate to speak TLS with; nil for plain HTTP.
	TLS *tls.Config
	// Now is the clock.
	Now func() time.Time
	// Logger gets what goes wrong inside.
	Logger *slog.Logger
	// AccessLog makes Logger get a line for each request too.
	AccessLog bool
}

// Server answers requests. Make one with NewServer.
type Server struct {
	config Config
	rules  rules
	http   *fasthttp.Server
	tags   maphash.Seed
	// endpoints are looked through from the front: the busiest first.
	endpoints []endpoint
	metrics   *Metrics
	answers   *answers
	token     *token       // nil when everybody may read
	limiter   *rateLimiter // nil when everybody may write
	loops     *eventLoops
	listener  atomic.Pointer[boundedListener] // that is served; nil before
	stopping  atomic.Bool
	ferried   atomic.Int64 // connections that go to an event loop, or came back
	// inflating has a place for each body that is being inflated.
	inflating chan struct{}

	// posts holds *post, the reusable parts of a request, bodies *[]byte.
	posts, bodies sync.Pool
}

// post is what recording one request needs.
type post struct {
	decoder decoder
	batch   *counters.Batch
}

// NewServer returns a server for a store. It gives the event types their
// numbers, and fails when there are too many.
func NewServer(config Config) (*Server, error) {
	s := &Server{config: config, tags: maphash.MakeSeed()}
	s.rules.events, s.rules.maxEventAge = map[string]counters.EventType{}, config.MaxEventAge
	for _, names := range [][]string{BuiltInEvents, config.EventTypes} {
		for _, name := range names {
			number, err := config.Store.Events.Number([]byte(name))
			if err != nil {
				return nil, fmt.Errorf("event type %q: %w: at most %d event types", name, err, counters.MaxEventTypes)
			}
			s.rules.events[name] = counters.EventType(number + 1)
		}
	}
	config.Store.SetLimits(config.Limits)
	s.config.Bounds = config.Bounds.withDefaults()
	s.answers = newAnswers(s.config.Bounds.AnswerBytes)
	s.token, s.limiter = newToken(config.ReadToken), newRateLimiter(config.RateLimit)
	s.inflating = make(chan struct{}, inflaters())
	s.endpoints = s.newEndpoints()
	s.metrics = newMetrics(s.endpoints)
	s.posts.New = func() any {
		return &post{decoder: decoder{rules: &s.rules, metrics: s.metrics}, batch: config.Store.NewBatch()}
	}
	s.bodies.New = func() any { return new([]byte) }
	s.http = s.newHTTP()
	s.loops = newEventLoops(s)
	return s, nil
}

func (s *Server) newHTTP() *fasthttp.Server {
	bounds := s.config.Bounds
	return &fasthttp.Server{
		Handler:               s.handle,
		ErrorHandler:          s.handleProtocolError,
		HeaderReceived:        s.headerReceived,
		Logger:                protocolLog{s.config.Logger},
		NoDefaultServerHeader: true,
		// A multipart body is refused like any other that is not JSON.
		DisablePreParseMultipartForm: true,
		StreamRequestBody:            s.config.streamsBodies(),
		MaxRequestBodySize:           s.config.MaxBodyBytes + encodingOverhead,
		ReadBufferSize:               bounds.HeaderBytes,
		CloseOnShutdown:              true,
		// An event loop takes over what is hijacked, see promote.
		KeepHijackedConns: true,
		// boundedListener has the timeouts, and handle takes the time.
		LazyRequestTime: true,
		// boundedListener has the limit. The worker of a connection that is
		// closed is free a little later than its place there.
		Concurrency: 2*bounds.Connections + 1024,
	}
}

// Metrics are the server's figures. They may be read at any time.
func (s *Server) Metrics() *Metrics { return s.metrics }

// SetBenefits makes these the only benefits that records may be about; nil lets
// any benefit be. It may be called at any time.
func (s *Server) SetBenefits(names map[string]struct{}) {
	if names == nil {
		s.rules.benefits.Store(nil)
		return
	}
	s.rules.benefits.Store(&names)
}

// Serve answers the connections of a listener until Shutdown.
func (s *Server) Serve(listener net.Listener) error {
	if s.config.TLS == nil {
		return s.http.Serve(s.guard(listener, refusal(s.config.Origins)))
	}
	// TLS is outermost, so that what lingers is the connection below it. Who is
	// refused is not told why: that would take a handshake.
	return s.http.Serve(tls.NewListener(s.guard(listener, nil), s.config.TLS))
}

func (s *Server) guard(listener net.Listener, refusal []byte) *boundedListener {
	guarded := newBoundedListener(listener, s.config.Bounds, refusal, s.metrics, s.config.Logger)
	guarded.loops = s.loops
	s.listener.Store(guarded)
	return guarded
}

// Shutdown closes the listener, and each connection when its request has been
// answered. It returns when all are closed, or the context ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	var closing error
	if listener := s.listener.Load(); listener != nil {
		closing = listener.Close() // at once: nobody new comes while the loops end
	}
	s.stopLoops(ctx)
	err := s.http.ShutdownWithContext(ctx)
	s.awaitFerried(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // some client keeps its connection open; it has its answers
	}
	return errors.Join(closing, err)
}

// endpoint is what a path answers to.
type endpoint struct {
	path      string
	allow     string
	get, post func(*fasthttp.RequestCtx)
}

func (s *Server) newEndpoints() []endpoint {
	return []endpoint{
		{path: "/benefits", allow: "GET, HEAD, POST, OPTIONS", get: s.getBenefits, post: s.postBenefits},
		{path: "/statistics", allow: "GET, HEAD, OPTIONS", get: s.getStatistics},
		{path: "/benefits/timeline", allow: "GET, HEAD, OPTIONS", get: s.getTimeline},
	}
}

// endpoint returns the number of what answers to a path, in any letter case.
func (s *Server) endpoint(path []byte) (number int, found bool) {
	for i := range s.endpoints {
		if string(path) == s.endpoints[i].path { // no copy, and nearly always so
			return i, true
		}
	}
	for i := range s.endpoints {
		// Of the same length, because some letters outside ASCII fold to ones inside.
		if len(path) == len(s.endpoints[i].path) && strings.EqualFold(string(path), s.endpoints[i].path) {
			return i, true
		}
	}
	return 0, false
}

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	began, r := time.Now(), routeUnknown
	defer func() {
		if cause := recover(); cause != nil {
			s.failPanic(ctx, cause)
			s.answered(ctx, s.exchangeOf(ctx, r, began))
		}
	}()
	r = s.answer(ctx)
	if s.stopping.Load() {
		ctx.SetConnectionClose()
	}
	leaveBody(ctx)
	leaving, err := s.answers.account(ctx.Response.Body())
	if err != nil {
		s.metrics.defence.busy.Add(1)
		fail(ctx, err)
	}
	e := s.exchangeOf(ctx, r, began)
	if place := placeInLoop(ctx); place != nil && place.promise.ticket != nil {
		place.promise.exchange = e // which goes on until the ticket is settled
	} else {
		s.answered(ctx, e)
	}
	if leaving != nil {
		ctx.Response.SetBodyStream(leaving, leaving.Len())
	}
}

// answered notes that an answer is about to leave. An event loop itself notes what
// becomes of its connections: others may have to leave before this one.
func (s *Server) answered(ctx *fasthttp.RequestCtx, e exchange) {
	now := time.Now()
	if placeInLoop(ctx) == nil {
		lingering(ctx).answered(now)
	}
	s.observe(e, now)
}

// observe counts a request that is answered now, and logs it when that is wanted.
func (s *Server) observe(e exchange, now time.Time) {
	took := now.Sub(e.began)
	s.metrics.answered(e.connection, e.route, e.status, took)
	if s.config.AccessLog {
		s.logAccess(e, took)
	}
}

// answer answers a request and says which route it took.
func (s *Server) answer(ctx *fasthttp.RequestCtx) route {
	s.config.Origins.allow(ctx)
	if ctx.IsOptions() {
		preflight(ctx)
		return routePreflight
	}
	number, found := s.endpoint(requestPath(ctx))
	if !found {
		respondMessage(ctx, fasthttp.StatusNotFound, "not found: the paths are /benefits, /benefits/timeline and /statistics")
		return routeUnknown
	}
	endpoint := &s.endpoints[number]
	switch {
	case ctx.IsPost() && endpoint.post != nil:
		endpoint.post(ctx)
		return endpointRoute(number, methodPost)
	case ctx.IsGet() || ctx.IsHead():
		s.get(ctx, endpoint.get)
		return endpointRoute(number, methodGet)
	default:
		ctx.Response.Header.Set(fasthttp.HeaderAllow, endpoint.allow)
		respondMessage(ctx, fasthttp.StatusMethodNotAllowed, "method not allowed here: use "+endpoint.allow)
		return endpointRoute(number, methodOther)
	}
}

// requestPath is the path as it was sent, without the query and without one
// trailing slash. fasthttp's own Path also decodes and cleans it, which would
// give an endpoint many names.
func requestPath(ctx *fasthttp.RequestCtx) []byte {
	path := ctx.Request.Header.RequestURI()
	if len(path) == 0 || path[0] != '/' { // the absolute form that proxies use
		path = ctx.URI().PathOriginal()
	}
	path, _, _ = bytes.Cut(path, []byte("?"))
	return bytes.TrimSuffix(path, []byte("/"))
}

// handleProtocolError answers what never became a request.
func (s *Server) handleProtocolError(ctx *fasthttp.RequestCtx, err error) {
	began := time.Now()
	s.config.Origins.allow(ctx)
	lingering(ctx).abandon()
	fail(ctx, s.protocolError(err))
	s.answered(ctx, s.exchangeOf(ctx, routeInvalid, began))
}

// get answers a read, if the client may and when it is its turn.
func (s *Server) get(ctx *fasthttp.RequestCtx, get func(*fasthttp.RequestCtx)) {
	if !s.token.admits(ctx) {
		s.metrics.defence.unauthorized.Add(1)
		ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="statistics"`)
		fail(ctx, errUnauthorized)
		return
	}
	if !claim(ctx) {
		return
	}
	if err := s.answers.make(ctx, get); err != nil {
		s.metrics.defence.busy.Add(1)
		fail(ctx, err)
	}
}

// failPanic answers a request whose handler panicked. Why is for the log.
func (s *Server) failPanic(ctx *fasthttp.RequestCtx, cause any) {
	s.metrics.defence.panics.Add(1)
	s.config.Logger.Error("a handler panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	lingering(ctx).abandon()
	if place := placeInLoop(ctx); place != nil {
		place.promise = promise{}
	}
	ctx.Response.Reset()
	s.config.Origins.allow(ctx)
	ctx.SetConnectionClose()
	respondMessage(ctx, fasthttp.StatusInternalServerError, "internal error")
}

// entityTag names a body. Weak, because the same tag stands for every coding.
func (s *Server) entityTag(body []byte) string {
	return `W/"` + strconv.FormatUint(maphash.Bytes(s.tags, body), 36) + "-" + strconv.Itoa(len(body)) + `"`
}

// failReading answers that counts cannot be read. The details are for the log.
func (s *Server) failReading(ctx *fasthttp.RequestCtx, err error) {
	s.config.Logger.Error("cannot read counts", "error", err)
	fail(ctx, err)
}
