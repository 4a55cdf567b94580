package httpapi

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

var (
	allowOrigin = []byte(fasthttp.HeaderAccessControlAllowOrigin)
	anyOrigin   = []byte("*")
	originField = []byte(fasthttp.HeaderOrigin)
)

// askingOrigin is the origin of the page that a request is from, if it says so.
func askingOrigin(x *conn.Exchange) []byte { return x.Request.Header.PeekCanonical(originField) }

// allow adds the CORS headers of any response to a request from an origin.
func (o *Origins) allow(response *fasthttp.Response, origin []byte) {
	header := &response.Header
	if o.any {
		header.SetCanonical(allowOrigin, anyOrigin)
		return
	}
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	if o.allows(origin) {
		header.SetCanonical(allowOrigin, origin)
	}
}

// preflight answers OPTIONS, on any path.
func preflight(x *conn.Exchange) {
	header := &x.Response.Header
	header.Set(fasthttp.HeaderAccessControlAllowMethods, "GET,HEAD,PUT,PATCH,POST,DELETE")
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderAccessControlRequestHeaders)
	if asked := x.Request.Header.Peek(fasthttp.HeaderAccessControlRequestHeaders); len(asked) > 0 {
		header.SetBytesV(fasthttp.HeaderAccessControlAllowHeaders, asked)
	}
	header.Set(fasthttp.HeaderAccessControlMaxAge, "86400")
	x.Response.SetStatusCode(fasthttp.StatusNoContent)
}

// refusal is the answer to a client that there is no room for.
func (o *Origins) refusal() []byte {
	const body = `{"message":"too many connections at the moment; try again in ` + retryAfter + ` seconds"}`
	header := "HTTP/1.1 503 " + fasthttp.StatusMessage(fasthttp.StatusServiceUnavailable) + "\r\n" +
		"Content-Type: " + string(jsonContentType) + "\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Retry-After: " + retryAfter + "\r\n" +
		"Connection: close\r\n"
	if o.any {
		header += string(allowOrigin) + ": " + string(anyOrigin) + "\r\n"
	}
	return []byte(header + "\r\n" + body)
}
