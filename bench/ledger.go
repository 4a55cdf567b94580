package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errMismatch is returned when a server's counts are not those it acknowledged.
var errMismatch = errors.New("counts differ from what was acknowledged")

// counter is what the service counts by, all time and of one version. Names are
// numbers of the ledger that the counter belongs to.
type counter struct {
	benefit int32
	event   int32
	total   int32
	index   int32
}

// ledger is an exact account of counts: what a load generator knows to be
// acknowledged, or what a server says it has. It is not safe for concurrent use.
type ledger struct {
	benefits nameTable
	events   nameTable
	counts   map[counter]int64
}

func newLedger() *ledger {
	return &ledger{benefits: newNameTable(), events: newNameTable(), counts: map[counter]int64{}}
}

// add counts a number of records of one counter.
func (l *ledger) add(benefit, event string, total, index int, records int64) {
	place := counter{
		benefit: l.benefits.number(benefit),
		event:   l.events.number(event),
		total:   int32(total),
		index:   int32(index),
	}
	l.counts[place] += records
}

// addAcknowledged counts the records of requests of a workload, given how often
// each request was acknowledged.
func (l *ledger) addAcknowledged(traffic *workload, acknowledged []int64) {
	current := page{}
	for number, times := range acknowledged {
		if times == 0 {
			continue
		}
		traffic.source.load(number, &current)
		for position, benefit := range current.benefits {
			l.add(traffic.names[benefit], traffic.events[current.event],
				current.total, current.firstIndex+position, times)
		}
	}
}

// merge adds all counts of another ledger.
func (l *ledger) merge(other *ledger) {
	for place, records := range other.counts {
		l.add(other.benefits.names[place.benefit], other.events.names[place.event],
			int(place.total), int(place.index), records)
	}
}

// records is the sum of all counts.
func (l *ledger) records() int64 {
	sum := int64(0)
	for _, records := range l.counts {
		sum += records
	}
	return sum
}

// shownDifferences is how many differences an error names; one is rarely enough
// to see the pattern, and all of them are too many to read.
const shownDifferences = 8

// compare returns an error that wraps errMismatch and names the first
// differences, unless both ledgers have exactly the same counts.
func (l *ledger) compare(actual *ledger) error {
	var differences []string
	for place, want := range l.counts {
		if have := actual.lookup(l, place); have != want {
			differences = append(differences, l.difference(place, have, want))
		}
	}
	for place, have := range actual.counts {
		if _, known := l.counts[l.translate(actual, place)]; !known && have != 0 {
			differences = append(differences, actual.difference(place, have, 0))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	shown := differences[:min(len(differences), shownDifferences)]
	return fmt.Errorf("%w: %d counters, among them %s (have %d records in all, want %d)",
		errMismatch, len(differences), strings.Join(shown, "; "), actual.records(), l.records())
}

// lookup returns the count of another ledger's counter.
func (l *ledger) lookup(owner *ledger, place counter) int64 {
	return l.counts[l.translate(owner, place)]
}

// translate returns another ledger's counter in this one's numbers, which are
// -1 for names that do not occur here.
func (l *ledger) translate(owner *ledger, place counter) counter {
	place.benefit = l.benefits.find(owner.benefits.names[place.benefit])
	place.event = l.events.find(owner.events.names[place.event])
	return place
}

func (l *ledger) difference(place counter, have, want int64) string {
	return fmt.Sprintf("%s %s %d/%d: have %d, want %d", l.benefits.names[place.benefit],
		l.events.names[place.event], place.index, place.total, have, want)
}

// nameTable numbers names in the order they are first seen.
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
