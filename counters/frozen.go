package counters

import (
	"maps"
	"slices"
)

// Frozen is the base of a store at one moment. While it lives nothing changes
// it: folds go to the overlay, so that it can be written down at leisure
// without stopping a writer. Its methods take no lock; one goroutine uses it.
type Frozen struct {
	store   *Store
	closing []Day
	beside  map[Part]*Table
	// Benefits is how many names of benefits there were at that moment, and Events are
	// those of event types: at least those that the base counts for, but for kinds that are
	// Overall.
	Benefits int
	Events   []string
}

// Freeze takes the base as it is after the last Commit. Only one Frozen may live
// at a time: the next Freeze comes after Thaw has returned.
func (s *Store) Freeze() *Frozen {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.lock()
		shard.frozen = true
		shard.unlock()
	}
	return &Frozen{store: s, Benefits: s.Benefits.Len(), Events: s.Events.Names()}
}

// Thaw lets folds reach the base again and moves what the overlay has gathered
// into it, a few benefits at a time, while adds, folds and reads go on. It may
// be called from any one goroutine.
func (f *Frozen) Thaw() {
	for i := range f.store.shards {
		f.store.shards[i].thaw(f.store, i)
	}
	f.store.recount()
}

func (sh *shard) thaw(s *Store, number int) {
	sh.lock()
	sh.frozen = false
	sh.unlock()
	// Nobody else changes the overlay of a shard that is not frozen.
	for day, tables := range sh.overlay {
		for kind, table := range tables {
			if table != nil {
				sh.absorb(s, number, kind, day, table)
			}
		}
		sh.lock()
		delete(sh.overlay, day)
		sh.unlock()
	}
}

// absorb moves one table of the overlay into the base. The lock is given up every
// few thousand counters, so that no reader and no fold waits long.
func (sh *shard) absorb(s *Store, number, kind int, day Day, overlay *Table) {
	const chunk = 4096
	sh.lock()
	defer sh.unlock()
	base := sh.base.at(s, number, kind, day)
	moved := 0
	for local := range overlay.benefits {
		moved += overlay.countersOf(overlay.benefitAt(local))
		base.take(overlay, local)
		if moved >= chunk {
			moved = 0
			sh.unlock()
			sh.lock()
		}
	}
}

// take merges one benefit of other and empties it there.
func (t *Table) take(other *Table, local int) {
	t.mergeBenefit(other, local)
	other.counters -= other.countersOf(other.benefitAt(local))
	other.benefits[local] = cells{}
	if other.stretches != nil {
		other.stretches[local] = stretches{}
	}
}

// Days are the open days, in order.
func (f *Frozen) Days() []Day {
	seen := map[Day]bool{}
	for i := range f.store.shards {
		f.store.shards[i].base.seeDays(seen)
	}
	for part := range f.beside {
		seen[part.Day] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Beside makes Days, Parts and Cells tell of a table too that the store does not hold. It
// is not changed any more.
func (f *Frozen) Beside(part Part, table *Table) {
	if f.beside == nil {
		f.beside = map[Part]*Table{}
	}
	f.beside[part] = table
}

// Closing makes Parts and Cells count some open days to the past. In the store they
// stay open until CloseDays.
func (f *Frozen) Closing(days []Day) { f.closing = days }

// Parts are the parts that there may be counts of: the past of each kind that keeps
// it, then the kinds of each day that stays open, in the order of days.
func (f *Frozen) Parts() (parts []Part) {
	for _, rule := range f.store.kinds {
		if rule.Kept {
			parts = append(parts, Part{rule.Kind, Past})
		}
	}
	for _, day := range f.Days() {
		if !slices.Contains(f.closing, day) {
			parts = append(parts, f.store.kinds.PartsOf(day)...)
		}
	}
	return parts
}

// Cells appends the counters of a benefit in a part to dst, sorted by key.
func (f *Frozen) Cells(part Part, benefit Benefit, dst []Cell) []Cell {
	kind, known := f.store.kinds.place(part.Kind)
	if !known {
		return dst
	}
	start := len(dst)
	dst = f.cells(kind, part.Day, benefit, dst)
	beside := f.beside[part]
	if beside != nil {
		dst = beside.Cells(benefit, dst)
	}
	if part.Day == Past {
		for _, day := range f.closing {
			dst = f.cells(kind, day, benefit, dst)
		}
	} else if beside == nil {
		return dst
	}
	return dst[:start+len(sortCells(dst[start:]))]
}

func (f *Frozen) cells(kind int, day Day, benefit Benefit, dst []Cell) []Cell {
	if table := f.store.shards[f.store.shardOf(benefit)].base.table(kind, day); table != nil {
		return table.Cells(benefit, dst)
	}
	return dst
}

// CloseDays moves the days that are closing to the past and forgets them as open
// ones; the caller must have put them where it can answer for them. Records that
// come later for such a day open it again. It is called before Thaw.
func (f *Frozen) CloseDays() {
	for i := range f.store.shards {
		shard := &f.store.shards[i]
		shard.lock()
		for _, day := range f.closing {
			shard.close(f.store, i, day)
		}
		shard.unlock()
	}
}

func (sh *shard) close(s *Store, number int, day Day) {
	for kind, table := range sh.base[day] {
		if table != nil && s.kinds[kind].Kept {
			sh.base.at(s, number, kind, Past).Merge(table)
		}
	}
	delete(sh.base, day)
}
