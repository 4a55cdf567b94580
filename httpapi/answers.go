package httpapi

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// smallAnswerBytes need not be accounted for: they are about what a
	// connection takes anyway.
	smallAnswerBytes = 64 << 10
	// readingPatience is how long a read waits for its turn.
	readingPatience = 10 * time.Second
)

// errBusy means that too many read at the moment.
var errBusy = fmt.Errorf("%w: too many reads", errUnavailable)

// answers bounds what answers to reads take: how many are made, and how many
// bytes wait for clients who do not take them.
type answers struct {
	making  chan struct{} // a place for each that is being made
	limit   int64
	leaving atomic.Int64 // bytes
}

func newAnswers(limit int) *answers {
	return &answers{making: make(chan struct{}, readers()), limit: int64(limit)}
}

// make has an answer made when it is its turn.
func (a *answers) make(ctx *fasthttp.RequestCtx, get func(*fasthttp.RequestCtx)) error {
	select {
	case a.making <- struct{}{}:
	default:
		timer := time.NewTimer(readingPatience)
		defer timer.Stop()
		select {
		case a.making <- struct{}{}:
		case <-timer.C:
			return errBusy
		}
	}
	defer func() { <-a.making }()
	get(ctx)
	return nil
}

// account holds a large answer's bytes against the limit. What it returns gives
// them back when it is closed; it is nil for a small answer.
func (a *answers) account(body []byte) (*leavingAnswer, error) {
	size := int64(len(body))
	if size <= smallAnswerBytes {
		return nil, nil
	}
	// One answer is always possible, however large.
	if total := a.leaving.Add(size); total > a.limit && total != size {
		a.leaving.Add(-size)
		return nil, errBusy
	}
	leaving := &leavingAnswer{answers: a, size: size}
	leaving.Reset(body)
	return leaving, nil
}

// leavingAnswer is an answer that is being written. fasthttp closes it when it
// is, or cannot be.
type leavingAnswer struct {
	bytes.Reader
	answers *answers
	size    int64
}

// Close gives the answer's bytes back.
func (l *leavingAnswer) Close() error {
	l.answers.leaving.Add(-l.size)
	l.size = 0
	return nil
}
