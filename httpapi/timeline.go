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
func readTimeline(store *counters.Store, history History) func(Request) (Answer, error) {
	return func(r Request) (answer Answer, err error) {
		t, err := askedTimeline(r.Query, store, history, &answer)
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

func askedTimeline(q Query, store *counters.Store, history History, answer *Answer) (*timeline, error) {
	location, err := askedZone(q.First("time_zone"))
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
	bounds, err := stepBounds(bounded(history, window, location, step), location, step)
	return &timeline{
		store:       store,
		location:    location,
		bounds:      bounds,
		benefit:     q.First("benefit"),
		event:       q.First("event_type"),
		withBenefit: group == "benefit",
	}, err
}

// bounded replaces an end of a window that was not asked for by the end of the
// step in which the counts begin or end.
func bounded(history History, w Window, location *time.Location, step step) Window {
	first, last, some := history.Span()
	if !some {
		return Window{}
	}
	if !w.StartAsked {
		w.From = max(w.From, counters.HourOf(step.start(first.Time().In(location))))
	}
	if !w.EndAsked {
		end := (last + 1).Time().In(location)
		w.To = counters.HourOf(end)
		if start := step.start(end); start.Before(end) {
			w.To = counters.HourOf(step.next(end))
		}
	}
	return w
}

func askedZone(name string) (*time.Location, error) {
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

// midnight is the start of the local day that is so many months and days later.
// Where the clocks skip it, the day starts when they have.
func midnight(t time.Time, months, days int) time.Time {
	on := func(location *time.Location) time.Time {
		return time.Date(t.Year(), t.Month()+time.Month(months), t.Day()+days, 0, 0, 0, 0, location)
	}
	at := on(t.Location())
	if at.Day() != on(time.UTC).Day() {
		_, at = at.ZoneBounds()
	}
	return at
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
