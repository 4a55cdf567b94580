package page

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/report"
)

// failing reports fail in every way.
type failing struct{ err error }

func (f failing) Benefits(context.Context, report.Query) (report.Benefits, error) {
	return report.Benefits{}, f.err
}
func (f failing) Positions(context.Context, report.Query) (report.Positions, error) {
	return report.Positions{}, f.err
}
func (f failing) Funnel(context.Context, report.Query) (report.Funnel, error) {
	return report.Funnel{}, f.err
}
func (f failing) Timeline(context.Context, report.Query) (report.Timeline, error) {
	return report.Timeline{}, f.err
}
func (f failing) Quality(context.Context, report.Query) (report.Quality, error) {
	return report.Quality{}, f.err
}
func (f failing) Visitors(context.Context, report.Query) (report.Visitors, error) {
	return report.Visitors{}, f.err
}
func (f failing) Experiments(context.Context, report.Query) (report.Experiments, error) {
	return report.Experiments{}, f.err
}

// reads are those of a page over reports.
func reads(t *testing.T, reports Reports) []httpapi.Read {
	t.Helper()
	now := time.Date(2026, 11, 26, 14, 32, 0, 0, time.UTC)
	p, err := New(Config{
		Reports: reports, Span: func() (counters.Day, counters.Day, bool) {
			return counters.HourOf(now).Day() - 60, counters.HourOf(now).Day(), true
		},
		LastRecord: func() (time.Time, bool) { return time.Time{}, false }, Records: func() uint64 { return 7 }, Refusing: func() bool { return false },
		Zone: time.UTC, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Reads()
}

func TestAViewThatCannotBeMadeSaysSo(t *testing.T) {
	t.Parallel()
	for _, read := range reads(t, failing{errors.New("a disk at /secret/path is gone")}) {
		answer, err := read.Answer(httpapi.Request{AcceptLanguage: "fr"})
		if err != nil {
			t.Fatal(err)
		}
		body := string(answer.Body)
		if !strings.HasPrefix(answer.ContentType, "text/html") {
			continue
		}
		if answer.Status != http.StatusInternalServerError || !strings.Contains(body, "n’a pas pu être calculée") || strings.Contains(body, "secret") {
			t.Errorf("%s is answered %d, want 500 with words that tell nothing of inside", read.Path, answer.Status)
		}
	}
}

func TestAssetsAreOpenAndKeptForEver(t *testing.T) {
	t.Parallel()
	assets := 0
	for _, read := range reads(t, failing{}) {
		if !strings.HasPrefix(read.Path, "/insight/assets/") {
			if read.Open {
				t.Errorf("%s is open to everybody", read.Path)
			}
			continue
		}
		assets++
		answer, err := read.Answer(httpapi.Request{})
		if err != nil || !read.Open || !strings.Contains(answer.CacheControl, "immutable") || !regexp.MustCompile(`/[0-9a-f]{16}\.(css|js|svg)$`).MatchString(read.Path) {
			t.Errorf("%s, open: %v, for caches: %q, error: %v", read.Path, read.Open, answer.CacheControl, err)
		}
	}
	if assets != 3 {
		t.Errorf("there are %d assets, want 3", assets)
	}
}

func TestDarkColoursAreTheSameByPreferenceAndByChoice(t *testing.T) {
	t.Parallel()
	sheet, err := assetFiles.ReadFile("assets/insight.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := func(selector string) string {
		_, after, found := strings.Cut(string(sheet), selector+" {")
		if !found {
			t.Fatalf("the style sheet has no %s", selector)
		}
		list, _, _ := strings.Cut(after, "}")
		return strings.Join(strings.Fields(list), " ")
	}
	if preferred, chosen := tokens(`:root:not([data-theme="light"])`), tokens(`:root[data-theme="dark"]`); preferred != chosen {
		t.Errorf("by preference they are %s\nby choice %s", preferred, chosen)
	}
}

func TestTheWindowIsWholeDaysOrAllThereIs(t *testing.T) {
	t.Parallel()
	const today = counters.Day(20_000)
	old, young := span{first: today - 400, last: today, any: true}, span{first: today - 3, last: today, any: true}
	for _, row := range []struct {
		name     string
		asked    address
		counted  span
		from, to counters.Day
	}{
		{"nothing asked", address{}, old, today - 28, today},
		{"seven days", address{askDays: "7"}, old, today - 7, today},
		{"more than there is", address{askDays: "3650"}, old, today - 400, today},
		{"all", address{askDays: daysAll}, old, today - 400, today + 1},
		{"a young server", address{}, young, today - 3, today + 1},
		{"an empty server", address{}, span{}, today, today + 1},
		{"no number", address{askDays: "<b>"}, old, today - 28, today},
		{"dates", address{askStart: (today - 9).String(), askEnd: (today - 2).String()}, old, today - 9, today - 2},
		{"an open end", address{askStart: (today - 9).String()}, old, today - 9, today + 1},
		{"dates the wrong way round", address{askStart: (today - 2).String(), askEnd: (today - 9).String()}, old, today - 2, today - 1},
	} {
		if w := chooseWindow(row.asked, today, row.counted); w.from != row.from || w.to != row.to {
			t.Errorf("%s: from %d to %d days before today, want %d and %d", row.name, int(today)-int(w.from), int(today)-int(w.to), int(today)-int(row.from), int(today)-int(row.to))
		}
	}
}

func TestOddHoursHoldMostOfTheDifference(t *testing.T) {
	t.Parallel()
	thursday := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	days, same := map[string]dayOfHours{}, []time.Time{}
	for week := 1; week <= 8; week++ {
		day := dayOfHours{}
		for hour := range day {
			day[hour] = uint64(100 + week)
		}
		at := thursday.AddDate(0, 0, -7*week)
		days[dayKey(at)], same = day, append(same, at)
	}
	odd := days[dayKey(same[0])]
	for hour := 10; hour < 17; hour++ {
		odd[hour] = 20
	}
	if from, to, found := oddHours(odd, same, days); !found || from != 10 || to != 17 {
		t.Errorf("the odd hours are from %d to %d (%v), want 10 to 17", from, to, found)
	}
	if from, to, found := oddHours(days[dayKey(same[0])], same, days); found {
		t.Errorf("of a usual day the odd hours are from %d to %d, want none", from, to)
	}
}
