package page

import (
	"math"
	"slices"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/report"
)

const (
	// weekdays is how many days of the same weekday are what is usual, and fewestWeekdays
	// from how many on anything is said of it.
	weekdays, fewestWeekdays = 8, 4
	// bandLow and bandHigh are the quantiles that eight days in ten lie between.
	bandLow, bandHigh = 0.1, 0.9
	// usualSpan is what share of the median is usual anyhow.
	usualSpan = 0.1
	// hoursShown is how many days of hours are read for that.
	hoursShown = weekdays*7 + 2
)

// A dayOfHours is what was counted in each hour of a day of the page's zone.
type dayOfHours [24]uint64

// until is the sum up to a moment of the day; of the hour that holds it, the part that
// has gone by counts.
func (d dayOfHours) until(at time.Time) float64 {
	sum := 0.0
	for hour, n := range d {
		switch {
		case hour < at.Hour():
			sum += float64(n)
		case hour == at.Hour():
			sum += float64(n) * (float64(at.Minute()) + float64(at.Second())/60) / 60
		}
	}
	return sum
}

func (d dayOfHours) total() (sum uint64) {
	for _, n := range d {
		sum += n
	}
	return sum
}

// counted are the kinds of events that the day is looked at by.
type counted struct {
	shows, opened, acted map[string]dayOfHours
	// universal are those since midnight UTC, as livePath tells them.
	universal struct{ shows, opened, acted uint64 }
	// last is the end of the last hour that counted something.
	last time.Time
}

// hoursOf reads the hours of some weeks, by day in the page's zone.
func (r *request) hoursOf() (counted, error) {
	c := counted{shows: map[string]dayOfHours{}, opened: map[string]dayOfHours{}, acted: map[string]dayOfHours{}}
	q := r.query()
	today := counters.HourOf(r.now).Day()
	q.From, q.To, q.Step = today-min(today-1, hoursShown), today+1, report.StepHour
	if r.span.any {
		q.From = max(q.From, min(r.span.first, today))
	}
	for _, stage := range []insight.Stage{insight.StageOpened, insight.StageActed} {
		q.Stage = stage
		t, err := r.page.config.Reports.Timeline(r.ctx, q)
		if err != nil {
			return c, err
		}
		for _, step := range t.Steps {
			c.count(stage, step, !step.StartAt.Before(today.Time()))
		}
	}
	return c, nil
}

// count counts the clicks of a stage in an hour, and of the first stage its shows too.
func (c *counted) count(stage insight.Stage, hour report.StepSums, universal bool) {
	if stage == insight.StageActed {
		add(c.acted, hour.StartAt, hour.Clicks)
	} else {
		add(c.shows, hour.StartAt, hour.Shows)
		add(c.opened, hour.StartAt, hour.Clicks)
		if hour.Shows+hour.Clicks > 0 {
			c.last = hour.EndAt
		}
	}
	switch {
	case !universal:
	case stage == insight.StageActed:
		c.universal.acted += hour.Clicks
	default:
		c.universal.shows += hour.Shows
		c.universal.opened += hour.Clicks
	}
}

func add(days map[string]dayOfHours, at time.Time, n uint64) {
	if n == 0 {
		return
	}
	key := at.Format(time.DateOnly)
	day := days[key]
	day[at.Hour()] += n
	days[key] = day
}

// A usual is what is usual at a time: the median of the same weekdays, and the band that
// eight of ten lie in, but at least usualSpan of the median on each side. One holiday
// among them must not make everything usual, and eight days much alike not nothing.
type usual struct {
	low, median, high float64
	days              int
}

func (u usual) known() bool { return u.days >= fewestWeekdays }

// within says whether a number is no surprise.
func (u usual) within(x float64) bool { return u.low <= x && x <= u.high }

// sameWeekdays are the same weekdays before a day that counts reach back to.
func (r *request) sameWeekdays(day time.Time) []time.Time {
	var days []time.Time
	first := r.span.first.Time().In(r.page.config.Zone)
	for i := 1; i <= weekdays; i++ {
		d := day.AddDate(0, 0, -7*i)
		if midnightOf(d).Before(first.Add(-time.Hour)) { // that day was not counted whole
			break
		}
		days = append(days, d)
	}
	return days
}

func midnightOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// usualOf is what is usual of a value of the days.
func usualOf(days []time.Time, value func(time.Time) float64) usual {
	var all []float64
	for _, d := range days {
		all = append(all, value(d))
	}
	slices.Sort(all)
	median := quantile(all, 0.5)
	return usual{low: min(quantile(all, bandLow), (1-usualSpan)*median), median: median, high: max(quantile(all, bandHigh), (1+usualSpan)*median), days: len(all)}
}

// quantile interpolates between sorted values (type 7 of Hyndman and Fan 1996).
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// oddHours is the longest run of hours that are below what is usual, or above it, from
// the first up to but without the last, if it holds at least half of the whole day's
// difference from the medians.
func oddHours(day dayOfHours, same []time.Time, days map[string]dayOfHours) (from, to int, found bool) {
	var difference [24]float64
	var odd [24]float64
	whole := 0.0
	for hour := range 24 {
		u := usualOf(same, func(d time.Time) float64 { return float64(days[dayKey(d)][hour]) })
		difference[hour] = float64(day[hour]) - u.median
		whole += difference[hour]
		if !u.within(float64(day[hour])) {
			odd[hour] = difference[hour]
		}
	}
	for first := 0; first < 24; first++ {
		run, last := 0.0, first
		for last < 24 && odd[last]*whole > 0 {
			run += difference[last]
			last++
		}
		if last-first > to-from && run/whole >= 0.5 {
			from, to, found = first, last, true
		}
	}
	return from, to, found && to-from < 24
}

func dayKey(t time.Time) string { return t.Format(time.DateOnly) }
