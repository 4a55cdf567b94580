package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

func TestPathsMatchInAnyCaseWithOrWithoutATrailingSlash(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, path := range []string{"/benefits", "/benefits/", "/BENEFITS/", "/Benefits", "/bENEFITs?start_at=", "/benefits/?start_at=2020"} {
		s.Do(t, http.MethodPost, path, blackbox.RecordOf("RSA"), "Content-Type", "application/json").ExpectCreated(t)
		s.Get(t, path).ExpectStatus(t, http.StatusOK)
		s.Do(t, http.MethodHead, path, "").ExpectStatus(t, http.StatusOK)
	}
	s.ExpectTotal(t, "RSA", 6)
	for _, path := range []string{"/statistics", "/statistics/", "/Statistics", "/STATISTICS/?version=2"} {
		s.Get(t, path).Expect(t, http.StatusOK, `[{"benefit":"RSA","events_count":6,"events":{"show":{"2":{"1":6}}}}]`)
		s.Do(t, http.MethodHead, path, "").ExpectStatus(t, http.StatusOK)
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, path := range []string{
		"/", "/?start_at=2020", "/benefit", "/benefitss", "/benefits/RSA", "/benefits//", "/statistics/x", "/statistics.json", "/api/benefits",
		"/favicon.ico", "/robots.txt", "/index.html", "/%62enefits/x", "/b%C3%A9n", "/" + strings.Repeat("x", 1000),
	} {
		s.Get(t, path).ExpectMessage(t, http.StatusNotFound)
		s.Do(t, http.MethodHead, path, "").ExpectStatus(t, http.StatusNotFound)
		s.Do(t, http.MethodDelete, path, "").ExpectMessage(t, http.StatusNotFound)
		s.Do(t, http.MethodPost, path, blackbox.RecordOf("RSA"), "Content-Type", "application/json").ExpectMessage(t, http.StatusNotFound)
	}
	s.ExpectNothing(t)
}

func TestAWrongMethodOfAKnownPathIsNotAllowed(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	wrong := []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"}
	for path, test := range map[string]struct{ wrong, allowed, absent []string }{
		"/benefits":    {wrong, []string{"get", "head", "post"}, []string{"put", "patch", "delete"}},
		"/Benefits/":   {wrong, []string{"get", "head", "post"}, []string{"put", "patch", "delete"}},
		"/statistics":  {append(wrong, http.MethodPost), []string{"get", "head"}, []string{"post", "put", "patch", "delete"}},
		"/STATISTICS/": {append(wrong, http.MethodPost), []string{"get", "head"}, []string{"post", "put", "patch", "delete"}},
	} {
		for _, method := range test.wrong {
			got := s.Do(t, method, path, blackbox.RecordOf("RSA"), "Content-Type", "application/json")
			got.ExpectMessage(t, http.StatusMethodNotAllowed)
			allow := got.List("Allow")
			for _, name := range test.allowed {
				if !slices.Contains(allow, name) {
					t.Errorf("%s %s: Allow is %v, want %s in it", method, path, allow, name)
				}
			}
			for _, name := range test.absent {
				if slices.Contains(allow, name) {
					t.Errorf("%s %s: Allow is %v, want it without %s", method, path, allow, name)
				}
			}
		}
	}
	s.ExpectNothing(t)
}

// TestWhatIsNotHTTPIsAnErrorLikeEveryOther sends what the HTTP library refuses
// before the server sees it: checkEverywhere holds the replies to the contract.
func TestWhatIsNotHTTPIsAnErrorLikeEveryOther(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for _, request := range []string{
		"GET /benefits HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
		"GET /benefits HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		post + "Content-Length: nonsense\r\n\r\n{}",
		post + "Content-Length: -1\r\n\r\n{}",
		post + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
	} {
		got := s.Raw(t, request)
		if got.Status < 400 || got.Status > 499 {
			t.Errorf("%.60q: status %d, want a 4xx", request, got.Status)
		}
		got.ExpectMessage(t, got.Status)
	}
	s.ExpectNothing(t)
}

func TestAnswersAreCompressedWhenAsked(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	recordMany(t, s)
	for _, path := range []string{"/benefits", "/statistics"} {
		plain := s.Get(t, path)
		plain.ExpectHeader(t, "Content-Encoding", "")
		for _, test := range []struct {
			accept string
			want   []string
		}{
			{"gzip", []string{"gzip"}}, {"br", []string{"br"}}, {"zstd", []string{"zstd"}}, {"GZIP", []string{"gzip"}},
			{"gzip, deflate, br, zstd", []string{"gzip", "br", "zstd"}}, {"gzip, deflate", []string{"gzip"}},
			{"gzip;q=0.5", []string{"gzip"}}, {"br;q=1.0, gzip;q=0.8, *;q=0.1", []string{"br"}}, {"br;q=0.1,gzip;q=0.9", []string{"gzip"}},
			{"gzip;q=0.2, zstd;q=0.9, br;q=0.3", []string{"zstd"}}, {"gzip ; q=0.5 , br ; q=0.7", []string{"br"}},
			{"gzip;q=0, br", []string{"br"}}, {"gzip;q=0", []string{""}}, {"gzip;q=0.0, br;q=0.000, zstd;q=0", []string{""}},
			{"gzip;Q=0", []string{""}}, {"gzip;q=0, *", []string{"", "br", "zstd"}}, {"identity", []string{""}}, {"deflate", []string{""}},
			{"compress, x", []string{""}}, {"*", []string{"", "gzip", "br", "zstd"}}, {"*;q=0, gzip", []string{"gzip"}},
			{"gzipp, brr, zst", []string{""}}, {"identity;q=1, gzip;q=0.5", []string{"", "gzip"}},
		} {
			got := s.Get(t, path, "Accept-Encoding", test.accept)
			encoding := got.Header.Get("Content-Encoding")
			if !slices.Contains(test.want, encoding) {
				t.Errorf("Accept-Encoding %q: the answer is encoded as %q, want %q", test.accept, encoding, test.want)
				continue
			}
			if decode(t, encoding, got.Body) != plain.Body {
				t.Errorf("Accept-Encoding %q: the %q answer decodes to something else", test.accept, encoding)
			}
			if !got.Varies("Accept-Encoding") {
				t.Errorf("Accept-Encoding %q: Vary is %q", test.accept, got.Header.Values("Vary"))
			}
			if encoding != "" && len(got.Body) >= len(plain.Body) {
				t.Errorf("the %s answer has %d bytes, the plain one %d", encoding, len(got.Body), len(plain.Body))
			}
		}
		if !plain.Varies("Accept-Encoding") {
			t.Errorf("%s: Vary is %q, want Accept-Encoding in it", path, plain.Header.Values("Vary"))
		}
	}
}

// recordMany records enough for answers that are worth compressing.
func recordMany(t testing.TB, s *blackbox.Server) {
	t.Helper()
	var records []string
	for i := range 200 {
		records = append(records, blackbox.RecordOf(fmt.Sprintf("aide_numero_%d", i)))
	}
	s.Created(t, blackbox.Array(records...))
}

func TestCompressedAnswersHaveAnETagToo(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	recordMany(t, s)
	tags := make(map[string]string)
	for _, encoding := range []string{"", "gzip", "br", "zstd"} {
		tag := s.Get(t, "/statistics", "Accept-Encoding", encoding).Header.Get("ETag")
		s.Get(t, "/statistics", "Accept-Encoding", encoding, "If-None-Match", tag).Expect(t, http.StatusNotModified, "")
		if other, taken := tags[tag]; taken && !strings.HasPrefix(tag, "W/") {
			t.Errorf("%q and %q have different bytes and the same strong tag %s", encoding, other, tag)
		}
		tags[tag] = encoding
	}
}
