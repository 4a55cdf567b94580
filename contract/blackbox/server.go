package blackbox

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

// Patience bounds every wait for the server; only a broken server uses it up.
const Patience = 20 * time.Second

// Server is one Run on a free port over its own data directory.
type Server struct {
	t testing.TB
	// Config is what the server was started with. A test changes it before a restart.
	Config service.Config
	// Client is what requests are sent by.
	Client   *http.Client
	shutdown func()

	// URL and Address change with every start: the port is a free one.
	URL     string
	Address string
}

// StartServer runs a server for the length of the test. configure may be nil.
func StartServer(t testing.TB, configure func(*service.Config)) *Server {
	t.Helper()
	config := service.DefaultConfig()
	config.Host = "127.0.0.1"
	config.Port = 0
	config.DataDir = t.TempDir()
	config.Logger = slog.New(slog.DiscardHandler)
	if configure != nil {
		configure(&config)
	}
	s := &Server{t: t, Config: config, Client: &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       Patience,
	}}
	s.Start(t)
	t.Cleanup(s.Stop)
	t.Cleanup(s.Client.CloseIdleConnections)
	return s
}

// Start runs the server, which must not run.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan string, 2)
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, s.Config, func(address string) { ready <- address }) }()

	select {
	case s.Address = <-ready:
		s.URL = "http://" + s.Address
	case err := <-ended:
		cancel()
		t.Fatalf("Run ended before it was ready: %v", err)
	case <-time.After(Patience):
		cancel()
		t.Fatalf("Run is not ready after %v", Patience)
	}
	s.shutdown = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				s.t.Errorf("Run ended with %v", err)
			}
		case <-time.After(Patience):
			s.t.Errorf("Run has not ended %v after its context", Patience)
		}
		if len(ready) > 0 {
			s.t.Errorf("Run called ready more than once")
		}
	})
}

// Stop ends the context, waits for Run and fails the test on its error. Idle
// connections of the client stay open: a server must be able to stop with them.
func (s *Server) Stop() { s.shutdown() }

// Restart stops the server and runs it again on the same data directory.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	s.Start(t)
}

// AlsoAfterRestart runs a check now and again after a restart.
func (s *Server) AlsoAfterRestart(t *testing.T, check func(t *testing.T)) {
	t.Helper()
	t.Run("at once", check)
	s.Restart(t)
	t.Run("after a restart", check)
}

// Reply is a response that has been read to its end.
type Reply struct {
	// Status is the status code.
	Status int
	Header http.Header
	// Body is the whole body, as it came.
	Body string
}

// Do sends one request. headers are names and values in turn; an empty value
// removes the header, a later one wins.
func (s *Server) Do(t testing.TB, method, path, body string, headers ...string) Reply {
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
	return s.Send(t, request)
}

// Send sends a request and holds its reply to what is promised of every one.
func (s *Server) Send(t testing.TB, request *http.Request) Reply {
	t.Helper()
	response, err := s.Client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	got := ReadReply(t, response)
	s.checkEverywhere(t, request.Method, got)
	return got
}

// Raw writes bytes to a connection of its own and reads one reply, for what an
// http.Client would not send. Interim 1xx replies are skipped.
func (s *Server) Raw(t testing.TB, request string) Reply {
	t.Helper()
	connection, err := net.DialTimeout("tcp", s.Address, Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(Patience)); err != nil {
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
			got := ReadReply(t, response)
			s.checkEverywhere(t, method, got)
			return got
		}
	}
}

// ReadReply reads a response to its end.
func ReadReply(t testing.TB, response *http.Response) Reply {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err != nil {
		t.Fatalf("read the reply: %v", err)
	}
	return Reply{response.StatusCode, response.Header, string(body)}
}

// Get sends a GET. headers are as in Do.
func (s *Server) Get(t testing.TB, path string, headers ...string) Reply {
	t.Helper()
	return s.Do(t, http.MethodGet, path, "", headers...)
}

// Post posts a body to /benefits as JSON, unless headers say otherwise.
func (s *Server) Post(t testing.TB, body string, headers ...string) Reply {
	t.Helper()
	return s.Do(t, http.MethodPost, "/benefits", body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// PostAs posts a body to /benefits with one content encoding.
func (s *Server) PostAs(t testing.TB, encoding, body string) Reply {
	t.Helper()
	return s.Post(t, body, "Content-Encoding", encoding)
}

// Created posts a body and requires that all of it is recorded.
func (s *Server) Created(t testing.TB, body string, headers ...string) {
	t.Helper()
	s.Post(t, body, headers...).ExpectCreated(t)
}

// Clock is a clock that stands where it is set.
type Clock struct{ nanoseconds atomic.Int64 }

// NewClock returns a clock that stands at an instant, in RFC 3339.
func NewClock(t testing.TB, instant string) *Clock {
	t.Helper()
	clock := new(Clock)
	clock.Set(t, instant)
	return clock
}

// Set has the clock stand at another instant.
func (c *Clock) Set(t testing.TB, instant string) {
	t.Helper()
	c.nanoseconds.Store(MustTime(t, instant).UnixNano())
}

// Now is where the clock stands.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanoseconds.Load()) }

// MustTime parses an instant in RFC 3339.
func MustTime(t testing.TB, instant string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Dial connects for the length of the test, and no read or write takes long.
func (s *Server) Dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	return conn
}
