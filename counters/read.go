package counters

import (
	"cmp"
	"slices"
)

// Statistics calls visit once for each benefit that has counters of the given
// record version, with these counters of all time, sorted by key. The slice is
// only valid during the call. Benefits come in no order. Each shard is read at
// one moment; writers are not stopped, and no lock is held during visit.
func (s *Store) Statistics(version uint16, visit func(benefit Benefit, cells []Cell)) {
	s.read(query{
		table: func(counts *dayCounts) *Table { return counts.positions },
		keep:  func(_ Day, key Key) bool { return key.Version() == version },
		pending: func(_ Hour, key Key) (Key, bool) {
			return key, key.Version() == version
		},
	}, visit)
}

// An EventTotal is how many events of one type there were.
type EventTotal struct {
	Event EventType
	Count uint64
}

// EventTotals calls visit once for each benefit that has at least one event,
// of any version, in the hour since or later, with the totals by event type in
// ascending order. Hour 0 means all time. The rest is as for Statistics.
func (s *Store) EventTotals(since Hour, visit func(benefit Benefit, totals []EventTotal)) {
	var totals []EventTotal
	s.read(query{
		table: func(counts *dayCounts) *Table { return counts.hours },
		keep: func(day Day, key Key) bool {
			return day.FirstHour()+Hour(key.HourOfDay()) >= since
		},
		pending: func(hour Hour, key Key) (Key, bool) {
			return hourKey(key.Event(), hour), hour >= since
		},
	}, func(benefit Benefit, cells []Cell) {
		totals = totals[:0]
		for _, cell := range cells {
			if last := len(totals) - 1; last >= 0 && totals[last].Event == cell.Key.Event() {
				totals[last].Count += cell.Count
				continue
			}
			totals = append(totals, EventTotal{cell.Key.Event(), cell.Count})
		}
		visit(benefit, totals)
	})
}

// Counters is how many counters the base and the overlay hold. A counter that
// is in both counts twice until the overlay has been absorbed.
func (s *Store) Counters() int {
	total := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		for _, layer := range []layer{shard.base, shard.overlay} {
			for _, counts := range layer {
				total += counts.positions.Len()
			}
		}
		shard.layers.Unlock()
	}
	return total
}

// query says which counts to read and under which keys to add them up.
type query struct {
	// table picks the table of a day to read.
	table func(*dayCounts) *Table
	// keep says which of its counters count.
	keep func(Day, Key) bool
	// pending maps a record that is not folded yet to the key it will count
	// under in that table, and says whether it counts.
	pending func(Hour, Key) (Key, bool)
}

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

// copyTo holds the layers' lock, so that no fold moves a count from the sealed
// layer to the base in between, and the intake's while it reads that.
func (sh *shard) copyTo(v *view, s *Store, number int, q query) {
	v.words, v.ends, v.pending = v.words[:0], v.ends[:0], v.pending[:0]
	sh.layers.Lock()
	defer sh.layers.Unlock()
	sh.copyPending(v, s, q)

	var tables []*Table
	var days []Day
	benefits := 0
	for _, layer := range []layer{sh.base, sh.overlay} {
		for day, counts := range layer {
			table := q.table(counts)
			tables, days = append(tables, table), append(days, day)
			benefits = max(benefits, len(table.benefits))
		}
	}
	for _, p := range v.pending {
		benefits = max(benefits, int(p.benefit)/len(s.shards)+1)
	}
	for local := range benefits {
		for i, table := range tables {
			if local < len(table.benefits) {
				v.copyCells(Benefit(number+local*len(s.shards)), &table.benefits[local], days[i], q)
			}
		}
		v.ends = append(v.ends, len(v.words))
	}
}

func (v *view) copyCells(benefit Benefit, from *cells, day Day, q query) {
	for _, word := range from.words {
		if word == 0 {
			continue
		}
		key := Key(word >> countBits)
		if !q.keep(day, key) {
			continue
		}
		v.words = append(v.words, word)
		if carried := from.carries[key] << countBits; carried != 0 {
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
	for _, increment := range log {
		if key, ok := q.pending(hour, increment.key()); ok {
			v.pending = append(v.pending, pendingCell{increment.benefit(), Cell{key, 1}})
		}
	}
}
