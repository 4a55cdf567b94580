package counters

import (
	"cmp"
	"maps"
	"slices"
)

// Read calls visit once for each benefit that the query counts anything for, with
// what it counts, sorted by key. The slice is only valid during the call. Benefits
// come in no order. Each shard is read at one moment; writers are not stopped, and
// no lock is held during visit.
//
// Days that the store has not are added up by the caller in one table, nil for none:
// where the query has one step, under the keys of the kind, without hours; else
// under the projected keys.
func (s *Store) Read(q Query, closed *Table, visit func(Benefit, []Cell)) {
	place, known := s.kinds.place(q.Kind)
	if !known {
		return
	}
	var v view
	var merged []Cell
	for i := range s.shards {
		s.shards[i].copyTo(&v, s, i, asked{q, s.kinds[place], place}, closed)
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

// Edition grows whenever readers may see other counts than before, but for days
// that Freeze and what follows move away. Who asks for it before Read knows that what
// Read gave is of this edition or a later one. It takes no lock that a reader holds.
func (s *Store) Edition() uint64 {
	if s.visibility == WhenDurable {
		return s.settled.Load()
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.settled.Load() + s.sealedBatches + uint64(s.gathered.Load())
}

// OpenDays are the days of which readers see counts that are not in the past, in
// no order.
func (s *Store) OpenDays() []Day {
	seen := map[Day]bool{}
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		shard.base.seeDays(seen)
		shard.overlay.seeDays(seen)
		shard.visiblePending(s, func(pending *increments) { pending.seeDays(seen) })
		shard.layers.Unlock()
	}
	return slices.Collect(maps.Keys(seen))
}

// visiblePending calls see with the records that are not folded yet and that readers
// see.
func (sh *shard) visiblePending(s *Store, see func(*increments)) {
	sh.intake.Lock()
	defer sh.intake.Unlock()
	if s.visibility == WhenAdded {
		see(&sh.intake.active)
	}
	if s.sealedVisible.Load() {
		see(&sh.intake.sealed)
	}
}
