package history

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// pastEvent is a record as the replaced service kept it: what its queries look at.
type pastEvent struct {
	benefit, event string
	version        int // noVersion when it has none
	total, index   int
	at             time.Time // zero when created_at is null or missing
}

// noVersion is the version of a record without one. This service answers for
// these under version 0, the replaced one under no version at all.
const noVersion = -1

func (e pastEvent) counter() blackbox.Counter {
	return blackbox.Counter{Benefit: e.benefit, Event: e.event, Version: max(e.version, 0), Total: e.total, Index: e.index}
}

// chronicle is the replaced service's collection, and its queries, written
// plainly, are what the answers must be.
type chronicle []pastEvent

// question is a query, and what it asks for as the test knows it.
type question struct {
	path       string
	parameters url.Values
	// from and to are the window that is asked for; zero is an open end.
	from, to time.Time
}

// String is the path and query.
func (q question) String() string {
	if len(q.parameters) == 0 {
		return q.path
	}
	return q.path + "?" + q.parameters.Encode()
}

const (
	pathStatistics = "/statistics"
	pathBenefits   = "/benefits"
	pathTimeline   = "/benefits/timeline"
)

// window is what is counted: whole days or hours; zero is an open end.
type window struct{ from, to time.Time }

func (w window) open() bool { return w.from.IsZero() && w.to.IsZero() }

func (w window) has(e pastEvent) bool {
	return w.open() || !e.at.IsZero() && !e.at.Before(w.from) && (w.to.IsZero() || e.at.Before(w.to))
}

// window widens what is asked for to whole units, and cuts off what retention
// has taken.
func (q question) window(kept time.Time) window {
	unit := time.Hour
	if q.path == pathStatistics {
		unit = 24 * time.Hour
	}
	w := window{q.from.UTC().Truncate(unit), q.to.UTC()}
	if w.open() && q.path != pathTimeline {
		return w // the sums of all time are kept
	}
	if w.from.Before(kept) {
		w.from = kept
	}
	if whole := w.to.Truncate(unit); whole.Before(w.to) {
		w.to = whole.Add(unit)
	}
	return w
}

// within are the records of a window.
func (c chronicle) within(w window) chronicle {
	var some chronicle
	for _, e := range c {
		if w.has(e) {
			some = append(some, e)
		}
	}
	return some
}

// statistics matches the version and groups by benefit, event type, page total
// and index.
func (c chronicle) statistics(version int) string {
	book := blackbox.NewLedger()
	for _, e := range c {
		book.Add(e.counter())
	}
	return book.Statistics(version)
}

// sums groups by benefit and event type.
func (c chronicle) sums() string {
	counts := map[string]map[string]int{}
	for _, e := range c {
		if counts[e.benefit] == nil {
			counts[e.benefit] = map[string]int{}
		}
		counts[e.benefit][e.event]++
	}
	var entries []string
	for _, benefit := range slices.Sorted(maps.Keys(counts)) {
		entries = append(entries, fmt.Sprintf(`{"id":%s,"events":%s}`, blackbox.Quote(benefit), object(counts[benefit])))
	}
	return blackbox.Array(entries...)
}

// object is counts as a JSON object.
func object(counts map[string]int) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		members = append(members, blackbox.Quote(name)+":"+strconv.Itoa(counts[name]))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// total groups by event type.
func (c chronicle) total() string {
	counts := map[string]int{}
	for _, e := range c {
		counts[e.event]++
	}
	return object(counts)
}

// timeline answers for each step of a window what sums or total do.
func (c chronicle) timeline(t testing.TB, q question, w window) string {
	t.Helper()
	zone := mustZone(t, q.parameters.Get("time_zone"))
	bounds := c.stepBounds(q, zone, w)
	steps := make([]chronicle, max(len(bounds), 1)-1)
	for _, e := range c {
		step := sort.Search(len(bounds), func(i int) bool { return bounds[i].After(e.at) }) - 1
		benefit, event := q.parameters.Get("benefit"), q.parameters.Get("event_type")
		if step < 0 || step >= len(steps) || (benefit != "" && benefit != e.benefit) || (event != "" && event != e.event) {
			continue
		}
		steps[step] = append(steps[step], e)
	}
	var entries []string
	for i, step := range steps {
		content := `"benefits":` + step.sums()
		if q.parameters.Get("group") == "total" {
			content = `"events":` + step.total()
		}
		entries = append(entries, fmt.Sprintf(`{"start_at":%q,"end_at":%q,%s}`,
			bounds[i].In(zone).Format(time.RFC3339), bounds[i+1].In(zone).Format(time.RFC3339), content))
	}
	return blackbox.Array(entries...)
}

// stepBounds goes through the hours of a window and begins a step whenever the
// local date says so. An open end is that of the step in which the days with
// records begin or end.
func (c chronicle) stepBounds(q question, zone *time.Location, w window) []time.Time {
	first, last := c.span()
	if first.IsZero() {
		return nil
	}
	step := q.parameters.Get("step")
	same := func(hour, other time.Time) bool { return stepOf(step, zone, hour) == stepOf(step, zone, other) }
	if q.from.IsZero() {
		for same(first.Add(-time.Hour), first) {
			first = first.Add(-time.Hour)
		}
		if first.After(w.from) {
			w.from = first
		}
	}
	if w.to.IsZero() {
		for w.to = last; same(w.to.Add(-time.Hour), w.to); {
			w.to = w.to.Add(time.Hour)
		}
	}
	if !w.from.Before(w.to) {
		return nil
	}
	bounds, current := []time.Time{w.from}, stepOf(step, zone, w.from)
	for hour := w.from.Add(time.Hour); hour.Before(w.to); hour = hour.Add(time.Hour) {
		if next := stepOf(step, zone, hour); next != current {
			bounds, current = append(bounds, hour), next
		}
	}
	return append(bounds, w.to)
}

// span is the start of the first UTC day with records, and the end of the last.
func (c chronicle) span() (first, last time.Time) {
	for _, e := range c {
		if e.at.IsZero() {
			continue
		}
		day := e.at.UTC().Truncate(24 * time.Hour)
		if first.IsZero() || day.Before(first) {
			first = day
		}
		if end := day.AddDate(0, 0, 1); end.After(last) {
			last = end
		}
	}
	return first, last
}

// stepOf names the step of an hour: that of its last moment, because a step
// begins with the hour that contains its start.
func stepOf(step string, zone *time.Location, hour time.Time) [3]int {
	local := hour.Add(time.Hour - time.Nanosecond).In(zone)
	year, month, day := local.Date()
	switch step {
	case "hour":
		return [3]int{int(hour.Unix() / 3600)}
	case "week":
		year, week := local.ISOWeek()
		return [3]int{year, week}
	case "month":
		return [3]int{year, int(month)}
	}
	return [3]int{year, int(month), day}
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// answer is the body that a question must have, of a server that has kept the
// days since the given one.
func (c chronicle) answer(t testing.TB, q question, kept time.Time) string {
	t.Helper()
	w := q.window(kept)
	switch q.path {
	case pathStatistics:
		version := 2
		if text := q.parameters.Get("version"); text != "" {
			version, _ = strconv.Atoi(text)
		}
		return c.within(w).statistics(version)
	case pathBenefits:
		return c.within(w).sums()
	}
	return c.within(window{from: kept}).timeline(t, q, w)
}

// expect requires the answers to questions to be exactly the chronicle's.
func (c chronicle) expect(t testing.TB, s *blackbox.Server, questions ...question) {
	t.Helper()
	c.expectKept(t, s, time.Time{}, questions...)
}

// expectKept is expect of a server that has given up the days before one.
func (c chronicle) expectKept(t testing.TB, s *blackbox.Server, kept time.Time, questions ...question) {
	t.Helper()
	for _, q := range questions {
		got, want := s.Get(t, q.String()), c.answer(t, q, kept)
		if got.Status != http.StatusOK || got.Body != want {
			t.Errorf("%s: status %d, %s", q, got.Status, difference(got.Body, want))
		}
		w, retention := q.window(kept), ""
		if q.from.Before(kept) && !w.open() {
			retention = instant(kept)
		}
		for name, want := range map[string]string{
			"Effective-Start-At": instant(w.from), "Effective-End-At": instant(w.to), "Retention-Start-At": retention,
		} {
			if got := got.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", q, name, got, want)
			}
		}
	}
}

// instant is a time as a header says it; none is empty.
func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// difference shows where two bodies begin to differ.
func difference(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	around := func(text string) string { return text[max(0, at-80):min(len(text), at+160)] }
	return fmt.Sprintf("differs at byte %d\n got …%s\nwant …%s", at, around(got), around(want))
}
