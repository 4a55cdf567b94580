package contract

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// headerKey is how a client names a batch.
const headerKey = "Idempotency-Key"

// postWith posts a body with a key in the query.
func postWith(t testing.TB, s *blackbox.Server, key, body string, headers ...string) blackbox.Reply {
	t.Helper()
	headers = append([]string{"Content-Type", "text/plain"}, headers...)
	return s.Do(t, http.MethodPost, "/benefits?idempotency_key="+url.QueryEscape(key), body, headers...)
}

// keyed is a request for Client.Do, where there may be no good answer.
func keyed(t testing.TB, p *blackbox.Program, key, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, p.URL+"/benefits", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, headerKey: {key}}
	return request
}

// partly is a body with a good record of a benefit and two bad ones.
func partly(benefit string) string {
	return blackbox.Array(blackbox.RecordOf(benefit), blackbox.Record(blackbox.Fields{"event_type": `"wrong"`}), "7")
}

func TestABatchIsCountedOnceHoweverItsKeyIsSpelled(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"a word": "k", "a UUID": "4c1f8a52-7d0e-4b5b-9a57-2f2f0c6f1d3e", "64 bytes": strings.Repeat("x", 64),
		"all signs": `!#$%&'()*+,-./:;<=>?@[]^_{|}~`, "a quote inside": `a"b`, "a backslash": `a\b`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := blackbox.StartServer(t, nil)
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
			for range 2 {
				s.Created(t, blackbox.RecordOf("RSA"), headerKey, key)
				s.Created(t, blackbox.RecordOf("RSA"), headerKey, quoted)
				postWith(t, s, key, blackbox.RecordOf("RSA")).ExpectCreated(t)
				postWith(t, s, quoted, blackbox.RecordOf("RSA"), headerKey, key).ExpectCreated(t)
			}
			s.ExpectTotal(t, "RSA", 1)
		})
	}
}

func TestAnotherKeyOrNoneIsAnotherBatch(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, key := range []string{"a", "A", "b", "", ""} {
		s.Created(t, blackbox.RecordOf("RSA"), headerKey, key)
	}
	s.ExpectTotal(t, "RSA", 5)
}

func TestTheAnswerToABatchThatCameBeforeIsTheFirst(t *testing.T) {
	t.Parallel()
	many := blackbox.Array(strings.TrimSuffix(strings.Repeat(`{"benefit_id":"`+strings.Repeat("é", 30)+`","event_type":"\u0000"},`, 300), ","))
	for name, body := range map[string]string{
		"all good": blackbox.Times(30, blackbox.RecordOf("RSA")), "nothing": "[]", "partly good": partly("RSA"),
		"one bad record": blackbox.Record(blackbox.Fields{"version": `"x"`}), "all bad": "[1,2,3]", "very many bad": many,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := blackbox.StartServer(t, nil)
			first, counts := s.Post(t, body, headerKey, "k"), s.Get(t, "/statistics").Body
			s.AlsoAfterRestart(t, func(t *testing.T) {
				for range 2 {
					s.Post(t, body, headerKey, "k").Expect(t, first.Status, first.Body)
				}
				s.Get(t, "/statistics").Expect(t, http.StatusOK, counts)
			})
		})
	}
}

// TestTheFirstAnswerStaysThoughItWouldBeAnotherToday changes what is a good record.
func TestTheFirstAnswerStaysThoughItWouldBeAnotherToday(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	body := blackbox.Record(blackbox.Fields{"event_type": `"survey"`})
	first := s.Post(t, body, headerKey, "k")
	first.ExpectSingleRejected(t, "event_type")
	s.Config.EventTypes = []string{"survey"}
	s.Restart(t)
	s.Post(t, body, headerKey, "k").Expect(t, first.Status, first.Body)
	s.ExpectNothing(t)
	s.Created(t, body, headerKey, "another")
	s.Config.EventTypes = nil
	s.Restart(t)
	s.Created(t, body, headerKey, "another")
	s.ExpectTotal(t, "RSA", 1)
}

func TestAKeyWithAnotherBodyIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for _, body := range []string{blackbox.RecordOf("APL"), blackbox.RecordOf("RSA") + " ", "[]", "no JSON"} {
			message := s.Post(t, body, headerKey, "k").ExpectMessage(t, http.StatusUnprocessableEntity)
			if !strings.Contains(message, "another body") {
				t.Errorf("the message is %q, want it to name the other body", message)
			}
		}
		s.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
		s.ExpectTotal(t, "RSA", 1)
		s.ExpectTotal(t, "APL", 0)
	})
}

// TestABodyIsTheSameHoweverItIsSent goes by the bytes after inflation.
func TestABodyIsTheSameHoweverItIsSent(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	body := partly("RSA")
	first := s.Post(t, body, headerKey, "k")
	for _, encoding := range blackbox.Encodings() {
		sent := blackbox.Encode(t, encoding, body)
		s.Post(t, sent, "Content-Encoding", encoding, headerKey, "k").Expect(t, first.Status, first.Body)
	}
	s.Post(t, body, "Content-Type", "text/plain", headerKey, "k").Expect(t, first.Status, first.Body)
	s.Post(t, body, "Content-Type", "application/json; charset=UTF-8", headerKey, "k").Expect(t, first.Status, first.Body)
	chunked := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nIdempotency-Key: k\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	s.Raw(t, chunked).Expect(t, first.Status, first.Body)
	s.ExpectTotal(t, "RSA", 1)
}

func TestWhatIsNoKeyIsRefusedAndSaysWhatAKeyIs(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post := func(head string) blackbox.Reply {
		body := blackbox.RecordOf("RSA")
		return s.Raw(t, fmt.Sprintf("POST %s\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(body), body))
	}
	for _, key := range []string{"", `""`, "a b", `"a b"`, "é", "a\tb", strings.Repeat("x", 65), `"` + strings.Repeat("x", 65) + `"`, `"a`, `"`, `"a"b"`, `"a\"`, `"a\b"`, `"a";p=1`} {
		for _, head := range []string{
			"/benefits HTTP/1.1\r\nIdempotency-Key: " + key,
			"/benefits?idempotency_key=" + url.QueryEscape(key) + " HTTP/1.1",
		} {
			if message := post(head).ExpectMessage(t, http.StatusUnprocessableEntity); !strings.Contains(message, "1 to 64 bytes") {
				t.Errorf("%q: the message is %q, want it to say what a key is", head, message)
			}
		}
	}
	for _, head := range []string{
		"/benefits HTTP/1.1\r\nIdempotency-Key: a\r\nIdempotency-Key: b",
		"/benefits?idempotency_key=a&idempotency_key=b HTTP/1.1",
		"/benefits?idempotency_key=a HTTP/1.1\r\nIdempotency-Key: b",
	} {
		if message := post(head).ExpectMessage(t, http.StatusUnprocessableEntity); !strings.Contains(message, "different") {
			t.Errorf("%q: the message is %q, want it to say that the keys differ", head, message)
		}
	}
	s.ExpectNothing(t)
	post("/benefits/?other=1&idempotency_key=a HTTP/1.1\r\nidempotency-key: a").ExpectCreated(t)
	post("/benefits?other=1 HTTP/1.1").ExpectCreated(t)
	s.ExpectTotal(t, "RSA", 2)
}

// TestOnlyAFinalAnswerIsKept has first posts fail that may go well later.
func TestOnlyAFinalAnswerIsKept(t *testing.T) {
	t.Parallel()
	good := blackbox.RecordOf("RSA")
	for name, test := range map[string]struct {
		status  int
		body    string
		headers []string
	}{
		"too large":           {http.StatusRequestEntityTooLarge, good + strings.Repeat(" ", 400), nil},
		"too large, inflated": {http.StatusRequestEntityTooLarge, blackbox.Encode(t, "gzip", good+strings.Repeat(" ", 400)), []string{"Content-Encoding", "gzip"}},
		"of another type":     {http.StatusUnsupportedMediaType, good, []string{"Content-Type", "text/html"}},
		"of another coding":   {http.StatusUnsupportedMediaType, good, []string{"Content-Encoding", "lzma"}},
		"badly coded":         {http.StatusUnprocessableEntity, good, []string{"Content-Encoding", "gzip"}},
		"no JSON":             {http.StatusUnprocessableEntity, good + "}", nil},
		"no record":           {http.StatusUnprocessableEntity, "7", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := blackbox.StartServer(t, func(c *service.Config) { c.MaxBodyBytes = 400 })
			for range 2 {
				s.Post(t, test.body, append(test.headers, headerKey, "k")...).ExpectMessage(t, test.status)
			}
			s.Created(t, good, headerKey, "k")
			s.Created(t, good, headerKey, "k")
			s.ExpectTotal(t, "RSA", 1)
		})
	}
}

func TestAClientThatSendsTooMuchLeavesNoKey(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.RateLimit, c.RateBurst = clock.Now, 1, 3 })
	body := blackbox.Times(3, blackbox.RecordOf("RSA"))
	s.Created(t, body)
	s.Post(t, body, headerKey, "k").ExpectMessage(t, http.StatusTooManyRequests)
	clock.Set(t, "2026-11-23T10:31:00Z")
	s.Created(t, body, headerKey, "k")
	s.ExpectTotal(t, "RSA", 6)
	clock.Set(t, "2026-11-23T10:31:01Z")
	s.Created(t, body, headerKey, "k") // which costs as much as one record
	s.ExpectTotal(t, "RSA", 6)
}

// TestTwoOfABatchAtOnceCountOnce sends the second of each batch while the first waits for
// its sync, on another connection.
func TestTwoOfABatchAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := startSlow(t, directory, 200*time.Millisecond, "DURABILITY=always")
	p.Created(t, blackbox.RecordOf("first")) // the journal is begun
	bodies := map[string]string{"good": blackbox.RecordOf("RSA"), "partly": partly("RSA")}
	began := time.Now()
	answers := map[string][]blackbox.Reply{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for key, body := range bodies {
		for range 5 {
			all.Go(func() {
				answer := postWith(t, p.Server, key, body)
				if waited := time.Since(began); waited < 200*time.Millisecond {
					t.Errorf("an answer came after %v, before anything was durable", waited)
				}
				mu.Lock()
				defer mu.Unlock()
				answers[key] = append(answers[key], answer)
			})
		}
	}
	all.Wait()
	for key, got := range answers {
		for _, answer := range got {
			answer.Expect(t, got[0].Status, got[0].Body)
		}
		postWith(t, p.Server, key, bodies[key]).Expect(t, got[0].Status, got[0].Body)
	}
	p.ExpectTotal(t, "RSA", 2)
}

// TestABatchThatComesTwiceInARowCountsOnce sends all at once on one connection, in each way
// in which a connection is served.
func TestABatchThatComesTwiceInARowCountsOnce(t *testing.T) {
	t.Parallel()
	p := startSlow(t, t.TempDir(), 50*time.Millisecond, "DURABILITY=always")
	body := blackbox.RecordOf("RSA")
	post := func(query, fields string) string {
		return fmt.Sprintf("POST /benefits%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n%sContent-Length: %d\r\n\r\n%s", query, fields, len(body), body)
	}
	for n, requests := range [][]string{
		{post("", "Idempotency-Key: a\r\n"), post("", "Idempotency-Key: a\r\n"), post("", ""), post("", "Idempotency-Key: \"a\"\r\n")},
		{post("?idempotency_key=b", ""), post("?idempotency_key=b", ""), post("", "Idempotency-Key: b\r\n"), post("", "")},
		{"GET /nowhere HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", post("", ""), post("", "Idempotency-Key: c\r\n"), post("?idempotency_key=c", "")},
	} {
		conn := p.Dial(t)
		if _, err := io.WriteString(conn, strings.Join(requests, "")); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		for range requests {
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			blackbox.ReadReply(t, response)
		}
		p.ExpectTotal(t, "RSA", 2*(n+1))
	}
}

// TestABatchWhoseAnswerWasLostCountsOnce kills the server at each step of a commit, and
// sends the batch again to the next one.
func TestABatchWhoseAnswerWasLostCountsOnce(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"always", "everysec"} {
		for _, place := range []string{"journal.write.before", "journal.write.after", "journal.sync.before", "journal.sync.after"} {
			t.Run(durability+" "+place, func(t *testing.T) {
				t.Parallel()
				directory, body := t.TempDir(), partly("RSA")
				p := startSlow(t, directory, 0, "DURABILITY="+durability, "STATS_RECORDER_FAILPOINT="+place+":3")
				answers := map[int]blackbox.Reply{}
				for n := 0; ; n++ { // until it crashes
					response, err := p.Client.Do(keyed(t, p, fmt.Sprint(n), body))
					if err != nil {
						break
					}
					answers[n] = blackbox.ReadReply(t, response)
				}
				p.Kill(t)
				p = blackbox.StartProgram(t, directory, []string{"DURABILITY=" + durability})
				for n := range len(answers) + 1 {
					again := p.Post(t, body, headerKey, fmt.Sprint(n))
					if first, answered := answers[n]; answered {
						again.Expect(t, first.Status, first.Body)
					}
					p.Post(t, body, headerKey, fmt.Sprint(n)).Expect(t, again.Status, again.Body)
				}
				p.ExpectTotal(t, "RSA", len(answers)+1)
			})
		}
	}
}

func TestWhatCouldNotBeSavedLeavesNoKey(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "before")
	limitFileSize(t, p.ID(), 16)
	body := partly("RSA")
	for range 2 {
		response, err := p.Client.Do(keyed(t, p, "k", body))
		if err != nil {
			t.Fatal(err)
		}
		blackbox.ReadReply(t, response).ExpectMessage(t, http.StatusServiceUnavailable)
	}
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "before") // nothing needs to be saved for it
	limitFileSize(t, p.ID(), 1<<40)
	first := p.Post(t, body, headerKey, "k")
	first.ExpectStatus(t, http.StatusUnprocessableEntity)
	p.Kill(t)
	p = blackbox.StartProgram(t, directory, nil)
	p.Post(t, body, headerKey, "k").Expect(t, first.Status, first.Body)
	p.ExpectTotal(t, "RSA", 2)
}

// TestAKeyIsForgottenAfterItsWindow has a window of a second, in the life of one server and
// over two.
func TestAKeyIsForgottenAfterItsWindow(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	window := []string{"IDEMPOTENCY_WINDOW=1s"}
	p := blackbox.StartProgram(t, directory, window)
	countsAgain := func(had int) {
		t.Helper()
		harnesstest.Until(t, "the key is forgotten", func() bool {
			p.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
			return p.Total(t, "RSA", "") > had
		})
	}
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
	p.ExpectTotal(t, "RSA", 1)
	countsAgain(1)
	p.Kill(t)
	p = blackbox.StartProgram(t, directory, window)
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
	p.ExpectTotal(t, "RSA", 2)
	countsAgain(2)
	p.Terminate(t)
	p = blackbox.StartProgram(t, directory, []string{"IDEMPOTENCY_WINDOW=0"})
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "k")
	p.Created(t, blackbox.RecordOf("RSA"), headerKey, "not a key")
	p.ExpectTotal(t, "RSA", 5)
}

// TestNoClockForgetsOrKeepsAKey has the clock jump, while the server runs and between two.
func TestNoClockForgetsOrKeepsAKey(t *testing.T) {
	t.Parallel()
	clock, address := &skewedClock{}, freeAddress(t)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.AdminAddr = clock.now, address })
	jumps := []time.Duration{days(3650), -days(20000), days(2), -time.Hour, 0}
	for n, jump := range jumps {
		s.Created(t, blackbox.RecordOf("RSA"), headerKey, fmt.Sprint(n))
		clock.set(jump)
		if n%2 == 0 {
			s.Restart(t)
		}
		for known := range n + 1 {
			s.Created(t, blackbox.RecordOf("RSA"), headerKey, fmt.Sprint(known))
		}
	}
	s.ExpectTotal(t, "RSA", len(jumps))
}

func TestAFullWindowForgetsTheOldestKeyAndSaysSo(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := blackbox.StartServer(t, func(c *service.Config) { c.IdempotencyKeys, c.AdminAddr = 3, address })
	for _, key := range []string{"1", "2", "3", "4", "4", "2"} {
		s.Created(t, blackbox.RecordOf("RSA"), headerKey, key)
	}
	s.ExpectTotal(t, "RSA", 4)
	s.Post(t, blackbox.RecordOf("APL"), headerKey, "4").ExpectMessage(t, http.StatusUnprocessableEntity)
	values := scrape(t, "http://"+address)
	for name, want := range map[string]float64{
		"stats_recorder_idempotency_keys": 3, "stats_recorder_idempotency_keys_forgotten_total": 1,
		`stats_recorder_repeated_batches_total{outcome="answered"}`: 2, `stats_recorder_repeated_batches_total{outcome="other_body"}`: 1,
	} {
		if values[name] != want {
			t.Errorf("%s is %v, want %v", name, values[name], want)
		}
	}
	s.Restart(t)
	s.Created(t, blackbox.RecordOf("RSA"), headerKey, "3")
	s.ExpectTotal(t, "RSA", 4)
	s.Created(t, blackbox.RecordOf("RSA"), headerKey, "1")
	s.ExpectTotal(t, "RSA", 5)
}
