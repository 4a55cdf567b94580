package httpapi

import (
	"errors"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestTheCodingAskedForMostIsChosen(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                                   "",
		"gzip":                               "gzip",
		"GZip":                               "gzip",
		"br":                                 "br",
		"zstd":                               "zstd",
		"gzip, deflate, br":                  "gzip",
		"gzip, deflate, br, zstd":            "zstd",
		"deflate":                            "",
		"compress;q=0.5, gzip;q=1.0":         "gzip",
		"identity":                           "",
		"*":                                  "zstd",
		"*;q=0":                              "",
		"gzip;q=0":                           "",
		"gzip;q=0, *":                        "zstd",
		"zstd;q=0, gzip;q=0, *":              "br",
		"gzip;q=0.5, br;q=0.8":               "br",
		"gzip;q=0.8, br;q=0.8":               "gzip",
		"gzip ; q=0.1 , br ; Q=0.9":          "br",
		"gzip;q=0.001":                       "gzip",
		"gzip;q=0.000":                       "",
		"identity;q=0.5, gzip;q=0.2":         "",
		"identity;q=0.2, gzip;q=0.5":         "gzip",
		"identity, gzip":                     "gzip",
		"gzip;q=0.5, *;q=0.1":                "gzip",
		"gzip;q=0.1, *;q=0.5":                "zstd",
		"gzip;q=x":                           "",
		"gzip;q=":                            "",
		"x-gzip":                             "",
		",, gzip ,":                          "gzip",
		"gzipped":                            "",
		"gzip, gzip;q=0":                     "gzip",
		";q=1":                               "",
		"br;q=0.9, zstd;q=0.3, identity;q=1": "",
	} {
		got := ""
		if chosen := chooseCoding(header); chosen >= 0 {
			got = contentCodings[chosen].name
		}
		if got != want {
			t.Errorf("Accept-Encoding %q chooses %q, want %q", header, got, want)
		}
	}
}

func TestOnlyAKnownEntityTagMatches(t *testing.T) {
	t.Parallel()
	const tag = `W/"abc-12"`
	for header, want := range map[string]bool{
		"": false, `W/"abc-12"`: true, `"abc-12"`: true, `*`: true, ` * `: true, `"x", W/"abc-12"`: true, `"x","abc-12"`: true,
		`abc-12`: false, `"abc-1"`: false, `W/"abc-123"`: false, `w/"abc-12"`: false, `"x","y"`: false, `W/W/"abc-12"`: false,
	} {
		if got := matchesTag(header, tag); got != want {
			t.Errorf("If-None-Match %q matches: %v, want %v", header, got, want)
		}
	}
}

// allowed is the Access-Control-Allow-Origin that a page of an origin gets.
func allowed(origins Origins, origin string) string {
	var ctx fasthttp.RequestCtx
	if origin != "" {
		ctx.Request.Header.Set(fasthttp.HeaderOrigin, origin)
	}
	origins.allow(&ctx.Response, ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
	return string(ctx.Response.Header.Peek(fasthttp.HeaderAccessControlAllowOrigin))
}

func TestPagesOfTheListedOriginsMayReadAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		list string
		yes  []string
		no   []string
	}{
		{"https://example.org", []string{"https://example.org", "https://EXAMPLE.org"}, []string{
			"", "null", "http://example.org", "https://example.org:8443", "https://www.example.org", "https://example.org.evil.net", "https://example.or", "https://example.org/",
		}},
		{"example.org", []string{"https://example.org", "http://example.org"}, []string{"example.org", "ftp://example.org", "https://a.example.org"}},
		{"localhost:3000", []string{"http://localhost:3000", "https://localhost:3000"}, []string{"http://localhost", "http://localhost:3001"}},
		{" https://a.org/ , b.org,, http://c.org:8080 ", []string{"https://a.org", "https://b.org", "http://b.org", "http://c.org:8080"}, []string{"http://a.org", "https://c.org:8080"}},
		{"[::1]:3000", []string{"http://[::1]:3000"}, []string{"http://[::1]"}},
	} {
		origins, err := ParseOrigins(test.list)
		if err != nil {
			t.Errorf("%q is refused: %v", test.list, err)
			continue
		}
		for _, origin := range test.yes {
			if got := allowed(origins, origin); got != origin {
				t.Errorf("with %q, %q is answered %q", test.list, origin, got)
			}
		}
		for _, origin := range test.no {
			if got := allowed(origins, origin); got != "" {
				t.Errorf("with %q, %q is answered %q", test.list, origin, got)
			}
		}
	}
}

func TestAStarLetsEveryPageRead(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"*", " * ", "https://example.org,*"} {
		origins, err := ParseOrigins(list)
		if err != nil {
			t.Errorf("%q is refused: %v", list, err)
		}
		for _, origin := range []string{"", "null", "https://example.org", "http://other.net"} {
			if got := allowed(origins, origin); got != "*" {
				t.Errorf("with %q, %q is answered %q", list, origin, got)
			}
		}
	}
}

func TestWhatIsNoOriginIsRefused(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		"", " ", ",", " , ,", "https://", "://example.org", "https://example.org/path", "example.org/path", "https://example.org//",
		"https://example.org?x", "https://example.org#x", "https://user@example.org", "https://exa mple.org", "https://example.org:port", "https://a.org, https://",
	} {
		if _, err := ParseOrigins(list); !errors.Is(err, ErrOrigin) {
			t.Errorf("%q: %v, want ErrOrigin", list, err)
		}
	}
}
