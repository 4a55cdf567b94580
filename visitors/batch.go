package visitors

import "stats-recorder/counters"

// A Batch is what the ledger reads of the records of one request. It owns what it is
// given, in a few bytes a record, because the request is gone by the time when its
// records are durable. It is reused through Reset, and not safe for concurrent use.
type Batch struct {
	visits      []visit
	records     []record // of all visits, one after the other
	assignments []Assignment
	texts       []byte
}

// A visit is a run of records of one visitor on one day.
type visit struct {
	date        counters.Day
	id          []byte
	assignments []Assignment
	records     int
}

// A record is the benefit, the place on the page, and the event type.
type record struct {
	benefit counters.Benefit
	index   uint16
	event   counters.EventType
}

// Reset empties the batch and clears what it knew of visitors.
func (b *Batch) Reset() {
	clear(b.texts)
	clear(b.visits)
	clear(b.assignments)
	b.visits, b.records, b.assignments, b.texts = b.visits[:0], b.records[:0], b.assignments[:0], b.texts[:0]
}

// Len is how many records it holds, and Bytes about how much memory.
func (b *Batch) Len() int { return len(b.records) }

// Bytes is about how much memory it holds.
func (b *Batch) Bytes() int { return 8*cap(b.records) + cap(b.texts) }

// Visit says of which visitor and day the records are that are added from now on. The
// variants follow by Assign. Records of one visitor cost least one after the other.
func (b *Batch) Visit(date counters.Day, hashID []byte) {
	b.visits = append(b.visits, visit{date: date, id: b.text(hashID)})
}

// Assign adds a variant that the visitor of the last Visit is in, before there are
// records. MaxAssignments of them are looked at.
func (b *Batch) Assign(experiment, variant []byte) {
	first := len(b.assignments) - len(b.last().assignments)
	b.assignments = append(b.assignments, Assignment{b.text(experiment), b.text(variant)})
	b.last().assignments = b.assignments[first:len(b.assignments):len(b.assignments)]
}

// Add adds a record of the visitor of the last Visit. The index is the benefit's place on
// its page, from 1: a page counts where its first place is shown.
func (b *Batch) Add(benefit counters.Benefit, index uint16, event counters.EventType) {
	b.last().records++
	b.records = append(b.records, record{benefit, index, event})
}

func (b *Batch) last() *visit { return &b.visits[len(b.visits)-1] }

// text keeps a text. What was kept before may stay in the memory that is outgrown.
func (b *Batch) text(text []byte) []byte {
	if cap(b.texts)-len(b.texts) < len(text) {
		b.texts = make([]byte, 0, 2*cap(b.texts)+max(len(text), minTexts)) // the next batch has room
	}
	start := len(b.texts)
	b.texts = append(b.texts, text...)
	return b.texts[start:len(b.texts):len(b.texts)]
}

const minTexts = 256
