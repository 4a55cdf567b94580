package counters

import (
	"cmp"
	"maps"
	"math/bits"
	"math/rand/v2"
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

// gathered are the counters of one hour: an open-addressing hash table, in which a counter
// that most deltas have is found in a nearer cache than all of it that was appended would be.
type gathered struct {
	seed  uint64
	slots []Entry // an increment of 0 is free; the length is 0 or a power of two
	used  int
}

// gatheredSlots are the tables of Gatherings that were told, for others. All are free.
var gatheredSlots = sync.Pool{New: func() any { return new([]Entry) }}

// Add adds what a delta has, but what was merged into it: another store tells of that.
func (g *Gathering) Add(delta *Delta) {
	for _, span := range delta.Spans {
		if !span.Merged {
			g.add(span.Hour, span.Entries)
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
	g.add(hour, entries)
}

// Take adds another gathering and empties it.
func (g *Gathering) Take(other *Gathering) {
	g.marks = append(g.marks, other.marks...)
	if g.hours == nil {
		g.hours, other.hours, other.marks = other.hours, nil, nil
		return
	}
	for hour, of := range other.hours {
		into := g.of(hour)
		for _, entry := range of.slots {
			if entry.increment != 0 {
				into.add(entry)
			}
		}
	}
	other.Release()
}

// Release empties the gathering and leaves its memory to others. Spans stay as they are.
func (g *Gathering) Release() {
	for _, of := range g.hours {
		clear(of.slots)
		gatheredSlots.Put(&of.slots)
	}
	g.hours, g.marks = nil, nil
}

func (g *Gathering) of(hour Hour) *gathered {
	of := g.hours[hour]
	if of == nil {
		if g.hours == nil {
			g.hours = map[Hour]*gathered{}
		}
		of = &gathered{seed: rand.Uint64(), slots: *gatheredSlots.Get().(*[]Entry)}
		g.hours[hour] = of
	}
	return of
}

func (g *Gathering) add(hour Hour, entries []Entry) {
	of := g.of(hour)
	for _, entry := range entries {
		of.add(entry)
	}
}

func (g *gathered) add(entry Entry) {
	if 3*(g.used+1) > 2*len(g.slots) {
		g.grow()
	}
	mask := uint64(len(g.slots) - 1)
	for i := spread(g.seed, Key(entry.increment)) & mask; ; i = (i + 1) & mask {
		switch slot := &g.slots[i]; slot.increment {
		case entry.increment:
			slot.Count += entry.Count
			return
		case 0:
			*slot = entry
			g.used++
			return
		}
	}
}

func (g *gathered) grow() {
	const least = 1 << 10
	old := g.slots
	g.slots, g.used = make([]Entry, max(least, 2*len(old))), 0
	for _, entry := range old {
		if entry.increment != 0 {
			g.add(entry)
		}
	}
}

// Len is how many counters and marks it holds.
func (g *Gathering) Len() (sum int) {
	for _, of := range g.hours {
		sum += of.used
	}
	return sum + len(g.marks)
}

// Spans are the counters, by hour. Equal gatherings of stores that number names alike
// have equal spans.
func (g *Gathering) Spans() (spans []Span) {
	for _, hour := range slices.Sorted(maps.Keys(g.hours)) {
		of := g.hours[hour]
		entries := make([]Entry, 0, of.used)
		for _, entry := range of.slots {
			if entry.increment != 0 {
				entries = append(entries, entry)
			}
		}
		entries, _ = sortEntries(entries, nil)
		spans = append(spans, Span{Hour: hour, Entries: entries})
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
	for differ != 0 {
		shift := bits.TrailingZeros64(uint64(differ))
		sortEntriesByDigit(to, from, shift)
		from, to = to, from
		differ &^= 0xff << shift
	}
	return from, to
}

// sortEntriesByDigit copies from to to, sorted by eight bits and else in the same order.
func sortEntriesByDigit(to, from []Entry, shift int) {
	var next [256]int32
	for i := range from {
		next[uint8(from[i].increment>>shift)]++
	}
	sum := int32(0)
	for digit, count := range next {
		next[digit] = sum
		sum += count
	}
	for i := range from {
		digit := uint8(from[i].increment >> shift)
		to[next[digit]] = from[i]
		next[digit]++
	}
}
