package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// okResponse is an answer such as the server gives.
func okResponse(date string) string {
	return "HTTP/1.1 200 OK\r\nServer: x\r\nDate: " + date + "\r\nContent-Type: application/json; charset=utf-8\r\n" +
		"Content-Length: 29\r\n\r\n" + `{"response":"Record created"}`
}

func TestResponsesAreReadHoweverTheyArrive(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
	large := "HTTP/1.1 201 Created\r\ncontent-length: 9000\r\n\r\n" + strings.Repeat("x", 9000)
	empty := "HTTP/1.1 204 No Content\r\n\r\n"
	sequence := []string{okResponse("a"), okResponse("a"), okResponse("b"), chunked, chunked, large, large, empty, empty,
		okResponse("b"), okResponse("a")}
	wire := strings.Join(sequence, "")
	for name, source := range map[string]io.Reader{
		"at once":       strings.NewReader(wire),
		"byte by byte":  iotest.OneByteReader(strings.NewReader(wire)),
		"half by half":  iotest.HalfReader(strings.NewReader(wire)),
		"with its end":  iotest.DataErrReader(strings.NewReader(wire)),
		"one at a time": &pieces{rest: sequence},
	} {
		responses := newResponseReader(source)
		for position := range sequence {
			if err := responses.expectSuccess(); err != nil {
				t.Fatalf("%s: response %d: %v", name, position, err)
			}
		}
		if err := responses.expectSuccess(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the last: %v", name, err)
		}
	}
}

// pieces is a connection on which each read gives at most one piece.
type pieces struct{ rest []string }

func (p *pieces) Read(buffer []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	count := copy(buffer, p.rest[0])
	if p.rest[0] = p.rest[0][count:]; p.rest[0] == "" {
		p.rest = p.rest[1:]
	}
	return count, nil
}

func TestWhatIsNotSuccessFails(t *testing.T) {
	for name, wire := range map[string]string{
		"status 503":      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
		"status 422":      "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 2\r\n\r\n{}",
		"status 304":      "HTTP/1.1 304 Not Modified\r\n\r\n",
		"closing":         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
		"cut in the head": "HTTP/1.1 200 OK\r\nContent-Le",
		"cut in the body": "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
		"not HTTP":        "+OK\r\n+OK\r\n\r\n",
		"nothing":         "",
	} {
		for _, before := range []string{"", okResponse("a") + okResponse("a")} {
			responses := newResponseReader(strings.NewReader(before + wire))
			for range strings.Count(before, "HTTP/1.1") {
				if err := responses.expectSuccess(); err != nil {
					t.Fatal(err)
				}
			}
			if err := responses.expectSuccess(); err == nil {
				t.Errorf("%s: taken for a success", name)
			}
		}
	}
}

func TestRefusalSaysWhy(t *testing.T) {
	responses := newResponseReader(strings.NewReader("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 23\r\n\r\n" + `{"message":"disk full"}`))
	err := responses.expectSuccess()
	if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "disk full") {
		t.Fatal(err)
	}
}
