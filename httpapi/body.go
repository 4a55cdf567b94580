package httpapi

import (
	"errors"
	"io"
	"net"
	"slices"

	"github.com/valyala/fasthttp"
)

const (
	// encodingOverhead is how much larger than its content a compressed body may be.
	encodingOverhead = 4096
	// firstBodyBytes is what a body gets before more of it has arrived.
	firstBodyBytes = 8 << 10
	// pooledBodyBytes is the largest buffer that is kept for the next body.
	pooledBodyBytes = 64 << 10
	// drainedBytes is how much of an unread body fasthttp reads in order to keep
	// the connection; its own constant is not exported.
	drainedBytes = 256 << 10
)

// streamedBodyBytes is the limit of bodies from which on they are streamed.
const streamedBodyBytes = 256 << 10

// streamsBodies says whether bodies are read here and not by fasthttp, which
// allocates as many bytes as a client says it will send, before they arrive,
// and keeps them with the connection. As long as no body may be large, that is
// a bounded price, which Bounds.WorstCase counts, and spares each request a
// copy of its body and an allocation: a twentieth of the processor time of a
// batch of 30.
func (c Config) streamsBodies() bool { return c.MaxBodyBytes > streamedBodyBytes }

// withBody lets do work with the request's body. A streamed one is received
// first, into a buffer that grows with what arrives.
func (s *Server) withBody(ctx *fasthttp.RequestCtx, do func() error) error {
	if ctx.RequestBodyStream() == nil && !isOversized(&ctx.Request.Header) {
		if !claim(ctx) {
			return errUnavailable
		}
		return do()
	}
	buffer := s.bodies.Get().(*[]byte)
	defer s.bodies.Put(buffer)
	body, err := s.receive(ctx, (*buffer)[:0])
	if err != nil {
		lingering(ctx).abandon()
		ctx.SetConnectionClose()
		return err
	}
	if cap(body) <= pooledBodyBytes {
		*buffer = body
	}
	if !claim(ctx) {
		return errUnavailable
	}
	ctx.Request.SetBodyRaw(body)
	defer ctx.Request.ResetBody()
	return do()
}

// receive appends the whole body.
func (s *Server) receive(ctx *fasthttp.RequestCtx, body []byte) ([]byte, error) {
	if isOversized(&ctx.Request.Header) {
		return nil, tooLarge(s.config.MaxBodyBytes)
	}
	stream := ctx.RequestBodyStream()
	limit, declared := s.config.MaxBodyBytes+encodingOverhead, ctx.Request.Header.ContentLength()
	body = slices.Grow(body, min(max(declared, 1), firstBodyBytes))
	for {
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, tooLarge(s.config.MaxBodyBytes)
		case errors.Is(err, io.EOF) && len(body) < declared:
			return nil, s.protocolError(io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, s.protocolError(err)
		case len(body) == cap(body):
			body = slices.Grow(body, len(body))
		}
	}
}

// oversized marks a request that says its body is larger than any may be. A
// client that sends the header itself gets what it asks for.
const oversized = "Stats-Recorder-Oversized"

// headerReceived is called before fasthttp waits for the first part of a body.
// One that will be too large is not waited for.
func (s *Server) headerReceived(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if header.ContentLength() > s.config.MaxBodyBytes+encodingOverhead {
		header.Del(fasthttp.HeaderExpect)
		header.SetContentLength(0)
		header.SetConnectionClose()
		header.Set(oversized, "1")
	}
	return fasthttp.RequestConfig{}
}

func isOversized(header *fasthttp.RequestHeader) bool {
	return header.ContentLength() == 0 && len(header.Peek(oversized)) > 0
}

// leaveBody is for requests whose body nobody has read.
func leaveBody(ctx *fasthttp.RequestCtx) {
	if isOversized(&ctx.Request.Header) && ctx.Request.Header.ConnectionClose() {
		lingering(ctx).abandon()
	}
	if ctx.RequestBodyStream() == nil {
		return
	}
	if length := ctx.Request.Header.ContentLength(); length < 0 || length > drainedBytes {
		lingering(ctx).abandon()
		ctx.SetConnectionClose()
	}
}

// protocolError is the error for a client of which no valid request came.
func (s *Server) protocolError(err error) error {
	var tooLargeHeader *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return tooLarge(s.config.MaxBodyBytes)
	case errors.As(err, &tooLargeHeader):
		return &statusError{fasthttp.StatusRequestHeaderFieldsTooLarge, "the request's header is too large"}
	case errors.As(err, &network) && network.Timeout():
		return &statusError{fasthttp.StatusRequestTimeout, "the request did not arrive in time"}
	default:
		return &statusError{fasthttp.StatusBadRequest, "not a valid HTTP request"}
	}
}
