package conn

import (
	"errors"
	"io"
)

// streamPiece is how much of a streamed answer is in memory at a time.
const streamPiece = 128 << 10

// readStream has a goroutine read the next piece of a streamed answer, which may lie in a
// file. The loop serves others meanwhile.
func (c *socket) readStream() {
	if c.piece == nil {
		c.piece = make([]byte, streamPiece)
	}
	c.away = true
	c.move(working, sending)
	go func() {
		n, err := io.ReadFull(c.stream, c.piece)
		if !c.loop.post(func() { c.takePiece(n, err) }) {
			c.endStream()
		}
	}()
}

// takePiece is run by the loop. A stream that fails ends the connection: the client must
// not take what it has for the whole.
func (c *socket) takePiece(n int, err error) {
	c.away = false
	piece := c.piece[:n]
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case c.gone:
		c.endStream()
		return
	case err != nil && !ended:
		c.close()
		return
	case ended:
		c.endStream()
	}
	c.large = piece
	c.settle()
}

// endStream closes a stream, if there is one.
func (c *socket) endStream() {
	if c.stream == nil {
		return
	}
	_ = c.stream.Close()
	c.stream, c.piece = nil, nil
}
