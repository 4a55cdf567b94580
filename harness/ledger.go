package harness

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// ErrMismatch means that a server's counts are not those that it acknowledged.
var ErrMismatch = errors.New("counts differ from what was acknowledged")

// Counter is what one count of GET /statistics is of, for one version and all time.
type Counter struct {
	Benefit, Event string
	// Total is page_total, and Index is benefit_index.
	Total, Index int
}

// String names it as people do.
func (c Counter) String() string {
	return fmt.Sprintf("%s %s %d/%d", c.Benefit, c.Event, c.Index, c.Total)
}

// Total is what one count of GET /benefits is of.
type Total struct{ Benefit, Event string }

// Ledger is an exact account of counts: those that a client knows to be acknowledged,
// or those that a server says it has. It keeps ten million of them in a few hundred
// megabytes. It is not safe for concurrent use.
type Ledger struct {
	benefits nameTable
	events   nameTable
	counts   map[entry]int64
}

// entry is a counter with the ledger's numbers for names.
type entry struct{ benefit, event, total, index int32 }

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{benefits: newNameTable(), events: newNameTable(), counts: map[entry]int64{}}
}

// Add counts a number of records of one counter.
func (l *Ledger) Add(counter Counter, records int64) {
	l.counts[entry{
		benefit: l.benefits.number(counter.Benefit),
		event:   l.events.number(counter.Event),
		total:   int32(counter.Total),
		index:   int32(counter.Index),
	}] += records
}

// Merge adds all counts of another ledger.
func (l *Ledger) Merge(other *Ledger) {
	for counter, records := range other.All() {
		l.Add(counter, records)
	}
}

// All yields each counter and its count, in no order.
func (l *Ledger) All() iter.Seq2[Counter, int64] {
	return func(yield func(Counter, int64) bool) {
		for place, records := range l.counts {
			if !yield(l.counter(place), records) {
				return
			}
		}
	}
}

// Records is the sum of all counts.
func (l *Ledger) Records() int64 {
	sum := int64(0)
	for _, records := range l.counts {
		sum += records
	}
	return sum
}

// Counters is how many counters there are.
func (l *Ledger) Counters() int { return len(l.counts) }

// Totals are the sums over positions, as GET /benefits has them.
func (l *Ledger) Totals() map[Total]int64 {
	totals := map[Total]int64{}
	for place, records := range l.counts {
		totals[Total{l.benefits.names[place.benefit], l.events.names[place.event]}] += records
	}
	return totals
}

// shownDifferences is how many differences an error names; one is rarely enough to see
// the pattern, and all of them are too many to read.
const shownDifferences = 8

// Compare returns an error that wraps ErrMismatch and names the first differences,
// unless both ledgers have exactly the same counts. The ledger has what must be there.
func (l *Ledger) Compare(actual *Ledger) error {
	var differences []string
	for place, want := range l.counts {
		if have := actual.counts[actual.translate(l, place)]; have != want {
			differences = append(differences, difference(l.counter(place), have, want))
		}
	}
	for place, have := range actual.counts {
		if _, known := l.counts[l.translate(actual, place)]; !known && have != 0 {
			differences = append(differences, difference(actual.counter(place), have, 0))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	shown := differences[:min(len(differences), shownDifferences)]
	return fmt.Errorf("%w: %d counters, among them %s (have %d records in all, want %d)",
		ErrMismatch, len(differences), strings.Join(shown, "; "), actual.Records(), l.Records())
}

func difference(counter Counter, have, want int64) string {
	return fmt.Sprintf("%v: have %d, want %d", counter, have, want)
}

func (l *Ledger) counter(place entry) Counter {
	return Counter{l.benefits.names[place.benefit], l.events.names[place.event], int(place.total), int(place.index)}
}

// translate returns another ledger's entry in this one's numbers, which are -1 for
// names that do not occur here.
func (l *Ledger) translate(owner *Ledger, place entry) entry {
	place.benefit = l.benefits.find(owner.benefits.names[place.benefit])
	place.event = l.events.find(owner.events.names[place.event])
	return place
}

// nameTable numbers names in the order in which they are first seen.
type nameTable struct {
	numbers map[string]int32
	names   []string
}

func newNameTable() nameTable { return nameTable{numbers: map[string]int32{}} }

func (t *nameTable) number(name string) int32 {
	if number, known := t.numbers[name]; known {
		return number
	}
	number := int32(len(t.names))
	t.numbers[name] = number
	t.names = append(t.names, name)
	return number
}

func (t *nameTable) find(name string) int32 {
	if number, known := t.numbers[name]; known {
		return number
	}
	return -1
}
