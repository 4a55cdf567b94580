package httpapi

import (
	"testing"
	"time"

	"stats-recorder/counters"
)

// taking is a retention that shows days from one on, and has taken those before another.
type taking struct{ kept, taken counters.Day }

func (t taking) KeptFrom() (counters.Day, bool) { return t.kept, t.kept > 0 }
func (t taking) TakenBefore() counters.Day      { return t.taken }

func TestAWindowThatRetentionHasTakenFromSaysSo(t *testing.T) {
	t.Parallel()
	day := func(date string) counters.Day {
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		return counters.HourOf(at).Day()
	}
	for _, test := range []struct {
		name          string
		retention     taking
		start         string
		begins, taken string
	}{
		{"nothing is taken", taking{}, "2025-01-01", "2025-01-01T00:00:00Z", ""},
		{"after all that is", taking{day("2026-01-01"), day("2026-01-01")}, "2026-02-01", "2026-02-01T00:00:00Z", ""},
		{"its beginning is", taking{day("2026-01-01"), day("2026-01-01")}, "2025-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"it begins among days that were imported since", taking{day("2020-01-01"), day("2026-01-01")}, "2025-01-01",
			"2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"it begins before them", taking{day("2020-01-01"), day("2026-01-01")}, "2019-01-01", "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
	} {
		var answer Answer
		window, err := AskedWindow(Query{{"start_at", test.start}}, test.retention, &answer, 24*time.Hour, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{}
		for _, header := range answer.Header {
			headers[header.Name] = header.Value
		}
		if got := window.From.Time().Format(time.RFC3339); got != test.begins || headers[HeaderEffectiveStart] != test.begins || headers[HeaderRetentionStart] != test.taken {
			t.Errorf("%s: begins %s, %v; want %s and %q taken", test.name, got, headers, test.begins, test.taken)
		}
	}
}
