package contract

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// shownTo and openedBy are records of a visitor in a variant, who is shown a page and opens
// something on it.
func shownTo(id, variant string) string {
	return visit(id, "RSA", fmt.Sprintf(`"place":%q`, variant))
}

func openedBy(id, variant string) string {
	return blackbox.Record(blackbox.Fields{
		"hash_id": blackbox.Quote(id), "event_type": `"showDetails"`, "abtesting": fmt.Sprintf(`{"place":%q}`, variant),
	})
}

// comeAndOpen has so many visitors come to a variant, of whom some open something.
func comeAndOpen(t *testing.T, s *blackbox.Server, variant string, visitors, opening int) {
	t.Helper()
	var records []string
	for i := range visitors {
		id := fmt.Sprintf("%s-%d", variant, i)
		records = append(records, shownTo(id, variant))
		if i < opening {
			records = append(records, openedBy(id, variant))
		}
	}
	s.Created(t, blackbox.Array(records...))
}

// answerOf is a JSON answer of /insight.
func answerOf(t *testing.T, s *blackbox.Server, path string) (answer map[string]any) {
	t.Helper()
	got := s.Get(t, "/insight/"+path)
	got.ExpectStatus(t, http.StatusOK)
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil {
		t.Fatalf("%s: %v in %s", path, err, got.Body)
	}
	return answer
}

// at is what a JSON value has at a path of names and places.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, is := value.(map[string]any)
			if _, there := object[step]; !is || !there {
				t.Fatalf("there is no %v of %v in %v", step, path, value)
			}
			value = object[step]
		case int:
			list, is := value.([]any)
			if !is || step >= len(list) {
				t.Fatalf("there is no place %v of %v in %v", step, path, value)
			}
			value = list[step]
		}
	}
	return value
}

func TestVisitorsOfADayAreCountedOnce(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 20, 10)
	comeAndOpen(t, s, "A", 20, 10)
	s.Created(t, visit("uid_5", "RSA"))
	s.AlsoAfterRestart(t, func(t *testing.T) {
		answer := answerOf(t, s, "visitors")
		for name, want := range map[string]any{
			"visitor_days": 20.0, "days": 1.0, "sampled": 1.0, "no_opening": 0.5, "pages_per_visitor": 2.0, "anonymous_records": 1.0, "few": false,
		} {
			if got := at(t, answer, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if got := at(t, answer, "steps", 0, "visitor_days"); got != 20.0 {
			t.Errorf("the day has %v", got)
		}
		if got := at(t, answerOf(t, s, "funnel"), "visitors", "open_rate"); got != 0.5 {
			t.Errorf("the funnel's rate by visitors is %v", got)
		}
		if got := at(t, answerOf(t, s, "timeline"), "steps", 0, "visitor_days"); got != 20.0 {
			t.Errorf("the timeline has %v visitors", got)
		}
	})
}

func TestWhoComesBeforeAndAfterARestartCountsTwice(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 10, 0)
	s.Restart(t)
	comeAndOpen(t, s, "A", 10, 0)
	s.Restart(t)
	if got := at(t, answerOf(t, s, "visitors"), "visitor_days"); got != 20.0 {
		t.Errorf("there are %v visitors, want 10 of each process", got)
	}
}

func TestVisitorsStayWhenTheirDayIsClosed(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.SnapshotInterval = clock.Now, time.Millisecond })
	comeAndOpen(t, s, "A", 10, 5)
	clock.Set(t, "2026-07-02T12:00:00Z")
	comeAndOpen(t, s, "A", 10, 5)
	clock.Set(t, "2026-07-09T12:00:00Z")
	comeAndOpen(t, s, "A", 10, 5)
	awaitDays(t, s.Config.DataDir, 2)
	s.AlsoAfterRestart(t, func(t *testing.T) {
		answer := answerOf(t, s, "visitors?step=week&start_at=2026-07-01")
		if got := at(t, answer, "visitor_days"); got != 30.0 {
			t.Errorf("there are %v visitor-days, want 30", got)
		}
		if got := at(t, answer, "days"); got != 3.0 {
			t.Errorf("of %v days", got)
		}
		if got := at(t, answer, "steps", 0, "visitor_days"); got != 20.0 {
			t.Errorf("the first week has %v", got)
		}
		experiment := at(t, answerOf(t, s, "experiments/place?start_at=2026-07-01&end_at=2026-07-03"), "experiments", 0)
		if got := at(t, experiment, "variants", 0, "visitors"); got != 20.0 {
			t.Errorf("two days of the experiment have %v visitors", got)
		}
		if got := at(t, experiment, "by_benefit", 0, "variants", 0, "opened"); got != 10.0 {
			t.Errorf("%v of them opened the benefit", got)
		}
	})
}

// TestVisitorsLeaveBeforeTheCountsOfTheirDay closes a day whose counts are kept longer than
// the sums over its visitors.
func TestVisitorsLeaveBeforeTheCountsOfTheirDay(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) {
		c.Now, c.SnapshotInterval, c.VisitorsRetention = clock.Now, time.Millisecond, 10*24*time.Hour
	})
	comeAndOpen(t, s, "A", 10, 5)
	clock.Set(t, "2026-07-09T12:00:00Z")
	comeAndOpen(t, s, "A", 20, 5)
	awaitDays(t, s.Config.DataDir, 1)
	if got := at(t, answerOf(t, s, "visitors"), "visitor_days"); got != 30.0 {
		t.Errorf("of both days there are %v visitors, want 30", got)
	}
	clock.Set(t, "2026-07-13T12:00:00Z")
	s.Restart(t) // the clock may be further than what has passed of it
	for path, of := range map[string][]any{
		"visitors":                      {"visitor_days"},
		"visitors?start_at=2026-07-01":  {"visitor_days"},
		"funnel?start_at=2026-07-05":    {"visitors", "shown"},
		"experiments?end_at=2026-07-14": {"experiments", 0, "variants", 0, "visitors"},
	} {
		if got := at(t, answerOf(t, s, path), of...); got != 20.0 {
			t.Errorf("%s has %v visitors, want the 20 of the second day", path, got)
		}
	}
	for _, path := range []string{"visitors", "experiments"} { // of all that is kept
		open := s.Get(t, "/insight/"+path)
		open.ExpectHeader(t, "Effective-Start-At", "2026-07-03T00:00:00Z")
		open.ExpectHeader(t, "Effective-End-At", "2026-07-10T00:00:00Z")
	}
	got := s.Get(t, "/insight/visitors?start_at=2026-07-01")
	got.ExpectHeader(t, "Effective-Start-At", "2026-07-03T00:00:00Z")
	got.ExpectHeader(t, "Retention-Start-At", "2026-07-03T00:00:00Z")
	cut := answerOf(t, s, "funnel?start_at=2026-07-01")
	if said, want := at(t, cut, "visitors_missing"), "visitors before 2026-07-03 are not kept"; said != want {
		t.Errorf("the funnel says %v, want %q", said, want)
	}
	if got := at(t, cut, "records", "shown"); got != 30.0 {
		t.Errorf("%v records were shown, want those of both days", got)
	}
}

func TestExperimentsAreCompared(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 400, 40)
	comeAndOpen(t, s, "B", 400, 120)
	s.Created(t, blackbox.Array(shownTo("A-1", "B"), shownTo("A-1", "A")))
	all := answerOf(t, s, "experiments")
	for _, test := range []struct {
		want any
		path []any
	}{
		{"place", []any{"name"}}, {"A", []any{"control"}}, {nil, []any{"crossed"}}, {"ok", []any{"srm", "verdict"}},
		{399.0, []any{"variants", 0, "visitors"}}, {400.0, []any{"variants", 1, "visitors"}},
		{0.3, []any{"variants", 1, "clicks_per_page"}}, {"above", []any{"variants", 1, "verdict"}},
	} {
		if got := at(t, at(t, all, "experiments", 0), test.path...); got != test.want {
			t.Errorf("%v is %v, want %v", test.path, got, test.want)
		}
	}
	one := answerOf(t, s, "Experiments/place/?control=B&metric=conversion&mde=0.2&weights=1,3")
	for _, test := range []struct {
		want any
		path []any
	}{
		{"conversion", []any{"metric"}}, {0.2, []any{"mde"}}, {"broken", []any{"experiments", 0, "srm", "verdict"}},
		{"withheld", []any{"experiments", 0, "variants", 0, "verdict"}}, {"RSA", []any{"experiments", 0, "by_benefit", 0, "id"}},
	} {
		if got := at(t, one, test.path...); got != test.want {
			t.Errorf("%v is %v, want %v", test.path, got, test.want)
		}
	}
	if got := answerOf(t, s, "experiments/nothing")["experiments"]; len(got.([]any)) != 0 {
		t.Errorf("an experiment that there is not: %v", got)
	}
}

// TestThreeExperimentsOfTodayAreToldApart runs one that divides visitors fairly and changes
// nothing, one whose variant B is opened 10 % more, and one that loses a third of a variant.
func TestThreeExperimentsOfTodayAreToldApart(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	const visitors, together = 600, 40
	for from := 0; from < visitors; from += together {
		var records []string
		for i := from; i < from+together; i++ {
			better := i / 2 % 2
			assignments := fmt.Sprintf(`{"fair":"%c","better":"%c"`, 'A'+i%2, 'A'+better)
			if i%6 != 5 { // every third of variant B is lost
				assignments += fmt.Sprintf(`,"broken":"%c"`, 'A'+i%2)
			}
			fields := blackbox.Fields{"hash_id": blackbox.Quote(fmt.Sprint("visitor ", i)), "abtesting": assignments + "}"}
			records = append(records, blackbox.Record(fields))
			fields["event_type"] = `"showDetails"`
			opened := 9 + i/4%3 + better // 10 of A on average
			records = append(records, slices.Repeat([]string{blackbox.Record(fields)}, opened)...)
		}
		s.Created(t, blackbox.Array(records...))
	}
	answer := answerOf(t, s, "experiments")
	for i, want := range []struct {
		name, ratio, value string
	}{{"better", "ok", "above"}, {"broken", "broken", "withheld"}, {"fair", "ok", "undecided"}} {
		one := at(t, answer, "experiments", i)
		if name, ratio, verdict := at(t, one, "name"), at(t, one, "srm", "verdict"), at(t, one, "variants", 1, "verdict"); name != want.name ||
			ratio != want.ratio || verdict != want.value {
			t.Errorf("%v: the ratio is %v and the verdict %v, want %+v", name, ratio, verdict, want)
		}
	}
	if got := at(t, answer, "experiments", 2, "variants", 0, "visitors"); got != visitors/2.0 {
		t.Errorf("%v visitors are in a variant of the fair one, want %d", got, visitors/2)
	}
	if got := at(t, answer, "experiments", 0, "variants", 1, "lift").(float64); math.Abs(got-0.1) > 1e-9 {
		t.Errorf("the lift is %v, want 0.1", got)
	}
}

func TestGroupsUnderFiveVisitorsAreNull(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 4, 1)
	comeAndOpen(t, s, "B", 30, 10)
	answer := answerOf(t, s, "experiments/place")
	many, few := at(t, answer, "experiments", 0, "variants", 0), at(t, answer, "experiments", 0, "variants", 1)
	for _, name := range []string{"visitors", "pages", "clicks", "conversion", "clicks_per_page", "lift", "interval"} {
		if got := at(t, few, name); got != nil {
			t.Errorf("%s of four is %v", name, got)
		}
	}
	if at(t, few, "few") != true || at(t, many, "few") != false {
		t.Errorf("few is %v of four and %v of thirty", at(t, few, "few"), at(t, many, "few"))
	}
	if at(t, few, "name") != "__other__" || at(t, many, "name") != "B" {
		t.Errorf("the names are %v of four and %v of thirty", at(t, few, "name"), at(t, many, "name"))
	}
}

// TestAllButAFewAreNotToldEither has groups from which those of few visitors would follow.
func TestAllButAFewAreNotToldEither(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opening               int
		opened, acted, act    any
		openedOfBenefit, rate any
	}{
		{18, nil, 0.0, nil, nil, nil},   // two did not open anything
		{3, nil, nil, nil, nil, nil},    // and none of the three acted
		{10, 10.0, 0.0, 0.0, 10.0, 0.5}, // all groups are large
	} {
		s := blackbox.StartServer(t, nil)
		comeAndOpen(t, s, "A", 20, test.opening)
		funnel := at(t, answerOf(t, s, "funnel?group_by=total"), "visitors")
		variant := at(t, answerOf(t, s, "experiments/place"), "experiments", 0, "by_benefit", 0, "variants", 0)
		for _, want := range []struct{ got, want any }{
			{at(t, funnel, "shown"), 20.0}, {at(t, funnel, "opened"), test.opened}, {at(t, funnel, "acted"), test.acted},
			{at(t, funnel, "act_rate"), test.act}, {at(t, funnel, "open_rate"), test.rate}, {at(t, funnel, "few"), test.rate == nil},
			{at(t, variant, "opened"), test.openedOfBenefit}, {at(t, variant, "conversion"), test.rate},
		} {
			if want.got != want.want {
				t.Errorf("%d of 20 open something: %v, want %v, in %v and %v", test.opening, want.got, want.want, funnel, variant)
			}
		}
	}
}

func TestTablesOfVisitorsAreThereAsCSV(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 20, 10)
	for path, want := range map[string]string{
		"visitors?format=csv":               "start_at,end_at,visitor_days,days,sampled,no_opening,",
		"visitors?format=csv&lang=fr":       "start_at;end_at;visitor_days;",
		"funnel?format=csv":                 "open_rate,act_rate,visitors_shown,visitors_opened,visitors_acted,visitors_open_rate,visitors_open_low,visitors_open_high,visitors_act_rate,",
		"funnel?format=csv&group_by=total":  "\n,,,,20,10,0,0.5,0,20,10,0,0.5,",
		"experiments/place?format=csv":      "experiment,variant,benefit,label,visitors,",
		"experiments?format=csv&control=no": "place,A,,,20,",
	} {
		got := s.Get(t, "/insight/"+path)
		got.ExpectStatus(t, http.StatusOK)
		if !strings.Contains(got.Body, want) {
			t.Errorf("%s is %s, want %s in it", path, got.Body, want)
		}
	}
}

func TestWhatCannotBeAskedOfVisitorsSaysSo(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.VisitorsRetention = 0 })
	comeAndOpen(t, s, "A", 20, 10)
	for path, word := range map[string]string{
		"visitors?step=hour": "step", "visitors?step=year": "step", "visitors?start_at=x": "start_at", "visitors?format=xml": "format",
		"visitors?start_at=1990-01-01": "steps", "experiments?metric=x": "metric", "experiments?mde=0": "mde", "experiments?mde=x": "mde",
		"experiments?weights=1,1": "weights", "experiments/place?weights=1,-1": "weights", "experiments/place?weights=1,1,1": "",
		"experiments/place?control=C": "control",
	} {
		got := s.Get(t, "/insight/"+path)
		if word == "" {
			got.ExpectStatus(t, http.StatusOK) // one variant has no ratio
			continue
		}
		if message := got.ExpectMessage(t, http.StatusUnprocessableEntity); !strings.Contains(message, word) {
			t.Errorf("%s: %q, want a word about %s", path, message, word)
		}
	}
	ignored := s.Get(t, "/insight/visitors?version=2")
	ignored.ExpectStatus(t, http.StatusOK)
	ignored.ExpectHeader(t, "Ignored-Parameters", "version")
	s.Get(t, "/insight/visitors/x").ExpectMessage(t, http.StatusNotFound)
}

func TestWithVisitorsOffNobodyIsCounted(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.Visitors = false })
	comeAndOpen(t, s, "A", 20, 10)
	s.Get(t, "/insight/visitors").ExpectMessage(t, http.StatusNotFound)
	s.Get(t, "/insight/experiments").ExpectMessage(t, http.StatusNotFound)
	if got := at(t, answerOf(t, s, "funnel"), "visitors_missing"); got != "visitors are not counted" {
		t.Errorf("the funnel says %v", got)
	}
	s.Config.Visitors = true
	s.Restart(t)
	if got := at(t, answerOf(t, s, "visitors"), "visitor_days"); got != 0.0 {
		t.Errorf("there are %v visitors", got)
	}
}

// awaitDays waits until so many days have files of their own.
func awaitDays(t *testing.T, directory string, days int) {
	t.Helper()
	harnesstest.Until(t, fmt.Sprintf("%d days are closed", days), func() bool {
		files, err := filepath.Glob(filepath.Join(directory, "day-*"))
		return err == nil && len(files) >= days
	})
}
