package httpapi

import (
	"errors"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestAnOriginOfTheListIsAllowedAsABrowserWritesIt(t *testing.T) {
	t.Parallel()
	for list, origins := range map[string]struct{ allowed, refused []string }{
		"page.example": {
			[]string{"https://page.example", "http://page.example", "HTTPS://PAGE.EXAMPLE"},
			[]string{"https://www.page.example", "https://page.example:8443", "https://page.example.evil", "null", ""}},
		"https://page.example": {
			[]string{"https://page.example"}, []string{"http://page.example"}},
		"https://page.example:443,http://page.example:80": {
			[]string{"https://page.example", "http://page.example"}, []string{"https://page.example:443"}},
		"page.example:8443": {
			[]string{"https://page.example:8443", "http://page.example:8443"}, []string{"https://page.example"}},
		"*.a.example": {
			[]string{"https://www.a.example", "http://x.y.a.example", "https://WWW.A.EXAMPLE"},
			[]string{"https://a.example", "https://.a.example", "https://xa.example", "https://a.example.evil", "https://evil/.a.example",
				"https://evil:80.a.example", "https://www.a.example:8443", "ftp://www.a.example", "https://u@x.a.example"}},
		"https://*.a.example:8443": {
			[]string{"https://www.a.example:8443"}, []string{"https://www.a.example", "http://www.a.example:8443"}},
		"https://münchen.example": {
			[]string{"https://xn--mnchen-3ya.example"}, []string{"https://munchen.example"}},
		"MÜNCHEN.example, *.élysée.example": {
			[]string{"http://xn--mnchen-3ya.example", "https://www.xn--lyse-9oad.example"}, nil},
		"https://[2001:DB8::1]:3000,http://127.0.0.1:3000": {
			[]string{"https://[2001:db8::1]:3000", "http://127.0.0.1:3000"}, []string{"http://127.0.0.1"}},
		"localhost:3000, my_host.example": {
			[]string{"http://localhost:3000", "https://my_host.example"}, nil},
		"chrome-extension://abcdef": {
			[]string{"chrome-extension://abcdef"}, nil},
	} {
		parsed, err := ParseOrigins(list)
		if err != nil {
			t.Errorf("%s: %v", list, err)
			continue
		}
		for _, origin := range origins.allowed {
			if !parsed.allows([]byte(origin)) {
				t.Errorf("%s does not allow %q", list, origin)
			}
		}
		for _, origin := range origins.refused {
			if parsed.allows([]byte(origin)) {
				t.Errorf("%s allows %q", list, origin)
			}
		}
	}
}

func TestAnOriginThatCanNeverMatchIsRefused(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		"page.example:99999", "page.example:0", "null", "NULL", "page.example,null", "https://a.*.example", "*.", "*.*.example", "https://*", "**", "a*.example",
		"https://", "://page.example", "https://page.example/path", "page.example/path", "https://user@page.example", "page.example?x", "page.example#x",
		"https://two words.example", "page.example:port", ",", "",
	} {
		if _, err := ParseOrigins(list); !errors.Is(err, ErrOrigin) {
			t.Errorf("%q: %v, want it to be refused", list, err)
		}
	}
}

func TestAPageIsToldOfItsRecordsWithItsOwnOrigin(t *testing.T) {
	t.Parallel()
	for list, origins := range map[string]map[string]string{
		"*": {"https://page.example": "*", "": "*"},
		"page.example,*.a.example": {
			"https://page.example": "https://page.example", "http://page.example": "http://page.example",
			"https://Page.example": "https://Page.example", "https://www.a.example": "https://www.a.example",
			"https://evil.example": "", "": "",
		},
	} {
		parsed, err := ParseOrigins(list)
		if err != nil {
			t.Fatal(err)
		}
		server := &Server{config: Config{Origins: parsed}}
		server.created = prepareCreated(&server.config.Origins)
		for origin, want := range origins {
			var usual, prepared fasthttp.Response
			parsed.allow(&usual, []byte(origin))
			new(taken).respond(&usual)
			answer := server.created.to([]byte(origin))
			if answer == nil {
				continue // the usual one
			}
			if answer.Fill(&prepared); prepared.String() != usual.String() {
				t.Errorf("%s, to %q:\n%s\nwant\n%s", list, origin, prepared.String(), usual.String())
			}
			if allowed := string(prepared.Header.Peek("Access-Control-Allow-Origin")); allowed != want {
				t.Errorf("%s: %q may read as %q, want %q", list, origin, allowed, want)
			}
		}
		if server.created.to([]byte("https://page.example")) == nil || server.created.to([]byte("https://evil.example")) != nil != parsed.any {
			t.Errorf("%s: other answers are prepared", list)
		}
	}
}
