package snapshot

import (
	"errors"
	"sync"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// sum adds up what a query wants of closed days, on several processors, under the keys
// that counters.Store.Read wants. There must be some days.
func (h *History) sum(days []format.ClosedDay, q counters.Query, rule counters.KindRule) (*counters.Table, error) {
	workers := min(h.adders, len(days))
	sums, failures := make([]*daySum, workers), make([]error, workers)
	var done sync.WaitGroup
	for i := range workers {
		done.Go(func() {
			sums[i] = &daySum{history: h, query: q, rule: rule, table: newTable()}
			failures[i] = sums[i].add(days[len(days)*i/workers : len(days)*(i+1)/workers])
		})
	}
	done.Wait()
	for _, other := range sums[1:] {
		sums[0].table.Merge(other.table)
	}
	return sums[0].table, errors.Join(failures...)
}

// daySum adds up days in their order.
type daySum struct {
	history *History
	query   counters.Query
	rule    counters.KindRule
	table   *counters.Table

	// totals are of whole days of a step, without the hour: benefit → event type →
	// count. They find their place without hashing, which makes years take three
	// fifths of the time: see BenchmarkYears.
	totals [][]uint64
	step   uint32
}

func (s *daySum) add(days []format.ClosedDay) error {
	for _, closed := range days {
		if err := s.addDay(closed); err != nil {
			return err
		}
	}
	s.flush()
	return nil
}

// addDay reads the totals of a day of an hourly kind that lies in one step, else its
// counts.
func (s *daySum) addDay(closed format.ClosedDay) error {
	step, whole := s.query.StepOfDay(closed.Day, s.rule.Hourly)
	switch {
	case whole && s.rule.Hourly:
		if step != s.step {
			s.flush()
			s.step = step
		}
		return s.read(closed, format.DaySink{Totals: s.only(s.addTotals)})
	case whole:
		return s.read(closed, format.DaySink{Counts: s.only(func(benefit counters.Benefit, cells []counters.Cell) error {
			s.addCells(step, benefit, cells)
			return nil
		})})
	case s.rule.Hourly:
		return s.read(closed, format.DaySink{Counts: s.only(func(benefit counters.Benefit, cells []counters.Cell) error {
			s.addHours(closed.Day.FirstHour(), benefit, cells)
			return nil
		})})
	default:
		return nil
	}
}

func (s *daySum) only(visit format.CellVisitor) map[counters.Kind]format.CellVisitor {
	return map[counters.Kind]format.CellVisitor{s.rule.Kind: visit}
}

func (s *daySum) read(closed format.ClosedDay, sink format.DaySink) error {
	return recovery.ReadDay(recovery.DayPath(s.history.directory, closed), s.history.store.Kinds(), closed, sink)
}

func (s *daySum) addCells(step uint32, benefit counters.Benefit, cells []counters.Cell) {
	if s.query.OneStep() {
		s.table.AddCells(benefit, cells)
		return
	}
	for _, cell := range cells {
		s.addCell(step, benefit, cell.Key, cell.Count)
	}
}

func (s *daySum) addCell(step uint32, benefit counters.Benefit, key counters.Key, count uint64) {
	counts := true
	if !s.query.OneStep() {
		key, counts = s.query.Project(step, key)
	}
	if counts {
		s.table.Add(benefit, key, count)
	}
}

func (s *daySum) addHours(first counters.Hour, benefit counters.Benefit, cells []counters.Cell) {
	for _, cell := range cells {
		if step, inside := s.query.StepOf(first + counters.Hour(cell.Key.HourOfDay())); inside {
			s.addCell(step, benefit, cell.Key.WithoutHour(), cell.Count)
		}
	}
}

// addTotals takes keys without an hour, in their order.
func (s *daySum) addTotals(benefit counters.Benefit, cells []counters.Cell) error {
	if missing := int(benefit) + 1 - len(s.totals); missing > 0 {
		s.totals = append(s.totals, make([][]uint64, missing)...)
	}
	totals := s.totals[benefit]
	for _, cell := range cells {
		event := cell.Key.Event()
		if cell.Key != counters.TotalKey(event) { // of a kind that tells more apart
			s.addCell(s.step, benefit, cell.Key, cell.Count)
			continue
		}
		if missing := int(event) + 1 - len(totals); missing > 0 {
			totals = append(totals, make([]uint64, missing)...)
		}
		totals[event] += cell.Count
	}
	s.totals[benefit] = totals
	return nil
}

// flush moves the totals of a step to the table.
func (s *daySum) flush() {
	for benefit, totals := range s.totals {
		for event, count := range totals {
			if count > 0 {
				s.addCell(s.step, counters.Benefit(benefit), counters.TotalKey(counters.EventType(event)), count)
			}
		}
		clear(totals)
	}
}
