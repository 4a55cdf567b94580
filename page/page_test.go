package page

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"log/slog"
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

// noon is when the page is looked at.
var noon = time.Date(2026, 11, 26, 14, 32, 0, 0, time.UTC)

// newTestPage is a page over reports.
func newTestPage(t *testing.T, reports Reports) *Page {
	t.Helper()
	now := noon
	p, err := New(Config{
		Reports: reports, Span: func() (counters.Day, counters.Day, bool) {
			return counters.HourOf(now).Day() - 60, counters.HourOf(now).Day(), true
		},
		LastRecord: func() (time.Time, bool) { return time.Time{}, false }, Refusing: func() bool { return false }, FreeBytes: func() int64 { return -1 },
		Zone: time.UTC, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAViewThatCannotBeMadeIsAFailure(t *testing.T) {
	t.Parallel()
	gone := errors.New("a disk is gone")
	for _, read := range newTestPage(t, failing{gone}).Reads() {
		if _, err := read.Answer(httpapi.Request{}); strings.Contains(read.Path, "/page/") && !errors.Is(err, gone) {
			t.Errorf("%s fails with %v, want why", read.Path, err)
		}
	}
	for _, read := range newTestPage(t, failing{context.DeadlineExceeded}).Reads() {
		if _, err := read.Answer(httpapi.Request{}); strings.HasSuffix(read.Path, "/benefits") && !errors.Is(err, httpapi.Busy()) {
			t.Errorf("%s in vain for too long fails with %v, want that it is busy", read.Path, err)
		}
	}
}

func TestAFailureSaysWhatWentWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	share := func(until time.Time) string {
		return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(until.Unix())), make([]byte, 32)...))
	}
	for _, row := range []struct {
		name    string
		failure httpapi.Failure
		query   httpapi.Query
		want    string
	}{
		{"no password", httpapi.Failure{Status: 401}, nil, "ne se lisent qu’avec un mot de passe"},
		{"a share that is over", httpapi.Failure{Status: 401}, httpapi.Query{{Name: "share", Value: share(noon.Add(-48 * time.Hour))}}, "a expiré</b> le 24 novembre 2026 à 14"},
		{"a share of something else", httpapi.Failure{Status: 401}, httpapi.Query{{Name: "share", Value: share(noon.Add(48 * time.Hour))}}, "n’ouvre pas cette vue"},
		{"a share that is none", httpapi.Failure{Status: 401}, httpapi.Query{{Name: "share", Value: "<b>"}}, "n’ouvre pas cette vue"},
		{"no such page", httpapi.Failure{Status: 404}, nil, "Il n’y a pas de page à cette adresse"},
		{"sent to a page", httpapi.Failure{Status: 405}, nil, "Cette adresse se lit"},
		{"a bad parameter", httpapi.Failure{Status: 422, Message: hostile}, nil, "&lt;script&gt;&#34;x&#34;&lt;/script&gt; {n} **1re**"},
		{"a bad request", httpapi.Failure{Status: 400}, nil, "ne comprend pas"},
		{"busy", httpapi.Failure{Status: 503, RetryAfter: 5}, nil, "ne peut pas répondre pour l’instant"},
		{"broken", httpapi.Failure{Status: 500, Message: "internal error"}, nil, "n’a pas pu être calculée"},
		{"anything else", httpapi.Failure{Status: 421, Message: "ask another"}, nil, "ask another"},
		{"in English", httpapi.Failure{Status: 404}, httpapi.Query{{Name: "lang", Value: "en"}}, "There is no page at this address"},
	} {
		row.failure.Request.Query = row.query
		answer, made := newTestPage(t, failing{}).Failure(row.failure)
		body := string(answer.Body)
		if !made || !strings.Contains(body, row.want) {
			t.Errorf("%s is told as %s, want %q in it", row.name, body, row.want)
		}
		told := row.failure.Status == 500 || row.failure.Status == 503
		if strings.Contains(body, "Aucun enregistrement") && !told || strings.Contains(body, "<script>\"x") || strings.Contains(body, "/page/failed") {
			t.Errorf("%s tells of counts, runs a script, or has an address of its own: %s", row.name, body)
		}
		if links := strings.Contains(body, `href="/insight/`+`page/`); links == (row.query.First("share") != "") {
			t.Errorf("%s has links to views: %v", row.name, links)
		}
	}
}

func TestAssetsAreOpenAndKeptForEver(t *testing.T) {
	t.Parallel()
	assets := 0
	for _, read := range newTestPage(t, failing{}).Reads() {
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

func TestAFewRecordsAreAnOutageWhenHoursAreEmpty(t *testing.T) {
	t.Parallel()
	r := newTestPage(t, failing{}).newRequest(t.Context(), view{name: "today"}, httpapi.Request{})
	yesterday, days := r.now.AddDate(0, 0, -1), map[string]dayOfHours{}
	for week := range 9 {
		day := dayOfHours{}
		for hour := 8; hour < 20; hour++ {
			day[hour] = 1000
		}
		days[dayKey(yesterday.AddDate(0, 0, -7*week))] = day
	}
	thin := days[dayKey(yesterday)]
	thin[12] = 3
	days[dayKey(yesterday)] = thin
	if said := string(r.outage(days, yesterday)); !strings.Contains(said, "Aucune des heures habituelles n’est vide") {
		t.Errorf("of a day with few at noon it is said %q", said)
	}
	thin[12] = 0
	days[dayKey(yesterday)] = thin
	if said := string(r.outage(days, yesterday)); !strings.Contains(said, "Aucun enregistrement à 12") {
		t.Errorf("of a day with none at noon it is said %q", said)
	}
}

func TestADiskThatIsNearlyFullIsWatched(t *testing.T) {
	t.Parallel()
	for free, want := range map[int64]string{-1: "", 100 << 20: "warn", 41e9: "ok"} {
		p := newTestPage(t, failing{})
		p.config.FreeBytes = func() int64 { return free }
		got := ""
		for _, c := range p.newRequest(t.Context(), view{name: "quality"}, httpapi.Request{}).judge(report.Quality{Pages: 1}, 1) {
			if c.key == "disk" {
				got = c.state
			}
		}
		if got != want {
			t.Errorf("of a disk with %d bytes it is said %q, want %q", free, got, want)
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
