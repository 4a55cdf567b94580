package httpapi

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/spool"
)

// A Large is an answer's body that need not fit into memory. It says the same each time
// it is opened, until it is closed.
type Large interface {
	Open() io.Reader
	Close()
}

// largeAnswers are what making large answers takes.
type largeAnswers struct {
	pool *spool.Pool
	// piece is how many counters to read at a time.
	piece int
	// whole is the largest answer that is put together in memory.
	whole int64
}

// newLargeAnswers bounds them; the pool has room once the server has.
func newLargeAnswers(config Config) largeAnswers {
	const leastPiece, mostPiece, pieceShare = 16 << 10, 128 << 10, 2 << 10
	const leastWhole, mostWhole, wholeShare = 64 << 10, 1 << 20, 64
	memory := config.Bounds.AnswerBytes
	return largeAnswers{
		pool:  &spool.Pool{NewFile: config.Scratch, MostInFiles: max(leastInFiles, spoolShare*int64(memory))},
		piece: min(max(leastPiece, memory/pieceShare), mostPiece),
		whole: int64(min(max(leastWhole, memory/wholeShare), mostWhole)),
	}
}

const (
	// spoolShare is how many times as many bytes as in memory large answers may have in
	// files, and leastInFiles how many at least.
	spoolShare   = 4
	leastInFiles = 64 << 20
)

// takeLarge makes a ranking the body, whole if it is no larger than that.
func (a *Answer) takeLarge(r *ranking, whole int64) (err error) {
	if r.about() > whole {
		a.Large = r
		return nil
	}
	defer r.Close()
	a.Body, err = io.ReadAll(r.Open())
	return err
}

// tag names a body by its bytes alone, so that the same counts have the same tag after a
// restart and at another node. Weak, because it stands for every coding. The size is
// that of the body.
func (a *Answer) tag() (tag string, size int64, err error) {
	sum, size := uint64(0), int64(len(a.Body))
	if a.Large == nil {
		sum = xxhash.Sum64(a.Body)
	} else {
		digest := xxhash.New()
		if size, err = io.Copy(digest, a.Large.Open()); err != nil {
			return "", 0, fmt.Errorf("read a large answer back: %w", err)
		}
		sum = digest.Sum64()
	}
	return `W/"` + strconv.FormatUint(sum, 36) + "-" + strconv.FormatInt(size, 10) + `"`, size, nil
}

// close gives back what the body holds.
func (a *Answer) close() {
	if a.Large != nil {
		a.Large.Close()
	}
}

// respondLarge has a large body sent as it is read, compressed if there is a coding. It
// closes the body, at once or when it has left.
func (s *Server) respondLarge(x *conn.Exchange, answer Answer, size int64, coding int) {
	body := answer.Large
	if coding >= 0 {
		compressed := s.large.pool.New()
		err := contentCodings[coding].compressTo(compressed, body.Open())
		if body.Close(); err != nil {
			compressed.Close()
			s.failLarge(x, err)
			return
		}
		body, size = compressed, compressed.Size()
		x.Response.Header.Set(fasthttp.HeaderContentEncoding, contentCodings[coding].name)
	}
	respondJSON(&x.Response, fasthttp.StatusOK, nil)
	x.Stream(&leaving{body.Open(), body}, size)
}

// failLarge answers that there was no room for an answer, or that it cannot be read back.
func (s *Server) failLarge(x *conn.Exchange, err error) {
	for _, name := range []string{fasthttp.HeaderETag, fasthttp.HeaderCacheControl} {
		x.Response.Header.Del(name)
	}
	if errors.Is(err, spool.ErrFull) {
		s.metrics.defence.busy.Add(1)
	} else {
		s.config.Logger.Error("cannot make a large answer", "error", err)
	}
	s.refuse(x, err)
}

// leaving is a large body on its way.
type leaving struct {
	io.Reader
	body Large
}

// Close is called when it has left, or cannot.
func (l *leaving) Close() error {
	l.body.Close()
	return nil
}
