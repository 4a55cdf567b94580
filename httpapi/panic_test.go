package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/counters"
)

// fickleRecorder panics at first, and then records nothing.
type fickleRecorder struct{ panics int }

func (r *fickleRecorder) Record(*counters.Batch) (*counters.Ticket, error) {
	if r.panics--; r.panics >= 0 {
		panic("the secret of the house")
	}
	return nil, nil
}

// lockedBuilder is a log that is read while it is written.
type lockedBuilder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAPanicIsAnsweredAndLoggedAndTheServerGoesOn(t *testing.T) {
	log := new(lockedBuilder)
	server := stubServer(t, &fickleRecorder{panics: 2}, slog.NewTextHandler(log, nil))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	for _, want := range []int{http.StatusInternalServerError, http.StatusInternalServerError, http.StatusOK, http.StatusOK} {
		status, answer := postRecord(t, listener.Addr().String())
		if status != want || strings.Contains(answer, "secret") || strings.Contains(answer, "goroutine") ||
			!strings.Contains(answer, "application/json") || !strings.Contains(answer, "Access-Control-Allow-Origin: *") {
			t.Errorf("status %d, want %d, without details, of JSON, and with CORS:\n%s", status, want, answer)
		}
	}
	if panics := server.metrics.defence.panics.Load(); panics != 2 {
		t.Errorf("%d panics count, want 2", panics)
	}
	if text := log.String(); strings.Count(text, "level=ERROR") != 2 || !strings.Contains(text, "secret") || !strings.Contains(text, "fickleRecorder") {
		t.Errorf("the log lacks the panics or their stacks:\n%s", text)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// postRecord posts over a connection of its own.
func postRecord(t *testing.T, address string) (status int, answer string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	body := `{"benefit_id":"RSA","hash_id":"h","benefit_index":1,"page_total":2}`
	fmt.Fprintf(conn, "POST /benefits HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(text))), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, string(text)
}
