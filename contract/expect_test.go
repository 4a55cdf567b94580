package contract

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// TestABodyThatWouldBeRefusedIsNotAskedFor sends heads of clients that wait to be
// asked for the body, which never comes.
func TestABodyThatWouldBeRefusedIsNotAskedFor(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	const body = "Content-Length: 80\r\n"
	for name, test := range map[string]struct {
		head   string
		status int
	}{
		"an unknown path":             {"POST /nowhere HTTP/1.1\r\nContent-Type: application/json\r\n" + body, http.StatusNotFound},
		"a path below a known one":    {"POST /benefits/x HTTP/1.1\r\nContent-Type: application/json\r\n" + body, http.StatusNotFound},
		"a method that is not taken":  {"PUT /benefits HTTP/1.1\r\nContent-Type: application/json\r\n" + body, http.StatusMethodNotAllowed},
		"a post where reads are":      {"POST /statistics HTTP/1.1\r\nContent-Type: application/json\r\n" + body, http.StatusMethodNotAllowed},
		"a type that is not taken":    {"POST /benefits HTTP/1.1\r\nContent-Type: application/xml\r\n" + body, http.StatusUnsupportedMediaType},
		"no type":                     {"POST /benefits HTTP/1.1\r\n" + body, http.StatusUnsupportedMediaType},
		"a foreign charset":           {"POST /benefits HTTP/1.1\r\nContent-Type: application/json; charset=utf-16\r\n" + body, http.StatusUnsupportedMediaType},
		"an encoding nobody inflates": {"POST /benefits HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: lzma\r\n" + body, http.StatusUnsupportedMediaType},
		"what is no idempotency key":  {"POST /benefits HTTP/1.1\r\nContent-Type: application/json\r\nIdempotency-Key: a b\r\n" + body, http.StatusUnprocessableEntity},
		"a parameter that is no key":  {"POST /benefits?idempotency_key= HTTP/1.1\r\nContent-Type: application/json\r\n" + body, http.StatusUnprocessableEntity},
		"a body of unknown length":    {"POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", http.StatusNotFound},
		"a read with a body":          {"GET /benefits HTTP/1.1\r\n" + body, http.StatusOK},
		"a preflight with a body":     {"OPTIONS /benefits HTTP/1.1\r\nOrigin: https://a.example\r\n" + body, http.StatusNoContent},
		"a body that is too large":    {"POST /benefits HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n", http.StatusRequestEntityTooLarge},
		"an expectation in any case":  {"POST /nowhere HTTP/1.1\r\n" + strings.ToUpper(body), http.StatusNotFound},
		"an expectation after a post": {"POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]POST /nowhere HTTP/1.1\r\n" + body, http.StatusNotFound},
	} {
		conn := s.Dial(t)
		if _, err := io.WriteString(conn, test.head+"Host: x\r\nExpect: 100-continue\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		var statuses []int
		for {
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				break // it closes, since nobody knows whether the body comes
			}
			io.Copy(io.Discard, response.Body)
			statuses = append(statuses, response.StatusCode)
		}
		if len(statuses) == 0 || statuses[len(statuses)-1] != test.status {
			t.Errorf("%s gets %d, want %d", name, statuses, test.status)
		}
		for _, status := range statuses {
			if status == http.StatusContinue {
				t.Errorf("%s is asked for", name)
			}
		}
	}
	// A good one is asked for, and recorded.
	conn, record := s.Dial(t), blackbox.RecordOf("RSA")
	head := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "
	if _, err := io.WriteString(conn, head+strconv.Itoa(len(record))+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if asked, err := http.ReadResponse(reader, nil); err != nil || asked.StatusCode != http.StatusContinue {
		t.Fatalf("got %v and %v, want 100", asked, err)
	}
	if _, err := io.WriteString(conn, record); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(reader, nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("got %v and %v, want 200", answer, err)
	}
	s.ExpectTotal(t, "RSA", 1)
}
