package main

import (
	"context"
	"net"
	"net/url"
	"time"
)

// readMixer says which requests of a connection are reads. The zero value says none.
// Connections that start at different requests read at different times.
type readMixer struct {
	share float64 // of the requests
	owed  float64 // reads; one is due when it reaches 1
}

// newReadMixer returns a mixer for the connection of a walk.
func newReadMixer(way *walk, percent float64) readMixer {
	const irrational = 0.6180339887 // spreads neighbouring walks
	phase := float64(way.first) * irrational
	return readMixer{share: percent / 100, owed: phase - float64(int(phase))}
}

// isNext counts a request and says whether it is a read.
func (m *readMixer) isNext() bool {
	if m.owed += m.share; m.share == 0 || m.owed < 1 {
		return false
	}
	m.owed--
	return true
}

// briefClient is one client after the other, each of which opens a connection, posts
// a few times and closes it, as browsers do. The wait for the connection is part of
// the first exchange.
type briefClient struct {
	dial     func() (*httpClient, error)
	current  *httpClient // nil between connections
	posts    int         // on a connection
	left     int         // on the current one
	deadline time.Time
	reads    readMixer
}

// newBriefClient returns a client that goes on with a walk. It connects when it is
// first used.
func newBriefClient(ctx context.Context, base *url.URL, way *walk, use manner) *briefClient {
	sources := newSourceAddresses(base, way)
	dial := func() (*httpClient, error) { return dialHTTPFrom(ctx, sources.next(), base, way) }
	return &briefClient{dial: dial, posts: use.Posts, reads: newReadMixer(way, use.Reads)}
}

func (c *briefClient) exchange(requests int) (int, error) {
	if c.current == nil {
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	if c.reads.isNext() {
		return 0, c.current.read()
	}
	records, err := c.current.exchange(requests)
	if err != nil {
		return 0, err
	}
	if c.left--; c.left == 0 {
		err = c.close()
	}
	return records, err
}

func (c *briefClient) open() error {
	opened, err := c.dial()
	if err != nil {
		return err
	}
	c.current, c.left = opened, c.posts
	return opened.expire(c.deadline)
}

func (c *briefClient) expire(deadline time.Time) error {
	c.deadline = deadline
	if c.current == nil {
		return nil
	}
	return c.current.expire(deadline)
}

func (c *briefClient) close() error {
	if c.current == nil {
		return nil
	}
	closing := c.current
	c.current = nil
	return closing.close()
}

// sourceAddresses are those that a client's connections come from, in turn. A closed
// connection keeps its port for a while, and an address has 28,000 or so of them: far
// fewer than a server on the same machine can be visited from in a minute.
type sourceAddresses struct {
	isLoopback bool
	number     int
}

// loopbackSources is how many addresses of the loopback network are used.
const loopbackSources = 200

func newSourceAddresses(base *url.URL, way *walk) *sourceAddresses {
	address := net.ParseIP(base.Hostname()).To4()
	return &sourceAddresses{isLoopback: address != nil && address.IsLoopback(), number: way.first}
}

// next returns a dialer for the next connection.
func (s *sourceAddresses) next() *net.Dialer {
	if !s.isLoopback {
		return &net.Dialer{}
	}
	s.number++
	const firstSource = 2 // 127.0.0.1 is for everybody else
	return dialFrom(net.IPv4(127, 0, 0, byte(firstSource+s.number%loopbackSources)))
}
