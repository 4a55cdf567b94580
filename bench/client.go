package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// errRefused is returned for a response that is not a 2xx.
var errRefused = errors.New("server refused the request")

// errDropped is returned when a server does not answer a request but closes its
// connection, or does not take the request.
var errDropped = errors.New("connection dropped")

// client is one connection to whatever is under load. It is used by one
// goroutine at a time.
type client interface {
	// exchange sends the next requests of its walk at once and returns when all
	// are acknowledged, with the number of records in them.
	exchange(requests int) (records int, err error)
	// expire makes an exchange fail that lasts beyond the deadline, so that a
	// server that does not answer ends the run instead of hanging it.
	expire(deadline time.Time) error
	close() error
}

// walk is one connection's way through the requests of a workload: from its
// first on, one after the other, and round again.
type walk struct {
	traffic *workload
	first   int
	sent    int64 // acknowledged, all of them
}

// newWalks spreads the starts of some walks evenly over a workload.
func newWalks(traffic *workload, count int) []*walk {
	walks := make([]*walk, count)
	for position := range walks {
		walks[position] = &walk{traffic: traffic, first: position * traffic.count() / count}
	}
	return walks
}

// number returns which request is the one after the given number of next ones.
func (w *walk) number(ahead int) int {
	return int((int64(w.first) + w.sent + int64(ahead)) % int64(w.traffic.count()))
}

// acknowledged returns how often each request of the workload was acknowledged
// on the walks.
func acknowledged(traffic *workload, walks []*walk) []int64 {
	count := int64(traffic.count())
	times := make([]int64, count)
	rounds := int64(0)
	for _, one := range walks {
		rounds += one.sent / count
		for step := range one.sent % count {
			times[(int64(one.first)+step)%count]++
		}
	}
	for number := range times {
		times[number] += rounds
	}
	return times
}

// httpClient posts requests on one connection and checks every response.
type httpClient struct {
	connection net.Conn
	responses  responseReader
	walk       *walk
	composer   composer
	window     []byte // the requests of one exchange, when there are several
	reads      readMixer
}

// dialHTTP opens a connection for requests of a walk.
func dialHTTP(ctx context.Context, base *url.URL, way *walk) (*httpClient, error) {
	return dialHTTPFrom(ctx, &net.Dialer{}, base, way)
}

// dialHTTPFrom is dialHTTP with a dialer that may have an address of its own.
func dialHTTPFrom(ctx context.Context, from *net.Dialer, base *url.URL, way *walk) (*httpClient, error) {
	address := base.Host
	if base.Port() == "" {
		address = net.JoinHostPort(base.Hostname(), base.Scheme)
	}
	dial := from.DialContext
	if base.Scheme == "https" {
		secured := tls.Dialer{NetDialer: from, Config: &tls.Config{NextProtos: []string{"http/1.1"}}}
		dial = secured.DialContext
	}
	connection, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &httpClient{connection: connection, responses: newResponseReader(connection), walk: way}, nil
}

func (c *httpClient) exchange(requests int) (int, error) {
	if c.reads.isNext() {
		return 0, c.read()
	}
	wire, records := c.next(requests)
	if _, err := c.connection.Write(wire); err != nil {
		return 0, fmt.Errorf("send request: %w: %w", errDropped, err)
	}
	for range requests {
		if err := c.responses.expectSuccess(); err != nil {
			return 0, err
		}
		c.walk.sent++
	}
	return records, nil
}

// read asks once for what the server counted in a window without records.
func (c *httpClient) read() error {
	if _, err := c.connection.Write(c.walk.traffic.read); err != nil {
		return fmt.Errorf("send read: %w: %w", errDropped, err)
	}
	return c.responses.expectSuccess()
}

// next returns the bytes of the next requests and the records in them.
func (c *httpClient) next(requests int) ([]byte, int) {
	if requests == 1 {
		return c.walk.traffic.request(c.walk.number(0), &c.composer)
	}
	c.window = c.window[:0]
	sum := 0
	for ahead := range requests {
		request, records := c.walk.traffic.request(c.walk.number(ahead), &c.composer)
		c.window = append(c.window, request...)
		sum += records
	}
	return c.window, sum
}

func (c *httpClient) expire(deadline time.Time) error { return c.connection.SetDeadline(deadline) }

func (c *httpClient) close() error { return c.connection.Close() }

// responseReader reads responses off a connection. Servers answer with the same
// bytes again and again, until the second in their Date header changes: bytes
// that were once parsed as a whole successful response need no parsing again.
type responseReader struct {
	buffered *bufio.Reader
	source   *countingReader
	known    []byte
}

// responseBufferBytes holds the responses of some pipelined requests; a larger
// response is read in pieces.
const responseBufferBytes = 4 << 10

func newResponseReader(connection io.Reader) responseReader {
	source := &countingReader{reader: connection}
	return responseReader{buffered: bufio.NewReaderSize(source, responseBufferBytes), source: source}
}

// countingReader counts how often it was read from.
type countingReader struct {
	reader io.Reader
	reads  int
}

// Read reads, and counts the bytes.
func (c *countingReader) Read(buffer []byte) (int, error) {
	c.reads++
	return c.reader.Read(buffer)
}

// expectSuccess reads one response and returns an error unless it is a 2xx,
// complete, and leaves the connection open.
func (r *responseReader) expectSuccess() error {
	if _, err := r.buffered.Peek(1); err != nil {
		return fmt.Errorf("read response: %w: %w", errDropped, err)
	}
	available, err := r.buffered.Peek(r.buffered.Buffered())
	if err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	if len(r.known) > 0 && bytes.HasPrefix(available, r.known) {
		_, err = r.buffered.Discard(len(r.known))
		return err
	}
	return r.parse(available)
}

// parse reads one response by the standard library's rules, and remembers its
// bytes if all of them were available already.
func (r *responseReader) parse(available []byte) error {
	candidate := append(r.known[:0], available...)
	r.known = nil
	reads := r.source.reads
	response, err := http.ReadResponse(r.buffered, nil)
	if err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return statusError(response)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("read response body: %w", err)
	}
	if response.Close {
		return fmt.Errorf("%w: it answered %q and closes the connection", errRefused, response.Status)
	}
	if r.source.reads == reads {
		r.known = candidate[:len(candidate)-r.buffered.Buffered()]
	}
	return nil
}

// statusError describes a response that is not what was asked for, with the
// beginning of its body.
func statusError(response *http.Response) error {
	const shown = 300
	body, _ := io.ReadAll(io.LimitReader(response.Body, shown)) // the status alone says enough
	return fmt.Errorf("%w: status %s: %s", errRefused, response.Status, body)
}
