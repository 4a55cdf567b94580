package report

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// restOfWork is how many times as long as some work the rest after it is.
	restOfWork = 15
	// freeWork is how much work is done before any rest. Somebody who goes from page to page
	// of a year causes less, whatever comes meanwhile.
	freeWork = time.Second
	// longestRest is how long an answer waits at most for those before it.
	longestRest = 500 * time.Millisecond
	// mostDue is how much work is remembered, a little more than the longest rest follows:
	// readers must not rest for hours for what a busy hour has taken.
	mostDue = freeWork + 2*longestRest/restOfWork
	// calm is how long somebody waits for a fit before those ahead do not rest any more. Who
	// waits loses no more than that and a rest or two to the pace, however many others wait.
	calm = time.Second
)

// A pace has rests follow work while records come, so that readers who ask without pause
// take a share of a processor and not all of it: even work of the lowest priority collects
// garbage and fills caches at the expense of posts. It belongs to who has the place of a fit.
// It has no clock.
type pace struct {
	// due is work that no rest has followed yet, as it was at a moment.
	due time.Duration
	at  time.Time
	// edition is that of the counts that were worked on last.
	edition uint64
}

// rest is how long to wait before work on an edition begins. There is none if no record has
// come since the last work did.
func (p *pace) rest(now time.Time, edition uint64) time.Duration {
	p.settle(now)
	if edition == p.edition {
		return 0
	}
	return min(max(p.due-freeWork, 0)*restOfWork, longestRest)
}

// worked notes work on an edition that has just ended.
func (p *pace) worked(now time.Time, took time.Duration, edition uint64) {
	p.settle(now.Add(-took))
	p.due, p.at, p.edition = min(p.due+took, mostDue), now, edition
}

// settle takes off what time has passed in the meantime.
func (p *pace) settle(now time.Time) {
	p.due, p.at = max(p.due-now.Sub(p.at)/restOfWork, 0), now
}

// alone has make called for an edition of the counts when no other fit is at work and the
// rest after those before is over, unless the context ends first. Nothing is made if those
// who came before have left what is wanted: made says so.
func (r *Reporter) alone(ctx context.Context, edition func() uint64, made func() bool, make func(edition uint64) error) error {
	if err := r.awaitPlace(ctx); err != nil {
		return err
	}
	defer func() { <-r.fitting }()
	if made() {
		return nil
	}
	if err := r.restBefore(ctx, edition()); err != nil {
		return err
	}
	began, at := time.Now(), edition() // others may have come during the rest
	defer func() { r.pace.worked(time.Now(), time.Since(began), at) }()
	return make(at)
}

// awaitPlace takes the place of a fit. Those who wait get it in the order in which they came.
func (r *Reporter) awaitPlace(ctx context.Context) error {
	impatience := time.AfterFunc(calm, func() { r.Hurry(1) })
	defer func() {
		if !impatience.Stop() {
			r.Hurry(-1)
		}
	}()
	select {
	case r.fitting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another fit: %w", context.Cause(ctx))
	}
}

// Hurry says that so many more wait whom others have kept waiting for long enough: while
// there are any, no fit rests.
func (r *Reporter) Hurry(more int) { r.hurried.Add(int64(more)) }

// restedKey is of whether somebody has rested, an *atomic.Bool.
type restedKey struct{}

// ForOneAnswer returns a context in which all that is asked is for one answer: however many
// windows it is of, whoever waits for it rests once at most.
func ForOneAnswer(ctx context.Context) context.Context {
	return context.WithValue(ctx, restedKey{}, new(atomic.Bool))
}

func (r *Reporter) restBefore(ctx context.Context, edition uint64) error {
	rest := r.pace.rest(time.Now(), edition)
	if rest == 0 || r.hurried.Load() > 0 {
		return nil
	}
	if rested, isOne := ctx.Value(restedKey{}).(*atomic.Bool); isOne && rested.Swap(true) {
		return nil
	}
	select {
	case <-time.After(rest):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("rest after another fit: %w", context.Cause(ctx))
	}
}
