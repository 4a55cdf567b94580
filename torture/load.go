package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"stats-recorder/harness"
)

// load is many connections that post batches, until it is stopped or the server
// ends. It books everything in its accounts, which belong to it until join has
// returned.
type load struct {
	address  string
	pause    time.Duration // from one batch of a connection to the next, if they are paced
	epoch    int
	running  sync.WaitGroup
	stopping chan struct{}
	stopOnce sync.Once

	mutex    sync.Mutex
	score    score
	breaches []error
	changed  chan struct{} // closed, and replaced, at each change of the score
}

// score is how many batches ended how, so far.
type score struct {
	acknowledged, refused int
	// open is how many connections still send.
	open int
}

// startLoad opens a connection for each account of a ledger, which sends as
// fast as it is answered.
func startLoad(address string, l *ledger) *load { return startPacedLoad(address, l, 0) }

// startPacedLoad is startLoad for connections that send a batch each pause.
func startPacedLoad(address string, l *ledger, pause time.Duration) *load {
	l.epoch++
	running := &load{address: address, pause: pause, epoch: l.epoch, stopping: make(chan struct{}), changed: make(chan struct{})}
	running.score.open = len(l.accounts)
	for _, a := range l.accounts {
		running.running.Go(func() { running.drive(a) })
	}
	return running
}

// drive is one connection's life. It ends at the first batch that gets no
// answer: whether that one counts must stay the only doubt about its account.
func (l *load) drive(a *account) {
	defer l.note(func(s *score) { s.open-- })
	var c *connection
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for due := time.Now(); !l.stopped(); due = due.Add(l.pause) {
		time.Sleep(time.Until(due))
		if c == nil {
			var err error
			if c, err = dial(l.address); err != nil {
				return // nothing was sent
			}
		}
		open, goOn := l.exchange(c, a)
		if !goOn {
			return
		}
		if !open {
			c.Close()
			c = nil
		}
	}
}

// exchange posts one batch and books it.
func (l *load) exchange(c *connection, a *account) (open, goOn bool) {
	next, createdAt := a.next(l.epoch), time.Time{}
	if age := a.drawAge(); age > 0 {
		createdAt = time.Now().Add(-age)
	}
	result, open, err := c.post(next, createdAt)
	switch result {
	case acknowledged:
		a.book(next.records, time.Now())
		l.note(func(s *score) { s.acknowledged++ })
	case unanswered:
		a.book(next.records, time.Time{})
	case refused:
		l.note(func(s *score) { s.refused++ })
	}
	if err != nil {
		l.mutex.Lock()
		l.breaches = append(l.breaches, err)
		l.mutex.Unlock()
	}
	return open, result != unanswered && err == nil
}

func (l *load) stopped() bool {
	select {
	case <-l.stopping:
		return true
	default:
		return false
	}
}

func (l *load) note(change func(*score)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change(&l.score)
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *load) look() (score, <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.score, l.changed
}

// await waits until the score is as wished. It fails when the time is over, or
// when every connection has ended first.
func (l *load) await(what string, wished func(score) bool) error {
	deadline := time.After(patience)
	for {
		now, changed := l.look()
		if wished(now) {
			return nil
		}
		if now.open == 0 {
			return errors.Join(fmt.Errorf("%w: %s: all connections ended first", harness.ErrNotInTime, what), l.join())
		}
		select {
		case <-changed:
		case <-deadline:
			return fmt.Errorf("%w: %s: %d acknowledged, %d refused after %v", harness.ErrNotInTime, what, now.acknowledged, now.refused, patience)
		}
	}
}

// awaitMore waits for some more acknowledgements on each connection's average.
func (l *load) awaitMore(batches int) error {
	began, _ := l.look()
	want := began.acknowledged + batches*max(1, began.open)
	return l.await("acknowledgements", func(now score) bool { return now.acknowledged >= want })
}

// stop lets each connection finish its request, and ends them.
func (l *load) stop() error {
	l.stopOnce.Do(func() { close(l.stopping) })
	return l.join()
}

// join waits until all connections have ended and returns what was not as the
// contract says.
func (l *load) join() error {
	l.running.Wait() // each request has its time limit
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return errors.Join(l.breaches...)
}
