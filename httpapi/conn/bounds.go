package conn

import "time"

// Bounds limit what clients can make a server hold, and for how long. All must
// be set.
type Bounds struct {
	// Connections is how many clients may be connected. One more takes the place
	// of one that keeps the server waiting, or else is refused.
	Connections int
	// HeaderBytes limits a request's first line and header.
	HeaderBytes int
	// ReadTimeout is how long a request may take to arrive, WriteTimeout how
	// long its answer may take to leave, IdleTimeout how long a connection may
	// be without a request.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// AnswerBytes limits the large answers that are on their way to clients at
	// one time, see Exchange.Reserve.
	AnswerBytes int
}

const (
	// IdleBytes is about what a connection without a request takes, beside its
	// header buffer: fasthttp's writer, first part of a body and context, and a
	// goroutine's stack. One in an event loop takes less: its answers that wait, of
	// which there are about mostOwed bytes.
	IdleBytes = 40 << 10
	// heldBodyBytes is the largest body that is read whole before the handler is
	// called. Larger ones are streamed: see Exchange.Receive.
	heldBodyBytes = 260 << 10
	// inlineBytes is the largest body that a loop has answered by itself, while its
	// other connections wait: some hundred records.
	inlineBytes = 32 << 10
	// keptBytes is the largest buffer that is kept for the next request.
	keptBytes = 64 << 10
)
