package insight

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestTablesAreReadsLikeAnyOther(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, confounded())
	for _, table := range tables {
		path := "/insight/" + table
		got := s.Get(t, path)
		tag := got.Header.Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) || got.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s has the headers %v", table, got.Header)
		}
		s.Get(t, path, "If-None-Match", tag).ExpectStatus(t, http.StatusNotModified)
		for _, spelling := range []string{strings.ToUpper(path), path + "/", "/Insight/" + table + "/"} {
			s.Get(t, spelling).Expect(t, http.StatusOK, got.Body)
		}
		s.Get(t, path+"//").ExpectMessage(t, http.StatusNotFound)
		head := s.Do(t, http.MethodHead, path, "")
		head.ExpectStatus(t, http.StatusOK)
		head.ExpectHeader(t, "Content-Length", got.Header.Get("Content-Length"))
		head.ExpectHeader(t, "ETag", tag)
		s.Do(t, http.MethodOptions, path, "", "Origin", "https://page.example", "Access-Control-Request-Method", "GET").ExpectStatus(t, http.StatusNoContent)
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			refused := s.Do(t, method, path, "")
			refused.ExpectMessage(t, http.StatusMethodNotAllowed)
			refused.ExpectHeader(t, "Allow", "GET, HEAD, OPTIONS")
		}
		if packed := s.Get(t, path, "Accept-Encoding", "gzip"); packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("ETag") != tag {
			t.Errorf("%s compressed has the headers %v", table, packed.Header)
		}
	}
}

func TestTheTagIsOfTheCountsAlone(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, confounded())
	tags := func() (tags string) {
		for _, table := range tables {
			tags += s.Get(t, "/insight/"+table).Header.Get("ETag")
		}
		return tags
	}
	before := tags()
	s.Restart(t)
	if after := tags(); after != before {
		t.Errorf("after a restart the tags are %s, want %s", after, before)
	}
	other := blackbox.StartServer(t, nil)
	post(t, other, statistics{"B": confounded()["B"]}) // numbers of names are others
	post(t, other, statistics{"A": confounded()["A"]})
	for _, table := range tables {
		if got, want := other.Get(t, "/insight/"+table).Header.Get("ETag"), s.Get(t, "/insight/"+table).Header.Get("ETag"); got != want {
			t.Errorf("%s has the tag %s at another server with the same counts, want %s", table, got, want)
		}
	}
	tag := s.Get(t, "/insight/benefits").Header.Get("ETag")
	post(t, s, statistics{"A": {"show": {"2": {"1": 1}}}})
	s.Get(t, "/insight/benefits", "If-None-Match", tag).ExpectStatus(t, http.StatusOK)
}

func TestAnswersAreFreshAfterEveryPost(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"always", "everysec", "snapshot"} {
		s := blackbox.StartServer(t, func(c *service.Config) { c.Durability = durability })
		for n := range 20 {
			post(t, s, statistics{"A": {"show": {"2": {"1": 1}}}})
			for _, path := range []string{"benefits", "funnel"} {
				if a, _ := get(t, s, path); a.Benefits[0].Shows+a.Benefits[0].Records.Shown != n+1 {
					t.Fatalf("%s: after %d posts %s has %+v", durability, n+1, path, a.Benefits[0])
				}
			}
		}
	}
}

func TestWhoMayReadStatisticsMayReadTables(t *testing.T) {
	t.Parallel()
	const token = "open sesame"
	s := blackbox.StartServer(t, func(c *service.Config) { c.ReadToken = token })
	s.Created(t, blackbox.RecordOf("RSA"))
	password := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+token))
	for _, table := range tables {
		path := "/insight/" + table
		for _, authorization := range []string{"", "Bearer open", "Basic " + base64.StdEncoding.EncodeToString([]byte(token+":"))} {
			got := s.Get(t, path, "Authorization", authorization)
			got.ExpectMessage(t, http.StatusUnauthorized)
			if challenge := got.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("%s asks by %q, which no browser asks for", table, challenge)
			}
		}
		s.Get(t, path, "Authorization", "Bearer "+token).ExpectStatus(t, http.StatusOK)
		s.Get(t, path, "Authorization", password).ExpectStatus(t, http.StatusOK)
	}
	s.Get(t, "/statistics", "Authorization", password).ExpectMessage(t, http.StatusUnauthorized)
}

func TestASharedLinkIsMadeByTheProgramAndReadsItsView(t *testing.T) {
	t.Parallel()
	const token = "open sesame"
	s := blackbox.StartServer(t, func(c *service.Config) { c.ReadToken = token })
	s.Created(t, blackbox.RecordOf("RSA"))
	made := blackbox.Run(t, []string{"READ_TOKEN=" + token}, "share", s.URL+"/insight/benefits?order=id&benefit=RSA+1", "--for", "2d")
	link := strings.TrimPrefix(strings.TrimSpace(made.Stdout), s.URL)
	if made.Code != 0 || !strings.HasPrefix(link, "/insight/benefits?") {
		t.Fatalf("%+v", made)
	}
	got := s.Get(t, link)
	got.ExpectStatus(t, http.StatusOK)
	got.ExpectHeader(t, "Ignored-Parameters", "")
	s.Get(t, link+"&limit=1").ExpectMessage(t, http.StatusUnauthorized)
	s.Get(t, strings.Replace(link, "benefits?", "funnel?", 1)).ExpectMessage(t, http.StatusUnauthorized)
	for _, arguments := range [][]string{{}, {"nowhere"}, {"http://x/a", "b"}, {"http://x/a", "--for", "31d"}, {"http://x/a", "--for", "long"}} {
		blackbox.Run(t, []string{"READ_TOKEN=" + token}, append([]string{"share"}, arguments...)...).ExpectRefusal(t)
	}
	blackbox.Run(t, nil, "share", "http://x/a").ExpectRefusal(t, "READ_TOKEN")
}
