package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// browsers name HTML among what they accept.
const browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestAFailureIsAPageForBrowsersAndJSONForOthers(t *testing.T) {
	t.Parallel()
	fails := func(err error) Read {
		return Read{Path: "/insight/" + strings.ReplaceAll(err.Error(), " ", "-"), Open: true, Answer: func(Request) (Answer, error) { return Answer{}, err }}
	}
	secret, query := errors.New("disk at /secret"), Unprocessable("no such day")
	server := stubServer(t, nil, slog.DiscardHandler, func(c *Config) {
		c.ReadToken = "token"
		c.Reads = []Read{fails(secret), fails(query), {Path: "/insight/busy", Open: true, Answer: func(Request) (Answer, error) { return Answer{}, Busy() }}}
		c.FailurePage = func(f Failure) (Answer, bool) {
			body := fmt.Sprintf("page of %d, %s, in %d s, lang %s", f.Status, f.Message, f.RetryAfter, f.Request.Query.First("lang"))
			return Answer{Body: []byte(body), ContentType: "text/html", Header: []Header{{"X-Page", "yes"}}}, true
		}
	})
	for _, row := range []struct {
		name, method, uri, accept string
		status                    int
		want                      string
	}{
		{"a browser without the token", "GET", "/statistics?lang=en", browsers, 401, "page of 401"},
		{"a program without the token", "GET", "/statistics", "*/*", 401, `{"message"`},
		{"a browser that refuses HTML", "GET", "/statistics", "text/html;q=0, */*", 401, `{"message"`},
		{"a browser at no page", "GET", "/nothing?lang=en", browsers, 404, "lang en"},
		{"a form sent to a page", "POST", "/statistics", browsers, 405, "page of 405"},
		{"a program that sends to a page", "POST", "/statistics", "", 405, `{"message"`},
		{"a bad parameter", "GET", "/insight/no-such-day", browsers, 422, "page of 422, no such day"},
		{"too many reads", "GET", "/insight/busy", browsers, 503, "in 5 s"},
		{"what is not for clients", "GET", "/insight/disk-at-/secret", browsers, 500, "page of 500, internal error"},
		{"a form of records", "POST", "/benefits", browsers, 422, `{"message"`},
	} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(row.uri)
		ctx.Request.Header.SetMethod(row.method)
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.Header.Set("Accept", row.accept)
		server.handle(conn.Detached(&ctx))
		response := &ctx.Response
		body, page := string(response.Body()), string(response.Header.Peek("X-Page")) == "yes"
		if response.StatusCode() != row.status || !strings.Contains(body, row.want) {
			t.Errorf("%s: %d %s, want %d and %s", row.name, response.StatusCode(), body, row.status, row.want)
		}
		vary := ""
		for _, value := range response.Header.PeekAll("Vary") {
			vary += string(value) + " "
		}
		if page != strings.HasPrefix(body, "page") || page != strings.Contains(vary, "Accept ") || page != (string(response.Header.ContentType()) == "text/html") {
			t.Errorf("%s: the page's header is %v, the type %q, Vary %q", row.name, page, response.Header.ContentType(), vary)
		}
	}
}
