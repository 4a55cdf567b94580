package conn

import (
	"bytes"
	"sync/atomic"
)

// smallAnswerBytes need not be accounted for: they are about what a connection
// takes anyway.
const smallAnswerBytes = 64 << 10

// answers bounds the bytes of large answers that wait for clients who do not
// take them.
type answers struct {
	limit   int64
	leaving atomic.Int64 // bytes
}

// reserve holds a large answer's bytes against the limit, until release. It
// returns false if they do not fit.
func (a *answers) reserve(size int64) bool {
	// One answer is always possible, however large.
	if total := a.leaving.Add(size); total > a.limit && total != size {
		a.leaving.Add(-size)
		return false
	}
	return true
}

func (a *answers) release(size int64) { a.leaving.Add(-size) }

// leavingAnswer is a large answer that fasthttp writes. It closes it when it has,
// or cannot.
type leavingAnswer struct {
	bytes.Reader
	answers *answers
	size    int64
}

// Close gives the answer's bytes back.
func (l *leavingAnswer) Close() error {
	l.answers.release(l.size)
	l.size = 0
	return nil
}
