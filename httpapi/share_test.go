package httpapi

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

const secret = "open sesame"

var shareTime = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// guarded is a server with two reads that need the token, one for browsers.
func guarded(t *testing.T) *Server {
	t.Helper()
	return stubServer(t, nil, slog.DiscardHandler, func(c *Config) {
		c.ReadToken, c.Now = secret, func() time.Time { return shareTime }
		answer := func(Request) (Answer, error) { return Answer{Body: []byte(`{}`), Vary: "Accept"}, nil }
		c.Reads = []Read{
			{Path: "/insight/x", Parameters: []string{"a", "b"}, Access: AccessByBrowser, Answer: answer},
			{Path: "/insight/y", Access: AccessByBrowser, Answer: answer}, {Path: "/plain", Answer: answer},
		}
	})
}

func answered(s *Server, uri string, headers ...string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(uri)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	s.handle(conn.Detached(&ctx))
	return &ctx.Response
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestABrowserMayShowTheTokenAsAPassword(t *testing.T) {
	t.Parallel()
	s := guarded(t)
	for _, test := range []struct {
		path, authorization string
		want                int
	}{
		{"/insight/x", "Bearer " + secret, 200},
		{"/insight/x", basic("anybody:" + secret), 200},
		{"/insight/x", strings.Replace(basic(":"+secret), "Basic", "basic ", 1), 200},
		{"/insight/x", basic(secret), 401},
		{"/insight/x", basic("anybody:" + secret + "!"), 401},
		{"/insight/x", "Basic " + secret, 401},
		{"/insight/x", "Digest " + secret, 401},
		{"/insight/x", "", 401},
		{"/plain", "Bearer " + secret, 200},
		{"/plain", basic("anybody:" + secret), 401},
	} {
		response := answered(s, test.path, "Authorization", test.authorization)
		if response.StatusCode() != test.want {
			t.Errorf("%s with %q: %d, want %d", test.path, test.authorization, response.StatusCode(), test.want)
		}
		challenge := string(response.Header.Peek("WWW-Authenticate"))
		if asks := strings.HasPrefix(challenge, "Basic "); test.want == 401 && asks != (test.path == "/insight/x") {
			t.Errorf("%s with %q is asked for %q", test.path, test.authorization, challenge)
		}
	}
}

func shareOf(t *testing.T, link string, good time.Duration) string {
	t.Helper()
	shared, err := ShareLink(secret, link, shareTime, shareTime.Add(good))
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(shared)
	if err != nil {
		t.Fatal(err)
	}
	return address.RequestURI()
}

func TestASharedLinkReadsExactlyItsView(t *testing.T) {
	t.Parallel()
	s := guarded(t)
	link := shareOf(t, "https://host.example/Insight/X/?b=%C3%A9+1&a=2%2B2&empty=&flag#part", time.Hour)
	path, query, _ := strings.Cut(link, "?")
	parts := strings.Split(query, "&")
	for name, test := range map[string]struct {
		uri  string
		want int
	}{
		"as it is":                  {link, 200},
		"in another order":          {path + "?" + parts[4] + "&" + parts[1] + "&" + parts[3] + "&" + parts[0] + "&" + parts[2], 200},
		"in other letters":          {strings.ToLower(path) + "?" + query, 200},
		"with another value":        {strings.Replace(link, "b=", "b=x", 1), 401},
		"with one more parameter":   {link + "&c=1", 401},
		"with one less":             {path + "?" + strings.Join(parts[1:], "&"), 401},
		"with a parameter twice":    {link + "&" + parts[0], 401},
		"at another path":           {"/insight/y?" + query, 401},
		"where the token is needed": {"/plain?" + query, 401},
		"cut":                       {link[:len(link)-1], 401},
		"of nothing":                {path + "?share=", 401},
		"of nonsense":               {path + "?share=AAAA", 401},
		"that has ended":            {shareOf(t, "https://host.example/insight/x", time.Second), 401},
	} {
		s.config.Now = func() time.Time { return shareTime.Add(2 * time.Second) }
		response := answered(s, test.uri)
		if response.StatusCode() != test.want {
			t.Errorf("%s (%s): %d, want %d", name, test.uri, response.StatusCode(), test.want)
		}
		if ignored := string(response.Header.Peek("Ignored-Parameters")); test.want == 200 && ignored != "empty, flag" && ignored != "flag, empty" {
			t.Errorf("%s: %q are ignored, want empty and flag", name, ignored)
		}
	}
	s.config.ReadToken, s.token = "another", newToken("another")
	if got := answered(s, link).StatusCode(); got != 401 {
		t.Errorf("after the token has changed: %d, want 401", got)
	}
}

func TestALinkThatIsNoneIsNotShared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		link string
		good time.Duration
	}{
		"no host":       {"/insight/x", time.Hour},
		"no address":    {"://", time.Hour},
		"a file":        {"file:///insight/x", time.Hour},
		"a password":    {"https://a:b@host.example/insight/x", time.Hour},
		"too long":      {"https://host.example/insight/x", MaxShare + time.Second},
		"no time":       {"https://host.example/insight/x", 0},
		"in the past":   {"https://host.example/insight/x", -time.Hour},
		"a bad address": {"https://host.example/%zz", time.Hour},
	} {
		if _, err := ShareLink(secret, test.link, shareTime, shareTime.Add(test.good)); !errors.Is(err, ErrShare) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnotherAddressAnswersTheSameReadsWithoutTheToken(t *testing.T) {
	t.Parallel()
	s := guarded(t)
	handler := s.Handler(s.config.Reads)
	get := func(method, uri string, headers ...string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(method, uri, nil)
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		return w
	}
	w := get(http.MethodGet, "/INSIGHT/x/?a=1&foo=2")
	tag := w.Header().Get("ETag")
	if w.Code != 200 || w.Body.String() != "{}" || tag == "" || w.Header().Get("Ignored-Parameters") != "foo" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %s with %v", w.Code, w.Body, w.Header())
	}
	if vary := w.Header().Values("Vary"); len(vary) != 2 {
		t.Errorf("it varies by %q, want Accept and Accept-Encoding", vary)
	}
	if w := get(http.MethodGet, "/insight/x", "If-None-Match", tag); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("with its tag it is %d %s", w.Code, w.Body)
	}
	if w := get(http.MethodGet, "/insight/z"); w.Code != 404 {
		t.Errorf("what there is not is %d", w.Code)
	}
}
