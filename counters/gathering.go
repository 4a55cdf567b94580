package counters

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"sync"
)

// A Gathering adds up what a store itself counted in several deltas, to be told to
// other stores at once: they merge a counter that was bumped a hundred times as one.
// It belongs to one goroutine.
type Gathering struct {
	hours map[Hour]*gathered
	marks []Mark
}

// gathered are the counters of one hour: a log, not a table, because appending to it and
// sorting it once costs less than finding each counter, see BenchmarkTellOfAWindow.
type gathered struct {
	entries, scratch []Entry
	tallies          tallies
	tallied          []Entry // what was added up of tallies
	// ordered is how many entries, from the first on, are added up already.
	ordered int
	// most is how long the log may be before it is added up, so that counters that are
	// bumped for days without being told take no more than twice their memory.
	most int
	// least and highest are benefits between which all are.
	least, highest Benefit
}

// leastGathered is how many entries are not worth being added up before they are told.
const leastGathered = 1 << 18

// emptied have no entries and keep their memory for the next window.
var emptied = sync.Pool{New: func() any { return new(gathered) }}

// Add adds what a delta has, but what was merged into it: another store tells of that.
func (g *Gathering) Add(delta *Delta) {
	for _, span := range delta.Spans {
		if n := len(span.Entries); n > 0 && !span.Merged {
			g.of(span.Hour).add(span.Entries, span.Entries[0].Benefit(), span.Entries[n-1].Benefit())
		}
	}
	for _, mark := range delta.Marks {
		if !mark.Merged {
			g.marks = append(g.marks, mark)
		}
	}
}

// Marks are those of the batches, in the order in which they were added.
func (g *Gathering) Marks() []Mark { return g.marks }

// AddMark adds the mark of a batch.
func (g *Gathering) AddMark(mark Mark) { g.marks = append(g.marks, mark) }

// AddCells adds counters of one benefit and hour.
func (g *Gathering) AddCells(hour Hour, benefit Benefit, cells []Cell) {
	entries := make([]Entry, len(cells))
	for i, cell := range cells {
		entries[i] = Entry{newIncrement(benefit, cell.Key), cell.Count}
	}
	g.of(hour).add(entries, benefit, benefit)
}

// Take adds another gathering and empties it.
func (g *Gathering) Take(other *Gathering) {
	g.marks = append(g.marks, other.marks...)
	if g.hours == nil {
		g.hours, other.hours, other.marks = other.hours, nil, nil
		return
	}
	for hour, of := range other.hours {
		g.of(hour).add(of.entries, of.least, of.highest)
	}
	other.Release()
}

// Release empties the gathering and leaves its memory to others, that of Spans, too.
func (g *Gathering) Release() {
	for _, of := range g.hours {
		of.reset()
		emptied.Put(of)
	}
	g.hours, g.marks = nil, nil
}

func (g *Gathering) of(hour Hour) *gathered {
	of := g.hours[hour]
	if of == nil {
		if g.hours == nil {
			g.hours = map[Hour]*gathered{}
		}
		of = emptied.Get().(*gathered)
		g.hours[hour] = of
	}
	return of
}

// add adds entries of benefits from one to another.
func (g *gathered) add(entries []Entry, least, highest Benefit) {
	if len(g.entries) == 0 {
		g.least, g.highest = least, highest
	}
	g.least, g.highest = min(g.least, least), max(g.highest, highest)
	if len(g.entries)+len(entries) > g.most {
		g.addUp()
		g.most = max(leastGathered, 2*(len(g.entries)+len(entries)))
	}
	g.entries = append(g.entries, entries...)
}

// reset empties it and keeps its memory, and what was learned.
func (g *gathered) reset() {
	g.entries, g.ordered, g.most = g.entries[:0], 0, 0
}

// addUp makes the entries ones of a span. It leaves alone those that are: they may have been
// told, and be read.
func (g *gathered) addUp() {
	if len(g.entries) == g.ordered {
		return
	}
	g.entries = g.tallies.add(g.entries)
	g.tallied = g.tallies.take(g.tallied[:0])
	rest, tallied := len(g.entries), len(g.tallied)
	g.entries, g.scratch = inOrderByBenefit(g.entries, g.scratch, g.least, g.highest)
	repeated := rest - len(g.entries)
	switch {
	case len(g.entries) == 0:
		g.entries, g.tallied = g.tallied, g.entries
	case len(g.tallied) > 0:
		g.entries, g.scratch = mergeOrdered(g.scratch[:0], g.entries, g.tallied), g.entries
	}
	g.ordered = len(g.entries)
	switch {
	case rest < leastLearned:
	case repeated >= rest/4:
		g.tallies.learn(g.entries)
	case tallied*leastUsed < len(g.tallies.counts):
		g.tallies.forget()
	}
}

// Len is how many counters and marks it holds. A counter of several deltas may be among
// them as often.
func (g *Gathering) Len() (sum int) {
	for _, of := range g.hours {
		sum += len(of.entries)
	}
	return sum + len(g.marks)
}

// AddUp adds up what several deltas have, so that Len says how many counters there are.
func (g *Gathering) AddUp() {
	for _, of := range g.hours {
		of.addUp()
	}
}

// Spans are the counters, by hour, until the gathering changes. Equal gatherings of stores
// that number names alike have equal spans.
func (g *Gathering) Spans() (spans []Span) {
	for _, hour := range slices.Sorted(maps.Keys(g.hours)) {
		of := g.hours[hour]
		of.addUp()
		spans = append(spans, Span{Hour: hour, Entries: of.entries})
	}
	return spans
}

// SpansAs is Spans with other numbers, by which no two counters become one. The gathering
// must not be used after it.
func (g *Gathering) SpansAs(renumbered func(Entry) Entry) []Span {
	spans := g.Spans()
	for i, span := range spans {
		for j, entry := range span.Entries {
			span.Entries[j] = renumbered(entry)
		}
		spans[i].Entries, _ = sortEntries(span.Entries, nil)
	}
	return spans
}

// inOrder makes entries ones of a span: sorted by benefit and key, each pair once. It
// may use scratch, and returns what of both is free.
func inOrder(entries, scratch []Entry) (ordered, free []Entry) {
	ascending := true
	for i := 1; i < len(entries) && ascending; i++ {
		ascending = entries[i-1].increment < entries[i].increment
	}
	if ascending {
		return entries, scratch
	}
	entries, scratch = sortEntries(entries, scratch)
	merged := entries[:0]
	for _, entry := range entries {
		if last := len(merged) - 1; last >= 0 && merged[last].increment == entry.increment {
			merged[last].Count += entry.Count
			continue
		}
		merged = append(merged, entry)
	}
	return merged, scratch
}

// Entries are sorted by digits of narrowDigit bits, and from wideFrom entries on of wideDigit
// bits: each digit fewer saves a pass through memory that no near cache holds.
const (
	narrowDigit = 8
	wideDigit   = 12
	wideFrom    = 1 << wideDigit
)

// sortEntries is sortIncrements for entries.
func sortEntries(unsorted, scratch []Entry) (sorted, other []Entry) {
	if len(unsorted) < radixFrom {
		slices.SortFunc(unsorted, func(a, b Entry) int { return cmp.Compare(a.increment, b.increment) })
		return unsorted, scratch
	}
	from, to := unsorted, slices.Grow(scratch[:0], len(unsorted))[:len(unsorted)]
	differ := increment(0)
	for i := range from {
		differ |= from[i].increment ^ from[0].increment
	}
	width := narrowDigit
	if len(from) >= wideFrom {
		width = wideDigit
	}
	var next [1 << wideDigit]int32
	for differ != 0 {
		shift := bits.TrailingZeros64(uint64(differ))
		sortEntriesByDigit(to, from, shift, next[:1<<width])
		from, to = to, from
		differ &^= (1<<width - 1) << shift
	}
	return from, to
}

// sortEntriesByDigit copies from to to, sorted by the bits from a shift on that number next,
// and else in the same order.
func sortEntriesByDigit(to, from []Entry, shift int, next []int32) {
	clear(next)
	mask := increment(len(next) - 1)
	for i := range from {
		next[from[i].increment>>shift&mask]++
	}
	sum := int32(0)
	for digit, count := range next {
		next[digit] = sum
		sum += count
	}
	for i := range from {
		digit := from[i].increment >> shift & mask
		to[next[digit]] = from[i]
		next[digit]++
	}
}
