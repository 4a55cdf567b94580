package insight

import (
	"math/bits"
	"slices"
	"sync"

	"stats-recorder/counters"
)

// A table is the input of a fit: shows and clicks of each benefit pooled to
// classes, by name, then length class, then rank class, only cells with shows. Its
// columns are apart because most passes need three of them, and memory bounds the
// speed of a pass.
type table struct {
	names  []string
	from   []int // the cells of benefit b are from[b] up to but without from[b+1]
	rank   []uint8
	length []uint8
	shows  []float64
	clicks []float64

	grid  poolGrid // empty but while the table is made
	pause func()   // called after each benefit of each pass
}

// tables are those of fits that are over, for others: a fit of each second or so is
// otherwise most of what there is to collect.
var tables = sync.Pool{New: func() any { return new(table) }}

// release leaves the memory of a table that nobody looks at any more to others.
func (t *table) release() {
	clear(t.names)
	t.pause = nil
	tables.Put(t)
}

// pool sums the exact places of all benefits but counters.OtherBenefit, which is
// many benefits and none. Clicks at exact places without shows are orphans: no
// rate explains them, so they are left out. It pauses after each benefit.
func pool(benefits []benefitCounts, pause func()) *table {
	t := tables.Get().(*table)
	t.pause = pause
	t.names, t.from = t.names[:0], append(t.from[:0], 0)
	t.reserve(benefits)
	for _, b := range benefits {
		if b.name == counters.OtherBenefit {
			continue
		}
		for _, place := range b.places {
			if place.Shows > 0 {
				t.grid.add(place)
			}
		}
		t.grid.drainInto(t)
		pause()
		t.names = append(t.names, b.name)
		t.from = append(t.from, len(t.shows))
	}
	return t
}

// reserve makes room for as many cells as there can be.
func (t *table) reserve(benefits []benefitCounts) {
	places, largest := 0, 0
	for _, b := range benefits {
		places += len(b.places)
		largest = max(largest, len(b.places))
	}
	const mostCells = Classes * (Classes + 1) / 2
	cells := min(places, len(benefits)*min(largest, mostCells))
	t.rank = slices.Grow(t.rank[:0], cells)
	t.length = slices.Grow(t.length[:0], cells)
	t.shows = slices.Grow(t.shows[:0], cells)
	t.clicks = slices.Grow(t.clicks[:0], cells)
}

// A poolGrid gathers the cells of one benefit. It remembers which ones it has in
// bits, so that a benefit with few cells costs little.
type poolGrid struct {
	shows, clicks [Classes][Classes]float64 // by length class, rank class
	used          [Classes][2]uint64
}

func (g *poolGrid) add(place PlaceCount) {
	pageTotal, index := place.Position()
	length, rank := classOf[pageTotal], classOf[index]
	g.shows[length][rank] += float64(place.Shows)
	g.clicks[length][rank] += float64(place.Clicks)
	g.used[length][rank>>6] |= 1 << (rank & 63)
}

// drainInto moves the cells to the end of a table.
func (g *poolGrid) drainInto(t *table) {
	for length := range g.used {
		for half, used := range g.used[length] {
			for ; used != 0; used &= used - 1 {
				rank := half<<6 | bits.TrailingZeros64(used)
				t.rank = append(t.rank, uint8(rank))
				t.length = append(t.length, uint8(length))
				t.shows = append(t.shows, g.shows[length][rank])
				t.clicks = append(t.clicks, g.clicks[length][rank])
				g.shows[length][rank], g.clicks[length][rank] = 0, 0
			}
			g.used[length][half] = 0
		}
	}
}

// cells is how many cells there are.
func (t *table) cells() int { return len(t.shows) }
