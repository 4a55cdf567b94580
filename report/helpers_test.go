package report_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/report"
)

const version = 2

// hour is when records of these tests are of, unless they say.
const hour = counters.Hour(20_000 * 24)

// source is a store in memory, without closed days.
type source struct {
	*counters.Store
	kept  counters.Day
	reads int
}

func newSource() *source { return &source{Store: counters.NewStore(counters.WhenAdded)} }

func (s *source) Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	s.reads++
	s.Store.Read(query, nil, visit)
	return nil
}

func (s *source) ReadDays(version uint16, from, to counters.Day, begin func(), visit func(counters.Day, counters.Benefit, []counters.Cell)) error {
	begin()
	for day := from; day < to; day++ {
		s.Store.Read(counters.PositionsOf(version, []counters.Hour{day.FirstHour(), (day + 1).FirstHour()}), nil,
			func(benefit counters.Benefit, cells []counters.Cell) { visit(day, benefit, cells) })
	}
	return nil
}

func (s *source) KeptFrom() (counters.Day, bool) { return s.kept, s.kept > 0 }

func (s *source) Span() (first, last counters.Day, any bool) {
	days := s.OpenDays()
	if len(days) == 0 {
		return 0, 0, false
	}
	return slices.Min(days), slices.Max(days), true
}

func (s *source) BenefitNames() []string { return s.Benefits.Names() }
func (s *source) EventNames() []string   { return s.Events.Names() }

// places are counts of an event by page total and index.
type places map[string]map[string]uint64

// record adds records of an hour: benefit → event type → places.
func (s *source) record(t testing.TB, at counters.Hour, statistics map[string]map[string]places) {
	t.Helper()
	batch := s.NewBatch()
	batch.Reset(at)
	for _, benefit := range slices.Sorted(maps.Keys(statistics)) {
		for event, totals := range statistics[benefit] {
			for total, indexes := range totals {
				for index, count := range indexes {
					s.recordPlace(t, batch, at, benefit, event, number(t, total), number(t, index), count)
				}
			}
		}
	}
	if _, err := s.Add(batch); err != nil {
		t.Fatal(err)
	}
	if delta := s.Seal(); delta != nil {
		delta.Commit()
	}
}

func (s *source) recordPlace(t testing.TB, batch *counters.Batch, at counters.Hour, benefit, event string, total, index uint16, count uint64) {
	t.Helper()
	b, err := s.Benefits.Number([]byte(benefit))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Events.Number([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	key, err := counters.NewKey(counters.EventType(e+1), version, total, index)
	if err != nil {
		t.Fatal(err)
	}
	for range count {
		batch.Add(counters.Benefit(b), key, at)
	}
}

func number(t testing.TB, text string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

// confounded is the example of docs/insight.md: A is twice as good, and mostly first.
func confounded() map[string]map[string]places {
	return map[string]map[string]places{
		"A": {"show": {"2": {"1": 900, "2": 100}}, "showDetails": {"2": {"1": 180, "2": 10}}},
		"B": {"show": {"2": {"1": 100, "2": 900}}, "showDetails": {"2": {"1": 10, "2": 45}}},
	}
}

// reporterOf is a Reporter of a source, which keeps what it reads.
func reporterOf(s *source) *report.Reporter {
	return report.New(report.Options{Source: s, CacheBytes: 32 << 20})
}

// asJSON is a value as answers have it.
func asJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readFixture(t testing.TB, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}
