package insight

import (
	"math/bits"

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
}

// pool sums the exact places of all benefits but counters.OtherBenefit, which is
// many benefits and none. Clicks at exact places without shows are orphans: no
// rate explains them, so they are left out.
func pool(benefits []benefitCounts) *table {
	t := &table{from: []int{0}}
	t.reserve(benefits)
	var grid poolGrid
	for _, b := range benefits {
		if b.name == counters.OtherBenefit {
			continue
		}
		for _, place := range b.places {
			if place.Shows > 0 {
				grid.add(place)
			}
		}
		grid.drainInto(t)
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
	t.rank = make([]uint8, 0, cells)
	t.length = make([]uint8, 0, cells)
	t.shows = make([]float64, 0, cells)
	t.clicks = make([]float64, 0, cells)
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
