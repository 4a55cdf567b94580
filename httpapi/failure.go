package httpapi

import (
	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// A Failure is why a client does not get what it asked for.
type Failure struct {
	// Request is what was asked for. It is empty unless a page is made of the failure.
	Request Request
	// Status is an HTTP status from 400 to 599.
	Status int
	// Message is what a program is told, in English. It may quote the request.
	Message string
	// RetryAfter is after how many seconds it is worth another try; 0 if that is not known.
	RetryAfter int
}

// refuse answers with an error: to a browser that asks for a page by one, to others as
// fail does. Posts of records are never answered by a page.
func (s *Server) refuse(x *conn.Exchange, err error) {
	fail(&x.Response, err)
	if s.config.FailurePage == nil || !wantsPage(x) {
		return
	}
	failure := failureOf(err)
	failure.Request = requestOf(x)
	answer, made := s.config.FailurePage(failure)
	if !made {
		return
	}
	header := &x.Response.Header
	for _, h := range answer.Header {
		header.Set(h.Name, h.Value)
	}
	header.SetContentType(answer.ContentType)
	header.Set(fasthttp.HeaderCacheControl, "no-store")
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderAccept)
	x.Response.SetBodyRaw(answer.Body)
}

// wantsPage says whether a request is that of a browser for a page: scripts and programs
// name no HTML among what they accept.
func wantsPage(x *conn.Exchange) bool {
	accept := x.Request.Header.Peek(fasthttp.HeaderAccept)
	return len(accept) > 0 && codingWeight(string(accept), "text/html") > 0
}
