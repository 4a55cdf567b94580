package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"stats-recorder/harness"
)

const (
	recordsInAPost = 30
	// pages is how many pages differ. Page p shows benefits p to p+29 at the positions 1 to
	// 30, so that each counter is of one page.
	pages = 200
)

// aPage is the body of a post.
func aPage(page int) []byte {
	var b bytes.Buffer
	for i := range recordsInAPost {
		fmt.Fprintf(&b, `%c{"benefit_id":"benefit-%d","hash_id":"x","benefit_index":%d,"page_total":%d}`, "[,"[min(i, 1)], page+i, i+1, recordsInAPost)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// counterOf is that of a record of a page.
func counterOf(page, i int) harness.Counter {
	return harness.Counter{Benefit: fmt.Sprint("benefit-", page+i), Event: "show", Total: recordsInAPost, Index: i + 1}
}

// An account is what clients know of the posts of one page.
type account struct {
	// sent posts may be counted; acknowledged ones must be, but for the forgiven of them.
	sent, acknowledged, forgiven int64
}

// An acknowledgement is of one post.
type acknowledgement struct {
	at   time.Time
	page int
}

// A life is what a node takes between two losses of its disk.
type life struct {
	number int
	// recent are its last acknowledgements, oldest first, and all since a time.
	recent []acknowledgement
	since  time.Time
}

// A ledger is an exact account of what clients posted. It may be used by several
// goroutines.
type ledger struct {
	mu       sync.Mutex
	accounts [pages]account
	dumps    []bool // whether each one's import was acknowledged
	refused  refusals
	lives    map[*node]*life
	lost     int64         // posts, that were forgiven
	last     time.Time     // acknowledgement of any node
	silent   time.Duration // the longest time without one
}

// refusals are posts that are certainly not counted.
type refusals struct{ inWords, nobody int }

// recentFor is how far back a ledger knows when what was acknowledged, at least.
const recentFor = time.Minute

func newLedger() *ledger { return &ledger{lives: map[*node]*life{}} }

// begin says that posts are sent from now on.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

// lifeOf is the node's present one. The caller holds the lock.
func (l *ledger) lifeOf(n *node) *life {
	if l.lives[n] == nil {
		l.lives[n] = &life{}
	}
	return l.lives[n]
}

// send is told before a post is sent to a node. It returns the number of the node's life.
func (l *ledger) send(n *node, page int) (life int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[page].sent++
	return l.lifeOf(n).number
}

// refuse is told of a post whose answer says that it is not counted.
func (l *ledger) refuse(page int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[page].sent--
	l.refused.inWords++
}

// foundNobody is told of a post that was not sent, as nobody took the connection.
func (l *ledger) foundNobody(page int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[page].sent--
	l.refused.nobody++
}

// acknowledge is told of a post that a node acknowledged, which was sent in a life of it.
// What comes from one that has ended may be lost with its disk.
func (l *ledger) acknowledge(n *node, sentIn, page int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.accounts[page].acknowledged++
	l.silent, l.last = max(l.silent, now.Sub(l.last)), now
	life := l.lifeOf(n)
	if sentIn != life.number {
		l.accounts[page].forgiven++
		return
	}
	life.recent = append(life.recent, acknowledgement{now, page})
	if old := now.Add(-recentFor); life.recent[0].at.Before(old.Add(-recentFor)) {
		keep := slices.IndexFunc(life.recent, func(a acknowledgement) bool { return !a.at.Before(old) })
		life.recent, life.since = slices.Clone(life.recent[keep:]), old
	}
}

// loseDisk says that a node's disk is gone for good, and that all is in the log that it
// had acknowledged until a time. What it acknowledged later may be lost, of which this
// returns how many records there are so far.
func (l *ledger) loseDisk(n *node, told time.Time) (mayBeLost int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := l.lifeOf(n)
	if told.Before(ended.since) {
		return 0, fmt.Errorf("%w: it has told nothing for %v", errWrong, time.Since(told))
	}
	for _, a := range ended.recent {
		if !a.at.Before(told) {
			l.accounts[a.page].forgiven++
			mayBeLost += recordsInAPost
		}
	}
	l.lives[n] = &life{number: ended.number + 1}
	return mayBeLost, nil
}

// sums are all accounts together, in records, and how many of them were lost and forgiven.
func (l *ledger) sums() (total account, lost int64, refused refusals, silent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.accounts {
		total.sent += a.sent * recordsInAPost
		total.acknowledged += a.acknowledged * recordsInAPost
	}
	return total, l.lost * recordsInAPost, l.refused, l.silent
}

// errWrong means that a node does not count what it must.
var errWrong = errors.New("a node counts wrong")

// check holds counts to the ledger: of each page they have all that was acknowledged, no
// more than was sent, and each record as often as the others, because a post is counted
// whole or not at all. It returns how often each page is counted.
func (l *ledger) check(counts *harness.Ledger) (counted [pages]int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := map[harness.Counter]int64{}
	for counter, count := range counts.All() {
		have[counter] = count
	}
	var problems []string
	excess, lack := int64(0), int64(0)
	for page, a := range l.accounts {
		of := have[counterOf(page, 0)]
		for i := range recordsInAPost {
			if count := have[counterOf(page, i)]; count != of {
				return counted, fmt.Errorf("%w: record 1 of page %d is counted %d times, record %d %d times", errWrong, page, of, i+1, count)
			}
			delete(have, counterOf(page, i))
		}
		if counted[page] = of; of < a.acknowledged-a.forgiven || of > a.sent {
			problems = append(problems, fmt.Sprintf("page %d is counted %d times; it was acknowledged %d times, of which %d may be lost, and sent %d times",
				page, of, a.acknowledged, a.forgiven, a.sent))
		}
		excess += max(0, of-a.sent) * recordsInAPost
		lack += max(0, a.acknowledged-a.forgiven-of) * recordsInAPost
	}
	if err := l.checkDumps(have); err != nil {
		return counted, err
	}
	if len(problems) > 0 {
		return counted, fmt.Errorf("%w: of %d pages, by %d records too many and %d too few, such as: %s", errWrong, len(problems), excess, lack, problems[0])
	}
	for counter, count := range have {
		if count > 0 {
			return counted, fmt.Errorf("%w: %v, which nobody sent, is counted %d times", errWrong, counter, count)
		}
	}
	return counted, nil
}

// writeOff takes what was forgiven for lost where it is not counted, and for not forgiven any more
// where it is: all nodes agree on it. It returns how many records are lost. Nobody may post meanwhile.
func (l *ledger) writeOff(counted [pages]int64) (lost int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for page := range l.accounts {
		a := &l.accounts[page]
		lost += max(0, a.acknowledged-counted[page])
		a.acknowledged, a.forgiven = min(a.acknowledged, counted[page]), 0
	}
	l.lost += lost
	return lost * recordsInAPost
}
