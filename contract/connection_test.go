package contract

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// A connection begins in an event loop, and with some requests it leaves that for
// good: see httpapi/conn. These tests hold long-lived connections to what is
// promised of every one.

// seasoned is a connection of which a plain post has come, with what is read from it.
func seasoned(t testing.TB, s *blackbox.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection := s.Dial(t)
	reader := bufio.NewReader(connection)
	send(t, connection, plainPost("[]"))
	if got := answered(t, reader, http.MethodPost); got.Status != http.StatusOK {
		t.Fatalf("the first post: status %d", got.Status)
	}
	return connection, reader
}

func send(t testing.TB, connection net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// answered is the next answer on a connection.
func answered(t testing.TB, reader *bufio.Reader, method string) blackbox.Reply {
	t.Helper()
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return blackbox.ReadReply(t, response)
}

// plainPost is what the clients of the service send.
func plainPost(body string, headers ...string) string {
	return posted("POST /benefits HTTP/1.1\r\nHost: example.org\r\n", body, headers...)
}

func posted(beginning, body string, headers ...string) string {
	text := beginning + "Content-Type: application/json\r\n"
	for _, header := range headers {
		text += header + "\r\n"
	}
	return text + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// TestALaterRequestIsAnsweredLikeAFirst sends each request first on a connection
// of its own, and then on one that has been in use.
func TestALaterRequestIsAnsweredLikeAFirst(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.CORSDomain, c.MaxBodyBytes = "https://example.org", 1000 })
	good, post := blackbox.RecordOf("RSA"), "POST /benefits HTTP/1.1\r\n"
	for _, request := range []string{
		plainPost(good),
		plainPost(blackbox.Array(good, blackbox.Record(blackbox.Fields{"page_total": "0"}))),
		plainPost("{"), plainPost(""), plainPost("null"), plainPost("[]"),
		plainPost(good, "Origin: https://example.org"), plainPost(good, "Origin: https://other.org"),
		plainPost(good, "Connection: close"), plainPost(good, "Connection: keep-alive"),
		plainPost(good, "Expect: nothing"), plainPost(good, "Content-Type: text/html"),
		plainPost(good, "Content-Encoding: identity"), plainPost(good, "Content-Encoding: gzip"), plainPost(good, "Content-Encoding: x"),
		plainPost(good, "Transfer-Encoding: chunked"), plainPost(good, "Content-Length: 2"), plainPost(good, "Content-Length:"),
		plainPost(good, "X-Long: "+strings.Repeat("x", 7<<10)), plainPost(good, "X-Long: "+strings.Repeat("x", 9<<10)),
		plainPost(good, "no colon"), plainPost(good, " folded: line"), plainPost(good, "Host: example.com"),
		plainPost(good, "Stats-Recorder-Oversized: 1"), plainPost("", "Stats-Recorder-Oversized: 1"),
		plainPost(blackbox.Times(100, good)), plainPost(strings.Repeat(" ", 999)), plainPost(strings.Repeat(" ", 1001)),
		posted("POST /benefits HTTP/1.1\r\n", good),
		posted("POST /benefits HTTP/1.1\r\nHost: \r\n", good),
		posted("POST /benefits HTTP/1.1\r\nHost: a b\r\n", good),
		posted("POST /benefits HTTP/1.1\r\nHost: [::1\r\n", good),
		posted("POST /benefits HTTP/1.0\r\nHost: example.org\r\n", good),
		posted("POST /benefits HTTP/1.1\nHost: example.org\n", good),
		posted("POST /benefits/ HTTP/1.1\r\nHost: example.org\r\n", good),
		posted("POST /BENEFITS?source=page HTTP/1.1\r\nHost: example.org\r\n", good),
		posted("POST http://example.org/benefits HTTP/1.1\r\nHost: example.org\r\n", good),
		posted("POST /statistics HTTP/1.1\r\nHost: example.org\r\n", good),
		posted("PUT /benefits HTTP/1.1\r\nHost: example.org\r\n", good),
		posted("\r\nPOST /benefits HTTP/1.1\r\nHost: example.org\r\n", good),
		post + "Host: example.org\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
		post + "Host: example.org\r\nContent-Type: application/json\r\nContent-Length: +2\r\n\r\n[]",
		post + "Host: example.org\r\nContent-Type: application/json\r\nContent-Length: -2\r\n\r\n[]",
		post + "Host: example.org\r\nContent-Type: application/json\r\n\r\n",
		"GET /benefits HTTP/1.1\r\nHost: example.org\r\n\r\n",
		"HEAD /benefits?start_at=2020 HTTP/1.1\r\nHost: example.org\r\n\r\n",
		"GET /statistics HTTP/1.1\r\nHost: example.org\r\nOrigin: https://example.org\r\n\r\n",
		"OPTIONS /benefits HTTP/1.1\r\nHost: example.org\r\nAccess-Control-Request-Headers: content-type\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
		"nonsense\r\n\r\n",
	} {
		method, _, _ := strings.Cut(strings.TrimSpace(request), " ")
		connection := s.Dial(t)
		send(t, connection, request)
		first := exchanged(t, connection, bufio.NewReader(connection), method)

		connection, reader := seasoned(t, s)
		send(t, connection, request)
		if later := exchanged(t, connection, reader, method); later != first {
			t.Errorf("%.200q\nis answered first  %s\nand later          %s", request, first, later)
		}
	}
}

// exchanged is the answer to a request without what counting has changed, and
// whether the connection is closed afterwards.
func exchanged(t testing.TB, connection net.Conn, reader *bufio.Reader, method string) string {
	t.Helper()
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	got := blackbox.ReadReply(t, response)
	for _, moment := range []string{"Date", "Etag", "Content-Length"} {
		got.Header.Del(moment)
	}
	if got.Status == http.StatusOK && method == http.MethodGet {
		got.Body = "counts"
	}
	if response.Close {
		if _, err := reader.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection is open after Connection: close: %v", err)
		}
	} else {
		send(t, connection, plainPost("[]"))
		if next := answered(t, reader, http.MethodPost); next.Status != http.StatusOK {
			t.Errorf("the post after it has status %d", next.Status)
		}
	}
	return fmt.Sprintf("%d %v %s, closed: %v", got.Status, got.Header, got.Body, response.Close)
}

// TestRequestsThatComeTogetherAreAnsweredInTheirOrder sends many in pieces of
// random sizes, without waiting for answers.
func TestRequestsThatComeTogetherAreAnsweredInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"always", "everysec", "snapshot"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			s := blackbox.StartServer(t, func(c *service.Config) { c.Durability = durability })
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1))
			const requests = 400
			var wire bytes.Buffer
			var want [requests]int
			recorded := 0
			for i := range want {
				want[i] = http.StatusOK
				switch kind := random.IntN(20); kind {
				case 0:
					wire.WriteString("GET /benefits?start_at=2020 HTTP/1.1\r\nHost: example.org\r\n\r\n")
				case 1:
					wire.WriteString(plainPost("{"))
					want[i] = http.StatusUnprocessableEntity
				case 2:
					wire.WriteString(plainPost(blackbox.Array(blackbox.RecordOf("RSA"), "7")))
					want[i], recorded = http.StatusUnprocessableEntity, recorded+1
				case 3:
					wire.WriteString("GET /nothing HTTP/1.1\r\nHost: example.org\r\n\r\n")
					want[i] = http.StatusNotFound
				default:
					wire.WriteString(plainPost(blackbox.Times(kind, blackbox.RecordOf("RSA"))))
					recorded += kind
				}
			}
			connection, reader := seasoned(t, s)
			go func() {
				for wire.Len() > 0 {
					if _, err := connection.Write(wire.Next(1 + random.IntN(1+random.IntN(4000)))); err != nil {
						return // the reader notices
					}
				}
			}()
			for i, status := range want {
				if got := answered(t, reader, http.MethodPost); got.Status != status {
					t.Fatalf("answer %d has status %d, want %d", i, got.Status, status)
				}
			}
			s.ExpectTotal(t, "RSA", recorded)
		})
	}
}

func TestAClientThatSendsNoMoreGetsAllItsAnswers(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	const requests = 150
	connection, reader := seasoned(t, s)
	send(t, connection, strings.Repeat(plainPost(blackbox.RecordOf("RSA")), requests))
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for range requests {
		if got := answered(t, reader, http.MethodPost); got.Status != http.StatusOK {
			t.Errorf("status %d", got.Status)
		}
	}
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v, want the end", err)
	}
	s.ExpectTotal(t, "RSA", requests)
}

// TestAStopAnswersWhatHasCome stops a server whose connections are in every state.
func TestAStopAnswersWhatHasCome(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	const clients, requests = 20, 50
	var readers [clients]*bufio.Reader
	for i := range readers {
		var connection net.Conn
		connection, readers[i] = seasoned(t, s)
		if i%2 == 0 {
			send(t, connection, strings.Repeat(plainPost(blackbox.RecordOf("RSA")), requests))
			answered(t, readers[i], http.MethodPost) // so that what came with it has come too
		}
	}
	s.Stop()
	answers := clients / 2
	for i, reader := range readers {
		for {
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				break // it is closed
			}
			if got := blackbox.ReadReply(t, response); got.Status != http.StatusOK || i%2 == 1 {
				t.Errorf("client %d is answered with status %d", i, got.Status)
			}
			answers++
		}
	}
	s.Start(t)
	if total := s.Total(t, "RSA", ""); total != answers || total < clients/2 {
		t.Errorf("%d requests are answered, and %d count", answers, total)
	}
}

// TestConnectionsLeaveNothingBehind opens and ends many in all ways.
func TestConnectionsLeaveNothingBehind(t *testing.T) {
	p := blackbox.StartProgram(t, t.TempDir(), nil)
	use := func() {
		for i := range 60 {
			connection, reader := seasoned(t, p.Server)
			switch i % 5 {
			case 0:
				send(t, connection, plainPost(blackbox.RecordOf("RSA"))[:100])
			case 1:
				connection.(*net.TCPConn).SetLinger(0)
			case 2:
				send(t, connection, "GET /benefits HTTP/1.1\r\nHost: x\r\n\r\n")
				answered(t, reader, http.MethodGet)
			case 3:
				send(t, connection, plainPost(blackbox.RecordOf("RSA"), "Connection: close"))
				answered(t, reader, http.MethodPost)
			}
			connection.Close()
		}
	}
	use() // what is made once is there then
	before := descriptors(t, p)
	for range 5 {
		use()
	}
	harnesstest.Until(t, fmt.Sprintf("about %d descriptors are open, as before", before), func() bool {
		return descriptors(t, p) <= before+10
	})
}

// descriptors is how many files and sockets the server has open.
func descriptors(t testing.TB, p *blackbox.Program) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.ID()))
	if err != nil {
		t.Skipf("this system does not tell: %v", err)
	}
	return len(entries)
}
