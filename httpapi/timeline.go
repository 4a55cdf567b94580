package httpapi

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

const (
	// maxSteps and maxTimelineSums bound the answer of a timeline.
	maxSteps        = 10_000
	maxTimelineSums = 1_000_000
)

// readTimeline sums the events of each step of a window: of each benefit, or in
// total.
func readTimeline(store *counters.Store, history History, now func() time.Time) func(Request) (Answer, error) {
	return func(r Request) (answer Answer, err error) {
		t, err := askedTimeline(r.Query, store, history, &answer, now())
		if err != nil {
			return answer, err
		}
		if len(t.bounds) < 2 {
			answer.Body = []byte("[]")
			return answer, nil
		}
		if err := history.Read(counters.EventTotals(t.bounds), t.add); err != nil {
			return answer, err
		}
		if len(t.sums) > maxTimelineSums {
			return answer, Unprocessable("the timeline has more than %d sums: ask for a shorter window, longer steps, "+
				"one benefit or group=total", maxTimelineSums)
		}
		answer.Body = t.json()
		return answer, nil
	}
}

// timeline is what was asked for, and what was found.
type timeline struct {
	store       *counters.Store
	location    *time.Location
	bounds      []counters.Hour
	benefit     string // only this one, if not empty
	event       string // only this one, if not empty
	withBenefit bool   // sums of each benefit, not in total
	sums        []stepSum
}

// stepSum is how many events of a type there were in a step. The benefit is 0
// in a total.
type stepSum struct {
	step    uint32
	benefit counters.Benefit
	total   counters.EventTotal
}

func askedTimeline(q Query, store *counters.Store, history History, answer *Answer, now time.Time) (*timeline, error) {
	location, err := AskedZone(q.First("time_zone"))
	if err != nil {
		return nil, err
	}
	step, err := askedStep(q.First("step"))
	if err != nil {
		return nil, err
	}
	group := cmp.Or(q.First("group"), "benefit")
	if group != "benefit" && group != "total" {
		return nil, Unprocessable("group: %s: use benefit or total", records.QuoteShort(group))
	}
	window, err := AskedWindow(q, history, answer, time.Hour, location)
	if err != nil {
		return nil, err
	}
	// Unlike the sums, a timeline of all time does not have what retention took.
	window = cutOff(history, answer, window)
	bounds, err := stepBounds(bounded(history, answer, window, calendar{location, step, now}), location, step)
	return &timeline{
		store:       store,
		location:    location,
		bounds:      bounds,
		benefit:     q.First("benefit"),
		event:       q.First("event_type"),
		withBenefit: group == "benefit",
	}, err
}

// calendar is how a timeline cuts the time, and when now is.
type calendar struct {
	location *time.Location
	step     step
	now      time.Time
}

// bounded replaces an end of a window that was not asked for by the end of the
// step in which the counts begin or end. A few records far from now, of 1970 or of
// 2100, must not make a timeline of more steps than there may be: what was not
// asked for then ends with today, and begins as many steps before as there may be.
// The answer says so.
func bounded(history History, answer *Answer, w Window, c calendar) Window {
	first, last, some := history.Span()
	if !some {
		return Window{}
	}
	if !w.StartAsked {
		w.From = max(w.From, c.beginning(first))
	}
	if w.EndAsked {
		return c.shortened(answer, w)
	}
	today := counters.HourOf(c.now).Day()
	if w.To = c.end(last); last > today && w.From < c.end(today) && c.tooLong(w) {
		w.To = c.end(today)
		answer.Set(HeaderEffectiveEnd, w.To.Time().Format(time.RFC3339))
	}
	return c.shortened(answer, w)
}

// beginning is when the step begins that a day begins in.
func (c calendar) beginning(day counters.Day) counters.Hour {
	return counters.HourOf(c.step.start(day.Time().In(c.location)))
}

// end is when the step ends that a day ends in.
func (c calendar) end(day counters.Day) counters.Hour {
	end := (day + 1).Time().In(c.location)
	if start := c.step.start(end); start.Before(end) {
		return counters.HourOf(c.step.next(end))
	}
	return counters.HourOf(end)
}

// tooLong says whether a window has more steps than there may be.
func (c calendar) tooLong(w Window) bool {
	_, err := stepBounds(w, c.location, c.step)
	return err != nil
}

// shortened begins a window later whose beginning was not asked for, if it has too
// many steps.
func (c calendar) shortened(answer *Answer, w Window) Window {
	if w.StartAsked || !c.tooLong(w) {
		return w
	}
	// Halving finds the earliest beginning of a step that is late enough.
	early, late := w.From, w.To
	for early+1 < late {
		middle := early + (late-early)/2
		if c.tooLong(Window{From: middle, To: w.To}) {
			early = middle
		} else {
			late = middle
		}
	}
	w.From = counters.HourOf(c.step.next(late.Time().In(c.location)))
	answer.Set(HeaderEffectiveStart, w.From.Time().Format(time.RFC3339))
	return w
}

// AskedZone is the time zone of a name of the IANA database, UTC for none. The error is
// for the client.
func AskedZone(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, Unprocessable("time_zone: %s is not a name of the IANA time zone database, such as Europe/Paris",
			records.QuoteShort(name))
	}
	return location, nil
}

// step is a length of local time.
type step struct {
	// start is when the step that contains a time begins, next when the one
	// after it does.
	start, next func(time.Time) time.Time
}

func askedStep(name string) (step, error) {
	sinceMonday := func(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }
	switch name {
	case "hour":
		return step{
			start: func(t time.Time) time.Time { return t.Truncate(time.Hour) },
			next:  func(t time.Time) time.Time { return t.Truncate(time.Hour).Add(time.Hour) },
		}, nil
	case "", "day":
		return step{
			start: func(t time.Time) time.Time { return midnight(t, 0, 0) },
			next:  func(t time.Time) time.Time { return midnight(t, 0, 1) },
		}, nil
	case "week":
		return step{
			start: func(t time.Time) time.Time { return midnight(t, 0, -sinceMonday(t)) },
			next:  func(t time.Time) time.Time { return midnight(t, 0, 7-sinceMonday(t)) },
		}, nil
	case "month":
		return step{
			start: func(t time.Time) time.Time { return midnight(t, 0, 1-t.Day()) },
			next:  func(t time.Time) time.Time { return midnight(t, 1, 1-t.Day()) },
		}, nil
	}
	return step{}, Unprocessable("step: %s: use hour, day, week or month", records.QuoteShort(name))
}

// midnight is the start of the local day that is so many months and days later: the
// first moment that has its date. Where the clocks skip midnight that is when they
// have, and where midnight comes twice it is the first. (Temporal's startOfDay;
// time.Date promises neither. Time.ZoneBounds would say when clocks change, but on
// the last day of a leap year after 2037 it says the moment that it is asked for.)
func midnight(t time.Time, months, days int) time.Time {
	wall := time.Date(t.Year(), t.Month()+time.Month(months), t.Day()+days, 0, 0, 0, 0, time.UTC)
	const widest = 26 * time.Hour // no offset from UTC is as large
	at, later := wall.Add(-widest).In(t.Location()), wall.Add(widest).In(t.Location())
	_, before := at.Zone()
	if _, after := later.Zone(); after == before {
		return wall.Add(-time.Duration(before) * time.Second).In(t.Location())
	}
	for !hasCome(wall, at) { // clocks change at whole minutes
		at = at.Add(time.Minute)
	}
	return at
}

// hasCome says whether the local date of a moment is that of a wall's midnight, or
// later.
func hasCome(wall, at time.Time) bool {
	year, month, day := at.Date()
	return !time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Before(wall)
}

// stepBounds cuts a window at the starts of the local steps in it. In a zone
// that is not whole hours from UTC, a step begins with the hour that contains
// its start.
func stepBounds(w Window, location *time.Location, step step) ([]counters.Hour, error) {
	if w.To <= w.From {
		return nil, nil
	}
	bounds := []counters.Hour{w.From}
	for at := w.From.Time().In(location); ; {
		at = step.next(at)
		hour := counters.HourOf(at)
		if hour >= w.To {
			return append(bounds, w.To), nil
		}
		if hour > bounds[len(bounds)-1] {
			bounds = append(bounds, hour)
		}
		if len(bounds) > maxSteps {
			return nil, Unprocessable("the timeline has more than %d steps: ask for a shorter window or longer steps", maxSteps)
		}
	}
}

// add takes the sums of one benefit, by event type, then step.
func (t *timeline) add(benefit counters.Benefit, cells []counters.Cell) {
	if t.benefit != "" && t.store.Benefits.Names()[benefit] != t.benefit {
		return
	}
	events := t.store.Events.Names()
	for _, cell := range cells {
		event := cell.Key.Event()
		if t.event != "" && events[event-1] != t.event {
			continue
		}
		sum := stepSum{step: cell.Key.Place(), total: counters.EventTotal{Event: event, Count: cell.Count}}
		if t.withBenefit {
			sum.benefit = benefit
		}
		if len(t.sums) <= maxTimelineSums {
			t.sums = append(t.sums, sum)
		}
	}
	if !t.withBenefit {
		t.addUp()
	}
}

// addUp merges the sums of the same step and event type.
func (t *timeline) addUp() {
	slices.SortFunc(t.sums, func(a, b stepSum) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.total.Event, b.total.Event))
	})
	merged := t.sums[:0]
	for _, sum := range t.sums {
		if last := len(merged) - 1; last >= 0 && merged[last].step == sum.step && merged[last].total.Event == sum.total.Event {
			merged[last].total.Count += sum.total.Count
			continue
		}
		merged = append(merged, sum)
	}
	t.sums = merged
}

// json renders [{"start_at":…,"end_at":…,"benefits":[{"id":…,"events":{…}}]}], or
// "events" in place of "benefits" for totals. Every step is there, also an empty one.
func (t *timeline) json() []byte {
	names := t.store.Benefits.Names()
	slices.SortFunc(t.sums, func(a, b stepSum) int {
		return cmp.Or(cmp.Compare(a.step, b.step), strings.Compare(names[a.benefit], names[b.benefit]))
	})
	body := []byte{'['}
	for step, rest := uint32(0), t.sums; int(step)+1 < len(t.bounds); step++ {
		n := 0
		for n < len(rest) && rest[n].step == step {
			n++
		}
		if step > 0 {
			body = append(body, ',')
		}
		body = append(t.appendStep(body, step, rest[:n]), '}')
		rest = rest[n:]
	}
	return append(body, ']')
}

func (t *timeline) appendStep(body []byte, step uint32, sums []stepSum) []byte {
	body = append(body, `{"start_at":"`...)
	body = t.bounds[step].Time().In(t.location).AppendFormat(body, time.RFC3339)
	body = append(body, `","end_at":"`...)
	body = t.bounds[step+1].Time().In(t.location).AppendFormat(body, time.RFC3339)
	events := t.store.Events.Names()
	if !t.withBenefit {
		return appendTotals(append(body, `","events":`...), events, totalsOf(sums))
	}
	body = append(body, `","benefits":[`...)
	for i := 0; len(sums) > 0; i++ {
		n := 1
		for n < len(sums) && sums[n].benefit == sums[0].benefit {
			n++
		}
		if i > 0 {
			body = append(body, ',')
		}
		name := t.store.Benefits.Names()[sums[0].benefit]
		body = appendBenefitSum(body, benefitSum{name, appendTotals(nil, events, totalsOf(sums[:n]))})
		sums = sums[n:]
	}
	return append(body, ']')
}

func totalsOf(sums []stepSum) []counters.EventTotal {
	totals := make([]counters.EventTotal, len(sums))
	for i, sum := range sums {
		totals[i] = sum.total
	}
	return totals
}
