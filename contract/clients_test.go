package contract

import (
	"context"
	"encoding/json"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// client runs a program that stands for a real client and returns what it
// prints. The test is skipped where the program is not installed.
func client(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: this real client is not tried", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, path, arguments...)
	var errors strings.Builder
	command.Stderr = &errors
	command.WaitDelay = blackbox.Patience
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, errors.String())
	}
	return string(printed)
}

// shell runs a command line as a person types it, with the server's port.
func shell(t *testing.T, s *blackbox.Server, line string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: this real client is not tried")
	}
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	return client(t, "sh", "-c", strings.ReplaceAll(line, "localhost:4000", "localhost:"+port))
}

func TestTheCurlCommandsOfTheReplacedServerWorkAsTheyStand(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, line := range []string{
		`curl -v -X POST \
  -H 'Content-Type: application/json' \
  -d '{"benefit_id": "RSA", "hash_id": "xxxxxxxxx", "benefit_index": 4, "page_total": 10, "event_type": "show" }' \
  http://localhost:4000/benefits`,
		`curl -v -X POST \
  -H 'Content-Type: application/json' \
  -d '[{"benefit_id": "RSA", "hash_id": "xxxxxxxxx", "benefit_index": 1, "page_total": 2, "event_type": "show" }, {"benefit_id": "Livret d’épargne populaire", "hash_id": "xxxxxxxxx", "benefit_index": 2, "page_total": 2, "event_type": "show" }]' \
  http://localhost:4000/benefits`,
	} {
		if got := shell(t, s, line); got != blackbox.BodyCreated {
			t.Errorf("got %q, want %q", got, blackbox.BodyCreated)
		}
	}
	const want = `[{"benefit":"RSA","events_count":2,"events":{"show":{"2":{"1":1},"10":{"4":1}}}},` +
		`{"benefit":"Livret d’épargne populaire","events_count":1,"events":{"show":{"2":{"2":1}}}}]`
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for _, options := range []string{"-s", "-s --compressed", "-s -H 'Origin: https://page.example'"} {
			if got := shell(t, s, "curl "+options+" http://localhost:4000/statistics"); got != want {
				t.Errorf("curl %s: got %s\nwant %s", options, got, want)
			}
		}
	})
}

func TestCurlSendsThePreflightOfThePage(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	got := strings.ToLower(shell(t, s, `curl -s -i -X OPTIONS -H 'Origin: https://page.example' \
  -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type' http://localhost:4000/benefits`))
	for _, line := range []string{
		"http/1.1 204 no content\r\n", "access-control-allow-origin: *\r\n", "access-control-allow-headers: content-type\r\n",
		"access-control-allow-methods: get,head,put,patch,post,delete\r\n", "access-control-max-age: 86400\r\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("the preflight answered\n%s\nwant %q in it", got, line)
		}
	}
}

func TestCurlIsToldThatALargeFileIsTooLarge(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	got := shell(t, s, `head -c 3000000 /dev/zero | tr '\0' ' ' |
  curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @- http://localhost:4000/benefits`)
	if got != "413" {
		t.Errorf("curl was answered %q, want 413", got)
	}
}

func TestNodeFetchRecordsAndReads(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.CORSDomain = "page.example" })
	var answers map[string]struct {
		Status int
		Origin string
		Body   json.RawMessage
	}
	blackbox.StrictDecode(t, client(t, "node", "testdata/client.mjs", s.URL), &answers)

	for name, want := range map[string]blackbox.Reply{
		"preflight": {Status: 204, Body: "null"},
		"page":      {Status: 200, Body: blackbox.BodyCreated},
		"click":     {Status: 200, Body: blackbox.BodyCreated},
		"none":      {Status: 200, Body: blackbox.BodyCreated},
		"text":      {Status: 200, Body: blackbox.BodyCreated},
		"packed":    {Status: 200, Body: blackbox.BodyCreated},
		"benefits": {Status: 200, Body: `[{"id":"apl","events":{"show":2,"showDetails":2}},` +
			`{"id":"livret_épargne","events":{"show":2}},{"id":"rsa","events":{"show":3}}]`},
		"statistics": {Status: 200, Body: `[{"benefit":"apl","events_count":4,"events":{"show":{"3":{"2":2}},"showDetails":{"3":{"2":2}}}},` +
			`{"benefit":"rsa","events_count":3,"events":{"show":{"3":{"1":3}}}},` +
			`{"benefit":"livret_épargne","events_count":2,"events":{"show":{"3":{"3":2}}}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got := answers[name]
			blackbox.Reply{Status: got.Status, Body: string(got.Body)}.ExpectJSON(t, want.Status, want.Body)
			if got.Origin != "https://page.example" {
				t.Errorf("the origin that is allowed is %q", got.Origin)
			}
		})
	}
	partly := blackbox.Reply{Status: answers["partly"].Status, Body: string(answers["partly"].Body)}
	partly.ExpectRejected(t, 1, 2, "event_type")
}

// pages serves testdata/page.html on an origin of its own. The image on the
// page, and so the page's load event, waits until the page's script is done.
func pages(t *testing.T) *httptest.Server {
	t.Helper()
	done := make(chan struct{})
	finish := sync.OnceFunc(func() { close(done) })
	routes := http.NewServeMux()
	routes.HandleFunc("GET /page.html", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/page.html") })
	routes.HandleFunc("POST /done", func(http.ResponseWriter, *http.Request) { finish() })
	routes.HandleFunc("GET /wait", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server
}

func TestABrowserRecordsFromAPageOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	page := pages(t)
	s := blackbox.StartServer(t, func(c *service.Config) { c.CORSDomain = strings.TrimPrefix(page.URL, "http://") })
	document := client(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--dump-dom",
		page.URL+"/page.html?server="+url.QueryEscape(s.URL))

	shown := regexp.MustCompile(`<pre id="result">(.*)</pre>`).FindStringSubmatch(document)
	if shown == nil {
		t.Fatalf("the page shows no result:\n%s", document)
	}
	var outcome struct {
		Error, Acknowledged, Benefits string
		Status                        int
		Queued                        bool
	}
	blackbox.StrictDecode(t, html.UnescapeString(shown[1]), &outcome)
	if outcome.Status != http.StatusOK || outcome.Acknowledged != blackbox.BodyCreated || !outcome.Queued {
		t.Errorf("got %+v", outcome)
	}
	const want = `[{"id":"apl","events":{"link":1,"show":1}},{"id":"rsa","events":{"show":1}}]`
	blackbox.Reply{Status: http.StatusOK, Body: outcome.Benefits}.ExpectJSON(t, http.StatusOK, want)
	s.AlsoAfterRestart(t, func(t *testing.T) { s.Get(t, "/benefits").ExpectJSON(t, http.StatusOK, want) })
}
