package counters

import (
	"math"
	"sort"
)

// EndOfTime is later than every hour that counts.
const EndOfTime = Hour(math.MaxUint32)

// A Query says which counts to read, and under which keys to add them up.
type Query struct {
	// Kind is the kind of counts.
	Kind Kind
	// Bounds cut the time into steps: step n is from Bounds[n] up to but without
	// Bounds[n+1]. What hours a kind does not tell apart is in the step in which its
	// day begins. nil is all time as one step, the past included.
	Bounds []Hour
	// Project returns the key under which to count a key of a step, and whether it
	// counts. The hour is taken off the keys of hourly kinds first.
	Project func(step uint32, key Key) (Key, bool)
}

// PositionsOf asks for the positions of one version of records. With bounds, there
// may be one step.
func PositionsOf(version uint16, bounds []Hour) Query {
	return Query{
		Kind: Positions, Bounds: bounds,
		Project: func(_ uint32, key Key) (Key, bool) { return key, key.Version() == version },
	}
}

// EventTotals asks for the events of each type in each step, under StepKey. In all
// time together they are in the positions: no other kind keeps its past.
func EventTotals(bounds []Hour) Query {
	q := Query{Kind: Hours, Bounds: bounds, Project: func(step uint32, key Key) (Key, bool) {
		return StepKey(key.Event(), step), true
	}}
	if bounds == nil {
		q.Kind = Positions
	}
	return q
}

// StepKey is the key of an event type and a step, which must be below
// 1<<PlaceBits; Key.Place gives the step back.
func StepKey(event EventType, step uint32) Key { return TotalKey(event) | Key(step) }

// An EventTotal is how many events of one type there were.
type EventTotal struct {
	Event EventType
	Count uint64
}

// VisitTotals is what to visit the cells of EventTotals with, for one step, in order
// to visit totals by event type. They are valid during the call.
func VisitTotals(visit func(Benefit, []EventTotal)) func(Benefit, []Cell) {
	var totals []EventTotal
	return func(benefit Benefit, cells []Cell) {
		totals = totals[:0]
		for _, cell := range cells {
			totals = append(totals, EventTotal{cell.Key.Event(), cell.Count})
		}
		visit(benefit, totals)
	}
}

// OneStep says whether there is only one step, of all time or of a window.
func (q Query) OneStep() bool { return len(q.Bounds) <= 2 }

// StepOf returns the step that contains an hour, and whether any does.
func (q Query) StepOf(hour Hour) (step uint32, inside bool) {
	if q.Bounds == nil {
		return 0, true
	}
	next := sort.Search(len(q.Bounds), func(i int) bool { return q.Bounds[i] > hour })
	return uint32(next - 1), next > 0 && next < len(q.Bounds)
}

// StepOfDay returns the step that a day lies in as a whole, and whether it lies in
// one. A day of a kind that does not tell hours apart lies where it begins.
func (q Query) StepOfDay(day Day, hourly bool) (step uint32, whole bool) {
	step, begins := q.StepOf(day.FirstHour())
	if !hourly || q.Bounds == nil {
		return step, begins
	}
	last, ends := q.StepOf(day.FirstHour() + 23)
	return step, begins && ends && step == last
}

// Days are the first day of which a step has something, and the day after the last.
func (q Query) Days() (from, to Day) {
	if q.Bounds == nil {
		return 0, Past
	}
	if first, last := q.Bounds[0], q.Bounds[len(q.Bounds)-1]; last > first {
		return first.Day(), (last - 1).Day() + 1
	}
	return 0, 0
}
