package contract

import (
	"net/http"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// everyKind sends a request for each kind of answer and hands its reply over.
func everyKind(t *testing.T, s *blackbox.Server, headers []string, check func(t *testing.T, got blackbox.Reply)) {
	t.Helper()
	asJSON := func(body string, more ...string) func(t *testing.T) blackbox.Reply {
		return func(t *testing.T) blackbox.Reply { return s.Post(t, body, append(more, headers...)...) }
	}
	with := func(method, path string, more ...string) func(t *testing.T) blackbox.Reply {
		return func(t *testing.T) blackbox.Reply { return s.Do(t, method, path, "", append(more, headers...)...) }
	}
	for _, kind := range []struct {
		name   string
		send   func(t *testing.T) blackbox.Reply
		status int
	}{
		{"created", asJSON(blackbox.RecordOf("RSA")), 200},
		{"empty", asJSON("[]"), 200},
		{"partly rejected", asJSON(blackbox.Array(blackbox.RecordOf("RSA"), "{}")), 422},
		{"broken JSON", asJSON("{"), 422},
		{"broken encoding", asJSON("x", "Content-Encoding", "gzip"), 422},
		{"unknown encoding", asJSON("[]", "Content-Encoding", "lzma"), 415},
		{"unknown content type", asJSON("[]", "Content-Type", "text/html"), 415},
		{"too large", asJSON(padded(200 << 10)), 413},
		{"bomb", asJSON(blackbox.Encode(t, "gzip", padded(200<<10)), "Content-Encoding", "gzip"), 413},
		{"benefits", with("GET", "/benefits"), 200},
		{"statistics", with("GET", "/statistics"), 200},
		{"head", with("HEAD", "/statistics"), 200},
		{"compressed", with("GET", "/statistics", "Accept-Encoding", "gzip"), 200},
		{"not modified", with("GET", "/statistics", "If-None-Match", "*"), 304},
		{"not a date", with("GET", "/benefits?start_at=x"), 422},
		{"not found", with("GET", "/"), 404},
		{"not allowed", with("DELETE", "/benefits"), 405},
		{"options", with("OPTIONS", "/benefits"), 204},
		{"preflight", with("OPTIONS", "/benefits", "Access-Control-Request-Method", "POST"), 204},
		{"preflight of an unknown path", with("OPTIONS", "/nowhere", "Access-Control-Request-Method", "POST"), 204},
	} {
		t.Run(kind.name, func(t *testing.T) {
			got := kind.send(t)
			got.ExpectStatus(t, kind.status)
			check(t, got)
		})
	}
}

func TestEveryResponseAllowsEveryOriginByDefault(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for name, headers := range map[string][]string{
		"with an origin": {"Origin", "https://a.example"}, "without an origin": nil, "with a null origin": {"Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			everyKind(t, s, headers, func(t *testing.T, got blackbox.Reply) { got.ExpectHeader(t, "Access-Control-Allow-Origin", "*") })
		})
	}
}

func TestAListAllowsItsOriginsOnly(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) {
		c.CORSDomain = "https://a.example, b.example,http://c.example:8080 ,localhost:3000"
	})
	for origin, allowed := range map[string]bool{
		"https://a.example": true, "http://a.example": false, "https://a.example:8443": false, "https://sub.a.example": false,
		"https://evil-a.example": false, "https://a.example.evil": false, "a.example": false, "https://a.exampl": false,
		"https://b.example": true, "http://b.example": true, "ftp://b.example": false, "https://b.example:8443": false,
		"https://sub.b.example": false, "https://xb.example": false, "http://c.example:8080": true, "https://c.example:8080": false,
		"http://c.example": false, "http://localhost:3000": true, "https://localhost:3000": true, "http://localhost": false,
		"null": false, "*": false, "https://": false, "http://a.example,https://a.example": false, "": false,
	} {
		want := ""
		if allowed {
			want = origin
		}
		for _, send := range []func() blackbox.Reply{
			func() blackbox.Reply { return s.Get(t, "/benefits", "Origin", origin) },
			func() blackbox.Reply { return s.Get(t, "/nowhere", "Origin", origin) },
			func() blackbox.Reply { return s.Post(t, "[]", "Origin", origin) },
			func() blackbox.Reply {
				return s.Do(t, http.MethodOptions, "/benefits", "", "Origin", origin, "Access-Control-Request-Method", "POST")
			},
		} {
			got := send() // checkEverywhere wants Vary: Origin
			if got.ExpectHeader(t, "Access-Control-Allow-Origin", want); t.Failed() {
				t.Fatalf("the origin was %q", origin)
			}
		}
	}
}

func TestEveryResponseAllowsAnOriginOfTheListAndVariesWithIt(t *testing.T) {
	t.Parallel()
	const origin = "http://page.example"
	s := blackbox.StartServer(t, func(c *service.Config) { c.CORSDomain = "other.example,page.example" })
	everyKind(t, s, []string{"Origin", origin}, func(t *testing.T, got blackbox.Reply) {
		got.ExpectHeader(t, "Access-Control-Allow-Origin", origin)
	})
	everyKind(t, s, []string{"Origin", "http://stranger.example"}, func(t *testing.T, got blackbox.Reply) {
		got.ExpectHeader(t, "Access-Control-Allow-Origin", "")
	})
}

func TestPreflightIsAnsweredOnAnyPath(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, path := range []string{"/benefits", "/Benefits/", "/statistics", "/", "/nowhere", "/benefits?start_at=x"} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			for _, names := range []string{"content-type", "Content-Type, X-Other", "content-type,x-a,x-b", ""} {
				got := s.Do(t, http.MethodOptions, path, "", "Origin", "https://a.example",
					"Access-Control-Request-Method", method, "Access-Control-Request-Headers", names)
				got.Expect(t, http.StatusNoContent, "")
				got.ExpectHeader(t, "Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
				got.ExpectHeader(t, "Access-Control-Allow-Headers", names)
				got.ExpectHeader(t, "Access-Control-Max-Age", "86400")
				if !got.Varies("Access-Control-Request-Headers") {
					t.Errorf("Vary is %q, want Access-Control-Request-Headers in it", got.Header.Values("Vary"))
				}
			}
		}
	}
}

func TestOPTIONSWithoutAPreflightIsNoContentToo(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, path := range []string{"/benefits", "/statistics/", "/nowhere"} {
		s.Do(t, http.MethodOptions, path, "").Expect(t, http.StatusNoContent, "")
	}
}

// TestHeadersOfARequestCannotBecomeHeadersOfTheResponse guards the two request
// headers that are echoed.
func TestHeadersOfARequestCannotBecomeHeadersOfTheResponse(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.CORSDomain = "a.example" })
	for _, echoed := range []string{"Origin: http://a.example\rX-Injected: yes", "Access-Control-Request-Headers: a\rX-Injected: yes"} {
		got := s.Raw(t, "OPTIONS /benefits HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: POST\r\n"+echoed+"\r\n\r\n")
		for name, values := range got.Header {
			if strings.EqualFold(name, "X-Injected") || strings.Contains(strings.Join(values, ""), "\r") {
				t.Errorf("the response has %s: %q", name, values)
			}
		}
	}
}
