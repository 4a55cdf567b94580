package natslog

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
)

// A chunk that does not come is asked for again for so long, with so much time between: a state of
// many would have to be read from the first one again after each election.
const (
	chunkPatience = 30 * time.Second
	chunkPause    = 250 * time.Millisecond
)

// chunkReader reads a state chunk by chunk, each by a request of its own: nothing
// is kept at the servers, and a chunk that is gone is noticed at once.
type chunkReader struct {
	ctx    context.Context // of Newest: it bounds the reading of what Newest returned
	shared *Shared
	info   jetstream.ObjectInfo

	after  uint64 // the message of the last chunk
	chunks uint32
	size   uint64
	sum    hash.Hash
	rest   []byte // of the chunk
	err    error
}

// Read reads on, as io.Reader says. An error of the log is returned once what came before it
// has been read.
func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 && r.err == nil {
		r.rest, r.err = r.next()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close ends the reading.
func (r *chunkReader) Close() error {
	r.rest, r.err = nil, io.ErrClosedPipe
	return nil
}

func (r *chunkReader) next() ([]byte, error) {
	if r.chunks == r.info.Chunks {
		return nil, r.end()
	}
	message, err := r.ask()
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("object %q: chunk %d of %d is gone: a newer state has replaced it: read that: %w", r.info.Name, r.chunks+1, r.info.Chunks, err)
	}
	if err != nil {
		return nil, fmt.Errorf("object %q: chunk %d of %d: %w", r.info.Name, r.chunks+1, r.info.Chunks, err)
	}
	r.after = message.Sequence
	r.chunks++
	r.size += uint64(len(message.Data))
	r.sum.Write(message.Data)
	return message.Data, nil
}

// ask asks for the next chunk until there is an answer.
func (r *chunkReader) ask() (*jetstream.RawStreamMsg, error) {
	for began := time.Now(); ; {
		message, err := r.askOnce()
		if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) || time.Since(began) > chunkPatience {
			return message, err
		}
		select {
		case <-time.After(chunkPause):
		case <-r.ctx.Done():
			return nil, err
		}
	}
}

func (r *chunkReader) askOnce() (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.shared.stream.timeout)
	defer cancel()
	return r.shared.stream.handle.GetMsg(ctx, r.after+1, jetstream.WithGetMsgSubject(r.shared.chunkSubject(r.info.NUID)))
}

// end is io.EOF if all that was read is what was put.
func (r *chunkReader) end() error {
	if have := digest(r.sum); r.size != r.info.Size || have != r.info.Digest {
		return fmt.Errorf("object %q: %w: %d bytes with %s, want %d with %s", r.info.Name, cluster.ErrMalformed, r.size, have, r.info.Size, r.info.Digest)
	}
	return io.EOF
}
