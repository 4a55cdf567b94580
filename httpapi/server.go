package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/records"
	"stats-recorder/httpapi/spool"
)

// A Recorder makes batches durable.
type Recorder interface {
	// Record adds a batch to the store; the batch may be reused at once. It may be
	// acknowledged when Wait of the ticket, which may be nil, returns nil. An error
	// here or there means that it is not counted, now or later. Tickets are settled in
	// the order in which they are given out.
	Record(batch *counters.Batch) (*counters.Ticket, error)
}

// Config is what a Server needs.
type Config struct {
	Store    *counters.Store
	Recorder Recorder
	History  History
	// Once records batches that clients have given a key; nil for not to look at keys.
	Once OnceRecorder
	// Visitors count visitors; nil for nobody.
	Visitors Visitors
	// Live has what is sent to who listens at /insight/live; nil for nothing.
	Live *Live
	// Oddities count what is odd in posts; nil for nobody.
	Oddities Oddities
	// Inflaters is how many bodies may be inflated at one time; 0 means two for each
	// processor. Readers is how many answers to reads may be made at one time; 0 means
	// one for each.
	Inflaters, Readers int
	// Scratch makes files for large answers that memory has no room for; nil for none.
	Scratch func() (spool.File, error)
	// Gate says of each read of counts what headers its answer has, or why it is not
	// answered; nil for none.
	Gate func() ([]Header, error)
	// Reads are answered beside the built-in ones.
	Reads []Read
	// Home is the path of a page that a browser which asks for / is sent to; empty for
	// none.
	Home string
	// FailurePage makes of a failure the page that a browser shows; nil for none. It is
	// called by many goroutines at a time. What it returns is false if it could not.
	FailurePage func(Failure) (page Answer, made bool)
	// Origins are the origins whose pages may read the answers.
	Origins Origins
	// EventTypes are accepted beside records.BuiltInEvents.
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
	// ReadPatience is how long a read waits for its turn; 0 for 10 s.
	ReadPatience time.Duration
	// Hurry is called with 1 when a read has waited for its turn for a second, so that those
	// who have turns do not rest, and with -1 when it waits no more; nil for nobody who rests.
	Hurry func(more int)
	// ReadToken is what readers must know; empty for nothing.
	ReadToken string
	// TLS has the certificate to speak TLS with; nil for plain HTTP.
	TLS *tls.Config
	// Expected is the time that there is no reason to doubt, and whether the clock shows
	// another one; nil for a clock that is right.
	Expected func() (at time.Time, differs bool)
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
	rules  *records.Rules
	events *eventTypes
	conns  *conn.Server
	// endpoints are looked through from the front: the busiest first.
	endpoints []endpoint
	metrics   *Metrics
	turns     turns
	token     *token       // nil when everybody may read
	limiter   *rateLimiter // nil when everybody may write
	large     largeAnswers
	created   createdAnswers
	// inflating has a place for each body that is being inflated.
	inflating chan struct{}

	live *live // nil if there is nothing to listen to
	// posts holds *post, the reusable parts of a request, commits *commit, gathered
	// *gathered.
	posts, commits, gathered sync.Pool
}

// NewServer returns a server for a store.
func NewServer(config Config) (*Server, error) {
	s := &Server{config: config}
	s.events = newEventTypes(config.Store, config.EventTypes)
	if homeless := s.events.homeless(); homeless > 0 {
		config.Logger.Warn("there are more event types than can be told apart: the last that come count under "+counters.OtherEvent+
			"; take some off EVENT_TYPES", "event_types", len(s.events.names), "too_many", homeless)
	}
	s.rules = records.NewRules(s.events.names, config.MaxEventAge, config.Expected)
	config.Store.SetLimits(config.Limits)
	s.config.Bounds = config.Bounds.withDefaults()
	s.turns = turns{
		places:   make(chan struct{}, cmp.Or(config.Readers, ReadersWithin(math.MaxUint64))),
		patience: cmp.Or(config.ReadPatience, readingPatience), hurry: config.Hurry,
	}
	if s.turns.hurry == nil {
		s.turns.hurry = func(int) {}
	}
	s.token, s.limiter = newToken(config.ReadToken), newRateLimiter(config.RateLimit)
	s.inflating = make(chan struct{}, cmp.Or(config.Inflaters, InflatersWithin(math.MaxUint64)))
	s.large, s.created = newLargeAnswers(s.config), prepareCreated(&s.config.Origins)
	if config.Live != nil {
		s.live = &live{Live: config.Live.withDefaults()}
	}
	s.endpoints = s.newEndpoints()
	s.metrics = newMetrics(s.endpoints)
	s.posts.New = func() any {
		return &post{decoder: records.NewDecoder(s.rules, recordFigures{s.metrics}), batch: config.Store.NewBatch()}
	}
	s.gathered.New = func() any { return new(gathered) }
	s.commits.New = func() any { return &commit{server: s} }
	s.conns = conn.NewServer(s.connections())
	s.large.pool.Room = s.conns
	return s, nil
}

// connections says how connections are to be served.
func (s *Server) connections() conn.Config {
	return conn.Config{
		Handler: s.handle, Invalid: s.handleInvalid, Wanted: s.wantsBody, Streamed: s.streamed,
		PlainPath: pathBenefits, PlainFields: postFields,
		Events: events{s.metrics}, Logger: s.config.Logger,
		Bounds: conn.Bounds(s.config.Bounds), BodyBytes: s.config.MaxBodyBytes + encodingOverhead,
		Refusal: s.config.Origins.refusal(), TLS: s.config.TLS,
	}
}

// Metrics are the server's figures. They may be read at any time.
func (s *Server) Metrics() *Metrics { return s.metrics }

// SetBenefits makes these the only benefits that records may be about; nil lets
// any benefit be. It may be called at any time.
func (s *Server) SetBenefits(names map[string]struct{}) { s.rules.SetBenefits(names) }

// Serve answers the connections of a listener until Shutdown.
func (s *Server) Serve(listener net.Listener) error { return s.conns.Serve(listener) }

// Shutdown closes the listener, and each connection when its request has been
// answered. It returns when all are closed, or the context ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.conns.Shutdown(ctx) }

const (
	pathBenefits   = "/benefits"
	pathStatistics = "/statistics"
	pathTimeline   = "/benefits/timeline"
)

// endpoint is what a path answers to.
type endpoint struct {
	path  string
	allow string
	read  Read
	post  func(*conn.Exchange, exchange) (waits bool) // nil if nothing can be posted
}

func (s *Server) newEndpoints() []endpoint {
	store, history := s.config.Store, s.config.History
	endpoints := []endpoint{
		{path: pathBenefits, allow: "GET, HEAD, POST, OPTIONS", post: s.postBenefits, read: Read{
			Path: pathBenefits, Parameters: windowParameters, Answer: readBenefits(store, history),
		}},
	}
	reads := append([]Read{
		{Path: pathStatistics, Parameters: statisticsParameters, Answer: readStatistics(store, history, s.large)},
		{Path: pathTimeline, Parameters: timelineParameters, Answer: readTimeline(store, history, s.config.Now)},
	}, s.config.Reads...)
	for _, read := range reads {
		endpoints = append(endpoints, endpoint{path: read.Path, allow: "GET, HEAD, OPTIONS", read: read})
	}
	if s.live != nil {
		endpoints = append(endpoints, endpoint{path: pathLive, allow: "GET, HEAD, OPTIONS"})
	}
	return endpoints
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
	for i := range s.endpoints {
		if s.endpoints[i].read.Below && isBelow(path, s.endpoints[i].path) {
			return i, true
		}
	}
	return 0, false
}

// isBelow says whether a path is a place below another, in any letter case.
func isBelow(path []byte, above string) bool {
	return len(path) > len(above)+1 && path[len(above)] == '/' && strings.EqualFold(string(path[:len(above)]), above)
}

func (s *Server) handle(x *conn.Exchange) {
	e := exchange{lane: x.Lane(), route: routeUnknown, began: x.Came()}
	defer func() {
		if cause := recover(); cause != nil {
			s.failPanic(x, cause)
			s.observe(e, x.Response.StatusCode(), len(x.Response.Body()), time.Now())
		}
	}()
	if s.answer(x, &e) { // and commit observes it
		return
	}
	if !x.Reserve(len(x.Response.Body())) {
		s.metrics.defence.busy.Add(1)
		fail(&x.Response, errBusy)
	}
	s.observe(e, x.Response.StatusCode(), len(x.Response.Body()), time.Now())
}

// answer answers a request by the route that it notes. It returns true when the
// answer waits for a commit.
func (s *Server) answer(x *conn.Exchange, e *exchange) (waits bool) {
	if s.config.AccessLog {
		e.method = knownMethod(x)
	}
	number, found := s.endpoint(requestPath(x))
	if found && x.IsPost() && s.endpoints[number].post != nil {
		e.route = endpointRoute(number, methodPost)
		if waits = s.endpoints[number].post(x, *e); !waits {
			s.allow(x)
		}
		return waits
	}
	s.allow(x)
	switch {
	case x.IsOptions():
		e.route = routePreflight
		preflight(x)
	case !found && s.isSentHome(x):
		x.Response.Header.Set(fasthttp.HeaderLocation, s.config.Home)
		x.Response.SetStatusCode(fasthttp.StatusSeeOther)
	case !found:
		s.refuse(x, errNotFound)
	case x.IsGet() || x.IsHead():
		e.route = endpointRoute(number, methodGet)
		if s.endpoints[number].path == pathLive {
			s.getLive(x)
			break
		}
		s.get(x, s.endpoints[number].read)
	default:
		e.route = endpointRoute(number, methodOther)
		allowed := s.endpoints[number].allow
		x.Response.Header.Set(fasthttp.HeaderAllow, allowed)
		s.refuse(x, &Error{fasthttp.StatusMethodNotAllowed, "method not allowed here: use " + allowed})
	}
	return false
}

// isSentHome says whether a request is that of a browser for /. Others are answered as
// for any path that nothing is at.
func (s *Server) isSentHome(x *conn.Exchange) bool {
	return s.config.Home != "" && len(requestPath(x)) == 0 && (x.IsGet() || x.IsHead()) && wantsPage(x)
}

// allow adds the CORS headers of any response.
func (s *Server) allow(x *conn.Exchange) {
	s.config.Origins.allow(&x.Response, askingOrigin(x))
}

// requestPath is the path as it was sent, without the query and without one
// trailing slash. fasthttp's own Path also decodes and cleans it, which would
// give an endpoint many names.
func requestPath(x *conn.Exchange) []byte {
	path := x.Request.Header.RequestURI()
	if len(path) == 0 || path[0] != '/' { // the absolute form that proxies use
		path = x.URI().PathOriginal()
	}
	return withoutQuery(path)
}

// withoutQuery takes the query and one trailing slash off a path.
func withoutQuery(path []byte) []byte {
	path, _, _ = bytes.Cut(path, []byte("?"))
	return bytes.TrimSuffix(path, []byte("/"))
}

// wantsBody says whether a request has a body that matters: only a post does that an
// endpoint takes. Whatever else is refused, or answered, is so without it.
func (s *Server) wantsBody(header *fasthttp.RequestHeader) bool {
	path := header.RequestURI()
	if len(path) == 0 || path[0] != '/' { // the absolute form: too rare to be read twice
		return true
	}
	number, found := s.endpoint(withoutQuery(path))
	if !found || !header.IsPost() || s.endpoints[number].post == nil || !acceptableContentType(header.ContentType()) {
		return false
	}
	_, _, err := s.batchKey(header)
	return err == nil && acceptableEncoding(header) == nil
}

// handleInvalid answers what never became a request.
func (s *Server) handleInvalid(x *conn.Exchange, err error) {
	e := exchange{lane: x.Lane(), route: routeInvalid, began: x.Came(), method: otherMethod}
	s.allow(x)
	fail(&x.Response, s.protocolError(err))
	s.observe(e, x.Response.StatusCode(), len(x.Response.Body()), time.Now())
}

// failPanic answers a request whose handler panicked. Why is for the log.
func (s *Server) failPanic(x *conn.Exchange, cause any) {
	s.metrics.defence.panics.Add(1)
	s.config.Logger.Error("a handler panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	x.Abandon()
	x.DropStream()
	x.Response.Reset()
	s.allow(x)
	fail(&x.Response, errInternal)
}
