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

// readFrom asks a server with one more read.
func readFrom(t *testing.T, log slog.Handler, read func(Request) (Answer, error), uri string, headers ...string) *fasthttp.Response {
	t.Helper()
	server := stubServer(t, nil, log, func(c *Config) { c.Reads = []Read{{Path: "/insight/x", Answer: read}} })
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(uri)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	server.handle(conn.Detached(&ctx))
	return &ctx.Response
}

func TestAReadFromOutsideKnowsWhatWasAsked(t *testing.T) {
	t.Parallel()
	var got Request
	readFrom(t, slog.DiscardHandler, func(r Request) (Answer, error) { got = r; return Answer{}, nil },
		"/Insight/X/?a=1&b=%C3%A9+x&a=2&empty=", "Accept", "text/html", "Accept-Language", "fr")
	if want := "[{a 1} {b é x} {a 2} {empty }]"; fmt.Sprint(got.Query) != want || got.Accept != "text/html" || got.AcceptLanguage != "fr" {
		t.Errorf("%+v, want the query %s, HTML and French", got, want)
	}
	if got.Query.First("a") != "1" || got.Query.First("c") != "" {
		t.Errorf("a is %q and c is %q, want 1 and nothing", got.Query.First("a"), got.Query.First("c"))
	}
}

func TestAReadFromOutsideIsAnsweredLikeTheOthers(t *testing.T) {
	t.Parallel()
	read := func(Request) (Answer, error) {
		return Answer{Body: []byte("<p>" + strings.Repeat("x", 1000)), ContentType: "text/html; charset=utf-8", Header: []Header{{"Sample", "7"}}}, nil
	}
	response := readFrom(t, slog.DiscardHandler, read, "/insight/x", "Accept-Encoding", "gzip")
	tag := string(response.Header.Peek("ETag"))
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip", "Cache-Control": "no-cache", "Sample": "7",
		"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": exposedHeaders + ", Sample",
	} {
		if got := string(response.Header.Peek(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if response.StatusCode() != fasthttp.StatusOK || tag == "" {
		t.Errorf("status %d and tag %q, want 200 and a tag", response.StatusCode(), tag)
	}
}

func TestTheErrorsOfAReadAreToldOrLogged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		err    error
		status int
		body   string
		logged bool
	}{
		{"an error for the client", fmt.Errorf("inside: %w", &Error{404, "there is no such page"}), 404, `{"message":"there is no such page"}`, false},
		{"any other error", errors.New("the secret of the house"), 500, `{"message":"internal error"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := new(lockedBuilder)
			response := readFrom(t, slog.NewTextHandler(log, nil), func(Request) (Answer, error) {
				return Answer{Header: []Header{{HeaderEffectiveStart, "2026"}}}, test.err
			}, "/insight/x")
			if response.StatusCode() != test.status || string(response.Body()) != test.body {
				t.Errorf("status %d and %s, want %d and %s", response.StatusCode(), response.Body(), test.status, test.body)
			}
			if got := string(response.Header.Peek(HeaderEffectiveStart)); got != "2026" {
				t.Errorf("%s is %q, want 2026", HeaderEffectiveStart, got)
			}
			if logged := strings.Contains(log.String(), "secret"); logged != test.logged {
				t.Errorf("it is logged: %v, want %v", logged, test.logged)
			}
		})
	}
}
