package history

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// hourly is a directory with a closed record for each hour of some spans of
// time, and the chronicle of it. Benefits and event types take turns.
func hourly(t *testing.T, spans ...string) (string, chronicle) {
	t.Helper()
	var c chronicle
	for _, span := range spans {
		from, to, _ := strings.Cut(span, " ")
		for at := blackbox.MustTime(t, from+"T00:30:00Z"); at.Before(blackbox.MustTime(t, to+"T00:00:00Z")); at = at.Add(time.Hour) {
			n := len(c)
			c = append(c, pastEvent{fmt.Sprint("benefit ", n%3), []string{"show", "link"}[n%2], 2, 1, 1, at})
		}
	}
	p := newPast(t, time.Time{}, time.Time{})
	return imported(t, dumped(t, p.documents(c))), c
}

// timelineOf asks for a timeline of local dates.
func timelineOf(t testing.TB, zone, step, from, to string) question {
	t.Helper()
	q := question{path: pathTimeline, parameters: url.Values{
		"time_zone": {zone}, "step": {step}, "start_at": {from}, "end_at": {to}, "group": {"total"},
	}}
	for text, at := range map[string]*time.Time{from: &q.from, to: &q.to} {
		parsed, err := time.ParseInLocation(time.DateOnly, text, mustZone(t, zone))
		if err != nil {
			t.Fatal(err)
		}
		*at = parsed
	}
	return q
}

// TestStepsAreOfLocalTime spells out the steps that matter most, with a record
// in each hour, so that a sum is how many hours a step has.
func TestStepsAreOfLocalTime(t *testing.T) {
	t.Parallel()
	directory, c := hourly(t, "2023-12-20 2024-01-20", "2024-02-25 2024-04-03", "2024-10-20 2024-11-05", "2018-11-01 2018-11-08")
	s := blackbox.StartServer(t, func(config *service.Config) { config.DataDir = directory })
	const paris, kolkata = "Europe/Paris", "Asia/Kolkata"
	for what, test := range map[string]struct {
		zone, step, from, to string
		steps                []string // start and how many hours
	}{
		"a day of 23 hours": {paris, "day", "2024-03-30", "2024-04-02",
			[]string{"2024-03-30T00:00:00+01:00 24", "2024-03-31T00:00:00+01:00 23", "2024-04-01T00:00:00+02:00 24"}},
		"a day of 25 hours": {paris, "day", "2024-10-26", "2024-10-29",
			[]string{"2024-10-26T00:00:00+02:00 24", "2024-10-27T00:00:00+02:00 25", "2024-10-28T00:00:00+01:00 24"}},
		"a leap day": {paris, "day", "2024-02-28", "2024-03-02",
			[]string{"2024-02-28T00:00:00+01:00 24", "2024-02-29T00:00:00+01:00 24", "2024-03-01T00:00:00+01:00 24"}},
		"the end of a year": {paris, "day", "2023-12-31", "2024-01-02",
			[]string{"2023-12-31T00:00:00+01:00 24", "2024-01-01T00:00:00+01:00 24"}},
		"weeks begin on Mondays": {paris, "week", "2023-12-27", "2024-01-10",
			[]string{"2023-12-27T00:00:00+01:00 120", "2024-01-01T00:00:00+01:00 168", "2024-01-08T00:00:00+01:00 48"}},
		"a week of 167 hours": {paris, "week", "2024-03-25", "2024-04-01", []string{"2024-03-25T00:00:00+01:00 167"}},
		"months": {paris, "month", "2024-02-27", "2024-04-02",
			[]string{"2024-02-27T00:00:00+01:00 72", "2024-03-01T00:00:00+01:00 743", "2024-04-01T00:00:00+02:00 24"}},
		"in half an hour's zone": {kolkata, "day", "2024-03-10", "2024-03-12",
			[]string{"2024-03-09T23:30:00+05:30 24", "2024-03-10T23:30:00+05:30 24", "2024-03-11T23:30:00+05:30 1"}},
		"in UTC": {"UTC", "day", "2024-03-31", "2024-04-01", []string{"2024-03-31T00:00:00Z 24"}},
		"a day without midnight": {"America/Sao_Paulo", "day", "2018-11-03", "2018-11-06",
			[]string{"2018-11-03T00:00:00-03:00 24", "2018-11-04T01:00:00-02:00 23", "2018-11-05T00:00:00-02:00 24"}},
	} {
		t.Run(what, func(t *testing.T) {
			q := timelineOf(t, test.zone, test.step, test.from, test.to)
			c.expect(t, s, q)
			var entries []struct {
				Start  string         `json:"start_at"`
				End    string         `json:"end_at"`
				Events map[string]int `json:"events"`
			}
			blackbox.StrictDecode(t, s.Get(t, q.String()).Body, &entries)
			var got []string
			for i, entry := range entries {
				got = append(got, fmt.Sprint(entry.Start, " ", entry.Events["show"]+entry.Events["link"]))
				if i > 0 && entries[i-1].End != entry.Start {
					t.Errorf("a step ends at %s, the next begins at %s", entries[i-1].End, entry.Start)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.steps) {
				t.Errorf("the steps are\n got %q\nwant %q", got, test.steps)
			}
		})
	}
}

// TestTimelinesOfEveryKind asks for each step, group and filter in some zones.
func TestTimelinesOfEveryKind(t *testing.T) {
	t.Parallel()
	directory, c := hourly(t, "2024-03-08 2024-03-12", "2024-03-29 2024-04-02", "2024-10-26 2024-10-29")
	s := blackbox.StartServer(t, func(config *service.Config) { config.DataDir = directory })
	for _, zone := range []string{"", "Europe/Paris", "Asia/Kolkata", "America/Havana"} {
		for _, step := range []string{"", "hour", "day", "week", "month"} {
			for _, filter := range []url.Values{
				{}, {"group": {"total"}}, {"group": {"benefit"}, "benefit": {"benefit 1"}}, {"event_type": {"link"}},
				{"group": {"total"}, "benefit": {"benefit 2"}, "event_type": {"show"}},
			} {
				filter.Set("time_zone", zone)
				filter.Set("step", step)
				c.expect(t, s, question{path: pathTimeline, parameters: filter})
			}
			q := timelineOf(t, zone, step, "2024-03-10", "2024-03-31")
			c.expect(t, s, q)
			q.parameters.Del("end_at")
			q.to = time.Time{}
			c.expect(t, s, q)
		}
	}
}

func TestAnEmptyTimelineHasNoSteps(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, query := range []string{"", "?step=hour", "?start_at=2024-01-01&end_at=2024-02-01", "?group=total"} {
		s.Get(t, pathTimeline+query).Expect(t, http.StatusOK, "[]")
	}
	s.Created(t, blackbox.RecordOf("RSA"))
	for _, query := range []string{"?start_at=2024-01-01&end_at=2024-01-01", "?start_at=2200-01-01", "?end_at=1980-01-01"} {
		s.Get(t, pathTimeline+query).Expect(t, http.StatusOK, "[]")
	}
	const empty = `[{"start_at":"2024-01-01T00:00:00Z","end_at":"2024-01-02T00:00:00Z",`
	s.Get(t, pathTimeline+"?start_at=2024-01-01&end_at=2024-01-02").Expect(t, http.StatusOK, empty+`"benefits":[]}]`)
	s.Get(t, pathTimeline+"?start_at=2024-01-01&end_at=2024-01-02&group=total").Expect(t, http.StatusOK, empty+`"events":{}}]`)
	for _, path := range []string{pathStatistics, pathBenefits} {
		s.Get(t, path+"?start_at=2024-01-01T05:30&end_at=2024-01-01T05:30").Expect(t, http.StatusOK, "[]")
	}
}

func TestAWindowThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, blackbox.RecordOf("RSA"))
	for query, says := range map[string]string{
		"?start_at=1990-01-01&end_at=2030-01-01":              "10000 steps",
		"?start_at=2024-01-01&end_at=2026-01-01&step=hour":    "10000 steps",
		"?time_zone=Europe/Atlantis":                          "time_zone",
		"?time_zone=Local":                                    "time_zone",
		"?time_zone=../../etc/localtime":                      "time_zone",
		"?step=fortnight":                                     "step",
		"?step=Day":                                           "step",
		"?group=both":                                         "group",
		"?start_at=2024-01-02&end_at=2024-01-01":              "end_at",
		"?start_at=2024-01-01T00:00:00.001&end_at=2024-01-01": "end_at",
		"?start_at=yesterday":                                 "start_at",
		"?end_at=2024-02-30":                                  "end_at",
		"?start_at=2024-01-01T00:00Z&end_at=2024-01-01&time_zone=Europe/Paris": "end_at", // zone-less is local: an hour earlier
	} {
		message := s.Get(t, pathTimeline+query).ExpectMessage(t, http.StatusUnprocessableEntity)
		if !strings.Contains(message, says) {
			t.Errorf("%s: the message is %q, want %q in it", query, message, says)
		}
		if !strings.HasPrefix(says, "start_at") && !strings.HasPrefix(says, "end_at") || strings.Contains(query, "Paris") {
			continue
		}
		for _, path := range []string{pathStatistics, pathBenefits} {
			s.Get(t, path+query).ExpectMessage(t, http.StatusUnprocessableEntity)
		}
	}
}
