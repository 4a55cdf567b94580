package visitors

import (
	"bytes"
	"slices"

	"stats-recorder/counters"
)

// A Batch is what the ledger reads of the records of one request. It owns what it is
// given, in a few bytes a record, because the request is gone by the time when its
// records are durable. It is reused through Reset, and not safe for concurrent use.
type Batch struct {
	visits  []visit
	records []Record // of all visits, one after the other
	sets    []set
	texts   []byte
}

// A visit is a run of records of one visitor on one day.
type visit struct {
	date    counters.Day
	set     int32 // in the batch's sets, -1 for none
	id      span
	records span // in the batch's records

	// While the ledger adds: whether the visit is not counted yet, the day's hash of its
	// visitor, and which of the day's visits, from 1, is the next of its shard.
	due  bool
	next int32
	hash uint64
}

// A set is the variants that visitors are in.
type set struct {
	source span // what they are read from
	// numbers are those of a day, so that visitors of the same variants look them up
	// once.
	numbers resolved
	of      *names
}

// A span is a part of the batch's texts, or of its records.
type span struct{ start, end int32 }

// A Record is the benefit, whether it stood first on its page, and the event type.
type Record uint32

const (
	recordEvent  = recordFirst - 1
	recordFirst  = 1 << 8
	benefitShift = 9
)

// NewRecord returns a record. The index is the benefit's place on its page, from 1: a page
// counts where its first place is shown.
func NewRecord(benefit counters.Benefit, index uint16, event counters.EventType) Record {
	r := Record(benefit)<<benefitShift | Record(event)
	if index == 1 {
		r |= recordFirst
	}
	return r
}

func (r Record) event() counters.EventType { return counters.EventType(r) }

// alike are the records from the first on that have its event type, and how many of them are
// of the first place on a page. A page is shown at once, so that nearly always all are alike.
func alike(records []Record) (same []Record, firsts int) {
	event := records[0] & recordEvent
	for i, r := range records {
		kind := r & (recordEvent | recordFirst)
		if kind == event {
			continue
		}
		if kind != event|recordFirst {
			return records[:i], firsts
		}
		firsts++
	}
	return records, firsts
}

// Reset empties the batch and clears what it knew of visitors.
func (b *Batch) Reset() {
	clear(b.texts)
	clear(b.sets)
	clear(b.visits)
	b.visits, b.records, b.sets, b.texts = b.visits[:0], b.records[:0], b.sets[:0], b.texts[:0]
}

// Len is how many records it holds.
func (b *Batch) Len() int { return len(b.records) }

// Bytes is about how much memory the records take that it holds.
func (b *Batch) Bytes() int {
	return recordBytes*len(b.records) + len(b.texts) + visitBytes*len(b.visits) + setBytes*len(b.sets)
}

// Held is about how much memory it keeps for what it will hold.
func (b *Batch) Held() int {
	return recordBytes*cap(b.records) + cap(b.texts) + visitBytes*cap(b.visits) + setBytes*cap(b.sets)
}

const recordBytes, visitBytes, setBytes = 4, 40, 64

// Visit says of which visitor and day the records are that are added from now on. Those
// of one visitor cost least one after the other. The source is what the visitor's variants
// are read from, by Config.Variants.
func (b *Batch) Visit(date counters.Day, hashID, source []byte) {
	id, set, n := b.keep(hashID), int32(-1), int32(len(b.records))
	if len(source) > 0 {
		set = b.setOf(source)
	}
	b.visits = slices.Grow(b.visits, 1)[:len(b.visits)+1]
	// Field by field where it stays: a copy of a whole one waits for its parts to be written.
	v := &b.visits[len(b.visits)-1]
	v.date, v.set, v.id, v.records, v.due = date, set, id, span{n, n}, false
}

// fewSets is up to how many sets visitors share. A site has two experiments of two
// variants.
const fewSets = 8

func (b *Batch) setOf(source []byte) (number int32) {
	for i := range b.sets[:min(len(b.sets), fewSets)] {
		if bytes.Equal(b.text(b.sets[i].source), source) {
			return int32(i)
		}
	}
	b.sets = append(b.sets, set{source: b.keep(source)})
	return int32(len(b.sets) - 1)
}

// Add adds records of the visitor of the last Visit.
func (b *Batch) Add(records ...Record) {
	b.records = append(b.records, records...)
	b.visits[len(b.visits)-1].records.end = int32(len(b.records))
}

// keep copies a text.
func (b *Batch) keep(text []byte) span {
	start := len(b.texts)
	b.texts = append(b.texts, text...)
	return span{int32(start), int32(len(b.texts))}
}

func (b *Batch) text(s span) []byte { return b.texts[s.start:s.end] }

func (b *Batch) recordsOf(v *visit) []Record { return b.records[v.records.start:v.records.end] }

// numbersOf are the variants of a visit with the numbers that were read last.
func (b *Batch) numbersOf(v *visit) *resolved {
	if v.set < 0 {
		return &noAssignments
	}
	return &b.sets[v.set].numbers
}

// read gives the variants of a visit the numbers of a day.
func (b *Batch) read(v *visit, n *names) {
	if v.set < 0 {
		return
	}
	if s := &b.sets[v.set]; s.of != n {
		n.read(b.text(s.source), &s.numbers)
		s.of = n
	}
}

// noAssignments is shared: read only.
var noAssignments resolved
