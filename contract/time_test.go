package contract

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// halfPastTen is the hour of the tests whose clock stands.
const halfPastTen = "2026-11-23T10:30:00Z"

func TestCreatedAtSaysWhenItHappened(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	for i, test := range []struct{ value, hour string }{
		{"", "2026-11-23T10:00:00Z"},
		{`"2026-11-23T09:59:59Z"`, "2026-11-23T09:00:00Z"},
		{`"2026-11-23T09:59:59.999Z"`, "2026-11-23T09:00:00Z"},
		{`"2026-11-23T10:00:00.000Z"`, "2026-11-23T10:00:00Z"},
		{`"2026-11-23T09:15Z"`, "2026-11-23T09:00:00Z"},
		{`"2026-11-23T09:15:00"`, "2026-11-23T09:00:00Z"},
		{`"2026-11-23T09:15:00+01:00"`, "2026-11-23T08:00:00Z"},
		{`"2026-11-23T00:15:00+05:30"`, "2026-11-22T18:00:00Z"},
		{`"2026-11-22T23:15:00-08:00"`, "2026-11-23T07:00:00Z"},
		{`"2026-11-23"`, "2026-11-23T00:00:00Z"},
		{strconv.FormatInt(blackbox.MustTime(t, "2026-11-23T08:59:59.999Z").UnixMilli(), 10), "2026-11-23T08:00:00Z"},
		{strconv.FormatInt(blackbox.MustTime(t, "2026-11-23T09:00:00Z").UnixMilli(), 10), "2026-11-23T09:00:00Z"},
	} {
		benefit := "case " + strconv.Itoa(i)
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote(benefit), "created_at": test.value}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("usual"), blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote(benefit), "created_at": test.value})))
		hour := blackbox.MustTime(t, test.hour)
		next := hour.Add(time.Hour).Format(time.RFC3339)
		if got := s.Total(t, benefit, blackbox.StartAt(test.hour)); got != 2 {
			t.Errorf("created_at %s: %d events since %s, want 2", test.value, got, test.hour)
		}
		if got := s.Total(t, benefit, blackbox.StartAt(next)); got != 0 {
			t.Errorf("created_at %s: %d events since %s, want none", test.value, got, next)
		}
	}
}

func TestCreatedAtIsADate(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	refusesField(t, s, "created_at", "null", "true", "false", `""`, `" "`, `"yesterday"`, `"2026-11-23T10"`, `"2026-13-01"`, `"2026-11-00"`,
		`"2026-11-31"`, `"2026-02-30"`, `"2026-11-23T25:00:00Z"`, `"2026-11-23T09:60:00Z"`, `"23/11/2026"`, "[]", "{}", "1e300", "-1e300",
		`["2026-11-23T09:00:00Z"]`)
}

func TestCreatedAtIsNeitherTooOldNorAhead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		maxAge            time.Duration
		accepted, refused []string
	}{
		"48 hours by default": {48 * time.Hour,
			[]string{"2026-11-21T10:30:00Z", "2026-11-23T10:30:00Z", "2026-11-23T10:35:00Z"},
			[]string{"2026-11-21T10:29:59Z", "2026-11-23T10:35:01Z", "2026-11-24T10:30:00Z", "1970-01-01T00:00:00Z", "2025-11-23T10:30:00Z"}},
		"an hour": {time.Hour,
			[]string{"2026-11-23T09:30:00Z", "2026-11-23T10:35:00Z"},
			[]string{"2026-11-23T09:29:59Z", "2026-11-23T10:35:01Z"}},
		"no limit": {0,
			[]string{"1970-01-01T00:00:00Z", "2001-09-09T01:46:40Z", "2026-11-21T10:29:59Z", "2026-11-23T10:35:00Z"},
			[]string{"2026-11-23T10:35:01Z", "2126-11-23T10:30:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := blackbox.NewClock(t, halfPastTen)
			s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.MaxEventAge = clock.Now, test.maxAge })
			for _, instant := range test.accepted {
				s.Created(t, blackbox.Record(blackbox.Fields{"created_at": blackbox.Quote(instant)}))
				s.Created(t, blackbox.Record(blackbox.Fields{"created_at": milliseconds(t, instant)}))
			}
			for _, instant := range test.refused {
				refusesField(t, s, "created_at", blackbox.Quote(instant), milliseconds(t, instant))
			}
			s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectTotal(t, "RSA", 2*len(test.accepted)) })
		})
	}
}

func milliseconds(t testing.TB, instant string) string {
	t.Helper()
	return strconv.FormatInt(blackbox.MustTime(t, instant).UnixMilli(), 10)
}

func TestStartAtCountsFromTheStartOfItsHour(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.MaxEventAge = clock.Now, 0 })
	instants := []string{
		"1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z", "2026-10-31T23:59:59.999Z",
		"2026-11-01T00:00:00Z", "2026-11-22T17:59:59Z", "2026-11-22T18:00:00Z", "2026-11-22T22:59:59.999Z", "2026-11-22T23:00:00Z",
		"2026-11-22T23:59:59.999Z", "2026-11-23T00:00:00Z", "2026-11-23T04:59:59Z", "2026-11-23T05:00:00Z", "2026-11-23T09:59:59.999Z",
		"2026-11-23T10:00:00Z", "2026-11-23T10:30:00Z",
	}
	for _, instant := range instants {
		s.Created(t, blackbox.Record(blackbox.Fields{"created_at": blackbox.Quote(instant)}))
	}
	countSince := func(hour string) (count int) {
		for _, instant := range instants {
			if !blackbox.MustTime(t, instant).Before(blackbox.MustTime(t, hour)) {
				count++
			}
		}
		return count
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for _, test := range startAtForms() {
			query := blackbox.StartAt(test.form)
			s.Get(t, "/benefits"+query).ExpectHeader(t, "Effective-Start-At", test.hour)
			if got, want := s.Total(t, "RSA", query), countSince(test.hour); got != want {
				t.Errorf("%d events since %s, want %d", got, test.form, want)
			}
		}
		s.ExpectTotal(t, "RSA", len(instants))
	})
}

// startAtForms are the forms of a date that JavaScript reads as ISO 8601, with
// the start of the UTC hour that each is in.
func startAtForms() []struct{ form, hour string } {
	return []struct{ form, hour string }{
		{"1970", "1970-01-01T00:00:00Z"},
		{"1969-12-31T23:59Z", "1969-12-31T23:00:00Z"},
		{"2026", "2026-01-01T00:00:00Z"},
		{"2026-11", "2026-11-01T00:00:00Z"},
		{"2026-11-23", "2026-11-23T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z"},
		{"2026-11-23T10:00Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:15:20Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T09:59:59.999Z", "2026-11-23T09:00:00Z"},
		{"2026-11-23T10:15:20.5Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:15:20.123456789Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:15", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:15:20", "2026-11-23T10:00:00Z"},
		{"2026-11-23T00:00:00.000", "2026-11-23T00:00:00Z"},
		{"2026-11-23T00:00:00+01:00", "2026-11-22T23:00:00Z"},
		{"2026-11-23T00:00+05:30", "2026-11-22T18:00:00Z"},
		{"2026-11-23T00:00:00.000-05:00", "2026-11-23T05:00:00Z"},
		{"2026-11-22T24:00:00Z", "2026-11-23T00:00:00Z"},
		{"2026-11T10:00Z", "2026-11-01T10:00:00Z"},
		{"2026T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"+002026-11-23", "2026-11-23T00:00:00Z"},
		{"2027-01-01", "2027-01-01T00:00:00Z"},
	}
}

func TestWithoutStartAtAllTimeIsCounted(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.MaxEventAge = clock.Now, 0 })
	s.Created(t, blackbox.Array(blackbox.RecordOf("now"), blackbox.Record(blackbox.Fields{"benefit_id": `"old"`, "created_at": "0"})))
	for _, query := range []string{"", "?", "?start_at", "?start_at="} {
		got := s.Get(t, "/benefits"+query)
		got.Expect(t, http.StatusOK, `[{"id":"now","events":{"show":1}},{"id":"old","events":{"show":1}}]`)
		got.ExpectHeader(t, "Effective-Start-At", "")
	}
	s.Get(t, "/benefits"+blackbox.StartAt("2026-11-23")).Expect(t, http.StatusOK, `[{"id":"now","events":{"show":1}}]`)
	s.Get(t, "/benefits"+blackbox.StartAt("2026-11-24")).Expect(t, http.StatusOK, "[]")
}

func TestAStartAtThatIsNotADateIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, form := range []string{
		"yesterday", "null", "undefined", "NaN", "0", "1700000000000", "26-11-23", "20261123", "23/11/2026", "2026-13", "2026-00",
		"2026-13-01", "2026-11-00", "2026-11-32", "2024-02-30", "2023-02-29", "2026-11-31", "2026-11-", "2026-11-23T", "2026-11-23Tx",
		"2026-11-23T10", "2026-11-23T25:00Z", "2026-11-23T10:60Z", "2026-11-23T10:15:60Z", "2026-11-23T24:01Z", "2026-11-23T10:15+25:00",
		"2026-11-23T10:15:20.Z", "2026-11-23T10:15:20,5Z", "-000000-01-01", "2026-11-23x", "2026-11-23T10:15:20Zx",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := s.Do(t, method, "/benefits"+blackbox.StartAt(form), "")
			if got.ExpectStatus(t, http.StatusUnprocessableEntity); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("start_at was %q", form)
			}
		}
		s.Get(t, "/benefits"+blackbox.StartAt(form)).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
}

// TestEveryHourStaysExactAsTimePasses records at the hour of a clock that moves
// on by hours, days and months.
func TestEveryHourStaysExactAsTimePasses(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	hours := []string{
		"2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", "2026-11-23T23:00:00Z", "2026-11-24T00:00:00Z", "2026-12-01T07:00:00Z",
		"2027-03-28T01:00:00Z", "2028-02-29T12:00:00Z",
	}
	for _, hour := range hours {
		clock.Set(t, blackbox.MustTime(t, hour).Add(59*time.Minute).Format(time.RFC3339))
		s.Created(t, blackbox.RecordOf("RSA"))
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for i, hour := range hours {
			next := blackbox.MustTime(t, hour).Add(time.Hour).Format(time.RFC3339)
			if got, want := s.Total(t, "RSA", blackbox.StartAt(hour)), len(hours)-i; got != want {
				t.Errorf("%d events since %s, want %d", got, hour, want)
			}
			if got, want := s.Total(t, "RSA", blackbox.StartAt(next)), len(hours)-i-1; got != want {
				t.Errorf("%d events since %s, want %d", got, next, want)
			}
		}
	})
}
