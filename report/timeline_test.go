package report_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/report"
)

func timelineOf(t testing.TB, r *report.Reporter, q report.Query) report.Timeline {
	t.Helper()
	q.Version = version
	table, err := r.Timeline(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// weeks are 20 days with the same pages, the last of which has twice the clicks.
func weeks(t testing.TB) (*source, counters.Day) {
	t.Helper()
	s, first := newSource(), hour.Day()
	for day := range counters.Day(20) {
		counts := confounded()
		if day == 19 {
			counts["A"]["showDetails"]["2"]["1"] = 360
		}
		s.record(t, (first+day).FirstHour()+3, counts)
	}
	return s, first
}

func TestTheStepsOfATimelineSumUpToTheTableOfBenefits(t *testing.T) {
	t.Parallel()
	s, first := weeks(t)
	r := reporterOf(s)
	table := benefitsOf(t, r, report.Query{})
	for _, step := range []report.Step{report.StepDay, report.StepWeek, report.StepMonth} {
		timeline := timelineOf(t, r, report.Query{Step: step})
		var shows, clicks uint64
		var expected float64
		for _, s := range timeline.Steps {
			shows, clicks, expected = shows+s.Shows, clicks+s.Clicks, expected+float64(s.Expected)
		}
		if want := table.Benefits[0].Shows + table.Benefits[1].Shows; shows != want {
			t.Errorf("by %s there are %d shows, want %d", step, shows, want)
		}
		if want := table.Benefits[0].Clicks + table.Benefits[1].Clicks; clicks != want || math.Abs(expected-float64(want)) > 1e-6 {
			t.Errorf("by %s there are %d clicks and %v expected ones, want %d of both", step, clicks, expected, want)
		}
	}
	days := timelineOf(t, r, report.Query{}).Steps
	if len(days) != 20 || days[0].OOverE >= 1 || days[19].OOverE <= 1.3 {
		t.Errorf("there are %d days, the first %+v, the last %+v; want 20 with a rise at the end", len(days), days[0], days[19])
	}
	if at := days[0].StartAt.Format(time.RFC3339); at != first.String()+"T00:00:00Z" {
		t.Errorf("the first day begins %s, want %s", at, first)
	}
}

func TestStepsAreCutAtMondaysAndFirstsOfTheMonthAndAtTheWindow(t *testing.T) {
	t.Parallel()
	s, first := weeks(t) // 2024-10-04, a Friday
	r := reporterOf(s)
	for step, want := range map[report.Step]string{
		report.StepWeek: "10-04 10-07 10-14 10-21 ", report.StepMonth: "10-04 ",
	} {
		got := ""
		for _, s := range timelineOf(t, r, report.Query{Step: step}).Steps {
			got += s.StartAt.Format("01-02 ")
		}
		if got != want {
			t.Errorf("steps by %s begin at %s, want %s", step, got, want)
		}
	}
	if got := timelineOf(t, r, report.Query{From: first + 1, To: first + 3}); len(got.Steps) != 2 || got.Window.EndAt.Format(time.DateOnly) != "2024-10-07" {
		t.Errorf("the window is %+v with %d steps", got.Window, len(got.Steps))
	}
}

func TestATimelineOfABenefitIsItsShare(t *testing.T) {
	t.Parallel()
	s, _ := weeks(t)
	r := reporterOf(s)
	r.SetLabels(report.Labels{"A": {Group: "caf"}})
	for _, q := range []report.Query{{Benefit: "A"}, {Group: "caf"}} {
		days := timelineOf(t, r, q).Steps
		if days[0].Shows != 1000 || days[0].Clicks != 190 || days[19].Clicks != 370 || math.Abs(float64(days[0].CTR)-0.19) > 1e-12 {
			t.Errorf("%+v: the first day is %+v, the last %+v", q, days[0], days[19])
		}
	}
	if days := timelineOf(t, r, report.Query{Benefit: "nobody"}).Steps; len(days) != 20 || days[0].Shows != 0 || days[0].CTR.Known() {
		t.Errorf("a benefit that there is not has %+v", days[0])
	}
}

func TestHoursHaveNoPlacesAndSoNoExpectation(t *testing.T) {
	t.Parallel()
	s, first := weeks(t)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	hours := timelineOf(t, reporterOf(s), report.Query{Step: report.StepHour, From: first, To: first + 1, Zone: paris}).Steps
	if len(hours) != 24 || hours[3].Shows != 2000 || hours[3].Clicks != 245 || hours[2].Shows != 0 || hours[3].Expected.Known() {
		t.Errorf("%d hours, the fourth of which is %+v", len(hours), hours[3])
	}
	if at := hours[0].StartAt.Format(time.RFC3339); at != first.String()+"T02:00:00+02:00" {
		t.Errorf("the first begins at %s", at)
	}
}

func TestATimelineHasAsManyStepsAsThereMayBe(t *testing.T) {
	t.Parallel()
	s := newSource()
	for _, day := range []counters.Day{1, hour.Day()} {
		s.record(t, day.FirstHour(), confounded())
	}
	r := reporterOf(s)
	table := timelineOf(t, r, report.Query{})
	if n := len(table.Steps); n != report.MaxSteps || table.Steps[n-1].Shows != 2000 {
		t.Errorf("there are %d steps, want %d that end with the last day", n, report.MaxSteps)
	}
	for _, step := range report.Steps() {
		if n := len(timelineOf(t, r, report.Query{Step: step}).Steps); n == 0 || n > report.MaxSteps {
			t.Errorf("by %s there are %d steps, want at most %d", step, n, report.MaxSteps)
		}
	}
	if _, err := r.Timeline(t.Context(), report.Query{Version: version, From: 1, To: 2_900_000, Step: report.StepHour}); !errors.Is(err, report.ErrTooManySteps) {
		t.Errorf("thousands of years of hours: %v, want %v", err, report.ErrTooManySteps)
	}
	if _, err := r.Timeline(t.Context(), report.Query{Version: version, From: 1}); !errors.Is(err, report.ErrTooManySteps) {
		t.Errorf("a window that was asked for: %v, want %v", err, report.ErrTooManySteps)
	}
}

func TestATimelineOfNothingHasNoSteps(t *testing.T) {
	t.Parallel()
	table := timelineOf(t, reporterOf(newSource()), report.Query{})
	if table.Steps == nil || len(table.Steps) != 0 || table.Model.Identified {
		t.Errorf("%+v, want no steps", table)
	}
}
