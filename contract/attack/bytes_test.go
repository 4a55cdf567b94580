package attack

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// expectPipelined reads the answers to posts, and returns how many were good.
func expectPipelined(t *testing.T, conn net.Conn, posts int, bad func(i int) bool) (good int) {
	t.Helper()
	reader := bufio.NewReader(conn)
	for i := range posts {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("answer %d of %d: %v", i, posts, err)
		}
		got, want := blackbox.ReadReply(t, response), http.StatusOK
		if bad(i) {
			want = http.StatusUnprocessableEntity
		} else {
			good++
		}
		got.ExpectStatus(t, want)
	}
	return good
}

// statusesOf sends bytes over a connection of its own, closes its sending side
// and returns the statuses of the answers, until the server closes too.
func (s *siege) statusesOf(t *testing.T, request string) (statuses []int) {
	t.Helper()
	conn := s.Dial(t)
	go func() {
		io.WriteString(conn, request) // the server may have closed by then
		conn.(*net.TCPConn).CloseWrite()
	}()
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		io.Copy(io.Discard, response.Body)
		statuses = append(statuses, response.StatusCode)
	}
}

func TestLengthsThatLieAreRefused(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"131072", "1048576"} { // small bodies are received in another way
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			expectLiesRefused(t, besiege(t, "READ_TIMEOUT=2s", "MAX_BODY_BYTES="+limit))
		})
	}
}

func expectLiesRefused(t *testing.T, s *siege) {
	t.Helper()
	body := blackbox.RecordOf("smuggled")
	length, chunk := strconv.Itoa(len(body)), strconv.FormatInt(int64(len(body)), 16)
	chunked := attackHead + "Transfer-Encoding: chunked\r\n\r\n"
	smuggled := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n" + body
	var all sync.WaitGroup
	// Of both a length and chunks, the chunks count; they are empty here, and no
	// second request is read after them.
	for request, want := range map[string]int{
		attackHead + "Content-Length: 1000000000000\r\n\r\n" + body:                                 413,
		attackHead + "Content-Length: 99999999999999999999999\r\n\r\n" + body:                       400,
		attackHead + "Content-Length: -1\r\n\r\n" + body:                                            400,
		attackHead + "Content-Length: +" + length + "\r\n\r\n" + body:                               400,
		attackHead + "Content-Length: 0x10\r\n\r\n" + body:                                          400,
		attackHead + "Content-Length: " + length + " " + length + "\r\n\r\n" + body:                 400,
		attackHead + "Content-Length: " + length + "\r\nContent-Length: 1\r\n\r\n" + body:           400,
		attackHead + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled:  422,
		attackHead + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n" + smuggled:  422,
		attackHead + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled:                      400,
		attackHead + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + smuggled:              400,
		attackHead + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled:                      400,
		attackHead + "Content-Length: 100000\r\n\r\n" + body:                                        400,
		attackHead + "Content-Length: 5000\r\n\r\n" + body:                                          400,
		chunked + "zz\r\n" + body + "\r\n0\r\n\r\n":                                                 400,
		chunked + "-1\r\n" + body + "\r\n0\r\n\r\n":                                                 400,
		chunked + "\r\n" + body + "\r\n0\r\n\r\n":                                                   400,
		chunked + "7fffffffffffffff\r\n" + body + "\r\n0\r\n\r\n":                                   400,
		chunked + "ffffffffffffffffff\r\n" + body + "\r\n0\r\n\r\n":                                 400,
		chunked + "1\r\n" + body + "\r\n0\r\n\r\n":                                                  400,
		chunked + chunk + "\r\n" + body + "0\r\n\r\n":                                               400,
		chunked + strings.Repeat("10000\r\n"+strings.Repeat(" ", 0x10000)+"\r\n", 40) + "0\r\n\r\n": 413,
		chunked + chunk + ";" + strings.Repeat("x", 100_000) + "\n\r\n" + body + "\r\n0\r\n\r\n":    400,
		strings.Replace(attackHead, "application/json", "multipart/form-data; boundary=b", 1) +
			"Content-Length: 44\r\n\r\n--b\r\nContent-Disposition: form-data\r\n\r\n--b--": 415,
	} {
		all.Go(func() {
			got := s.statusesOf(t, request)
			if silent := len(got) == 0 && want == 400; !silent && !slices.Equal(got, []int{want}) {
				t.Errorf("statuses %v, want one: %d, for %.200q", got, want, request)
			}
		})
	}
	all.Wait()
	s.ExpectTotal(t, "smuggled", 0)
	s.survived(t, 100)
}

func TestPathTricksFindNothing(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	body := blackbox.RecordOf("trick")
	for path, want := range map[string]int{
		"//benefits": 404, "/%62enefits": 404, "/x/../benefits": 404, "/./benefits": 404, "/benefits/.": 404, "/benefits/..": 404,
		"/benefits%2F": 404, "/benefits%00": 404, `\benefits`: 404, "/benefits;x": 404, "/benefits//": 404, "/ſtatistics": 404,
		"benefits": 404, "*": 404, "/": 404, "//": 404, "/../../etc/passwd": 404, "http://x/x/../benefits": 404,
		"/" + strings.Repeat("x", 6000): 404, "/" + strings.Repeat("x", 100_000): 431, "/benefits?" + strings.Repeat("&", 100_000): 431,
		"http://x/benefits": 200, "http://127.0.0.1/benefits?x": 200, "/benefits?x=%zz&%00=%": 200, "/benefits#x": 404,
	} {
		request := "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
			strconv.Itoa(len(body)) + "\r\n\r\n" + body
		if got := s.statusesOf(t, request); len(got) == 0 || (got[0] != want && !(want == 404 && got[0] == 400)) {
			t.Errorf("statuses %v, want %d, for %.100q", got, want, path)
		}
	}
	s.ExpectTotal(t, "trick", 3)
	s.survived(t, 100)
}

func TestBombsDoNotExplode(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	spaces := strings.Repeat(" ", 32<<20)
	var all sync.WaitGroup
	for _, encoding := range blackbox.Encodings() {
		bomb := blackbox.Encode(t, encoding, spaces)
		if len(bomb) > 128<<10 {
			t.Fatalf("the bomb has %d bytes", len(bomb))
		}
		for range 20 {
			all.Go(func() { s.PostAs(t, encoding, bomb).ExpectMessage(t, http.StatusRequestEntityTooLarge) })
		}
	}
	for range 50 {
		// A frame whose window has 512 MB, with a raw block of two bytes.
		all.Go(func() {
			s.PostAs(t, "zstd", "\x28\xb5\x2f\xfd\x00\x98\x11\x00\x00[]").ExpectMessage(t, http.StatusRequestEntityTooLarge)
		})
	}
	all.Wait()
	s.survived(t, 250)
}

func TestStrangeJSONDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := besiege(t, "MAX_BODY_BYTES=16777216")
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	objects := func(depth int) string { return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth) }
	good, unprocessable := http.StatusOK, http.StatusUnprocessableEntity
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"deep in an unknown field":       {blackbox.Record(blackbox.Fields{"extra": nested(9_000)}), good},
		"too deep in an unknown field":   {blackbox.Record(blackbox.Fields{"extra": nested(1_000_000)}), unprocessable},
		"too deep objects":               {blackbox.Record(blackbox.Fields{"extra": objects(1_000_000)}), unprocessable},
		"deep in a known field":          {blackbox.Record(blackbox.Fields{"abtesting": nested(9_000)}), good}, // of experiments, which nobody counts
		"too deep in a known field":      {blackbox.Record(blackbox.Fields{"benefit_id": nested(1_000_000)}), unprocessable},
		"too deep":                       {nested(1_000_000), unprocessable},
		"unfinished":                     {strings.Repeat("[", 1_000_000), unprocessable},
		"unfinished objects":             {strings.Repeat(`{"a":`, 1_000_000), unprocessable},
		"a huge number":                  {blackbox.Record(blackbox.Fields{"benefit_index": "1e999999"}), unprocessable},
		"a huge unknown number":          {blackbox.Record(blackbox.Fields{"extra": "1e999999"}), good},
		"a million digits":               {blackbox.Record(blackbox.Fields{"page_total": strings.Repeat("9", 1_000_000)}), unprocessable},
		"a million unknown digits":       {blackbox.Record(blackbox.Fields{"extra": strings.Repeat("9", 1_000_000)}), good},
		"a million digits after a point": {blackbox.Record(blackbox.Fields{"benefit_index": "1.5" + strings.Repeat("0", 1_000_000) + "1"}), unprocessable},
		"a long name":                    {blackbox.RecordOf(strings.Repeat("n", 64<<10)), unprocessable},
		"a long field":                   {blackbox.Record(blackbox.Fields{strings.Repeat("f", 64<<10): "1"}), good},
		"a million fields":               {"{" + strings.Repeat(`"f":1,`, 1_000_000) + `"f":1}`, unprocessable},
		"a million escapes":              {blackbox.RecordOf(strings.Repeat(`\`, 1_000_000)), unprocessable},
		"a million bad records":          {"[" + strings.Repeat("1,", 1_000_000) + "1]", unprocessable},
		"a million commas":               {"[" + strings.Repeat(",", 1_000_000) + "]", unprocessable},
		"a raw NUL":                      {"\x00" + blackbox.RecordOf("a"), unprocessable},
		"NUL in a name":                  {blackbox.Record(blackbox.Fields{"benefit_id": `"a\u0000b"`}), good},
		"invalid UTF-8":                  {blackbox.Record(blackbox.Fields{"benefit_id": "\"\xff\xfe\xc0\x80\xed\xa0\x80\""}), good},
		"a lone surrogate":               {blackbox.Record(blackbox.Fields{"benefit_id": `"\ud800"`}), good},
		"a prototype":                    {blackbox.Record(blackbox.Fields{"__proto__": `{"x":1}`, "benefit_id": `"__proto__"`, "constructor": "{}"}), good},
		"UTF-16":                         {"\xff\xfe{\x00}\x00", unprocessable},
	} {
		begin := time.Now()
		s.Post(t, test.body).ExpectStatus(t, test.want)
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if t.Failed() {
			t.Fatalf("that was %s", name)
		}
	}
	s.ExpectTotal(t, "__proto__", 1)
	s.ExpectTotal(t, "a\x00b", 1)
	s.survived(t, 400)
}

func TestAHundredThousandRecordsInOneBody(t *testing.T) {
	t.Parallel()
	s := besiege(t, "MAX_BODY_BYTES=33554432")
	const records = 100_000
	var body []string
	for i := range records {
		body = append(body, blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote("mass " + strconv.Itoa(i%500)), "page_total": strconv.Itoa(i%1000 + 1)}))
	}
	s.Created(t, blackbox.Array(body...))
	sum := 0
	for benefit, events := range s.Totals(t, "") {
		if strings.HasPrefix(benefit, "mass ") {
			sum += events["show"]
		}
	}
	if sum != records {
		t.Errorf("%d records count, want %d", sum, records)
	}
	s.survived(t, 400)
}

// TestRecordsOfOneShardDoNotStopOthers has the records of many clients fall
// into one of the shards, which benefits are spread over in turn.
func TestRecordsOfOneShardDoNotStopOthers(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	var names []string
	for i := range 512 {
		names = append(names, blackbox.RecordOf("b"+strconv.Itoa(i)))
	}
	s.Created(t, blackbox.Array(names...))
	var aimed []string
	for i := 0; i < len(names); i += 64 {
		aimed = append(aimed, names[i])
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 30 {
				s.Created(t, blackbox.Array(slices.Repeat(aimed, 30)...))
			}
		})
	}
	all.Wait()
	s.ExpectTotal(t, "b64", 1+16*30*30)
	s.survived(t, 150)
}
