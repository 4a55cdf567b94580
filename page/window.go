package page

import (
	"strconv"
	"time"

	"stats-recorder/counters"
	"stats-recorder/page/words"
)

const (
	// usualDays is how many whole days a view shows if nothing else was asked for.
	usualDays = 28
	// fewestDays is from how many whole days on today is left out.
	fewestDays = 7

	daysAll   = "all"
	daysDates = "dates"
)

// presets are the lengths of the window that the page offers.
var presets = []string{"7", "28", "90", "365", daysAll, daysDates}

// A window is UTC days, to not included: places are kept by UTC day.
type window struct {
	from, to counters.Day
	// preset is what was asked for.
	preset string
	// today says that the day that runs is in it.
	today bool
	// short says that it is all there is, since there are not fewestDays whole ones.
	short bool
}

// days is how many.
func (w window) days() int { return int(w.to - w.from) }

// before is the window of the same length that ends where this begins.
func (w window) before() window {
	return window{from: w.from - min(w.from, counters.Day(w.days())), to: w.from}
}

// A span is the days that have counts.
type span struct {
	first, last counters.Day
	any         bool
}

// chooseWindow chooses the window of an address on a day: dates, or so many whole days
// that have counts, or all there is.
func chooseWindow(a address, today counters.Day, counted span) window {
	from, fromOK := dayOf(a[askStart])
	to, toOK := dayOf(a[askEnd])
	if fromOK || toOK {
		return dated(from, fromOK, to, toOK, today, counted)
	}
	w := window{preset: a[askDays], from: today - min(today, usualDays), to: today}
	if w.preset == "" {
		w.preset = strconv.Itoa(usualDays)
	}
	first := min(counted.first, today)
	if !counted.any {
		first = today
	}
	days, err := strconv.Atoi(w.preset)
	switch {
	case w.preset == daysAll:
		w.from, w.to = first, today+1
	case err == nil && days > 0 && days <= 3660:
		w.from = max(first, today-min(today, counters.Day(days)))
	default:
		w.from = max(first, w.from)
	}
	if w.preset != daysAll && int(today-first) < fewestDays {
		w.from, w.to, w.short = first, today+1, true
	}
	w.today = w.to > today
	return w
}

// dated is a window by its dates, either of which may be open.
func dated(from counters.Day, fromOK bool, to counters.Day, toOK bool, today counters.Day, counted span) window {
	w := window{preset: daysDates, from: from, to: to}
	if !fromOK {
		w.from = min(counted.first, today)
	}
	if !toOK {
		w.to = today + 1
	}
	w.from = max(w.from, 1) // day 0 means an open end
	w.to = max(w.to, w.from+1)
	w.today = w.from <= today && w.to > today
	return w
}

// dayOf reads a date, or the date of a time.
func dayOf(text string) (counters.Day, bool) {
	if text == "" {
		return 0, false
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		at, err := time.Parse(layout, text)
		if err == nil && at.Year() >= 1970 && at.Year() < 10000 {
			return counters.HourOf(at).Day(), true
		}
	}
	return 0, false
}

// dates says from when to when: from 29 October to 25 November 2026.
func (w window) dates(l *words.Language) string {
	first, last := w.from.Time(), (w.to - 1).Time()
	switch {
	case w.days() <= 1:
		return l.Fill("span.day", words.With{"from": l.Date(first)})
	case first.Year() == last.Year():
		return l.Fill("span.dates", words.With{"from": l.DayMonth(first), "to": l.Date(last)})
	default:
		return l.Fill("span.dates", words.With{"from": l.Date(first), "to": l.Date(last)})
	}
}

// say says what was used.
func (w window) say(l *words.Language) string {
	with := words.With{"dates": w.dates(l), "n": l.Number(float64(w.days()), 0)}
	switch {
	case w.short:
		return l.Fill("period.short", with)
	case w.today:
		return l.CountPlain("period.today", float64(w.days()), with)
	default:
		return l.CountPlain("period.whole", float64(w.days()), with)
	}
}
