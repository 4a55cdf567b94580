package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/spool"
)

// A Read is an endpoint that answers GET and HEAD. Whoever makes it registers it
// with Config.Reads. The server asks for the token, makes the client wait for its
// turn, and adds the ETag, compression and CORS to the answer.
type Read struct {
	// Path is where it is, in lower case, with a slash before but none after it.
	Path string
	// Below lets it answer paths below this one too, see Request.Below.
	Below bool
	// Parameters are the names of the query's parameters that it knows. Others are
	// ignored, counted, and named in the answer.
	Parameters []string
	// Access says how a client shows that it may read.
	Access Access
	// Open lets everybody read it, also without the token: it says nothing of counts.
	Open bool
	// Answer makes the answer; it is called by many goroutines at a time. An *Error is
	// told to the client, any other is logged and told as a 500. The headers of the
	// answer are sent with an error too.
	Answer func(Request) (Answer, error)
}

// Request is what a Read knows of a request.
type Request struct {
	// Query are the parameters, decoded, in the order in which they were sent.
	Query Query
	// Below is what follows the Path and a slash, decoded; empty for the Path itself.
	Below string
	// Accept is the Accept header, AcceptLanguage that of languages.
	Accept, AcceptLanguage string
	// Origin is what the client called the server, such as https://stats.example.org.
	// It is the client's word, so that only the client may be told it.
	Origin string
}

// Query are the parameters of a request.
type Query []Parameter

// Parameter is a part of a query.
type Parameter struct{ Name, Value string }

// First is the value of the first parameter of a name. Empty is as good as absent.
func (q Query) First(name string) string {
	for _, p := range q {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Answer is what a Read answers with.
type Answer struct {
	// Status is an HTTP status; 0 is 200. Only a 200 may become a 304.
	Status int
	// Body must not be changed any more.
	Body []byte
	// Large is the body in place of Body where it need not fit into memory; its status is
	// 200. It is closed by the server.
	Large Large
	// ContentType is that of the body; empty for JSON.
	ContentType string
	// CacheControl is for caches; empty lets them ask every time.
	CacheControl string
	// Header are further headers, which pages may read.
	Header []Header
	// Vary names a header of the request that the answer depends on; empty for none
	// but Accept-Encoding.
	Vary string
}

// Header is a header of an answer.
type Header struct{ Name, Value string }

// Set replaces a header.
func (a *Answer) Set(name, value string) {
	a.Header = slices.DeleteFunc(a.Header, func(h Header) bool { return h.Name == name })
	a.Header = append(a.Header, Header{name, value})
}

// Has says whether there is a header.
func (a *Answer) Has(name string) bool {
	return slices.ContainsFunc(a.Header, func(h Header) bool { return h.Name == name })
}

// get answers a read, if the client may and when it is its turn.
func (s *Server) get(x *conn.Exchange, read Read) {
	request := requestOf(x)
	if !read.Open && !s.admits(x, read.Access, request.Query) {
		s.metrics.defence.unauthorized.Add(1)
		x.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, read.Access.challenge())
		s.refuse(x, errUnauthorized)
		return
	}
	s.read(x, read, request)
}

// read answers a read of a client that may read.
func (s *Server) read(x *conn.Exchange, read Read, request Request) {
	if !s.turns.await() {
		s.metrics.defence.busy.Add(1)
		s.refuse(x, errBusy)
		return
	}
	defer s.turns.done()
	request.Below = below(requestPath(x), read)
	answer, err := s.gated(read, request)
	if ignored := request.Query.beyond(read.known()); len(ignored) > 0 {
		s.metrics.ignoredParameters.count(ignored)
		answer.Set(headerIgnored, listOfNames(ignored))
	}
	s.setHeaders(&x.Response, answer.Header)
	if err != nil {
		if !isKnown(err) && !errors.Is(err, errBusy) && !errors.Is(err, spool.ErrFull) {
			s.config.Logger.Error("cannot read counts", "error", err)
		}
		s.refuse(x, err)
		return
	}
	s.respondCacheable(x, answer)
}

// below is what follows the path of a read that answers there too.
func below(path []byte, read Read) string {
	if !read.Below || len(path) <= len(read.Path) {
		return ""
	}
	rest := string(path[len(read.Path)+1:])
	if decoded, err := url.PathUnescape(rest); err == nil {
		return decoded
	}
	return rest
}

// gated answers a read unless the gate is closed. What is open to all counts nothing.
func (s *Server) gated(read Read, request Request) (Answer, error) {
	if s.config.Gate == nil || read.Open {
		return read.Answer(request)
	}
	headers, err := s.config.Gate()
	if err != nil {
		return Answer{Header: headers}, err
	}
	answer, err := read.Answer(request)
	answer.Header = append(answer.Header, headers...)
	return answer, err
}

func requestOf(x *conn.Exchange) Request {
	header := &x.Request.Header
	request := Request{
		Accept:         string(header.Peek(fasthttp.HeaderAccept)),
		AcceptLanguage: string(header.Peek(fasthttp.HeaderAcceptLanguage)),
		Origin:         originOf(x),
	}
	for name, value := range x.QueryArgs().All() {
		request.Query = append(request.Query, Parameter{string(name), string(value)})
	}
	return request
}

// originOf is what the client called the server. Behind a proxy that speaks TLS, the
// proxy says so.
func originOf(x *conn.Exchange) string {
	scheme := "http"
	if x.IsTLS() || string(x.Request.Header.Peek(fasthttp.HeaderXForwardedProto)) == "https" {
		scheme = "https"
	}
	return scheme + "://" + string(x.Request.Header.Host())
}

// setHeaders adds headers for pages of other origins to read, too.
func (s *Server) setHeaders(response *fasthttp.Response, headers []Header) {
	if len(headers) == 0 {
		return
	}
	exposed := exposedHeaders
	for _, h := range headers {
		response.Header.Set(h.Name, h.Value)
		if !strings.Contains(exposed, h.Name) {
			exposed += ", " + h.Name
		}
	}
	response.Header.Set(fasthttp.HeaderAccessControlExposeHeaders, exposed)
}

// respondCacheable answers with an ETag, with 304 when the client has it already,
// compressed when asked.
func (s *Server) respondCacheable(x *conn.Exchange, answer Answer) {
	header, body := &x.Response.Header, answer.Body
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	if answer.Vary != "" {
		header.Add(fasthttp.HeaderVary, answer.Vary)
	}
	header.Set(fasthttp.HeaderCacheControl, cmp.Or(answer.CacheControl, "no-cache"))
	tag, size, err := answer.tag()
	if err != nil {
		answer.close()
		s.failLarge(x, err)
		return
	}
	header.Set(fasthttp.HeaderETag, tag)
	status := cmp.Or(answer.Status, fasthttp.StatusOK)
	if status == fasthttp.StatusOK && matchesTag(string(x.Request.Header.Peek(fasthttp.HeaderIfNoneMatch)), tag) {
		answer.close()
		x.Response.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	coding := chooseCoding(string(x.Request.Header.Peek(fasthttp.HeaderAcceptEncoding)))
	if answer.Large != nil {
		s.respondLarge(x, answer, size, coding)
		return
	}
	if coding >= 0 {
		header.Set(fasthttp.HeaderContentEncoding, contentCodings[coding].name)
		body = contentCodings[coding].compress(body)
	}
	respondJSON(&x.Response, status, body)
	if answer.ContentType != "" {
		header.SetContentType(answer.ContentType)
	}
}

// matchesTag is the weak comparison of RFC 9110, 13.1.2.
func matchesTag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// Busy is the error for a read that others have kept waiting too long.
func Busy() error { return errBusy }

// errBusy means that too many read at the moment.
var errBusy = fmt.Errorf("%w: too many reads", errUnavailable)

// readingPatience is how long a read waits for its turn where nobody says otherwise.
const readingPatience = 10 * time.Second

// calm is how long a read waits for its turn before those ahead are told to hurry.
const calm = time.Second

// turns bound how many answers to reads are made at one time: a place for each.
type turns struct {
	places   chan struct{}
	patience time.Duration
	hurry    func(more int)
}

// await takes a place, in the order in which reads came. It returns false if none is free
// for too long.
func (t turns) await() bool {
	select {
	case t.places <- struct{}{}:
		return true
	default:
	}
	impatience := time.AfterFunc(calm, func() { t.hurry(1) })
	defer func() {
		if !impatience.Stop() {
			t.hurry(-1)
		}
	}()
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	select {
	case t.places <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (t turns) done() { <-t.places }
