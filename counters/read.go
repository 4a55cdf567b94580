package counters

import (
	"maps"
	"slices"
	"sort"
)

// Statistics calls visit once for each benefit that has counters of the given
// record version, with these counters of all time, sorted by key. The slice is
// only valid during the call. Benefits come in no order. Each shard is read at
// one moment; writers are not stopped, and no lock is held during visit.
func (s *Store) Statistics(version uint16, visit func(benefit Benefit, cells []Cell)) {
	q := positionsOf(version)
	q.allTime = true
	q.past = func(key Key) (Key, bool) { return key, key.Version() == version }
	s.read(q, visit)
}

// StatisticsBetween is Statistics of the days from and later, up to but without
// to. The closed days among them come from the caller, added up in one table
// (nil for none), whose other versions are not counted.
func (s *Store) StatisticsBetween(version uint16, from, to Day, closed *Table, visit func(Benefit, []Cell)) {
	q := positionsOf(version)
	q.from, q.to, q.closed = from.FirstHour(), to.FirstHour(), closed
	q.past = func(key Key) (Key, bool) { return key, key.Version() == version }
	s.read(q, visit)
}

func positionsOf(version uint16) query {
	return query{
		to:     EndOfTime,
		table:  func(counts *dayCounts) *Table { return counts.positions },
		stored: func(_ Day, key Key) (Key, bool) { return key, key.Version() == version },
		pending: func(_ Hour, key Key) (Key, bool) {
			return key, key.Version() == version
		},
	}
}

// An EventTotal is how many events of one type there were.
type EventTotal struct {
	Event EventType
	Count uint64
}

// EventTotals calls visit once for each benefit that has at least one event, of
// any version and any time, with the totals by event type in ascending order.
// The rest is as for Statistics.
func (s *Store) EventTotals(visit func(benefit Benefit, totals []EventTotal)) {
	q := hourTotals(0, EndOfTime)
	q.allTime = true
	q.past = func(key Key) (Key, bool) { return TotalKey(key.Event()), true }
	s.readTotals(q, visit)
}

// EventTotalsBetween is EventTotals of the hours from and later, up to but
// without to. The hours of closed days among them come from the caller, added
// up under TotalKey in one table (nil for none).
func (s *Store) EventTotalsBetween(from, to Hour, closed *Table, visit func(Benefit, []EventTotal)) {
	q := hourTotals(from, to)
	q.closed = closed
	q.past = func(key Key) (Key, bool) { return key, true }
	s.readTotals(q, visit)
}

// TotalKey is the key of an event type in a table of totals.
func TotalKey(event EventType) Key { return hourKey(event, 0) }

func hourTotals(from, to Hour) query {
	inside := func(hour Hour) bool { return hour >= from && hour < to }
	return query{
		from: from, to: to,
		table: func(counts *dayCounts) *Table { return counts.hours },
		stored: func(day Day, key Key) (Key, bool) {
			return TotalKey(key.Event()), inside(day.FirstHour() + Hour(key.HourOfDay()))
		},
		pending: func(hour Hour, key Key) (Key, bool) { return TotalKey(key.Event()), inside(hour) },
	}
}

func (s *Store) readTotals(q query, visit func(Benefit, []EventTotal)) {
	var totals []EventTotal
	s.read(q, func(benefit Benefit, cells []Cell) {
		totals = totals[:0]
		for _, cell := range cells {
			totals = append(totals, EventTotal{cell.Key.Event(), cell.Count})
		}
		visit(benefit, totals)
	})
}

// StepOf returns the step of time that contains an hour: step n is from
// bounds[n] up to but without bounds[n+1]. It reports whether any does.
func StepOf(bounds []Hour, hour Hour) (step uint32, inside bool) {
	next := sort.Search(len(bounds), func(i int) bool { return bounds[i] > hour })
	return uint32(next - 1), next > 0 && next < len(bounds)
}

// StepKey is the key of an event type and a step, which must be below
// 1<<PlaceBits; Key.Place gives the step back.
func StepKey(event EventType, step uint32) Key {
	return Key(uint64(event)<<(versionBits+PlaceBits) | uint64(step))
}

// EventSteps calls visit once for each benefit that has at least one event in
// one of the steps, see StepOf, with cells under StepKey. The closed days among
// them come from the caller, added up in one table under the same keys (nil for
// none). The rest is as for Statistics.
func (s *Store) EventSteps(bounds []Hour, closed *Table, visit func(benefit Benefit, cells []Cell)) {
	at := func(event EventType, hour Hour) (Key, bool) {
		step, inside := StepOf(bounds, hour)
		return StepKey(event, step), inside
	}
	s.read(query{
		from: bounds[0], to: bounds[len(bounds)-1],
		table:  func(counts *dayCounts) *Table { return counts.hours },
		closed: closed,
		past:   func(key Key) (Key, bool) { return key, true },
		stored: func(day Day, key Key) (Key, bool) {
			return at(key.Event(), day.FirstHour()+Hour(key.HourOfDay()))
		},
		pending: func(hour Hour, key Key) (Key, bool) { return at(key.Event(), hour) },
	}, visit)
}

// OpenDays are the days of which readers see counts that are not in the past, in
// no order.
func (s *Store) OpenDays() []Day {
	seen := map[Day]bool{}
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		for _, layer := range []layer{shard.base, shard.overlay} {
			for day := range layer {
				seen[day] = true
			}
		}
		shard.seePendingDays(s, seen)
		shard.layers.Unlock()
	}
	return slices.Collect(maps.Keys(seen))
}

// seePendingDays adds the days of records that are not folded yet.
func (sh *shard) seePendingDays(s *Store, seen map[Day]bool) {
	sh.intake.Lock()
	defer sh.intake.Unlock()
	if s.visibility == WhenAdded {
		sh.intake.active.seeDays(seen)
	}
	if s.sealedVisible.Load() {
		sh.intake.sealed.seeDays(seen)
	}
}

func (i *increments) seeDays(seen map[Day]bool) {
	if len(i.log) > 0 {
		seen[i.hour.Day()] = true
	}
	for hour := range i.others {
		seen[hour.Day()] = true
	}
}

// Counters is how many counters the store holds: those of each open day, and
// those of the past. One that is also in the overlay counts twice until that
// has been absorbed.
func (s *Store) Counters() int {
	total := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		total += shard.past.Len()
		for _, layer := range []layer{shard.base, shard.overlay} {
			for _, counts := range layer {
				total += counts.positions.Len()
			}
		}
		shard.layers.Unlock()
	}
	return total
}
