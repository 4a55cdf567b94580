package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

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

// returnedConn is a connection that came back from an event loop. Each time it is
// another one for fasthttp, whose books about connections may still have the last.
type returnedConn struct{ *lingeringConn }

// errLeaving is what fasthttp reads at the end of what it has of a connection that
// goes to an event loop.
var errLeaving = errors.New("the connection goes to an event loop")

// mostReturns is how often a connection must have come back for the number of
// plain posts that it takes to leave again not to grow any more.
const mostReturns = 10

// promote has a connection go to an event loop once the answer is sent, if it
// may. A client that mixes plain posts with other requests, such as a proxy,
// would come and go all the time: each time it came back it must send twice as
// many plain posts to leave again.
func (s *Server) promote(ctx *fasthttp.RequestCtx) {
	_, secure := ctx.Conn().(*tls.Conn)
	header := &ctx.Request.Header
	if secure || placeInLoop(ctx) != nil || !s.loops.open() || header.ConnectionClose() || !header.IsHTTP11() {
		return
	}
	c := lingering(ctx)
	if c == nil {
		return
	}
	if c.posts++; c.posts < 1<<c.returns {
		return
	}
	ctx.Hijack(func(hijacked net.Conn) {
		s.ferried.Add(1)
		defer s.ferried.Add(-1)
		c.leaving = true
		c.ahead, _ = io.ReadAll(hijacked) // what has come and is not served, then errLeaving
		c.leaving = false
		c.move(sending, idle)
		switch {
		case s.loops.adopt(c):
		case s.stopping.Load() && len(c.ahead) == 0:
			c.Close()
		default:
			s.serveAgain(c)
		}
	})
}

// serveAgain gives a connection to fasthttp.
func (s *Server) serveAgain(c *lingeringConn) {
	c.posts = 0
	c.returns = min(c.returns+1, mostReturns)
	s.ferried.Add(1)
	go func() {
		defer s.ferried.Add(-1)
		_ = s.http.ServeConn(returnedConn{c}) // it has answered what could be, and closed the connection
	}()
}

// stopLoops ends the event loops. A client that does not take its answers must not
// use up the time that others have, so it has half of it.
func (s *Server) stopLoops(ctx context.Context) {
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Now().Add(time.Until(deadline)/2))
		defer cancel()
	}
	s.loops.drain(ctx)
}

// awaitFerried waits for connections that were on their way to or from an event
// loop at the stop: fasthttp may not have known of them in time.
func (s *Server) awaitFerried(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for s.ferried.Load() > 0 && ctx.Err() == nil {
		<-ticker.C
	}
}

// unkept returns an answer for one that was promised when what it waited for
// came to nothing.
func unkept(promised []byte, cause error) []byte {
	return revised(promised, func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.SetStatusMessage(nil)
		fail(ctx, fmt.Errorf("%w: %w", errUnavailable, cause))
	})
}

// lastAnswer returns a promised answer that says that it is the last one.
func lastAnswer(promised []byte) []byte {
	return revised(promised, (*fasthttp.RequestCtx).SetConnectionClose)
}

// revised returns a promised answer with a change. It keeps the headers, which
// depend on a request that is gone.
func revised(promised []byte, revise func(*fasthttp.RequestCtx)) []byte {
	var ctx fasthttp.RequestCtx
	_ = ctx.Response.Read(bufio.NewReader(bytes.NewReader(promised))) // it was written by Response.Write
	revise(&ctx)
	var answer bytes.Buffer
	_, _ = ctx.Response.WriteTo(&answer)
	return answer.Bytes()
}
