package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stats-recorder/service"
)

const (
	// mostBytes is how large the file may be that every page loads.
	mostBytes = 1500
	// patience bounds every wait; only something broken uses it up.
	patience = time.Minute
)

func TestTheFileIsSmall(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("recorder.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(content) > mostBytes {
		t.Errorf("it has %d bytes, want at most %d", len(content), mostBytes)
	}
}

// startServer runs a server until the end of the test.
func startServer(t *testing.T) (address string) {
	t.Helper()
	config := service.DefaultConfig()
	config.Host, config.Port, config.DataDir, config.Logger = "127.0.0.1", 0, t.TempDir(), slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- service.Run(ctx, config, func(address string) { ready <- address }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case address = <-ready:
		return "http://" + address
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the server is not ready")
	}
	return ""
}

// attempt is a post that arrived.
type attempt struct{ key, body, contentType string }

// front stands before a server, and fails as often as it is told before it passes
// posts on.
type front struct {
	*httptest.Server
	mu       sync.Mutex
	failures int
	attempts []attempt
}

func newFront(t *testing.T, server string, failures int, fail http.HandlerFunc) *front {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{failures: failures}
	proxy := httputil.NewSingleHostReverseProxy(target)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // its sender is gone
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if f.note(attempt{r.URL.Query().Get("idempotency_key"), string(body), r.Method + " " + r.Header.Get("Content-Type")}) {
			fail(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// note remembers an attempt and says whether it is to fail.
func (f *front) note(a attempt) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts = append(f.attempts, a)
	f.failures--
	return f.failures >= 0
}

func (f *front) seen() []attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]attempt{}, f.attempts...)
}

// awaitCounts waits until the server's counts are these.
func awaitCounts(t *testing.T, server, path, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		response, err := http.Get(server + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got = string(body); got == want {
			return
		}
	}
	t.Fatalf("the counts are %s\nwant %s", got, want)
}

// start runs a program until the end of the test.
func start(t *testing.T, name string, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: the client is not tried in it", name)
	}
	var said strings.Builder
	command := exec.Command(path, arguments...)
	command.Stdout, command.Stderr, command.WaitDelay = &said, &said, patience
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a browser has processes of its own
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		command.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.String())
		}
	})
}

// browse opens a page of testdata in Chromium, on an origin of its own.
func browse(t *testing.T, page, server string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /recorder.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "recorder.js") })
	mux.HandleFunc("GET /"+page, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/"+page) })
	pages := httptest.NewServer(mux)
	t.Cleanup(pages.CloseClientConnections)
	t.Cleanup(pages.Close)
	start(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", pages.URL+"/"+page+"?server="+url.QueryEscape(server))
}

// expectOneKey requires that all attempts are the same one.
func expectOneKey(t *testing.T, attempts []attempt, want int) {
	t.Helper()
	if len(attempts) != want {
		t.Errorf("there are %d attempts, want %d: %+v", len(attempts), want, attempts)
	}
	for _, a := range attempts {
		if a != attempts[0] || len(a.key) < 10 || a.contentType != "POST text/plain;charset=UTF-8" {
			t.Errorf("an attempt is %+v, the first was %+v", a, attempts[0])
		}
	}
}

func TestNodePostsInBatchesOfThirty(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	f := newFront(t, server, 0, nil)
	start(t, "node", "testdata/page.mjs", f.URL)
	var want []string
	for i := range 45 {
		events := `{"show":1}`
		if i == 2 {
			events = `{"link":1,"show":1}`
		}
		want = append(want, fmt.Sprintf(`{"id":"b%02d","events":%s}`, i, events))
	}
	awaitCounts(t, server, "/benefits", "["+strings.Join(want, ",")+"]")
	awaitCounts(t, server, "/statistics?version=3", `[{"benefit":"b02","events_count":1,"events":{"link":{"45":{"3":1}}}}]`)
	sizes, keys := map[int]bool{}, map[string]bool{}
	for _, a := range f.seen() {
		var records []map[string]any
		if err := json.Unmarshal([]byte(a.body), &records); err != nil {
			t.Fatal(err)
		}
		sizes[len(records)], keys[a.key] = true, true
		if got := fmt.Sprint(records[0]["hash_id"], records[0]["abtesting"]); got != "1f2e3d4cmap[CTA:large]" {
			t.Errorf("what all records have in common is %s", got)
		}
	}
	if len(f.seen()) != 2 || !sizes[30] || !sizes[16] || len(keys) != 2 {
		t.Errorf("the batches are %v with keys %v, want 30 and 16 with a key each", sizes, keys)
	}
}

func TestAFailedPostIsTriedAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	for name, c := range map[string]struct {
		failures int
		fail     http.HandlerFunc
	}{
		"the server is overloaded twice": {2, answer(http.StatusServiceUnavailable)},
		"there are too many requests":    {1, answer(http.StatusTooManyRequests)},
		"the connection breaks":          {1, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			f := newFront(t, server, c.failures, c.fail)
			start(t, "node", "--input-type=module", "-e", fmt.Sprintf(`import recorder from "./recorder.js"
				recorder(%q, { hash_id: "h" })({ benefit_id: "rsa", benefit_index: 1, page_total: 1, event_type: "show" })`, f.URL))
			awaitCounts(t, server, "/benefits", `[{"id":"rsa","events":{"show":1}}]`)
			expectOneKey(t, f.seen(), c.failures+1)
		})
	}
}

// loseAnswers has the server answer posts, and cuts the connection instead of passing that on.
func loseAnswers(server string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequest(r.Method, server+r.URL.RequestURI(), r.Body)
		if err != nil {
			panic(err)
		}
		request.Header = r.Header
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		response.Body.Close()
		panic(http.ErrAbortHandler)
	}
}

func TestABatchWhoseAnswersWereLostCountsOnce(t *testing.T) {
	t.Parallel()
	for name, visit := range map[string]func(t *testing.T, address string){
		"in Node": func(t *testing.T, address string) {
			start(t, "node", "--input-type=module", "-e", fmt.Sprintf(`import recorder from "./recorder.js"
				recorder(%q, { hash_id: "h" })({ benefit_id: "rsa", benefit_index: 1, page_total: 1, event_type: "show" })`, address))
		},
		"in Chromium": func(t *testing.T, address string) { browse(t, "shows.html", address) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			f := newFront(t, server, 2, loseAnswers(server))
			visit(t, f.URL)
			for deadline := time.Now().Add(patience); len(f.seen()) < 3 && time.Now().Before(deadline); {
				<-time.After(10 * time.Millisecond)
			}
			expectOneKey(t, f.seen(), 3)
			awaitCounts(t, server, "/benefits", `[{"id":"rsa","events":{"show":1}}]`)
		})
	}
}

func TestARejectedPostIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	f := newFront(t, server, 0, nil)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the client is not tried in it")
	}
	// Node ends when nothing waits any more.
	said, err := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", fmt.Sprintf(`import recorder from "./recorder.js"
		recorder(%q)({ benefit_id: "rsa", benefit_index: 1, page_total: 1 })`, f.URL)).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "hash_id") {
		t.Errorf("the console has no word of the missing hash_id: %v\n%s", err, said)
	}
	expectOneKey(t, f.seen(), 1)
}

func TestAClickThatLeavesThePageIsCounted(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	f := newFront(t, server, 0, nil)
	browse(t, "leaves.html", f.URL)
	awaitCounts(t, server, "/benefits", `[{"id":"apl","events":{"link":1,"show":1}},{"id":"rsa","events":{"show":1}}]`)
	expectOneKey(t, f.seen(), 1)
}

func TestAPageThatIsLeftSendsWhatWaitsForItsNextTry(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	f := newFront(t, server, 1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	browse(t, "retries.html", f.URL)
	awaitCounts(t, server, "/benefits", `[{"id":"rsa","events":{"show":1}}]`)
	expectOneKey(t, f.seen(), 2)
}
