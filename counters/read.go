package counters

import (
	"maps"
	"slices"
)

// usualPiece is how many counters are copied at a time where nobody says.
const usualPiece = 1 << 16

// Read calls visit once for each benefit that the query counts anything for, with
// what it counts, sorted by key. The slice is only valid during the call. Benefits
// come in no order. All counts are those of one moment, see moment; writers are not
// stopped, and no lock is held during visit.
//
// Days that the store has not are added up by the caller in one table, nil for none:
// where the query has one step, under the keys of the kind, without hours; else
// under the projected keys.
func (s *Store) Read(q Query, closed *Table, visit func(Benefit, []Cell)) {
	whole := gathering{visit: visit}
	s.ReadInPieces(q, closed, usualPiece, whole.add)
	whole.end()
}

// ReadInPieces is Read for counts of any size in little memory: about as many counters
// are copied at a time as a piece has. A benefit with more comes in several calls, one
// after the other: the keys ascend through all of them.
func (s *Store) ReadInPieces(q Query, closed *Table, piece int, visit func(Benefit, []Cell)) {
	place, known := s.kinds.place(q.Kind)
	if !known {
		return
	}
	reader := shardReader{store: s, asked: asked{q, s.kinds[place], place}, closed: closed, piece: piece}
	reader.since = s.moments.begin(s, reader.asked)
	defer s.moments.end(reader.since)
	for reader.number = range s.shards {
		reader.read(visit)
	}
}

// gathering puts together what comes in pieces.
type gathering struct {
	visit   func(Benefit, []Cell)
	benefit Benefit
	cells   []Cell
}

func (g *gathering) add(benefit Benefit, cells []Cell) {
	if benefit != g.benefit {
		g.end()
		g.benefit = benefit
	}
	g.cells = append(g.cells, cells...)
}

func (g *gathering) end() {
	if len(g.cells) > 0 {
		g.visit(g.benefit, g.cells)
	}
	g.cells = g.cells[:0]
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
		_ = shard.visiblePending(s, func(pending *increments) { pending.seeDays(seen) })
		shard.layers.Unlock()
	}
	return slices.Collect(maps.Keys(seen))
}

// visiblePending calls see with the records that are not folded yet and that readers
// see. It returns the number of the last delta that these and what is folded belong to,
// if the caller has the shard's layers.
func (sh *shard) visiblePending(s *Store, see func(*increments)) (last uint64) {
	sh.intake.Lock()
	defer sh.intake.Unlock()
	last = s.visible.Load()
	if s.visibility == WhenAdded {
		see(&sh.intake.active)
	}
	if s.visibility == WhenAdded || sh.intake.delta <= last {
		see(&sh.intake.sealed)
	}
	return last
}
