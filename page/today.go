package page

import (
	"fmt"
	"html/template"
	"math"
	"time"

	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
)

// todayView is the first view: does it work, is today normal?
type todayView struct {
	*frame
	// Said is what the live line says before the script does.
	Said     string
	Counted  *table
	Hours    *figure
	Findings []template.HTML
	States   *table
	Days     *figure
	empty    bool
	// QualityAddress leads to all checks.
	QualityAddress string
}

func (v *todayView) template() string {
	if v.empty {
		return "empty"
	}
	return "today"
}

func showToday(r *request) (content, error) {
	v := &todayView{frame: r.newFrame(), empty: !r.span.any, QualityAddress: r.to("quality")}
	if v.empty {
		v.Heading = r.T("empty")
		return v, nil
	}
	hours, err := r.hoursOf()
	if err != nil {
		return nil, err
	}
	same := r.sameWeekdays(r.now)
	shows := func(d time.Time) float64 { return hours.shows[dayKey(d)].until(r.at(d)) }
	facts := todayFacts{refused: r.page.config.Refusing(), weekday: r.language.Weekday(r.now), shown: float64(hours.shows[dayKey(r.now)].total()), usual: usualOf(same, shows),
		gap: r.gap(hours.last), hourly: usualOf(same, func(d time.Time) float64 { return float64(hours.shows[dayKey(d)][r.now.Hour()]) }).median}
	v.Phrase = facts.sentence(r.language)
	v.Said = r.LastRecord()
	v.Counted = r.countedTable(hours, same)
	v.Hours = r.hoursFigure(hours.shows, same)
	v.Days = r.daysFigure(hours.shows)
	if err := v.showState(facts, hours); err != nil {
		return nil, err
	}
	return v, v.find(hours)
}

// at is the time of day of now on another day.
func (r *request) at(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), r.now.Hour(), r.now.Minute(), r.now.Second(), 0, r.now.Location())
}

// gap is how long no record has come: since the last one, or at least since the end of
// the last hour that has any.
func (r *request) gap(lastHour time.Time) time.Duration {
	if at, ok := r.page.config.LastRecord(); ok {
		return max(0, r.now.Sub(at))
	}
	if lastHour.IsZero() {
		return 0
	}
	return max(0, r.now.Sub(lastHour))
}

// countedTable holds what was counted since midnight against the same weekdays.
func (r *request) countedTable(hours counted, same []time.Time) *table {
	l := r.language
	caption := l.Say("today.caption", words.With{"weekday": l.Weekday(r.now), "n": l.Number(float64(len(same)), 0), "time": l.Clock(r.now)})
	if len(same) < fewestWeekdays {
		caption = r.Say("today.caption.few")
	}
	t := &table{Class: "day cards", Caption: caption, Columns: []column{{Name: r.T("col.counted")}, {Class: "n", Name: r.T("col.today")}}}
	if len(same) >= fewestWeekdays {
		t.Columns = append(t.Columns, column{Class: "n", Name: r.T("col.usual")}, column{Class: "n", Name: r.T("col.change")},
			column{Class: "wide p", Name: r.T("col.usual.picture"), Axis: draw.UsualAxis(l.Change(-draw.UsualSpan, 0), l.Change(draw.UsualSpan, 0))}, column{Name: r.T("col.clear")})
	}
	for _, of := range []struct {
		key, told string
		days      map[string]dayOfHours
		universal uint64
	}{{"counted.shows", "shown", hours.shows, hours.universal.shows}, {"counted.opened", "opened", hours.opened, hours.universal.opened},
		{"counted.acted", "acted", hours.acted, hours.universal.acted}} {
		now := of.days[dayKey(r.now)].total()
		u := usualOf(same, func(d time.Time) float64 { return of.days[dayKey(d)].until(r.at(d)) })
		t.Rows = append(t.Rows, r.countedRow(of.key, r.moving(now, of.told, of.universal), float64(now), u))
	}
	return t
}

// moving is a number of today that the script moves on by what livePath tells: a count
// since midnight UTC, which may begin later than the day of the page, or sooner.
func (r *request) moving(now uint64, told string, universal uint64) template.HTML {
	return template.HTML(fmt.Sprintf(`<b data-counts="%s" data-day="%s" data-plus="%d">%s</b>`,
		told, r.now.UTC().Format(time.DateOnly), int64(now)-int64(universal), template.HTMLEscapeString(r.language.Whole(now))))
}

// countedRow is a number of today, with what is usual of it if that is known.
func (r *request) countedRow(key string, moving template.HTML, now float64, u usual) row {
	l := r.language
	cells := []cell{{Header: true, Body: text(r.T(key))}, {Class: "n", Label: r.T("col.today"), Body: moving}}
	if !u.known() {
		return row{Cells: cells}
	}
	change := "–"
	var picture template.HTML
	if u.median > 0 {
		change, picture = l.Change(now/u.median-1, 0), draw.Usual(now, u.low, u.median, u.high)
	}
	word := state("ok", r.T("usual.yes"))
	switch {
	case u.within(now):
	case now > u.high:
		word = state("warn", r.T("usual.more"))
	default:
		word = state("warn", r.T("usual.less"))
	}
	return row{Cells: append(cells, cell{Class: "n", Label: r.T("col.usual"), Body: under(l.Number(u.median, 0), l.Between(l.Number(u.low, 0), l.Number(u.high, 0)))},
		cell{Class: "n", Label: r.T("col.change"), Body: text(change)}, cell{Class: "p wide", Body: picture}, cell{Body: word})}
}

// hoursFigure draws the day by its hours. The hour that runs is not drawn.
func (r *request) hoursFigure(days map[string]dayOfHours, same []time.Time) *figure {
	l := r.language
	t := &table{Columns: []column{{Name: r.T("col.hour")}, {Class: "n", Name: r.T("col.today")}, {Class: "n", Name: r.T("col.median")}, {Class: "n", Name: r.T("col.usual")}}}
	var hours []draw.HourOfDay
	top := 1.0
	for hour := range 24 {
		u := usualOf(same, func(d time.Time) float64 { return float64(days[dayKey(d)][hour]) })
		h := draw.HourOfDay{Now: math.NaN(), Low: u.low, Median: u.median, High: u.high}
		if !u.known() {
			h.Low, h.Median, h.High = math.NaN(), math.NaN(), math.NaN()
		}
		if hour < r.now.Hour() {
			h.Now = float64(days[dayKey(r.now)][hour])
		}
		for _, x := range []float64{h.Now, h.High} {
			if x > top {
				top = x
			}
		}
		hours = append(hours, h)
		between := "–"
		if u.known() {
			between = l.Between(l.Number(h.Low, 0), l.Number(h.High, 0))
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(l.Hour(hour))}, {Class: "n", Body: text(l.Number(h.Now, 0))},
			{Class: "n", Body: text(l.Number(h.Median, 0))}, {Class: "n ci", Body: text(between)}}})
	}
	var below []draw.Tick
	for _, hour := range []int{0, 6, 12, 18, 24} {
		below = append(below, draw.Tick{At: float64(hour), Label: l.Hour(hour)})
	}
	names := draw.Names{ID: "day", Title: r.T("hours.title"), Description: r.T("hours.words")}
	caption := l.Say("hours.caption", words.With{"weekday": l.Weekday(r.now), "n": l.Number(float64(len(same)), 0)})
	if len(same) < fewestWeekdays {
		caption = r.Say("hours.caption.few")
	}
	return &figure{Title: names.Title, Caption: caption, Summary: r.T("table.see"), Table: t,
		Picture: draw.Hours(names, hours, r.roundTicks(top), below, r.T("hours.today"), l.Fill("hours.usual", words.With{"weekday": l.Weekday(r.now)}))}
}

// roundTicks are from 0 up to a number, in steps of 1, 2 or 5 times a power of ten.
func (r *request) roundTicks(top float64) []draw.Tick {
	step := math.Pow(10, math.Floor(math.Log10(max(top, 1))))
	for _, part := range []float64{0.2, 0.5, 1} {
		if top/(step*part) <= 5 {
			step *= part
			break
		}
	}
	step = max(step, 1)
	var ticks []draw.Tick
	for v := 0.0; v <= top; v += step {
		ticks = append(ticks, draw.Tick{At: v, Label: r.language.Number(v, 0)})
	}
	return ticks
}

// daysFigure draws the last days that are over.
func (r *request) daysFigure(days map[string]dayOfHours) *figure {
	l := r.language
	t := &table{Columns: []column{{Name: r.T("col.day")}, {Class: "n", Name: r.T("counted.shows")}}}
	var bars []draw.Bar
	first := midnightOf(r.span.first.Time().In(r.page.config.Zone))
	for i := usualDays; i >= 1; i-- {
		day := midnightOf(r.now).AddDate(0, 0, -i)
		if day.Before(first) {
			continue
		}
		total := days[dayKey(day)].total()
		b := draw.Bar{Value: float64(total), Quiet: day.Weekday() == time.Saturday || day.Weekday() == time.Sunday}
		if i%9 == 1 {
			b.Label = l.ShortDay(day)
		}
		bars = append(bars, b)
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(l.Weekday(day) + " " + l.DayMonth(day))}, {Class: "n", Body: text(l.Whole(total))}}})
	}
	if len(bars) < 2 {
		return nil
	}
	names := draw.Names{ID: "days", Title: r.T("days.title"), Description: l.Fill("days.words", words.With{"n": l.Number(float64(len(bars)), 0)})}
	return &figure{Title: names.Title, Caption: r.Say("days.caption"), Summary: r.T("table.see"), Table: t, Picture: draw.Days(names, bars, nil)}
}

// showState says what works and what does not.
func (v *todayView) showState(facts todayFacts, hours counted) error {
	l := v.language
	kind, word := "ok", "records.coming"
	switch {
	case facts.refused:
		kind, word = "bad", "records.refused"
	case facts.silent():
		kind, word = "warn", "records.missing"
	case !facts.usual.known():
		kind, word = "off", "records.unknown"
	}
	t := &table{Class: "states", Columns: []column{{Name: v.T("col.check"), Quiet: true}, {Name: v.T("col.state"), Quiet: true}}}
	addState := func(key string, kind string, word string, note string) {
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(v.T(key))}, {Body: state(kind, word) + template.HTML(`<span class="ci">`) + text(note) + "</span>"}}})
	}
	addState("state.records", kind, v.T(word), v.LastRecord())
	checks, err := v.checks()
	if err != nil {
		return err
	}
	for _, c := range checks {
		switch c.key {
		case "balance", "orphans", "identified", "disk":
			addState("check."+c.key, c.state, v.T("state."+c.state), c.measured)
		}
	}
	t.Caption = l.Say("state.caption", words.With{"period": v.period()})
	v.States = t
	return nil
}

// outage says of a day with few records whether some hours have none at all that usually
// have: then it was recording that stopped.
func (r *request) outage(days map[string]dayOfHours, day time.Time) template.HTML {
	same := r.sameWeekdays(day)
	for hour, n := range days[dayKey(day)] {
		if n == 0 && usualOf(same, func(d time.Time) float64 { return float64(days[dayKey(d)][hour]) }).low > surelySome {
			return r.language.Say("day.outage", words.With{"hour": r.language.Hour(hour)})
		}
	}
	return r.Say("day.recorded")
}

// surelySome is from how many shows an hour on it is no chance that there are none.
const surelySome = 5 * showsOfPage

// find lists what is worth a look: yesterday, the benefit to move up, experiments.
func (v *todayView) find(hours counted) error {
	l := v.language
	yesterday := v.now.AddDate(0, 0, -1)
	u := usualOf(v.sameWeekdays(yesterday), func(d time.Time) float64 { return float64(hours.shows[dayKey(d)].total()) })
	shown := float64(hours.shows[dayKey(yesterday)].total())
	if said := yesterdaySentence(l, l.Weekday(yesterday), shown, u); said != "" {
		if from, to, found := oddHours(hours.shows[dayKey(yesterday)], v.sameWeekdays(yesterday), hours.shows); found && !u.within(shown) {
			said = join(said, l.Say("day.hours", words.With{"from": l.Hour(from), "to": l.Hour(to)}))
		}
		if shown < u.low {
			said = join(said, v.outage(hours.shows, yesterday))
		}
		v.Findings = append(v.Findings, said)
	}
	all, err := v.page.config.Reports.Benefits(v.ctx, v.query())
	if err != nil {
		return err
	}
	for _, b := range all.Benefits {
		if !b.UnderExposed || b.Verdict != insight.VerdictAbove {
			continue
		}
		q := v.query()
		q.Benefit = b.ID
		own, err := v.page.config.Reports.Positions(v.ctx, q)
		if err != nil {
			return err
		}
		v.Findings = append(v.Findings, l.Say("finding.under", words.With{"name": v.link(v.to("benefit", askBenefit, b.ID), nameOf(b.Identity)),
			"x": times(l, float64(b.Merit)), "place": l.Ordinal(max(1, medianPlace(own.Cells)))}))
		break
	}
	return v.findExperiments()
}
