package httpapi

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

// headerEffectiveStart says from when on events were counted.
const headerEffectiveStart = "Effective-Start-At"

// getBenefits sums the events of each benefit since a time.
func (s *Server) getBenefits(ctx *fasthttp.RequestCtx) {
	since, err := startHour(ctx)
	if err != nil {
		fail(ctx, err)
		return
	}
	type benefit struct {
		name   string
		events []byte
	}
	var benefits []benefit
	names, events := s.config.Store.Benefits.Names, s.config.Store.Events.Names
	s.config.Store.EventTotals(since, func(number counters.Benefit, totals []counters.EventTotal) {
		known := events()
		slices.SortFunc(totals, func(a, b counters.EventTotal) int {
			return strings.Compare(known[a.Event-1], known[b.Event-1])
		})
		benefits = append(benefits, benefit{names()[number], appendTotals(nil, known, totals)})
	})
	slices.SortFunc(benefits, func(a, b benefit) int { return strings.Compare(a.name, b.name) })

	body := []byte{'['}
	for i, benefit := range benefits {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"id":`...)
		body = appendQuoted(body, benefit.name)
		body = append(body, `,"events":{`...)
		body = append(body, benefit.events...)
		body = append(body, "}}"...)
	}
	s.respondCacheable(ctx, append(body, ']'))
}

// startHour reads start_at and says in the response what it was understood as.
func startHour(ctx *fasthttp.RequestCtx) (counters.Hour, error) {
	text := string(ctx.QueryArgs().Peek("start_at"))
	if text == "" {
		return 0, nil
	}
	// A plus that was not encoded arrives as a space, and only a zone has one.
	start, err := parseISODate(strings.Replace(text, " ", "+", 1))
	if err != nil {
		return 0, &statusError{fasthttp.StatusUnprocessableEntity,
			"start_at: " + err.Error() + "; use a date such as 2026-01-31 or 2026-01-31T15:00:00Z"}
	}
	hour := counters.HourOf(start)
	header := &ctx.Response.Header
	header.Set(headerEffectiveStart, start.UTC().Truncate(time.Hour).Format(time.RFC3339))
	header.Set(fasthttp.HeaderAccessControlExposeHeaders, headerEffectiveStart)
	return hour, nil
}

func appendTotals(dst []byte, names []string, totals []counters.EventTotal) []byte {
	for i, total := range totals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, names[total.Event-1]), ':')
		dst = strconv.AppendUint(dst, total.Count, 10)
	}
	return dst
}
