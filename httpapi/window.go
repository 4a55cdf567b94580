package httpapi

import (
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// A History answers for all of time, the closed days included. An error
// means that something of it cannot be read.
type History interface {
	// Read visits the benefits that a query counts something for.
	Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error
	// ReadInPieces is Read for counts of any size, see counters.Store.ReadInPieces.
	ReadInPieces(query counters.Query, piece int, visit func(counters.Benefit, []counters.Cell)) error
	Retention
	// Span is the first and the last day that have counts, if any has.
	Span() (first, last counters.Day, any bool)
}

// A Retention says what has been given up.
type Retention interface {
	// KeptFrom is the first day that has not been given up, if any has.
	KeptFrom() (counters.Day, bool)
}

// HeaderEffectiveStart and HeaderEffectiveEnd say which window was counted, and
// HeaderRetentionStart is there when it was to begin before what retention has left.
const (
	HeaderEffectiveStart = "Effective-Start-At"
	HeaderEffectiveEnd   = "Effective-End-At"
	HeaderRetentionStart = "Retention-Start-At"
)

const (
	// headerOverflowed is how many records since the start were counted under
	// counters.OtherBenefit for want of room.
	headerOverflowed = "Overflowed-Records"
	exposedHeaders   = HeaderEffectiveStart + ", " + HeaderEffectiveEnd + ", " + HeaderRetentionStart + ", " + headerOverflowed
)

// Window is a part of time, in whole units.
type Window struct {
	// From and To are its hours, To not included.
	From, To counters.Hour
	// StartAsked and EndAsked say which of them were asked for.
	StartAsked, EndAsked bool
}

// Unbounded says that neither end was asked for.
func (w Window) Unbounded() bool { return !w.StartAsked && !w.EndAsked }

// AskedWindow reads start_at and end_at, widens them to whole units (an hour or
// a day), takes off what retention has taken, and says in the answer what that
// makes. Times without a zone are in the given one. The error is for the client.
func AskedWindow(q Query, retention Retention, answer *Answer, unit time.Duration, zone *time.Location) (Window, error) {
	start, startAsked, err := askedTime(q, "start_at", zone)
	if err != nil {
		return Window{}, err
	}
	end, endAsked, err := askedTime(q, "end_at", zone)
	if err != nil {
		return Window{}, err
	}
	if startAsked && endAsked && end.Before(start) {
		return Window{}, Unprocessable("end_at: is before start_at")
	}
	w := Window{To: counters.EndOfTime, StartAsked: startAsked, EndAsked: endAsked}
	if w.Unbounded() {
		return w, nil
	}
	if startAsked {
		start = start.UTC().Truncate(unit)
		w.From = counters.HourOf(start)
		answer.Set(HeaderEffectiveStart, start.Format(time.RFC3339))
	}
	w = cutOff(retention, answer, w)
	if endAsked {
		end = end.UTC().Add(unit - 1).Truncate(unit)
		w.To = max(counters.HourOf(end), w.From)
		answer.Set(HeaderEffectiveEnd, end.Format(time.RFC3339))
	}
	return w, nil
}

// cutOff takes off a window what retention has taken, and says so in the answer.
func cutOff(retention Retention, answer *Answer, w Window) Window {
	kept, some := retention.KeptFrom()
	if !some || w.From >= kept.FirstHour() {
		return w
	}
	w.From = kept.FirstHour()
	start := kept.Time().Format(time.RFC3339)
	answer.Set(HeaderRetentionStart, start)
	answer.Set(HeaderEffectiveStart, start)
	return w
}

// askedTime reads a time from the query; empty is as good as absent.
func askedTime(q Query, name string, zone *time.Location) (at time.Time, asked bool, err error) {
	text := q.First(name)
	if text == "" {
		return time.Time{}, false, nil
	}
	// A plus that was not encoded arrives as a space, and only a zone has one.
	at, err = records.ParseTime(strings.Replace(text, " ", "+", 1), zone)
	if err != nil {
		return time.Time{}, false, Unprocessable("%s: %v; use a date such as 2026-01-31 or 2026-01-31T15:00:00Z", name, err)
	}
	return at, true, nil
}

// Bounds are the bounds of a query for the window.
func (w Window) Bounds() []counters.Hour {
	if w.Unbounded() {
		return nil
	}
	return []counters.Hour{w.From, w.To}
}
