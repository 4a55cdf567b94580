package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"stats-recorder/harness"
)

// errBreach is wrapped by the error for an answer that the contract does not allow.
var errBreach = errors.New("the server broke its contract")

// outcome is what became of a request, as far as its client knows.
type outcome int

const (
	// unanswered: the connection ended first. The batch may be counted or not.
	unanswered outcome = iota
	// acknowledged: 200, the batch is counted.
	acknowledged
	// refused: 503, the batch is not counted, now or later.
	refused
)

// connection posts batches, one at a time.
type connection struct {
	net.Conn
	reader  *bufio.Reader
	request []byte
	body    []byte
}

func dial(address string) (*connection, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &connection{Conn: conn, reader: bufio.NewReader(conn)}, nil
}

// post sends a batch and waits for the answer. open says whether the connection
// can take another one. An error is a breach of the contract.
func (c *connection) post(next request, createdAt time.Time) (result outcome, open bool, err error) {
	c.compose(next, createdAt)
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return unanswered, false, nil
	}
	if _, err := c.Write(c.request); err != nil {
		return unanswered, false, nil
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return unanswered, false, fmt.Errorf("%w: POST /benefits: no answer in %v", errBreach, patience)
		}
		return unanswered, false, nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return unanswered, false, nil
	}
	result, err = judge(response, body)
	return result, !response.Close, err
}

// judge tells an acknowledgement from a refusal and holds both to the contract.
func judge(response *http.Response, body []byte) (outcome, error) {
	switch response.StatusCode {
	case http.StatusOK:
		if !bytes.Equal(body, []byte(`{"response":"Record created"}`)) {
			return acknowledged, fmt.Errorf("%w: POST /benefits: 200 with the body %.200q", errBreach, body)
		}
		return acknowledged, nil
	case http.StatusServiceUnavailable:
		if response.Header.Get("Retry-After") == "" || !hasMessage(body) {
			return refused, fmt.Errorf("%w: POST /benefits: 503 with Retry-After %q and the body %.200q",
				errBreach, response.Header.Get("Retry-After"), body)
		}
		return refused, nil
	default:
		return unanswered, fmt.Errorf("%w: POST /benefits: %s: %.200q", errBreach, response.Status, body)
	}
}

// hasMessage says whether a body is JSON of the form {"message":"…"}.
func hasMessage(body []byte) bool {
	var answer struct{ Message string }
	return json.Unmarshal(body, &answer) == nil && answer.Message != ""
}

// compose makes the bytes of a request. Records of the present carry no time.
func (c *connection) compose(next request, createdAt time.Time) {
	body := next.body
	if len(body) == 0 || !createdAt.IsZero() {
		c.body = appendBody(c.body[:0], next.records, createdAt)
		body = c.body
	}
	c.request = fmt.Appendf(c.request[:0],
		"POST /benefits HTTP/1.1\r\nHost: torture\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	c.request = append(c.request, body...)
}

func appendBody(b []byte, records tallies, createdAt time.Time) []byte {
	separator := byte('[')
	for _, counter := range sortedCounters(records) {
		for range records[counter] {
			b = append(b, separator)
			b = appendRecord(b, counter, createdAt)
			separator = ','
		}
	}
	return append(b, ']')
}

func appendRecord(b []byte, c harness.Counter, createdAt time.Time) []byte {
	b = fmt.Appendf(b, `{"benefit_id":%q,"hash_id":"torture","benefit_index":%d,"page_total":%d,"event_type":%q`,
		c.Benefit, c.Index, c.Total, c.Event)
	if !createdAt.IsZero() {
		b = fmt.Appendf(b, `,"created_at":%d`, createdAt.UnixMilli())
	}
	return append(b, '}')
}
