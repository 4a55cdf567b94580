package httpapi

import (
	"cmp"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/httpapi/spool"
)

// ranking gathers benefits, each rendered as it comes, because all must be
// known before the first can be written. What is rendered need not fit into memory. It
// is a Large answer.
type ranking struct {
	// events are the names of event types in alphabetical order, and ranks the places
	// in it, from 1, by event type.
	events []string
	ranks  [counters.MaxEventTypes + 1]counters.EventType
	// rendered are "events" objects, one after the other, buffer what follows.
	rendered *spool.Spool
	buffer   []byte
	names    []string // of benefits
	benefits []ranked
	failure  error

	// event and total are the innermost objects that are open, 0 and -1 for none.
	event counters.EventType
	total int
	// unyielded is how many cells were rendered since others had their turn.
	unyielded int
}

const (
	// yieldEvery is after how many cells a ranking lets others go first: rendering a
	// million takes a tenth of a second, in which posts would have one processor less.
	yieldEvery = 2 << 10
	// bufferBytes is about how much is rendered at a time.
	bufferBytes = 16 << 10
)

type ranked struct {
	benefit    counters.Benefit
	count      uint64
	start, end int64 // of its "events" object in rendered
}

// newRanking is for event types of these names, which are numbered from 1. One without a
// name is new, if anything counts under it.
func newRanking(events []string, rendered *spool.Spool) *ranking {
	r := &ranking{events: slices.Sorted(slices.Values(events)), rendered: rendered, total: -1}
	for number, name := range events {
		if name == "" {
			continue
		}
		place, _ := slices.BinarySearch(r.events, name)
		r.ranks[number+1] = counters.EventType(place + 1)
	}
	return r
}

// query has the counters of a query come in the order in which they are rendered: by the
// name of the event type, page total and index. A type that is new was not counted
// before the read began.
func (r *ranking) query(q counters.Query) counters.Query {
	project := q.Project
	q.Project = func(step uint32, key counters.Key) (counters.Key, bool) {
		key, counts := project(step, key)
		if !counts || r.ranks[key.Event()] == 0 {
			return 0, false
		}
		total, index := key.Position()
		key, err := counters.KeyAt(r.ranks[key.Event()], key.Version(), uint32(total)<<(counters.PlaceBits/2)|uint32(index))
		return key, err == nil
	}
	return q
}

// add renders counters of one benefit. What a benefit has comes in one call, or in
// several that follow each other.
func (r *ranking) add(benefit counters.Benefit, cells []counters.Cell) {
	if r.failure != nil {
		return
	}
	if r.unyielded += len(cells); r.unyielded >= yieldEvery {
		r.unyielded = 0
		runtime.Gosched()
	}
	if last := len(r.benefits) - 1; last < 0 || r.benefits[last].benefit != benefit {
		r.endBenefit()
		r.benefits = append(r.benefits, ranked{benefit: benefit, start: r.size()})
	}
	sum := &r.benefits[len(r.benefits)-1].count
	for _, cell := range cells {
		*sum += cell.Count
		r.appendCell(cell)
		if len(r.buffer) >= bufferBytes {
			r.flush()
		}
	}
}

// appendCell renders {"<event type>":{"<page total>":{"<index>":count}}}, but for what is
// open already and for the ends.
func (r *ranking) appendCell(cell counters.Cell) {
	place := cell.Key.Place()
	event, total, index := cell.Key.Event(), int(place>>(counters.PlaceBits/2)), place&counters.MaxPosition
	switch {
	case event != r.event:
		switch {
		case r.event != 0:
			r.buffer = append(r.buffer, "}},"...)
		default:
			r.buffer = append(r.buffer, '{')
		}
		r.buffer = append(appendQuoted(r.buffer, r.events[event-1]), ":{"...)
		r.buffer = append(appendName(r.buffer, uint64(total)), '{')
	case total != r.total:
		r.buffer = append(r.buffer, "},"...)
		r.buffer = append(appendName(r.buffer, uint64(total)), '{')
	default:
		r.buffer = append(r.buffer, ',')
	}
	r.event, r.total = event, total
	r.buffer = appendName(r.buffer, uint64(index))
	r.buffer = strconv.AppendUint(r.buffer, cell.Count, 10)
}

// appendName appends "<number>":
func appendName(dst []byte, number uint64) []byte {
	dst = strconv.AppendUint(append(dst, '"'), number, 10)
	return append(dst, `":`...)
}

// endBenefit closes what is open.
func (r *ranking) endBenefit() {
	if r.event == 0 {
		return
	}
	r.buffer = append(r.buffer, "}}}"...)
	r.benefits[len(r.benefits)-1].end = r.size()
	r.event, r.total = 0, -1
}

// size is how much is rendered so far.
func (r *ranking) size() int64 { return r.rendered.Size() + int64(len(r.buffer)) }

func (r *ranking) flush() {
	if r.failure == nil {
		_, r.failure = r.rendered.Write(r.buffer)
	}
	r.buffer = r.buffer[:0]
}

// end is called after the last counter. It returns what went wrong.
func (r *ranking) end() error {
	r.endBenefit()
	r.flush()
	return r.failure
}

// order ranks the benefits, which have these names by their numbers.
func (r *ranking) order(names []string) {
	r.names = names
	slices.SortFunc(r.benefits, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(names[a.benefit], names[b.benefit]))
	})
}

// about is about how long the answer is.
func (r *ranking) about() int64 { return r.rendered.Size() + 80*int64(len(r.benefits)) }

// Close gives back what it holds.
func (r *ranking) Close() { r.rendered.Close() }

// Open returns a reader of the answer.
func (r *ranking) Open() io.Reader { return &rankingReader{ranking: r, head: []byte{'['}} }

// rankingReader puts the answer together while it is read.
type rankingReader struct {
	*ranking
	made    []byte // the last head
	head    []byte // of that, what comes before the rest of an "events" object
	at, end int64  // of that
	next    int    // of the benefits
}

// Read reads the ranking as io.Reader has it.
func (r *rankingReader) Read(b []byte) (int, error) {
	for {
		switch {
		case len(r.head) > 0:
			n := copy(b, r.head)
			r.head = r.head[n:]
			return n, nil
		case r.at < r.end:
			n, err := r.rendered.ReadAt(b[:min(int64(len(b)), r.end-r.at)], r.at)
			r.at += int64(n)
			return n, err
		case r.next > len(r.benefits):
			return 0, io.EOF
		}
		r.made = r.nextHead(r.made[:0])
		r.head = r.made
		r.next++
	}
}

// nextHead is what comes before the next benefit's "events", or ends the answer.
func (r *rankingReader) nextHead(dst []byte) []byte {
	if r.next > 0 {
		dst = append(dst, '}')
	}
	if r.next == len(r.benefits) {
		return append(dst, ']')
	}
	if r.next > 0 {
		dst = append(dst, ',')
	}
	next := r.benefits[r.next]
	r.at, r.end = next.start, next.end
	dst = append(dst, `{"benefit":`...)
	dst = appendQuoted(dst, r.names[next.benefit])
	dst = append(dst, `,"events_count":`...)
	dst = strconv.AppendUint(dst, next.count, 10)
	return append(dst, `,"events":`...)
}
