package httpapi

import (
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

// A History answers for all of time, the closed days included. An error
// means that something of it cannot be read.
type History interface {
	// Read visits the benefits that a query counts something for.
	Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error
	// KeptFrom is the first day that has not been given up, if any has.
	KeptFrom() (counters.Day, bool)
	// Span is the first and the last day that have counts, if any has.
	Span() (first, last counters.Day, any bool)
}

// These headers say what was counted.
const (
	headerEffectiveStart = "Effective-Start-At"
	headerEffectiveEnd   = "Effective-End-At"
	// headerRetentionStart is there when a window begins before it.
	headerRetentionStart = "Retention-Start-At"
	// headerOverflowed is how many records since the start were counted under
	// counters.OtherBenefit for want of room.
	headerOverflowed = "Overflowed-Records"
	exposedHeaders   = headerEffectiveStart + ", " + headerEffectiveEnd + ", " + headerRetentionStart + ", " + headerOverflowed
)

// window is a part of time, in whole units.
type window struct {
	from, to             counters.Hour
	startAsked, endAsked bool
}

// unbounded says that neither end was asked for.
func (w window) unbounded() bool { return !w.startAsked && !w.endAsked }

// askedWindow reads start_at and end_at, widens them to whole units (an hour or
// a day), and says in the response what that makes. Times without a zone are
// in the given one.
func (s *Server) askedWindow(ctx *fasthttp.RequestCtx, unit time.Duration, zone *time.Location) (window, error) {
	start, startAsked, err := askedTime(ctx, "start_at", zone)
	if err != nil {
		return window{}, err
	}
	end, endAsked, err := askedTime(ctx, "end_at", zone)
	if err != nil {
		return window{}, err
	}
	if startAsked && endAsked && end.Before(start) {
		return window{}, unprocessable("end_at: is before start_at")
	}
	w := window{to: counters.EndOfTime, startAsked: startAsked, endAsked: endAsked}
	if w.unbounded() {
		return w, nil
	}
	header := &ctx.Response.Header
	header.Set(fasthttp.HeaderAccessControlExposeHeaders, exposedHeaders)
	if startAsked {
		start = start.UTC().Truncate(unit)
		w.from = counters.HourOf(start)
		header.Set(headerEffectiveStart, start.Format(time.RFC3339))
	}
	w = s.cutOff(ctx, w)
	if endAsked {
		end = end.UTC().Add(unit - 1).Truncate(unit)
		w.to = max(counters.HourOf(end), w.from)
		header.Set(headerEffectiveEnd, end.Format(time.RFC3339))
	}
	return w, nil
}

// cutOff takes off a window what retention has taken, and says so in the response.
func (s *Server) cutOff(ctx *fasthttp.RequestCtx, w window) window {
	kept, some := s.config.History.KeptFrom()
	if !some || w.from >= kept.FirstHour() {
		return w
	}
	w.from = kept.FirstHour()
	start, header := kept.Time().Format(time.RFC3339), &ctx.Response.Header
	header.Set(fasthttp.HeaderAccessControlExposeHeaders, exposedHeaders)
	header.Set(headerRetentionStart, start)
	header.Set(headerEffectiveStart, start)
	return w
}

// askedTime reads a time from the query; empty is as good as absent.
func askedTime(ctx *fasthttp.RequestCtx, name string, zone *time.Location) (at time.Time, asked bool, err error) {
	text := string(ctx.QueryArgs().Peek(name))
	if text == "" {
		return time.Time{}, false, nil
	}
	// A plus that was not encoded arrives as a space, and only a zone has one.
	at, err = parseISODateIn(strings.Replace(text, " ", "+", 1), zone)
	if err != nil {
		return time.Time{}, false, unprocessable("%s: %v; use a date such as 2026-01-31 or 2026-01-31T15:00:00Z", name, err)
	}
	return at, true, nil
}

// bounds are the bounds of a query for the window.
func (w window) bounds() []counters.Hour {
	if w.unbounded() {
		return nil
	}
	return []counters.Hour{w.from, w.to}
}
