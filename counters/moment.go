package counters

import (
	"slices"
	"sync"
)

// A moment is when a read began. The read goes on piece by piece while deltas come to be
// seen, whole: it notes these and takes them off what it copies later. So all that it
// gives is of one moment, and a batch is in it whole or not at all, though nobody
// waited. In a store that shows records when they are added there are no such moments,
// and each piece is of its own.
type moment struct {
	store *Store
	asked asked
	// caughtUp is the number of the last delta that is in later, or came before the moment.
	// It is guarded by the lock of the moments.
	caughtUp uint64
	// later is what was counted since, under the keys of the query; nil for nothing.
	later *Table
	cells []Cell // scratch
}

// moments are those of the reads under way, and the deltas that these have not caught up
// with.
type moments struct {
	mu    sync.Mutex
	open  []*moment   // guarded by mu
	noted []seenDelta // in the order of their numbers, guarded by mu
	// entries is how many those have, guarded by mu.
	entries int
}

// seenDelta is a copy of a delta that came to be seen while somebody read.
type seenDelta struct {
	number uint64
	spans  []Span
	size   int // in entries
}

// mostNoted is how many entries are kept for reads that have not caught up with them: 8 MiB.
// To get beyond that, a read would have to stand still while half a million counters
// count. It then takes off what it has, and what it reads next is of a later moment.
const mostNoted = 1 << 19

// begin is now, for a read of what is asked.
func (m *moments) begin(s *Store, a asked) *moment {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := &moment{store: s, asked: a, caughtUp: s.visible.Load()}
	m.open = append(m.open, began)
	return began
}

// end forgets the moment of a read that is over.
func (m *moments) end(over *moment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = slices.DeleteFunc(m.open, func(open *moment) bool { return open == over })
	m.forget()
}

// show lets readers see a delta, at one moment in all shards.
func (s *Store) show(d *Delta) {
	s.moments.mu.Lock()
	defer s.moments.mu.Unlock()
	if len(s.moments.open) > 0 && s.visibility == WhenDurable {
		s.moments.note(s.visible.Load()+1, d.Spans)
	}
	s.visible.Add(1)
}

// note keeps a copy of a delta, whose memory is used again.
func (m *moments) note(number uint64, spans []Span) {
	size := 0
	for _, span := range spans {
		size += len(span.Entries)
	}
	for len(m.noted) > 0 && m.entries+size > mostNoted {
		m.dropFirst()
	}
	entries, copied := make([]Entry, 0, size), make([]Span, 0, len(spans))
	for _, span := range spans {
		entries = append(entries, span.Entries...)
		span.Entries = entries[len(entries)-len(span.Entries):]
		copied = append(copied, span)
	}
	m.noted = append(m.noted, seenDelta{number, copied, size})
	m.entries += size
}

func (m *moments) dropFirst() {
	m.entries -= m.noted[0].size
	m.noted[0] = seenDelta{}
	m.noted = m.noted[1:]
}

// forget drops the deltas that all reads have caught up with.
func (m *moments) forget() {
	if len(m.open) == 0 {
		m.noted, m.entries = nil, 0
		return
	}
	least := m.open[0].caughtUp
	for _, open := range m.open {
		least = min(least, open.caughtUp)
	}
	for len(m.noted) > 0 && m.noted[0].number <= least {
		m.dropFirst()
	}
}

// catchUp makes later all that was counted up to a delta, the last that a piece has in it.
func (m *moment) catchUp(last uint64) {
	for _, seen := range m.missed(last) {
		for _, span := range seen.spans {
			copySpan(span, m.asked, m.add)
		}
	}
}

// missed are the deltas up to one that a read has not caught up with. It has, by this.
func (m *moment) missed(last uint64) (missed []seenDelta) {
	all := &m.store.moments
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, seen := range all.noted {
		if seen.number > m.caughtUp && seen.number <= last {
			missed = append(missed, seen)
		}
	}
	m.caughtUp = max(m.caughtUp, last)
	all.forget()
	return missed
}

func (m *moment) add(benefit Benefit, key Key, count uint64) {
	if m.later == nil {
		m.later = NewTable(m.store.seed)
	}
	m.later.Add(benefit, key, count)
}

// takeOff takes what was counted since the moment off cells of a benefit, which are sorted
// by key.
func (m *moment) takeOff(benefit Benefit, cells []Cell) []Cell {
	if m.later == nil {
		return cells
	}
	m.cells = m.later.Cells(benefit, m.cells[:0])
	if len(m.cells) == 0 {
		return cells
	}
	later, left := m.cells, cells[:0]
	for _, cell := range cells {
		for len(later) > 0 && later[0].Key < cell.Key {
			later = later[1:]
		}
		if len(later) > 0 && later[0].Key == cell.Key {
			cell.Count -= later[0].Count
		}
		if cell.Count > 0 {
			left = append(left, cell)
		}
	}
	return left
}
