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
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
)

// seasoned is a connection that has gone to an event loop.
func seasoned(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := dialed(t, address)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	for range 2 { // a loop answers the second
		ask(t, conn, reader, emptyPost, http.StatusOK)
	}
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

func expectEnd(t *testing.T, reader *bufio.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, reader); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection is not closed: %v", err)
	}
}

// TestAConnectionThatIsMixedStaysWithFasthttpForLonger counts how many plain posts
// it takes to go to an event loop again.
func TestAConnectionThatIsMixedStaysWithFasthttpForLonger(t *testing.T) {
	t.Parallel()
	listener, address := guarded(t, Bounds{})
	conn, reader := seasoned(t, address)
	for _, posts := range []int{2, 4, 8} {
		ask(t, conn, reader, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound)
		before := listener.metrics.promoted.Load()
		for range posts - 1 {
			ask(t, conn, reader, emptyPost, http.StatusOK)
		}
		if again := listener.metrics.promoted.Load() - before; again != 0 {
			t.Errorf("it went to a loop before it had sent %d posts", posts)
		}
		for range 2 { // the second is answered there
			ask(t, conn, reader, emptyPost, http.StatusOK)
		}
		if again := listener.metrics.promoted.Load() - before; again != 1 {
			t.Errorf("it went to a loop %d times after %d posts, want once", again, posts)
		}
	}
	if promoted, back := listener.metrics.promoted.Load(), listener.metrics.handedBack.Load(); promoted != 4 || back != 3 {
		t.Errorf("it went to a loop %d times and back %d times, want 4 and 3", promoted, back)
	}
}

// TestAClientThatTakesNoAnswersIsReadNoFurther has a client send without reading,
// until the server stops reading too, and then take everything.
func TestAClientThatTakesNoAnswersIsReadNoFurther(t *testing.T) {
	t.Parallel()
	_, address := guarded(t, Bounds{})
	const requests = 60000 // whose answers are more than sockets hold
	conn, reader := seasoned(t, address)
	var sent atomic.Int64
	go func() {
		for range requests {
			if _, err := io.WriteString(conn, emptyPost); err != nil {
				return // the reader notices
			}
			sent.Add(1)
		}
	}()
	for before := int64(-1); sent.Load() != before; time.Sleep(500 * time.Millisecond) {
		before = sent.Load()
	}
	if sent.Load() == requests {
		t.Error("the server has read everything, and its answers wait in memory")
	}
	other, otherReader := seasoned(t, address)
	ask(t, other, otherReader, emptyPost, http.StatusOK) // which is served meanwhile
	for range requests {
		told(t, reader, http.StatusOK)
	}
}

func TestAClientThatTakesNoAnswersInTimeLosesItsConnection(t *testing.T) {
	t.Parallel()
	listener, address := guarded(t, Bounds{WriteTimeout: 300 * time.Millisecond})
	conn, _ := seasoned(t, address)
	conn.(*net.TCPConn).SetReadBuffer(2 << 10)
	for err := error(nil); err == nil; {
		_, err = io.WriteString(conn, emptyPost)
	}
	expectTimedOut(t, listener)
	for deadline := time.Now().Add(10 * time.Second); listener.count() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its place is not free")
		}
	}
}

func TestAConnectionInALoopMakesRoomForANewOne(t *testing.T) {
	t.Parallel()
	listener, address := guarded(t, Bounds{Connections: 2})
	older, olderReader := seasoned(t, address)
	newer, newerReader := seasoned(t, address)
	ask(t, older, olderReader, emptyPost, http.StatusOK)
	time.Sleep(leastWait + 2*coarseTick)
	ask(t, older, olderReader, emptyPost, http.StatusOK) // so that the newer one has waited longer
	third, thirdReader := seasoned(t, address)
	ask(t, third, thirdReader, emptyPost, http.StatusOK)
	ask(t, older, olderReader, emptyPost, http.StatusOK)
	expectEnd(t, newerReader)
	newer.Close()
	if evicted := listener.metrics.defence.evicted.Load(); evicted != 1 {
		t.Errorf("%d connections had to go, want 1", evicted)
	}
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

// promising is a server whose acknowledgements wait for a disk that the test settles.
func promising(t *testing.T, bounds Bounds, origins Origins) (server *Server, disk *brokenDisk, address string) {
	t.Helper()
	disk = &brokenDisk{added: make(chan struct{}, 10)}
	server = stubServer(t, disk, slog.DiscardHandler)
	disk.store = server.config.Store
	server.config.Origins, server.config.Bounds = origins, bounds.withDefaults()
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

// waiting has a connection in a loop wait for a commit.
func waiting(t *testing.T, disk *brokenDisk, conn net.Conn, request string) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	select {
	case <-disk.added:
		disk.added <- struct{}{} // for settle
	case <-time.After(20 * time.Second):
		t.Fatal("the request does not come to the disk")
	}
}

// TestAConnectionThatWaitsForACommitKeepsItsPlace has a connection wait for a slow
// disk whose last request is answered by itself, and another want its place.
func TestAConnectionThatWaitsForACommitKeepsItsPlace(t *testing.T) {
	t.Parallel()
	server, disk, address := promising(t, Bounds{Connections: 1, WriteTimeout: 300 * time.Millisecond}, Origins{any: true})
	conn, reader := seasoned(t, address)
	waiting(t, disk, conn, onePost+postHead+"Content-Length: 1\r\n\r\n{")
	time.Sleep(2 * leastWait)
	other := dialed(t, address)
	other.SetDeadline(time.Now().Add(20 * time.Second))
	told(t, bufio.NewReader(other), http.StatusServiceUnavailable)
	disk.settle(1, nil)
	told(t, reader, http.StatusOK)
	told(t, reader, http.StatusUnprocessableEntity)
	if d := &server.metrics.defence; d.evicted.Load()+d.timedOut.Load() > 0 {
		t.Error("the connection counts as one that had to go")
	}
}

// TestAStopWaitsForPromises stops a server while one client waits for a commit,
// and another has gone away meanwhile.
func TestAStopWaitsForPromises(t *testing.T) {
	t.Parallel()
	server, disk, address := promising(t, Bounds{}, Origins{any: true})
	stays, reader := seasoned(t, address)
	leaves, _ := seasoned(t, address)
	waiting(t, disk, leaves, onePost)
	leaves.(*net.TCPConn).SetLinger(0)
	leaves.Close()
	for deadline := time.Now().Add(20 * time.Second); server.listener.Load().count() > 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the client that has gone is still connected")
		}
	}
	waiting(t, disk, stays, onePost+onePost)
	for deadline := time.Now().Add(20 * time.Second); len(disk.added) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the requests do not come to the disk")
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(context.Background()) }()
	select {
	case <-stopped:
		t.Fatal("the server has stopped before the disk said anything")
	case <-time.After(200 * time.Millisecond):
	}
	disk.settle(3, nil)
	for _, last := range []bool{false, true} {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		if response.StatusCode != http.StatusOK || response.Close != last {
			t.Errorf("status %d, and that it is the last one: %v; want 200 and %v", response.StatusCode, response.Close, last)
		}
	}
	expectEnd(t, reader)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if accepted := server.metrics.Accepted(); accepted != 3 {
		t.Errorf("%d records count as accepted, want 3, of which one is from the client that has gone", accepted)
	}
}

// TestAPromiseThatCannotBeKeptIsAnsweredWithARetry has commits fail while
// connections in a loop wait for them.
func TestAPromiseThatCannotBeKeptIsAnsweredWithARetry(t *testing.T) {
	t.Parallel()
	origins := Origins{list: [][]byte{[]byte("https://example.org")}}
	server, disk, address := promising(t, Bounds{}, origins)
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
	if accepted := server.metrics.Accepted(); accepted != 12 || statuses[503] != 12 || statuses[200] != 12+6 {
		t.Errorf("%d records are accepted, and statuses are %v; want 12, 12 times 503, 18 times 200", accepted, statuses)
	}
}

// TestWhatNeverComesEndsAConnectionInALoop has what a client does not send in time.
func TestWhatNeverComesEndsAConnectionInALoop(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, sent string
		statuses   []int
	}{
		{"another request", "", nil},
		{"the rest of a header", "POST /ben", []int{408}},
		{"the rest of a body", postHead + "Content-Length: 9\r\n\r\n[", []int{408}},
		{"the rest of what is not a plain post", "GET /x HTTP/1.1\r\nHos", []int{408}},
		{"the rest of a second body", emptyPost + postHead + "Content-Length: 9\r\n\r\n[", []int{200, 408}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listener, address := guarded(t, Bounds{ReadTimeout: 400 * time.Millisecond, IdleTimeout: 400 * time.Millisecond})
			conn, reader := seasoned(t, address)
			io.WriteString(conn, test.sent)
			for _, status := range test.statuses {
				told(t, reader, status)
			}
			expectEnd(t, reader)
			expectTimedOut(t, listener)
		})
	}
}
