package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

// fasthttp has a goroutine for each connection. Serving one plain post that way
// takes a read that finds nothing, two times being parked and woken, once for the
// request and once for the disk, and the buffers and stack of its own that each
// connection has, which have left the processor's caches by the time they are
// needed. So a connection of which a plain post came goes to an event loop, of
// which each processor has one: it reads from those of its connections on which
// something has come, has the same handler answer with the same buffers, one
// request after the other, and when a commit is durable it sends all the answers
// that waited for it. README, "Performance", says what that saves.
//
// A plain post is what the clients of this service send all day: POST /benefits
// by HTTP/1.1, with a Content-Length and no Content-Encoding, in whole. Whatever
// else comes goes back to fasthttp, with the bytes that were read: what may take
// long or has to wait, and all that is rare, is served there and only there.

// loopPlace is what a request that an event loop serves has for a connection.
type loopPlace struct {
	*lingeringConn
	promise promise
}

// promise is what an answer waits for. An answer without a ticket waits for
// nothing.
type promise struct {
	ticket   *counters.Ticket
	records  int
	exchange exchange
}

// placeInLoop returns nil for a request that no event loop serves.
func placeInLoop(ctx *fasthttp.RequestCtx) *loopPlace {
	place, _ := ctx.Conn().(*loopPlace)
	return place
}

// errLeaving is what fasthttp reads from a connection that goes to an event loop.
var errLeaving = errors.New("the connection goes to an event loop")

// mostPatience is how many plain posts at most a connection must send again to
// go to an event loop once more.
const mostPatience = 1 << 10

// promote has a connection go to an event loop once the answer is sent, if it
// may. A client that mixes plain posts with other requests, such as a proxy,
// would come and go all the time: each time it came back it must send twice as
// many plain posts in a row.
func (s *Server) promote(ctx *fasthttp.RequestCtx) {
	c, ok := ctx.Conn().(*lingeringConn)
	header := &ctx.Request.Header
	if !ok || !s.loops.open() || header.ConnectionClose() || !header.IsHTTP11() {
		return
	}
	if c.posts++; c.posts < min(1<<c.handedBack, mostPatience) {
		return
	}
	ctx.Hijack(func(hijacked net.Conn) {
		c.leaving = true
		c.ahead, _ = io.ReadAll(hijacked) // what fasthttp has read already, then errLeaving
		c.leaving = false
		c.move(sending, idle)
		if !s.loops.adopt(c) {
			s.serveAgain(c)
		}
	})
}

// serveAgain gives a connection to fasthttp.
func (s *Server) serveAgain(c *lingeringConn) {
	c.posts = 0
	c.handedBack = min(c.handedBack+1, 20)
	go s.http.ServeConn(c) // it closes the connection, and answers to what cannot be served
}

// unkept returns an answer for one that was promised when what it waited for
// came to nothing. It has the same headers, which depend on the request.
func unkept(promised []byte, cause error) []byte {
	var ctx fasthttp.RequestCtx
	_ = ctx.Response.Read(bufio.NewReader(bytes.NewReader(promised))) // it was written by Response.Write
	fail(&ctx, fmt.Errorf("%w: %w", errUnavailable, cause))
	var answer bytes.Buffer
	_, _ = ctx.Response.WriteTo(&answer)
	return answer.Bytes()
}
