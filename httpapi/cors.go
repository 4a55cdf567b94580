package httpapi

import (
	"github.com/valyala/fasthttp"
)

var (
	allowOrigin = []byte(fasthttp.HeaderAccessControlAllowOrigin)
	anyOrigin   = []byte("*")
)

// allow adds the CORS headers of any response.
func (o *Origins) allow(ctx *fasthttp.RequestCtx) {
	header := &ctx.Response.Header
	if o.any {
		header.SetCanonical(allowOrigin, anyOrigin)
		return
	}
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	origin := ctx.Request.Header.Peek(fasthttp.HeaderOrigin)
	if o.allows(origin) {
		header.SetCanonical(allowOrigin, origin)
	}
}

// preflight answers OPTIONS, on any path.
func preflight(ctx *fasthttp.RequestCtx) {
	header := &ctx.Response.Header
	header.Set(fasthttp.HeaderAccessControlAllowMethods, "GET,HEAD,PUT,PATCH,POST,DELETE")
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderAccessControlRequestHeaders)
	if asked := ctx.Request.Header.Peek(fasthttp.HeaderAccessControlRequestHeaders); len(asked) > 0 {
		header.SetBytesV(fasthttp.HeaderAccessControlAllowHeaders, asked)
	}
	header.Set(fasthttp.HeaderAccessControlMaxAge, "86400")
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
