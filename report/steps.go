package report

import (
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// stepBounds closes the open ends of a query's window where the counts begin and end,
// and cuts it into steps. There are none if there are no counts.
func (r *Reporter) stepBounds(q *Query) ([]counters.Hour, error) {
	first, last, any := r.source.Span()
	if !any {
		return nil, nil
	}
	open := q.From == 0
	if open {
		q.From = max(first, 1) // day 0 is open
		if kept, some := r.source.KeptFrom(); some {
			q.From = max(q.From, kept)
		}
	}
	if q.To == 0 || q.To > counters.MaxDay {
		q.To = max(last+1, q.From)
	}
	key, _ := q.window(r.source)
	bounds := q.Step.cut(key.from, key.to)
	if len(bounds) <= MaxSteps+1 {
		return bounds, nil
	}
	if !open {
		return nil, fmt.Errorf("%w: it has %d, want at most %d", ErrTooManySteps, len(bounds)-1, MaxSteps)
	}
	// A few records far from now, of an import, must not be all that there is.
	bounds = bounds[len(bounds)-1-MaxSteps:]
	q.From = (bounds[0] + 23).Day()
	return q.Step.cut(q.From, q.To), nil
}

// cut are the bounds of the steps of a window of UTC days. The first and the last
// step may be cut short by it.
func (s Step) cut(from, to counters.Day) []counters.Hour {
	if to <= from {
		return nil
	}
	bounds := []counters.Hour{from.FirstHour()}
	for last := bounds[0]; last < to.FirstHour(); {
		last = min(s.next(last), to.FirstHour())
		bounds = append(bounds, last)
	}
	return bounds
}

// next is when the step ends that contains an hour.
func (s Step) next(hour counters.Hour) counters.Hour {
	day := hour.Day()
	switch s {
	case StepHour:
		return hour + 1
	case StepWeek:
		sinceMonday := (int(day.Time().Weekday()) + 6) % 7
		return (day + counters.Day(7-sinceMonday)).FirstHour()
	case StepMonth:
		at := day.Time()
		return counters.HourOf(time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC))
	default:
		return (day + 1).FirstHour()
	}
}

// stepPlaces is about how many places of benefits are read at one time, which
// bounds the memory of a timeline of any length.
const stepPlaces = 500_000

// eachStep visits the counts of each step of a window that has so many places in all.
// It reads as many steps at a time as may be: at least two, because a History keeps
// windows of one step, and these are of no use to anybody else.
func (r *Reporter) eachStep(key windowKey, bounds []counters.Hour, places int, visit func(step int, counts *insight.Counts)) error {
	together := min(max(2, stepPlaces/max(1, places)), 400)
	for from := 0; from+1 < len(bounds); from += together {
		to := min(from+together, len(bounds)-1)
		steps, err := r.readSteps(key, bounds[from:to+1])
		if err != nil {
			return err
		}
		for i, counts := range steps {
			visit(from+i, counts)
		}
	}
	return nil
}

// readSteps reads the places of each step. A query counts under the keys that it is
// told; here the number of the step stands where the version was, of which there is one.
func (r *Reporter) readSteps(key windowKey, bounds []counters.Hour) ([]*insight.Counts, error) {
	roles := r.roles(key.stage)
	steps := make([]*insight.Counts, len(bounds)-1)
	for i := range steps {
		steps[i] = insight.NewCounts(uint16(i), roles)
	}
	query := counters.PositionsOf(key.version, bounds)
	query.Project = func(step uint32, k counters.Key) (counters.Key, bool) {
		if k.Version() != key.version {
			return 0, false
		}
		at, err := counters.KeyAt(k.Event(), uint16(step), k.Place())
		return at, err == nil
	}
	ofStep := make([][]counters.Cell, len(steps))
	err := r.source.Read(query, func(benefit counters.Benefit, cells []counters.Cell) {
		for i := range ofStep {
			ofStep[i] = ofStep[i][:0]
		}
		for _, cell := range cells {
			step := cell.Key.Version()
			ofStep[step] = append(ofStep[step], cell)
		}
		name := r.source.BenefitNames()[benefit]
		for i, cells := range ofStep {
			if len(cells) > 0 {
				steps[i].Add(name, cells)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read steps of a window: %w", err)
	}
	return steps, nil
}
