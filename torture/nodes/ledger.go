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

// A ledger is an exact account of what clients posted. It may be used by several
// goroutines.
type ledger struct {
	mu       sync.Mutex
	accounts [pages]account
	refused  refusals
	// recent are the last acknowledgements of each node.
	recent map[*node][]acknowledgement
	last   time.Time     // acknowledgement of any node
	silent time.Duration // the longest time without one
}

// refusals are posts that are certainly not counted.
type refusals struct{ inWords, nobody int }

// recentFor is how far back a ledger knows when what was acknowledged.
const recentFor = 10 * time.Second

func newLedger() *ledger { return &ledger{recent: map[*node][]acknowledgement{}} }

// begin says that posts are sent from now on.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

// send is told before a post is sent.
func (l *ledger) send(page int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[page].sent++
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

// acknowledge is told of a post that a node acknowledged.
func (l *ledger) acknowledge(n *node, page int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.accounts[page].acknowledged++
	l.silent, l.last = max(l.silent, now.Sub(l.last)), now
	recent := append(l.recent[n], acknowledgement{now, page})
	if old := now.Add(-recentFor); len(recent) > 1000 && recent[0].at.Before(old) {
		keep := slices.IndexFunc(recent, func(a acknowledgement) bool { return !a.at.Before(old) })
		recent = slices.Clone(recent[keep:])
	}
	l.recent[n] = recent
}

// forgive says that what a node has acknowledged since a time may be lost.
func (l *ledger) forgive(n *node, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.recent[n] {
		if !a.at.Before(since) {
			l.accounts[a.page].forgiven++
		}
	}
	l.recent[n] = nil
}

// sums are all accounts together, in records.
func (l *ledger) sums() (total account, refused refusals, silent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.accounts {
		total.sent += a.sent * recordsInAPost
		total.acknowledged += a.acknowledged * recordsInAPost
		total.forgiven += a.forgiven * recordsInAPost
	}
	return total, l.refused, l.silent
}

// errWrong means that a node does not count what it must.
var errWrong = errors.New("a node counts wrong")

// check holds counts to the ledger: of each page they have all that was acknowledged, no
// more than was sent, and each record as often as the others, because a post is counted
// whole or not at all. Of what was forgiven it returns how many records are lost.
func (l *ledger) check(counts *harness.Ledger) (lost int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := map[harness.Counter]int64{}
	for counter, count := range counts.All() {
		have[counter] = count
	}
	var problems []string
	excess, lack := int64(0), int64(0)
	for page, a := range l.accounts {
		counted := have[counterOf(page, 0)]
		for i := range recordsInAPost {
			if count := have[counterOf(page, i)]; count != counted {
				return 0, fmt.Errorf("%w: record 1 of page %d is counted %d times, record %d %d times", errWrong, page, counted, i+1, count)
			}
			delete(have, counterOf(page, i))
		}
		if counted < a.acknowledged-a.forgiven || counted > a.sent {
			problems = append(problems, fmt.Sprintf("page %d is counted %d times; it was acknowledged %d times, of which %d may be lost, and sent %d times",
				page, counted, a.acknowledged, a.forgiven, a.sent))
		}
		excess += max(0, counted-a.sent) * recordsInAPost
		lack += max(0, a.acknowledged-a.forgiven-counted) * recordsInAPost
		lost += max(0, a.acknowledged-counted) * recordsInAPost
	}
	if len(problems) > 0 {
		return 0, fmt.Errorf("%w: of %d pages, by %d records too many and %d too few, such as: %s", errWrong, len(problems), excess, lack, problems[0])
	}
	for counter, count := range have {
		if count > 0 {
			return 0, fmt.Errorf("%w: %v, which nobody sent, is counted %d times", errWrong, counter, count)
		}
	}
	return lost, nil
}
