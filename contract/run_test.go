package contract

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/service"
)

// patience bounds every wait for the server; only a broken server uses it up.
const patience = 20 * time.Second

// testServer is one Run on a free port over its own data directory.
type testServer struct {
	t        testing.TB
	config   service.Config
	client   *http.Client
	shutdown func()

	// URL and address change with every start: the port is a free one.
	URL     string
	address string
}

// startServer runs a server for the length of the test. configure may be nil.
func startServer(t testing.TB, configure func(*service.Config)) *testServer {
	t.Helper()
	config := service.DefaultConfig()
	config.Host = "127.0.0.1"
	config.Port = 0
	config.DataDir = t.TempDir()
	config.Logger = slog.New(slog.DiscardHandler)
	if configure != nil {
		configure(&config)
	}
	s := &testServer{t: t, config: config, client: &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}}
	s.start(t)
	t.Cleanup(s.stop)
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

func (s *testServer) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan string, 2)
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, s.config, func(address string) { ready <- address }) }()

	select {
	case s.address = <-ready:
		s.URL = "http://" + s.address
	case err := <-ended:
		cancel()
		t.Fatalf("Run ended before it was ready: %v", err)
	case <-time.After(patience):
		cancel()
		t.Fatalf("Run is not ready after %v", patience)
	}
	s.shutdown = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				s.t.Errorf("Run ended with %v", err)
			}
		case <-time.After(patience):
			s.t.Errorf("Run has not ended %v after its context", patience)
		}
		if len(ready) > 0 {
			s.t.Errorf("Run called ready more than once")
		}
	})
}

// stop ends the context, waits for Run and fails the test on its error. Idle
// connections of the client stay open: a server must be able to stop with them.
func (s *testServer) stop() { s.shutdown() }

// restart stops the server and runs it again on the same data directory.
func (s *testServer) restart(t testing.TB) {
	t.Helper()
	s.stop()
	s.start(t)
}

// alsoAfterRestart runs a check now and again after a restart.
func (s *testServer) alsoAfterRestart(t *testing.T, check func(t *testing.T)) {
	t.Helper()
	t.Run("at once", check)
	s.restart(t)
	t.Run("after a restart", check)
}

// reply is a response that has been read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends one request. headers are names and values in turn; an empty value
// removes the header, a later one wins.
func (s *testServer) do(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, s.URL+path, content)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Del(headers[i])
		if headers[i+1] != "" {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	return s.send(t, request)
}

// send sends a request and holds its reply to what is promised of every one.
func (s *testServer) send(t testing.TB, request *http.Request) reply {
	t.Helper()
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	got := readReply(t, response)
	s.checkEverywhere(t, request.Method, got)
	return got
}

// raw writes bytes to a connection of its own and reads one reply, for what an
// http.Client would not send. Interim 1xx replies are skipped.
func (s *testServer) raw(t testing.TB, request string) reply {
	t.Helper()
	connection, err := net.DialTimeout("tcp", s.address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatalf("write: %v", err)
	}
	method, _, _ := strings.Cut(request, " ")
	reader := bufio.NewReader(connection)
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("no reply to %.80q: %v", request, err)
		}
		if response.StatusCode >= 200 {
			got := readReply(t, response)
			s.checkEverywhere(t, method, got)
			return got
		}
	}
}

func readReply(t testing.TB, response *http.Response) reply {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err != nil {
		t.Fatalf("read the reply: %v", err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func (s *testServer) get(t testing.TB, path string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", headers...)
}

// post posts a body to /benefits as JSON, unless headers say otherwise.
func (s *testServer) post(t testing.TB, body string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodPost, "/benefits", body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// postAs posts a body to /benefits with one content encoding.
func (s *testServer) postAs(t testing.TB, encoding, body string) reply {
	t.Helper()
	return s.post(t, body, "Content-Encoding", encoding)
}

// created posts a body and requires that all of it is recorded.
func (s *testServer) created(t testing.TB, body string, headers ...string) {
	t.Helper()
	s.post(t, body, headers...).expectCreated(t)
}

// testClock is a clock that stands where it is set.
type testClock struct{ nanoseconds atomic.Int64 }

func newClock(t testing.TB, instant string) *testClock {
	t.Helper()
	clock := new(testClock)
	clock.set(t, instant)
	return clock
}

func (c *testClock) set(t testing.TB, instant string) {
	t.Helper()
	c.nanoseconds.Store(mustTime(t, instant).UnixNano())
}

func (c *testClock) now() time.Time { return time.Unix(0, c.nanoseconds.Load()) }

func mustTime(t testing.TB, instant string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
