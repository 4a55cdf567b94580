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

// TakeRoom holds bytes for a large answer that is being made against Bounds.AnswerBytes,
// until GiveRoom. It returns false when they are not there.
func (s *Server) TakeRoom(bytes int64) bool {
	if s.answers.leaving.Add(bytes) > s.answers.limit {
		s.answers.leaving.Add(-bytes)
		return false
	}
	return true
}

// GiveRoom gives back what TakeRoom took.
func (s *Server) GiveRoom(bytes int64) { s.answers.release(bytes) }

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

// HeldByAnswers is how many bytes large answers hold at the moment.
func (s *Server) HeldByAnswers() int64 { return s.answers.leaving.Load() }
