package counters

import (
	"cmp"
	"math"
	"slices"
)

// EndOfTime is later than every hour that counts.
const EndOfTime = Hour(math.MaxUint32)

// query says which counts to read, and under which keys to add them up. Each
// function maps a key of its layer to the key to count under, and says whether
// it counts.
type query struct {
	from, to Hour // days outside are not looked at
	// table picks the table of an open day to read.
	table func(*dayCounts) *Table
	// stored is for its counters.
	stored func(Day, Key) (Key, bool)
	// pending is for records that are not folded yet.
	pending func(Hour, Key) (Key, bool)
	// allTime adds the past of the store, closed a table of closed days, if not
	// nil. past is for the counters of either.
	allTime bool
	closed  *Table
	past    func(Key) (Key, bool)
}

func (q query) days(day Day) bool { return q.to > 0 && day >= q.from.Day() && day <= (q.to-1).Day() }

// view is a copy of what one shard holds for a query, at one moment.
type view struct {
	words   []uint64 // of cells: sorting words is much cheaper than sorting Cells
	ends    []int    // words[ends[local-1]:ends[local]] are those of a benefit
	pending []pendingCell
}

// pendingCell is a count that is not in a view's words: a record that is not
// folded yet, or what a counter carries above its word.
type pendingCell struct {
	benefit Benefit
	cell    Cell
}

func (s *Store) read(q query, visit func(Benefit, []Cell)) {
	var v view
	var merged []Cell
	for i := range s.shards {
		s.shards[i].copyTo(&v, s, i, q)
		slices.SortFunc(v.pending, func(a, b pendingCell) int { return cmp.Compare(a.benefit, b.benefit) })
		pending, start := v.pending, 0
		for local, end := range v.ends {
			benefit := Benefit(i + local*len(s.shards))
			merged = mergeWords(merged[:0], v.words[start:end])
			start = end
			if len(pending) > 0 && pending[0].benefit == benefit {
				for len(pending) > 0 && pending[0].benefit == benefit {
					merged = append(merged, pending[0].cell)
					pending = pending[1:]
				}
				merged = sortCells(merged)
			}
			if len(merged) > 0 {
				visit(benefit, merged)
			}
		}
	}
}

// mergeWords appends the cells of words to dst, sorted by key, adding up those
// of the same key. It sorts the words in place.
func mergeWords(dst []Cell, words []uint64) []Cell {
	slices.Sort(words)
	for _, word := range words {
		dst = append(dst, Cell{Key: Key(word >> countBits), Count: word & countMask})
	}
	return mergeNeighbours(dst)
}

// source is a table to copy from, with what its keys become.
type source struct {
	table *Table
	keys  func(Key) (Key, bool)
}

// copyTo holds the layers' lock, so that no fold moves a count from the sealed
// layer to the base in between, and the intake's while it reads that.
func (sh *shard) copyTo(v *view, s *Store, number int, q query) {
	v.words, v.ends, v.pending = v.words[:0], v.ends[:0], v.pending[:0]
	sh.layers.Lock()
	defer sh.layers.Unlock()
	sh.copyPending(v, s, q)
	sources := sh.sources(q)
	stride := Benefit(len(s.shards))
	for benefit, end := Benefit(number), beyond(sources, v.pending); benefit < end; benefit += stride {
		for _, source := range sources {
			if local := int((benefit - source.table.first) / source.table.stride); local < len(source.table.benefits) {
				v.copyCells(benefit, &source.table.benefits[local], source.keys)
			}
		}
		v.ends = append(v.ends, len(v.words))
	}
}

func (sh *shard) sources(q query) []source {
	var sources []source
	for _, layer := range []layer{sh.base, sh.overlay} {
		for day, counts := range layer {
			if q.days(day) {
				keys := func(key Key) (Key, bool) { return q.stored(day, key) }
				sources = append(sources, source{q.table(counts), keys})
			}
		}
	}
	if q.closed != nil {
		sources = append(sources, source{q.closed, q.past})
	}
	if q.allTime {
		sources = append(sources, source{sh.past, q.past})
	}
	return sources
}

// beyond is a number that no benefit of the sources has reached.
func beyond(sources []source, pending []pendingCell) Benefit {
	end := Benefit(0)
	for _, source := range sources {
		end = max(end, source.table.first+Benefit(len(source.table.benefits))*source.table.stride)
	}
	for _, p := range pending {
		end = max(end, p.benefit+1)
	}
	return end
}

func (v *view) copyCells(benefit Benefit, from *cells, keys func(Key) (Key, bool)) {
	for _, word := range from.words {
		if word == 0 {
			continue
		}
		key, ok := keys(Key(word >> countBits))
		if !ok {
			continue
		}
		v.words = append(v.words, uint64(key)<<countBits|word&countMask)
		if carried := from.carries[Key(word>>countBits)] << countBits; carried != 0 {
			v.pending = append(v.pending, pendingCell{benefit, Cell{key, carried}})
		}
	}
}

func (sh *shard) copyPending(v *view, s *Store, q query) {
	sh.intake.Lock()
	defer sh.intake.Unlock()
	if s.visibility == WhenAdded {
		v.copyIncrements(&sh.intake.active, q)
	}
	if s.sealedVisible.Load() {
		v.copyIncrements(&sh.intake.sealed, q)
	}
}

func (v *view) copyIncrements(from *increments, q query) {
	v.copyLog(from.hour, from.log, q)
	for hour, log := range from.others {
		v.copyLog(hour, log, q)
	}
}

func (v *view) copyLog(hour Hour, log []increment, q query) {
	if !q.days(hour.Day()) {
		return
	}
	for _, increment := range log {
		if key, ok := q.pending(hour, increment.key()); ok {
			v.pending = append(v.pending, pendingCell{increment.benefit(), Cell{key, 1}})
		}
	}
}
