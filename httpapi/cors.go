package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// ErrOrigin is returned by ParseOrigins for what is not an origin.
var ErrOrigin = errors.New("not an origin")

// Origins are the origins whose pages may read the answers.
type Origins struct {
	any  bool
	list [][]byte
}

// ParseOrigins reads "*" or a comma-separated list of origins. One without a
// scheme stands for itself with https and with http.
func ParseOrigins(text string) (Origins, error) {
	var origins Origins
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSuffix(strings.TrimSpace(item), "/")
		switch {
		case item == "":
		case item == "*":
			origins.any = true
		case strings.Contains(item, "://"):
			if err := checkOrigin(item, item); err != nil {
				return Origins{}, err
			}
			origins.list = append(origins.list, []byte(item))
		default:
			if err := checkOrigin("https://"+item, item); err != nil {
				return Origins{}, err
			}
			origins.list = append(origins.list, []byte("https://"+item), []byte("http://"+item))
		}
	}
	if !origins.any && len(origins.list) == 0 {
		return Origins{}, fmt.Errorf("%w: %q: want * or a comma-separated list such as https://example.org", ErrOrigin, text)
	}
	return origins, nil
}

// checkOrigin checks an origin, which somebody has written as it is quoted.
func checkOrigin(text, written string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || text != parsed.Scheme+"://"+parsed.Host {
		return fmt.Errorf("%w: %q: want a host, with a scheme or without, and no path, such as https://example.org", ErrOrigin, written)
	}
	return nil
}

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
	for _, allowed := range o.list {
		if bytes.EqualFold(origin, allowed) {
			header.SetCanonical(allowOrigin, origin)
			return
		}
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
