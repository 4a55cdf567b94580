package visitors

import (
	"bytes"

	"stats-recorder/counters"
)

// A Batch is what the ledger reads of the records of one request. It owns what it is
// given, in a few bytes a record, because the request is gone by the time when its
// records are durable. It is reused through Reset, and not safe for concurrent use.
type Batch struct {
	visits  []visit
	records []record // of all visits, one after the other
	sets    []set
	texts   []byte
}

// A visit is a run of records of one visitor on one day.
type visit struct {
	date    counters.Day
	id      span
	set     int32 // in the batch's sets, -1 for none
	records int32
}

// A set is the variants that visitors are in.
type set struct {
	source      span // what they were read from
	assignments [][2]span
	// numbers are those of a day, so that visitors of the same variants look them up
	// once.
	numbers resolved
	of      *names
}

// A span is a part of the batch's texts.
type span struct{ start, end int32 }

// A record is the benefit, the place on the page, and the event type.
type record struct {
	benefit counters.Benefit
	index   uint16
	event   counters.EventType
}

// Reset empties the batch and clears what it knew of visitors.
func (b *Batch) Reset() {
	clear(b.texts)
	b.visits, b.records, b.sets, b.texts = b.visits[:0], b.records[:0], b.sets[:0], b.texts[:0]
}

// Len is how many records it holds.
func (b *Batch) Len() int { return len(b.records) }

// Bytes is about how much memory it holds.
func (b *Batch) Bytes() int { return 8*cap(b.records) + cap(b.texts) + 20*cap(b.visits) }

// Visit says of which visitor and day the records are that are added from now on. Those
// of one visitor cost least one after the other. The source is what the visitor's variants
// are read from: if it is new to the batch, they follow by Assign, and read is true.
func (b *Batch) Visit(date counters.Day, hashID, source []byte) (read bool) {
	v := visit{date: date, id: b.keep(hashID), set: -1}
	if len(source) > 0 {
		v.set, read = b.setOf(source)
	}
	b.visits = append(b.visits, v)
	return read
}

// fewSets is up to how many sets visitors share. A site has two experiments of two
// variants.
const fewSets = 8

func (b *Batch) setOf(source []byte) (number int32, added bool) {
	for i := range b.sets[:min(len(b.sets), fewSets)] {
		if bytes.Equal(b.text(b.sets[i].source), source) {
			return int32(i), false
		}
	}
	n := len(b.sets)
	if n < cap(b.sets) {
		b.sets = b.sets[:n+1] // with the memory that its assignments had
		b.sets[n].assignments, b.sets[n].of = b.sets[n].assignments[:0], nil
	} else {
		b.sets = append(b.sets, set{})
	}
	b.sets[n].source = b.keep(source)
	return int32(n), true
}

// Assign adds a variant of the visitor of the last Visit. MaxAssignments of them are
// looked at.
func (b *Batch) Assign(experiment, variant []byte) {
	s := &b.sets[len(b.sets)-1]
	s.assignments = append(s.assignments, [2]span{b.keep(experiment), b.keep(variant)})
}

// Add adds a record of the visitor of the last Visit. The index is the benefit's place on
// its page, from 1: a page counts where its first place is shown.
func (b *Batch) Add(benefit counters.Benefit, index uint16, event counters.EventType) {
	b.visits[len(b.visits)-1].records++
	b.records = append(b.records, record{benefit, index, event})
}

// keep copies a text.
func (b *Batch) keep(text []byte) span {
	start := len(b.texts)
	b.texts = append(b.texts, text...)
	return span{int32(start), int32(len(b.texts))}
}

func (b *Batch) text(s span) []byte { return b.texts[s.start:s.end] }

// numbersOf are the variants of a visit with the numbers of a day.
func (b *Batch) numbersOf(v *visit, n *names) *resolved {
	if v.set < 0 {
		return &noAssignments
	}
	s := &b.sets[v.set]
	if s.of != n {
		b.resolve(s, n)
	}
	return &s.numbers
}

func (b *Batch) resolve(s *set, n *names) {
	var assignments [MaxAssignments]Assignment
	count := min(len(s.assignments), len(assignments))
	for i, a := range s.assignments[:count] {
		assignments[i] = Assignment{b.text(a[0]), b.text(a[1])}
	}
	n.resolve(assignments[:count], &s.numbers)
	s.numbers.unplaced += len(s.assignments) - count
	s.of = n
}

// noAssignments is shared: read only.
var noAssignments resolved
