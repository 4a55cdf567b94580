package counters

import (
	"iter"
	"maps"
	"slices"
)

// A Gathering adds up what a store itself counted in several deltas, to be told to
// other stores at once: they merge a counter that was bumped a hundred times as one.
// It belongs to one goroutine.
type Gathering struct {
	hours map[Hour]*gathered
	// last is that of lastHour, nil for none: nearly all that comes is of one hour.
	last     *gathered
	lastHour Hour
	marks    []Mark
	blocks   []*block // that have entries of deltas, each in use once for each time it is here
	held     int      // for how many entries the blocks have room
	// waiting is how many entries are not added up, and most how many may be, so that counters
	// that are bumped for days without being told take no more than twice their memory.
	waiting, most int
}

const (
	// leastGathered is how many entries are not worth being added up before they are told.
	leastGathered = 1 << 18
	// mostHeld is for how many times as many entries blocks may have room as may wait.
	mostHeld = 4
)

// Add adds what a delta has, but what was merged into it: another store tells of that. What
// the delta holds stays where it is until it is added up.
func (g *Gathering) Add(delta *Delta) {
	if n := len(g.blocks); len(delta.entries) > 0 && (n == 0 || g.blocks[n-1] != delta.block) {
		delta.block.users.Add(1)
		g.blocks, g.held = append(g.blocks, delta.block), g.held+cap(delta.block.memory)
	}
	for rest, spans := delta.entries, delta.Spans; len(rest) > 0; {
		var own ownSpans
		own, spans = nextOwn(spans)
		g.of(own.hour).keep(rest[:own.entries], own.least, own.highest)
		rest = rest[own.entries:]
	}
	for _, mark := range delta.Marks {
		if !mark.Merged {
			g.marks = append(g.marks, mark)
		}
	}
	delta.isKept = true
	g.note(len(delta.entries))
}

// note says how many entries have come.
func (g *Gathering) note(entries int) {
	g.waiting += entries
	if most := max(g.most, leastGathered); g.waiting > most || g.held > mostHeld*most {
		g.AddUp()
	}
}

// ownSpans are spans of one hour that follow each other in a delta and were counted here: their
// entries follow each other, too.
type ownSpans struct {
	hour           Hour
	entries        int
	least, highest Benefit
}

// nextOwn are the first ones of some spans, and the spans after them.
func nextOwn(spans []Span) (own ownSpans, after []Span) {
	for i := range spans {
		span := &spans[i]
		n := len(span.Entries)
		if span.Merged || n == 0 {
			continue
		}
		least, highest := span.Entries[0].Benefit(), span.Entries[n-1].Benefit()
		switch {
		case own.entries == 0:
			own = ownSpans{span.Hour, n, least, highest}
		case own.hour != span.Hour:
			return own, spans[i:]
		default:
			own.entries += n
			own.least, own.highest = min(own.least, least), max(own.highest, highest)
		}
	}
	return own, nil
}

// Marks are those of the batches, in the order in which they were added.
func (g *Gathering) Marks() []Mark { return g.marks }

// AddMark adds the mark of a batch.
func (g *Gathering) AddMark(mark Mark) { g.marks = append(g.marks, mark) }

// AddCells adds counters of one benefit and hour.
func (g *Gathering) AddCells(hour Hour, benefit Benefit, cells []Cell) {
	of := g.of(hour)
	of.see(benefit, benefit)
	for _, cell := range cells {
		of.entries = append(of.entries, Entry{newIncrement(benefit, cell.Key), cell.Count})
	}
	g.note(len(cells))
}

// Take adds another gathering and empties it.
func (g *Gathering) Take(other *Gathering) {
	taken := *other
	*other = Gathering{}
	if g.hours == nil {
		taken.marks = append(g.marks, taken.marks...)
		*g = taken
		return
	}
	g.marks, g.blocks = append(g.marks, taken.marks...), append(g.blocks, taken.blocks...)
	g.held += taken.held
	entries := 0
	for hour, of := range taken.hours {
		entries += of.len()
		g.of(hour).take(of)
		of.reset()
		emptied.Put(of)
	}
	g.note(entries) // of all at once: to add up gives up the blocks
}

// Release empties the gathering and leaves its memory to others, that of Spans, too.
func (g *Gathering) Release() {
	for _, of := range g.hours {
		of.reset()
		emptied.Put(of)
	}
	g.releaseBlocks()
	*g = Gathering{}
}

// releaseBlocks is for when no entries are kept.
func (g *Gathering) releaseBlocks() {
	for _, block := range g.blocks {
		block.release()
	}
	clear(g.blocks)
	g.blocks, g.held = g.blocks[:0], 0
}

func (g *Gathering) of(hour Hour) *gathered {
	if g.last != nil && g.lastHour == hour {
		return g.last
	}
	of := g.hours[hour]
	if of == nil {
		if g.hours == nil {
			g.hours = map[Hour]*gathered{}
		}
		of = emptied.Get().(*gathered)
		g.hours[hour] = of
	}
	g.last, g.lastHour = of, hour
	return of
}

// Len is how many counters and marks it holds. A counter of several deltas may be among
// them as often. It is a change where Hours and Heads are concerned.
func (g *Gathering) Len() (sum int) {
	if g.last != nil && len(g.hours) == 1 { // without an iterator: each commit asks
		return g.last.len() + len(g.marks)
	}
	for _, of := range g.hours {
		sum += of.len()
	}
	return sum + len(g.marks)
}

// AtMost is as many as there are counters, or more. Unlike AddUp it makes no entries of all.
func (g *Gathering) AtMost() (sum int) {
	g.tally()
	for _, of := range g.hours {
		sum += len(of.entries) + min(of.inTallies, len(of.tallies.counts))
	}
	return sum
}

// AddUp adds up what several deltas have, so that Len says how many counters there are.
func (g *Gathering) AddUp() {
	g.waiting, g.most = 0, 0
	for _, of := range g.hours {
		of.addUp()
		g.most += of.len()
	}
	g.releaseBlocks()
}

// Hours are those of which there are counters, each with its runs: the counters in the order of a
// span, those together that differ in their places alone. A run stays as it is until the next one.
// The gathering must not change meanwhile.
func (g *Gathering) Hours() iter.Seq2[Hour, iter.Seq[[]Entry]] {
	g.tally()
	return func(yield func(Hour, iter.Seq[[]Entry]) bool) {
		for _, hour := range slices.Sorted(maps.Keys(g.hours)) {
			if !yield(hour, g.hours[hour].runs) {
				return
			}
		}
	}
}

// Heads has a counter of each run of any hour, in no order.
func (g *Gathering) Heads() iter.Seq[Entry] {
	g.tally()
	return func(yield func(Entry) bool) {
		for _, of := range g.hours {
			for head := range of.heads {
				if !yield(head) {
					return
				}
			}
		}
	}
}

// tally leaves nothing that waits.
func (g *Gathering) tally() {
	g.waiting = 0
	for _, of := range g.hours {
		of.tally()
	}
	g.releaseBlocks()
}

// Spans are the counters, by hour, until the gathering changes. Equal gatherings of stores
// that number names alike have equal spans.
func (g *Gathering) Spans() (spans []Span) {
	g.AddUp()
	for _, hour := range slices.Sorted(maps.Keys(g.hours)) {
		spans = append(spans, Span{Hour: hour, Entries: g.hours[hour].entries})
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
