package report

import (
	"fmt"
	"slices"
	"strings"
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
	if q.To == 0 || q.To >= endOfDays {
		q.To = max(last+1, q.From)
	}
	if most := q.Step.daysOfSteps(); open && q.To > most {
		// A few records far from now, of an import, must not be all that there is.
		q.From = max(q.From, q.To-most)
	}
	key, _ := q.window(r.source)
	bounds := q.Step.cut(key.from, key.to)
	if len(bounds) > MaxSteps+1 {
		return nil, fmt.Errorf("%w: want at most %d", ErrTooManySteps, MaxSteps)
	}
	return bounds, nil
}

// daysOfSteps is so many days that they have at most MaxSteps steps, wherever they begin.
func (s Step) daysOfSteps() counters.Day {
	switch s {
	case StepHour:
		return MaxSteps / 24
	case StepWeek:
		return 7 * (MaxSteps - 1)
	case StepMonth:
		return 28 * (MaxSteps - 1)
	default:
		return MaxSteps
	}
}

// cut are the bounds of the steps of a window of UTC days. The first and the last
// step may be cut short by it. It stops where there are more than MaxSteps, since clients
// may ask for thousands of years.
func (s Step) cut(from, to counters.Day) []counters.Hour {
	if to <= from {
		return nil
	}
	bounds := []counters.Hour{from.FirstHour()}
	for last := bounds[0]; last < to.FirstHour() && len(bounds) <= MaxSteps+1; {
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

// days are the sums of each day of a window, from the first on.
func (r *Reporter) days(e *examined, from, to counters.Day, chosen func(name string) bool) ([]insight.DaySum, error) {
	sums := make([]insight.DaySum, to-from)
	day := daySums{scale: e.analysis.Model.Scale(e.counts)}
	begin := func() {
		clear(sums)
		day.benefits = day.benefits[:0]
	}
	finish := func() {
		if len(day.benefits) > 0 {
			sums[day.day-from] = day.sum()
		}
	}
	err := r.source.ReadDays(e.key.version, from, to, begin, func(at counters.Day, benefit counters.Benefit, cells []counters.Cell) {
		if at != day.day {
			finish()
			day.begin(at)
		}
		if name := r.source.BenefitNames()[benefit]; chosen(name) {
			day.add(name, cells)
		}
		r.courtesy.pause()
	})
	if err != nil {
		return nil, fmt.Errorf("read days of a window: %w", err)
	}
	finish()
	return sums, nil
}

// daySums are the sums of the benefits of a day. They come in any order, and sums of
// floats depend on it, so that they are added up by name at the end.
type daySums struct {
	scale    insight.Scale
	day      counters.Day
	benefits []benefitSum
}

type benefitSum struct {
	name string
	sum  insight.DaySum
}

func (d *daySums) begin(day counters.Day) { d.day, d.benefits = day, d.benefits[:0] }

func (d *daySums) add(name string, cells []counters.Cell) {
	d.benefits = append(d.benefits, benefitSum{name, d.scale.Weigh(name, cells)})
}

func (d *daySums) sum() (total insight.DaySum) {
	slices.SortStableFunc(d.benefits, func(a, b benefitSum) int { return strings.Compare(a.name, b.name) })
	for _, benefit := range d.benefits {
		total = total.Add(benefit.sum)
	}
	return total
}
