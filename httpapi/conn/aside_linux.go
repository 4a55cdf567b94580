package conn

import (
	"bufio"
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// aside is a request of a loop that a goroutine can answer, beside others. It is
// reused.
type aside struct {
	Exchange
	ctx      fasthttp.RequestCtx
	body     []byte // of the request
	rendered rendering

	socket *socket
	header []byte // the answer, without the body if that is large
	large  []byte // a large answer's body, unless it is streamed
	answer func() // renders the answer and gives it to the loop, made once
	give   func() // gives it to the socket, made once
}

func (s *Server) newAside() *aside {
	a := &aside{rendered: newRendering()}
	a.Exchange = Exchange{RequestCtx: &a.ctx, server: s}
	a.ctx.Init2(nil, s.http.Logger, false)
	a.answer, a.give = a.answerIt, a.giveIt
	return a
}

// answerAside has a goroutine answer the request that was parsed. Nothing more is
// read of its connection until the loop has the answer.
func (l *loop) answerAside(c *socket) {
	a := l.request
	l.request = l.server.loops.newAside()
	// The body lies in what the loop reads next.
	a.body = append(a.body[:0], a.Request.Body()...)
	a.Request.SetBodyRaw(a.body)
	a.socket, c.away = c, true
	go a.answer()
}

// answerIt is run by a goroutine of its own.
func (a *aside) answerIt() {
	c := a.socket
	a.begin(&c.connection, time.Now())
	a.lane = c.loop.number
	a.Response.Reset()
	if a.handle() {
		a.finish()
		a.last = a.last || a.Request.Header.ConnectionClose() || a.Response.ConnectionClose()
		if a.server.stopping.Load() {
			a.Abandon()
		}
		a.render()
	} else {
		a.header, a.large, a.last = nil, nil, true
	}
	if !c.loop.post(a.give) { // it was abandoned: it is not over while it has this connection
		a.DropStream()
	}
}

// render turns the response into bytes. A large body is not copied.
func (a *aside) render() {
	response := &a.Response
	response.SkipBody = a.IsHead()
	a.large = nil
	if a.stream != nil {
		response.Header.SetContentLength(int(a.streamed))
		if response.SkipBody {
			a.DropStream()
		}
		response.SkipBody = true
	}
	if body := response.Body(); len(body) > smallAnswerBytes && !response.SkipBody {
		a.large = body
		response.SkipBody = true
	}
	a.header = a.rendered.bytes(response, a.last)
}

// giveIt is run by the loop.
func (a *aside) giveIt() {
	c := a.socket
	c.away = false
	if a.last && c.fate == stays {
		c.fate = closes
	}
	c.large, c.reserved, c.stream = a.large, a.reserved, a.stream
	if a.stream = nil; c.gone || len(c.large) == 0 {
		c.release()
	}
	if c.gone {
		c.endStream()
	}
	c.send(a.header)
	c.settle()
	a.retire()
}

// retire keeps the parts for another request, unless they are large.
func (a *aside) retire() {
	a.socket, a.header, a.large = nil, nil, nil
	a.Request.Reset()
	a.Response.Reset()
	if cap(a.body) <= keptBytes && a.rendered.buffer.Cap() <= keptBytes {
		a.server.loops.asides.Put(a)
	}
}

// rendering turns responses into bytes.
type rendering struct {
	buffer *bytes.Buffer
	writer *bufio.Writer
	kept   map[*Prepared]*preparedBytes
	// recent is the one of kept that was asked for last, nearly always that of all.
	recent      *Prepared
	recentBytes *preparedBytes
}

func newRendering() rendering {
	buffer := new(bytes.Buffer)
	return rendering{buffer: buffer, writer: bufio.NewWriterSize(buffer, 1<<10), kept: map[*Prepared]*preparedBytes{}}
}

// bytes returns a response as it is sent, which says so if it is the last one. The
// bytes are valid until the next one.
func (r *rendering) bytes(response *fasthttp.Response, last bool) []byte {
	if last {
		response.SetConnectionClose()
	}
	r.buffer.Reset()
	r.writer.Reset(r.buffer)
	_ = response.Write(r.writer) // into memory
	_ = r.writer.Flush()
	return r.buffer.Bytes()
}
