package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
)

const (
	postHead  = "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	emptyPost = postHead + "Content-Length: 2\r\n\r\n[]"
	onePost   = postHead + "Content-Length: 67\r\n\r\n" + `{"benefit_id":"RSA","hash_id":"h","benefit_index":1,"page_total":2}`
)

func dialed(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// seasoned is a connection on which something was posted.
func seasoned(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := dialed(t, address)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	ask(t, conn, reader, emptyPost, http.StatusOK)
	return conn, reader
}

// ask sends a request and returns the answer's header.
func ask(t *testing.T, conn net.Conn, reader *bufio.Reader, request string, status int) http.Header {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return told(t, reader, status)
}

// told is the header of the next answer.
func told(t *testing.T, reader *bufio.Reader, status int) http.Header {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("status %d, want %d", response.StatusCode, status)
	}
	return response.Header
}

// brokenDisk records into a store, and settles what was added when it is told to.
type brokenDisk struct {
	store *counters.Store
	added chan struct{}
}

func (d *brokenDisk) Record(batch *counters.Batch) (*counters.Ticket, error) {
	ticket, err := d.store.Add(batch)
	d.added <- struct{}{}
	return ticket, err
}

// settle ends a commit of so many batches.
func (d *brokenDisk) settle(batches int, err error) {
	for range batches {
		select {
		case <-d.added:
		case <-time.After(20 * time.Second):
			panic("too few batches came")
		}
	}
	delta := d.store.Seal()
	if err != nil {
		delta.Reject(err)
		return
	}
	delta.Commit()
}

// undecided is a server whose acknowledgements wait for a disk that the test settles.
func undecided(t *testing.T, origins Origins, changes ...func(*Config)) (server *Server, disk *brokenDisk, address string) {
	t.Helper()
	disk = &brokenDisk{added: make(chan struct{}, 10)}
	changes = append(changes, func(c *Config) { c.Origins, disk.store = origins, c.Store })
	server = stubServer(t, disk, slog.DiscardHandler, changes...)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(inner) }()
	t.Cleanup(func() {
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return server, disk, inner.Addr().String()
}

// TestACommitThatFailsIsAnsweredWithARetry has commits fail while connections wait
// for them.
func TestACommitThatFailsIsAnsweredWithARetry(t *testing.T) {
	t.Parallel()
	origins := Origins{list: [][]byte{[]byte("https://example.org")}}
	server, disk, address := undecided(t, origins)
	request := strings.Replace(onePost, "Host: x\r\n", "Host: x\r\nOrigin: https://example.org\r\n", 1)
	var conns [3]net.Conn
	var readers [3]*bufio.Reader
	for i := range conns {
		conns[i], readers[i] = seasoned(t, address)
	}
	for _, test := range []struct {
		outcome error
		status  int
		retry   string
	}{{nil, 200, ""}, {errors.New("no space"), 503, retryAfter}, {errors.New("no space"), 503, retryAfter}, {nil, 200, ""}} {
		for i := range conns {
			io.WriteString(conns[i], request+request)
		}
		disk.settle(2*len(conns), test.outcome)
		for i := range conns {
			for range 2 {
				header := told(t, readers[i], test.status)
				if got := header.Get("Retry-After"); got != test.retry {
					t.Errorf("Retry-After is %q, want %q", got, test.retry)
				}
				if origin, vary := header["Access-Control-Allow-Origin"], header["Vary"]; fmt.Sprint(origin, vary) != "[https://example.org] [Origin]" {
					t.Errorf("status %d: the headers for the page are %q and %q", test.status, origin, vary)
				}
				if len(header["Date"]) != 1 || len(header["Content-Type"]) != 1 {
					t.Errorf("status %d: the headers are %v", test.status, header)
				}
			}
		}
	}
	statuses := map[int]uint64{}
	server.metrics.Requests(func(_, _ string, status int, count uint64) { statuses[status] += count })
	if accepted := server.metrics.Accepted(); accepted != 12 || statuses[503] != 12 || statuses[200] != 12+3 {
		t.Errorf("%d records are accepted, and statuses are %v; want 12, 12 times 503, 15 times 200", accepted, statuses)
	}
}
