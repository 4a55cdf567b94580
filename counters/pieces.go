package counters

import (
	"cmp"
	"slices"
)

// shardReader reads one shard piece by piece, so that neither what it copies nor the
// time for which it holds up folds grows with the shard. A counter is in one piece. A
// fold between two pieces moves counts from the sealed layer to the base, which a piece
// adds up: so each record is counted once. What came to be seen since the read began
// is taken off again.
type shardReader struct {
	store  *Store
	number int
	asked  asked
	closed *Table
	piece  int // about how many counters to copy at a time
	since  *moment

	view   view
	window window
	merged []Cell

	next Benefit // the first that was not read, or not as a whole
	from Key     // of that, keys below were read
	last uint64  // the last delta that is in the piece
}

func (r *shardReader) read(visit func(Benefit, []Cell)) {
	r.next, r.from = Benefit(r.number), 0
	for {
		large, more := r.copy()
		if !more {
			return
		}
		r.since.catchUp(r.last)
		if large {
			r.visitWindow(visit)
			continue
		}
		r.visitView(visit)
	}
}

// copy copies the next piece: some benefits into the view, or a part of a large one
// into the window. More is false when there is none.
func (r *shardReader) copy() (large, more bool) {
	shard := &r.store.shards[r.number]
	v := &r.view
	v.first, v.words, v.ends, v.pending = r.next, v.words[:0], v.ends[:0], v.pending[:0]
	// No fold moves a count from the sealed layer to the base in between.
	shard.layers.Lock()
	defer shard.layers.Unlock()
	r.last = shard.visiblePending(r.store, func(pending *increments) { v.copyIncrements(pending, r.asked) })
	sources := shard.sources(r.asked, r.closed)
	end, stride := beyond(sources, v.pending), Benefit(len(r.store.shards))
	if r.next >= end {
		return false, false
	}
	if sizeOf(sources, r.next) > r.piece {
		r.copyWindow(sources)
		return true, true
	}
	for ; r.next < end && len(v.words) < r.piece; r.next += stride {
		if sizeOf(sources, r.next) > r.piece {
			break
		}
		for _, source := range sources {
			v.copyCells(r.next, source)
		}
		v.ends = append(v.ends, len(v.words))
	}
	return false, true
}

// sizeOf is how many counters sources have of a benefit.
func sizeOf(sources []source, benefit Benefit) (size int) {
	for _, source := range sources {
		size += source.table.countersOf(benefit)
	}
	return size
}

// visitView visits the benefits that were copied.
func (r *shardReader) visitView(visit func(Benefit, []Cell)) {
	v := &r.view
	slices.SortFunc(v.pending, func(a, b pendingCell) int { return cmp.Compare(a.benefit, b.benefit) })
	pending, start := v.pending, 0
	for n, end := range v.ends {
		benefit := v.first + Benefit(n*len(r.store.shards))
		r.merged = mergeWords(r.merged[:0], v.sorted(start, end))
		start = end
		if len(pending) > 0 && pending[0].benefit == benefit {
			for len(pending) > 0 && pending[0].benefit == benefit {
				r.merged = append(r.merged, pending[0].cell)
				pending = pending[1:]
			}
			r.merged = sortCells(r.merged)
		}
		r.give(benefit, visit)
	}
}

// give visits a benefit with what was copied of it, as it was when the read began.
func (r *shardReader) give(benefit Benefit, visit func(Benefit, []Cell)) {
	if r.merged = r.since.takeOff(benefit, r.merged); len(r.merged) > 0 {
		visit(benefit, r.merged)
	}
}

// copyWindow copies the lowest keys of a large benefit that were not read.
func (r *shardReader) copyWindow(sources []source) {
	w := &r.window
	w.reset(r.store.seed, r.from, r.piece)
	for _, source := range sources {
		w.copyCells(r.next, source)
	}
	for _, p := range r.view.pending {
		if p.benefit == r.next {
			w.add(p.cell.Key, p.cell.Count)
		}
	}
}

// visitWindow visits the part of a benefit that was copied.
func (r *shardReader) visitWindow(visit func(Benefit, []Cell)) {
	benefit := r.next
	if r.from = r.window.bound; r.from == 0 {
		r.next += Benefit(len(r.store.shards))
	}
	r.merged = r.window.appendCells(r.merged[:0])
	r.give(benefit, visit)
}

// window adds up counts of the lowest keys from one on. When it has too many, it gives
// up the higher half, which is read another time.
type window struct {
	cells       cells
	seed        uint64
	limit       int
	from, bound Key // bound is the first key that was given up, 0 for none
	words       []uint64
	scratch     []uint64 // to sort words
}

func (w *window) reset(seed uint64, from Key, limit int) {
	w.seed, w.from, w.bound, w.limit = seed, from, 0, limit
	clear(w.cells.words)
	w.cells.used, w.cells.carries = 0, nil
}

func (w *window) copyCells(benefit Benefit, from source) {
	for counted, count := range from.table.all(benefit) {
		if key, ok := from.keys(counted); ok {
			w.add(key, count)
		}
	}
}

func (w *window) add(key Key, count uint64) {
	if key < w.from || (w.bound != 0 && key >= w.bound) {
		return
	}
	if w.cells.add(w.seed, key, count); w.cells.used >= 2*w.limit {
		w.giveUp()
	}
}

// sortCells makes words those of the cells, sorted by key.
func (w *window) sortCells() {
	w.words, w.scratch = sortWords(w.cells.appendWords(w.words[:0]), w.scratch)
}

// giveUp keeps the lowest keys.
func (w *window) giveUp() {
	w.sortCells()
	w.bound = Key(w.words[w.limit] >> countBits)
	clear(w.cells.words)
	w.cells.used = 0
	for _, word := range w.words[:w.limit] {
		w.cells.put(w.seed, word)
	}
	for key := range w.cells.carries {
		if key >= w.bound {
			delete(w.cells.carries, key)
		}
	}
}

// appendCells appends what was added up, sorted by key.
func (w *window) appendCells(dst []Cell) []Cell {
	w.sortCells()
	for _, word := range w.words {
		dst = append(dst, Cell{Key: Key(word >> countBits), Count: w.cells.count(word)})
	}
	return dst
}
