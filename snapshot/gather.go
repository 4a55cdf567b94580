package snapshot

import (
	"errors"
	"runtime"
	"sync"

	"stats-recorder/counters"
)

// A gatherer adds up what a query wants of closed days, one after the other.
type gatherer interface {
	// add adds a day. After an error the gatherer is of no use.
	add(path string, s segment) error
	// sum returns what was added.
	sum() *counters.Table
}

// gather has the closed days of a window added up, on all processors. It
// returns nil when there are none.
func (h *History) gather(m *manifest, from, to counters.Day, newGatherer func() gatherer) (*counters.Table, error) {
	segments := m.between(from, to)
	if len(segments) == 0 {
		return nil, nil
	}
	workers := min(runtime.GOMAXPROCS(0), len(segments))
	tables, failures := make([]*counters.Table, workers), make([]error, workers)
	var done sync.WaitGroup
	for i := range workers {
		done.Go(func() {
			g := newGatherer()
			for n := i; n < len(segments) && failures[i] == nil; n += workers {
				failures[i] = g.add(segments[n].path(h.directory), segments[n])
			}
			tables[i] = g.sum()
		})
	}
	done.Wait()
	for _, table := range tables[1:] {
		tables[0].Merge(table)
	}
	return tables[0], errors.Join(failures...)
}

// positionsGatherer adds up positions.
type positionsGatherer struct{ table *counters.Table }

func (g positionsGatherer) add(path string, s segment) error {
	return s.read(path, segmentSink{positions: addTo(g.table)})
}

func (g positionsGatherer) sum() *counters.Table { return g.table }

// stepsGatherer adds up what there was in each step of time, under
// counters.StepKey.
type stepsGatherer struct {
	bounds []counters.Hour
	table  *counters.Table
}

func newStepsGatherer(bounds []counters.Hour) *stepsGatherer {
	return &stepsGatherer{bounds: bounds, table: newTable()}
}

// add takes the totals of a day that lies in one step, else its hours.
func (g *stepsGatherer) add(path string, s segment) error {
	if step, one := g.stepOf(s.day); one {
		return s.read(path, segmentSink{totals: func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
			for _, cell := range cells {
				g.table.Add(benefit, counters.StepKey(cell.Key.Event(), step), cell.Count)
			}
			return nil
		}})
	}
	first := s.day.FirstHour()
	return s.read(path, segmentSink{hours: func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		for _, cell := range cells {
			if step, inside := counters.StepOf(g.bounds, first+counters.Hour(cell.Key.HourOfDay())); inside {
				g.table.Add(benefit, counters.StepKey(cell.Key.Event(), step), cell.Count)
			}
		}
		return nil
	}})
}

// stepOf returns the step that a whole day lies in, if it lies in one.
func (g *stepsGatherer) stepOf(day counters.Day) (step uint32, one bool) {
	step, begins := counters.StepOf(g.bounds, day.FirstHour())
	last, ends := counters.StepOf(g.bounds, day.FirstHour()+23)
	return step, begins && ends && step == last
}

func (g *stepsGatherer) sum() *counters.Table { return g.table }

// totalsGatherer adds up the totals of one window. It does what a stepsGatherer
// of one step does, but finds the place of a total without hashing, which makes
// years take three fifths of the time: see BenchmarkYears.
type totalsGatherer struct {
	edges  *stepsGatherer // of days that are only in part in the window
	totals [][]uint64     // benefit → event type → count, for whole days
}

func newTotalsGatherer(from, to counters.Hour) *totalsGatherer {
	return &totalsGatherer{edges: newStepsGatherer([]counters.Hour{from, to})}
}

func (g *totalsGatherer) add(path string, s segment) error {
	if _, whole := g.edges.stepOf(s.day); !whole {
		return g.edges.add(path, s)
	}
	return s.read(path, segmentSink{totals: func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		if missing := int(benefit) + 1 - len(g.totals); missing > 0 {
			g.totals = append(g.totals, make([][]uint64, missing)...)
		}
		totals := g.totals[benefit]
		for _, cell := range cells { // in the order of event types
			if missing := int(cell.Key.Event()) + 1 - len(totals); missing > 0 {
				totals = append(totals, make([]uint64, missing)...)
			}
			totals[cell.Key.Event()] += cell.Count
		}
		g.totals[benefit] = totals
		return nil
	}})
}

func (g *totalsGatherer) sum() *counters.Table {
	table := g.edges.sum()
	for benefit, totals := range g.totals {
		for event, count := range totals {
			if count > 0 {
				table.Add(counters.Benefit(benefit), counters.StepKey(counters.EventType(event), 0), count)
			}
		}
	}
	return table
}
