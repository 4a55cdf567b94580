package httpapi

import (
	"log/slog"
	"testing"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// askAs asks a server with two reads, one open to everybody, whose readers need a token.
func askAs(t *testing.T, uri string, headers ...string) *fasthttp.Response {
	t.Helper()
	answer := func(Request) (Answer, error) {
		return Answer{Status: fasthttp.StatusServiceUnavailable, Body: []byte("later"), CacheControl: "max-age=7"}, nil
	}
	server := stubServer(t, nil, slog.DiscardHandler, func(c *Config) {
		c.Reads = []Read{{Path: "/insight/closed", Answer: answer}, {Path: "/insight/open", Open: true, Answer: answer}}
		c.Home, c.ReadToken = "/insight/", "secret"
	})
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(uri)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	server.handle(conn.Detached(&ctx))
	return &ctx.Response
}

func TestAnOpenReadNeedsNoToken(t *testing.T) {
	t.Parallel()
	if status := askAs(t, "/insight/closed").StatusCode(); status != fasthttp.StatusUnauthorized {
		t.Errorf("without the token the closed one answers %d, want 401", status)
	}
	open := askAs(t, "/insight/open", "If-None-Match", "*")
	if open.StatusCode() != fasthttp.StatusServiceUnavailable || string(open.Header.Peek("Cache-Control")) != "max-age=7" {
		t.Errorf("the open one answers %d for caches %q, want its own status and age", open.StatusCode(), open.Header.Peek("Cache-Control"))
	}
}

func TestABrowserThatAsksForTheRootIsSentToThePage(t *testing.T) {
	t.Parallel()
	page := askAs(t, "/", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if page.StatusCode() != fasthttp.StatusSeeOther || string(page.Header.Peek("Location")) != "/insight/" {
		t.Errorf("%d to %q, want 303 to /insight/", page.StatusCode(), page.Header.Peek("Location"))
	}
	for name, headers := range map[string][]string{"nothing": nil, "anything": {"Accept", "*/*"}} {
		if status := askAs(t, "/", headers...).StatusCode(); status != fasthttp.StatusNotFound {
			t.Errorf("who accepts %s gets %d, want 404", name, status)
		}
	}
}
