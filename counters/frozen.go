package counters

import "slices"

// Frozen is the base of a store at one moment. While it lives nothing changes
// it: folds go to the overlay, so that it can be written down at leisure
// without stopping a writer. Its methods take no lock; one goroutine uses it.
type Frozen struct {
	store *Store
	// Benefits and Events are how many names there were at that moment, at least
	// as many as the base counts for.
	Benefits, Events int
}

// Freeze takes the base as it is after the last Fold. Only one Frozen may live
// at a time: the next Freeze comes after Thaw has returned.
func (s *Store) Freeze() *Frozen {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		shard.frozen = true
		shard.layers.Unlock()
	}
	return &Frozen{store: s, Benefits: s.Benefits.Len(), Events: s.Events.Len()}
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
	sh.layers.Lock()
	sh.frozen = false
	sh.layers.Unlock()
	// Nobody else changes the overlay of a shard that is not frozen.
	for day, counts := range sh.overlay {
		sh.absorb(s, number, day, counts)
	}
}

// absorb moves one day of the overlay into the base. The lock is given up
// every few thousand counters, so that no reader and no fold waits long.
func (sh *shard) absorb(s *Store, number int, day Day, overlay *dayCounts) {
	const chunk = 4096
	sh.layers.Lock()
	defer sh.layers.Unlock()
	base := sh.base.day(s, number, day)
	moved := 0
	for local := range overlay.positions.benefits {
		moved += overlay.positions.benefits[local].used
		base.positions.take(overlay.positions, local)
		if local < len(overlay.hours.benefits) {
			base.hours.take(overlay.hours, local)
		}
		if moved >= chunk {
			moved = 0
			sh.layers.Unlock()
			sh.layers.Lock()
		}
	}
	delete(sh.overlay, day)
}

// take merges one benefit of other and empties it there.
func (t *Table) take(other *Table, local int) {
	t.mergeBenefit(other, local)
	other.counters -= other.benefits[local].used
	other.benefits[local] = cells{}
}

// Days are the open days, in order.
func (f *Frozen) Days() []Day {
	seen := map[Day]bool{}
	for i := range f.store.shards {
		for day := range f.store.shards[i].base {
			seen[day] = true
		}
	}
	days := make([]Day, 0, len(seen))
	for day := range seen {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// Past appends the positions of a benefit in all closed days to dst, sorted by
// key, as if the given open days were closed too.
func (f *Frozen) Past(benefit Benefit, closing []Day, dst []Cell) []Cell {
	start := len(dst)
	dst = f.store.shards[f.store.shardOf(benefit)].past.Cells(benefit, dst)
	for _, day := range closing {
		dst = f.Positions(day, benefit, dst)
	}
	return dst[:start+len(sortCells(dst[start:]))]
}

// CloseDays moves the positions of open days to the past and forgets the days,
// which the caller must have put where it can answer for them. Records that
// come later for such a day open it again. It is called before Thaw.
func (f *Frozen) CloseDays(days []Day) {
	for i := range f.store.shards {
		shard := &f.store.shards[i]
		shard.layers.Lock()
		for _, day := range days {
			if counts := shard.base[day]; counts != nil {
				shard.past.Merge(counts.positions)
				delete(shard.base, day)
			}
		}
		shard.layers.Unlock()
	}
}

// Positions appends the counters of a benefit on a day to dst, sorted by key.
func (f *Frozen) Positions(day Day, benefit Benefit, dst []Cell) []Cell {
	if counts := f.day(day, benefit); counts != nil {
		return counts.positions.Cells(benefit, dst)
	}
	return dst
}

// Hours appends the totals of a benefit on a day to dst, sorted by key: event
// type, then hour of the day, see Key.HourOfDay.
func (f *Frozen) Hours(day Day, benefit Benefit, dst []Cell) []Cell {
	if counts := f.day(day, benefit); counts != nil {
		return counts.hours.Cells(benefit, dst)
	}
	return dst
}

func (f *Frozen) day(day Day, benefit Benefit) *dayCounts {
	return f.store.shards[f.store.shardOf(benefit)].base[day]
}

// PositionsOf is Positions of one day.
func (f *Frozen) PositionsOf(day Day) func(Benefit, []Cell) []Cell {
	return func(benefit Benefit, dst []Cell) []Cell { return f.Positions(day, benefit, dst) }
}

// HoursOf is Hours of one day.
func (f *Frozen) HoursOf(day Day) func(Benefit, []Cell) []Cell {
	return func(benefit Benefit, dst []Cell) []Cell { return f.Hours(day, benefit, dst) }
}
