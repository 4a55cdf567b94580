package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
)

// siege is a running server that is attacked while an honest client goes on
// recording and reading.
type siege struct {
	*blackbox.Program
	cancel   context.CancelFunc
	honest   sync.WaitGroup
	left     chan struct{} // closed when the honest client visits no more
	visits   atomic.Int64  // of the honest client
	recorded int           // by the honest client
	slowest  time.Duration
	failure  error
	hostile  []net.Conn
}

// honestPatience is how long the honest client waits for an answer.
const honestPatience = 5 * time.Second

// besiege starts the server and the honest client.
func besiege(t *testing.T, environment ...string) *siege {
	t.Helper()
	return beset(t, blackbox.StartProgram(t, t.TempDir(), environment))
}

func beset(t *testing.T, p *blackbox.Program) *siege {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &siege{Program: p, cancel: cancel, left: make(chan struct{})}
	if _, err := s.visit(ctx); err != nil { // it was there before the attack
		t.Fatal(err)
	}
	s.honest.Go(func() {
		defer close(s.left)
		s.visitAgain(ctx)
	})
	t.Cleanup(func() { s.cancel(); s.honest.Wait() })
	return s
}

// visitAgain visits in short intervals, until it is told to end or is not served.
func (s *siege) visitAgain(ctx context.Context) {
	interval := time.NewTicker(10 * time.Millisecond)
	defer interval.Stop()
	for s.failure == nil {
		took, err := s.visit(ctx)
		if ctx.Err() != nil {
			return
		}
		s.failure, s.slowest = err, max(s.slowest, took)
		s.visits.Add(1)
		select {
		case <-interval.C:
		case <-ctx.Done():
			return
		}
	}
}

// goesOn lets the attack work until the honest client has been served some times more,
// or is not served.
func (s *siege) goesOn(t *testing.T, visits int64) {
	t.Helper()
	enough := s.visits.Load() + visits
	harnesstest.Until(t, "the honest client is served", func() bool {
		select {
		case <-s.left:
			return true
		default:
			return s.visits.Load() >= enough
		}
	})
}

// expectServed requires newcomers to be served, one after the other, once there is room
// for the first.
func (s *siege) expectServed(t *testing.T, newcomers int) {
	t.Helper()
	harnesstest.Until(t, "a newcomer is served", func() bool { return newcomer(s) == nil })
	for range newcomers {
		if err := newcomer(s); err != nil {
			t.Errorf("a newcomer: %v", err)
		}
	}
}

// visit records once and reads once.
func (s *siege) visit(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	if err := s.ask(ctx, http.MethodPost, "/benefits", blackbox.RecordOf("honest")); err != nil {
		return 0, err
	}
	s.recorded++
	return time.Since(begin), s.ask(ctx, http.MethodGet, "/benefits?start_at=2999", "")
}

func (s *siege) ask(ctx context.Context, method, path, body string) error {
	// Once it is sent, its answer counts, so the end of the siege does not cancel it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), honestPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d: %.200s", method, path, response.StatusCode, answer)
	}
	return err
}

// survived ends the siege: the honest client was served all the time, each of
// its records counts once, and the server is not larger than it may be.
func (s *siege) survived(t *testing.T, mostMB int) {
	t.Helper()
	s.cancel()
	s.honest.Wait()
	if s.failure != nil {
		t.Errorf("the honest client: %v", s.failure)
	}
	megabytes := blackbox.ResidentBytes(t, s.Program) >> 20
	t.Logf("the honest client recorded %d times, at most in %v; the server has %d MB", s.recorded, s.slowest, megabytes)
	if megabytes > mostMB {
		t.Errorf("the server has %d MB, want at most %d", megabytes, mostMB)
	}
	s.ExpectTotal(t, "honest", s.recorded)
	hangUpAll(s.hostile)
	s.Client.CloseIdleConnections()
	s.Terminate(t)
}

// attackers connects n times, a few at a time. Those that are turned away are nil.
func (s *siege) attackers(t *testing.T, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	dialing := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range conns {
		dialing <- struct{}{}
		all.Go(func() {
			defer func() { <-dialing }()
			conns[i], _ = net.DialTimeout("tcp", s.Address, honestPatience)
		})
	}
	all.Wait()
	t.Cleanup(func() { hangUpAll(conns) })
	s.hostile = append(s.hostile, conns...)
	return conns
}

func hangUpAll(conns []net.Conn) {
	for _, conn := range conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// shout writes to all who are still connected.
func shout(conns []net.Conn, text string) {
	for _, conn := range conns {
		if conn != nil {
			conn.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(conn, text) // who is turned away cannot be helped
		}
	}
}

// countOpen is how many still are connected: all that they were sent is read.
func countOpen(conns []net.Conn) (open int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, conn := range conns {
		if conn == nil {
			continue
		}
		all.Go(func() {
			conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			_, err := io.Copy(io.Discard, conn)
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				mu.Lock()
				open++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return open
}

const attackHead = "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

func TestWhoSendsAByteAtATimeDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{
		"header": "GET /statistics HTTP/1.1\r\nHost: x\r\nPadding: ",
		"body":   attackHead + "Content-Length: 100000\r\n\r\n[",
		"chunks": attackHead + "Transfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := besiege(t, "READ_TIMEOUT=1500ms", "MAX_CONNECTIONS=100")
			conns := s.attackers(t, 300)
			shout(conns, start)
			drip := " "
			if name == "chunks" {
				drip = "1\r\n \r\n"
			}
			open := countOpen(conns) // which takes a while
			for drips := 0; open > 0 && drips < 8; drips++ {
				shout(conns, drip)
				if err := newcomer(s); err != nil {
					t.Log("a newcomer:", err) // while all attackers are new, there is no place
				}
				open = countOpen(conns)
			}
			if err := newcomer(s); err != nil {
				t.Errorf("a newcomer, after all: %v", err)
			}
			if open > 0 {
				t.Errorf("%d of 300 who send a byte at a time are still connected", open)
			}
			s.survived(t, 100)
		})
	}
}

// newcomer asks over a connection of its own.
func newcomer(s *siege) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: honestPatience}
	response, err := client.Get(s.URL + "/benefits")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(new([]any))
}

func TestTenThousandIdleConnectionsDoNotStopOthers(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	conns := s.attackers(t, 10_000)
	open := 0
	harnesstest.Until(t, "the surplus of 10,000 idle connections is closed", func() bool {
		open = countOpen(conns)
		return open <= 4096
	})
	s.expectServed(t, 20) // by now those that are open wait for too long
	if open < 3000 {
		t.Errorf("%d of 10,000 idle connections are open, want nearly MAX_CONNECTIONS", open)
	}
	hangUpAll(conns)
	s.survived(t, 300)
}

func TestDeclaredLengthsTakeNoMemory(t *testing.T) {
	t.Parallel()
	s := besiege(t, "MAX_BODY_BYTES=67108864", "MAX_CONNECTIONS=2000") // else there were places for few
	conns := s.attackers(t, 1000)
	shout(conns, attackHead+"Content-Length: 67108864\r\n\r\n"+strings.Repeat(" ", 9000))
	s.goesOn(t, 30)
	s.survived(t, 200)
}

func TestReadersWhoNeverReadDoNotStopOthers(t *testing.T) {
	t.Parallel()
	s := besiege(t, "WRITE_TIMEOUT=1s", "MAX_ANSWER_BYTES=3000000")
	var records []string
	for index := 1; index <= 1000; index++ {
		for _, event := range []string{"show", "close"} {
			records = append(records, blackbox.Record(blackbox.Fields{"benefit_index": fmt.Sprint(index), "page_total": "1000", "event_type": blackbox.Quote(event)}))
		}
	}
	for range 20 {
		benefit := blackbox.Quote(fmt.Sprint("large ", len(records), time.Now().UnixNano()))
		for half := range 4 {
			body := blackbox.Array(records[half*500 : half*500+500]...)
			s.Created(t, strings.ReplaceAll(body, `"benefit_id":`+blackbox.Quote("RSA"), `"benefit_id":`+benefit))
		}
	}
	size := len(s.Get(t, "/statistics").Body)
	conns := s.attackers(t, 100)
	for _, conn := range conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetReadBuffer(4096)
		}
	}
	shout(conns, strings.Repeat("GET /statistics HTTP/1.1\r\nHost: x\r\n\r\n", 50))
	s.goesOn(t, 15)
	t.Logf("an answer has %d bytes", size)
	hangUpAll(conns)
	var got blackbox.Reply
	harnesstest.Until(t, "there is room for an answer", func() bool {
		got = s.statistics(t)
		return got.Status == http.StatusOK
	})
	const digits = 8 // by which the two counts of the honest client may have grown
	if len(got.Body) < size || len(got.Body) > size+digits {
		t.Errorf("/statistics has %d bytes once the attackers are gone, want %d", len(got.Body), size)
	}
	for range 20 { // the bytes of an answer without a body come back too
		s.Do(t, http.MethodHead, "/statistics", "").ExpectStatus(t, http.StatusOK)
	}
	s.survived(t, 150)
}

// statistics reads once; there may be no room for the answer.
func (s *siege) statistics(t *testing.T) blackbox.Reply {
	t.Helper()
	response, err := s.Client.Get(s.URL + "/statistics")
	if err != nil {
		t.Fatal(err)
	}
	return blackbox.ReadReply(t, response)
}

func TestAThousandPipelinedPostsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	conn := s.Dial(t)
	const posts = 1000
	bad := func(i int) bool { return i*i%7 == 2 }
	go func() {
		var all strings.Builder
		for i := range posts {
			body := blackbox.RecordOf("pipelined")
			if bad(i) {
				body = "{}"
			}
			fmt.Fprintf(&all, "%sContent-Length: %d\r\n\r\n%s", attackHead, len(body), body)
		}
		io.WriteString(conn, all.String())
	}()
	good := expectPipelined(t, conn, posts, bad)
	s.ExpectTotal(t, "pipelined", good)
	s.survived(t, 100)
}
