package contract

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"hash/fnv"
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

// TestNobodyIsFoundAnywhere looks for the ids that it sends, and for hashes of them that
// somebody could make, in everything on disk, in the log and in all answers.
func TestNobodyIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	clock, address := blackbox.NewClock(t, "2026-07-01T12:00:00Z"), freeAddress(t)
	log := new(logBuffer)
	s := blackbox.StartServer(t, func(c *service.Config) {
		c.Logger, c.AccessLog, c.Now, c.SnapshotInterval, c.AdminAddr = log.logger(), true, clock.Now, time.Millisecond, address
	})
	var ids, records []string
	for i := range 9 {
		ids = append(ids, fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15))
	}
	ids = append(ids, "uid_3f9a77c2e1", "visitor@example.org")
	for _, id := range ids {
		records = append(records, shownTo(id, "A"), openedBy(id, "A"))
	}
	s.Created(t, blackbox.Array(records...))
	s.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(ids[0]), "event_type": `"opened"`})))
	var seen strings.Builder
	ask := func() {
		for _, path := range []string{
			"/statistics", "/benefits", "/benefits/timeline", "/insight/benefits", "/insight/positions", "/insight/funnel", "/insight/timeline",
			"/insight/quality", "/insight/visitors", "/insight/visitors?format=csv", "/insight/experiments/place", "/insight/experiments?format=csv",
			"/insight/", "/insight/page/benefits", "/insight/page/positions", "/insight/page/benefit?benefit=RSA", "/insight/page/funnel",
			"/insight/page/experiments", "/insight/page/quality",
		} {
			expectFetched(t, &seen, s.URL+path)
		}
		_, events := listen(t, s)
		fmt.Fprint(&seen, nextEvent(t, events))
		expectFetched(t, &seen, "http://"+address+"/metrics")
		seen.WriteString(storedText(t, s.Config.DataDir))
	}
	ask()
	clock.Set(t, "2026-07-09T12:00:00Z")
	s.Created(t, blackbox.Array(records...))
	awaitDays(t, s.Config.DataDir, 1)
	ask()
	s.Restart(t)
	ask()
	seen.WriteString(log.String())
	text := seen.String()
	for _, id := range ids {
		for name, trace := range tracesOf(id) {
			if strings.Contains(text, trace) {
				t.Errorf("%s of %s is found", name, id)
			}
		}
	}
	if !strings.Contains(text, "place") || !strings.Contains(text, "RSA") {
		t.Error("not even the experiment is found: this test sees nothing")
	}
}

// expectFetched adds what is at a URL.
func expectFetched(t *testing.T, seen *strings.Builder, url string) {
	t.Helper()
	status, body := fetch(t, url)
	if status != http.StatusOK {
		t.Errorf("%s answers %d %s", url, status, body)
	}
	seen.WriteString(body)
}

// tracesOf are what could lead to an id: the id, and hashes of it without a key, as bytes
// of either order and as texts.
func tracesOf(id string) map[string]string {
	traces := map[string]string{
		"the id": id, "its hex": hex.EncodeToString([]byte(id)), "its base64": base64.StdEncoding.EncodeToString([]byte(id)),
	}
	md, one, two := md5.Sum([]byte(id)), sha1.Sum([]byte(id)), sha256.Sum256([]byte(id))
	fnv1, fnv1a := fnv.New64(), fnv.New64a()
	_, _ = fnv1.Write([]byte(id))
	_, _ = fnv1a.Write([]byte(id))
	for name, hash := range map[string][]byte{
		"MD5": md[:], "SHA-1": one[:], "SHA-256": two[:], "FNV-1": fnv1.Sum(nil), "FNV-1a": fnv1a.Sum(nil),
		"CRC-64": binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(id), crc64.MakeTable(crc64.ECMA))),
	} {
		reversed := binary.LittleEndian.AppendUint64(nil, binary.BigEndian.Uint64(hash))
		traces[name], traces[name+" reversed"], traces[name+" in hex"] = string(hash[:8]), string(reversed), hex.EncodeToString(hash[:8])
		traces[name+" in decimals"] = fmt.Sprint(binary.BigEndian.Uint64(hash))
	}
	traces["CRC-32 in hex"] = fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(id)))
	return traces
}

// awaitDays waits until so many days have files of their own.
func awaitDays(t *testing.T, directory string, days int) {
	t.Helper()
	harnesstest.Until(t, fmt.Sprintf("%d days are closed", days), func() bool {
		files, err := filepath.Glob(filepath.Join(directory, "day-*"))
		return err == nil && len(files) >= days
	})
}

// TestOddInputIsKeptThoughNothingElseCame is about a client of which nothing is accepted: that
// is when it matters most to see why.
func TestOddInputIsKeptThoughNothingElseCame(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.SnapshotInterval = clock.Now, time.Millisecond })
	s.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`}))
	want := "[map[field:event_type name:showDetial reason:unknown times:1]]"
	for _, when := range []string{"2026-07-01T12:00:00Z", "2026-07-09T12:00:00Z"} {
		clock.Set(t, when)
		s.Restart(t)
		if got := fmt.Sprint(at(t, answerOf(t, s, "quality?start_at=2026-07-01&end_at=2026-07-02"), "odd_input")); got != want {
			t.Errorf("after a restart on %s it is %s, want %s", when, got, want)
		}
	}
	awaitDays(t, s.Config.DataDir, 1)
	s.Restart(t)
	if got := fmt.Sprint(at(t, answerOf(t, s, "quality?start_at=2026-07-01&end_at=2026-07-02"), "odd_input")); got != want {
		t.Errorf("once its day is closed it is %s, want %s", got, want)
	}
}

func TestMetricsTellOfOddInputAndOfFits(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := blackbox.StartServer(t, func(c *service.Config) { c.AdminAddr, c.InsightCacheBytes = address, 1<<20 })
	s.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("APL")))
	s.Created(t, "[]")
	s.Post(t, "{")
	s.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`}), blackbox.Record(blackbox.Fields{"created_at": `"1999-01-01T00:00:00Z"`})))
	for range 3 {
		s.Get(t, "/insight/benefits").ExpectStatus(t, http.StatusOK)
	}
	values := scrape(t, "http://"+address)
	for name, want := range map[string]float64{
		`stats_recorder_odd_input_total{field="",reason="empty post",name=""}`:                  1,
		`stats_recorder_odd_input_total{field="",reason="unreadable body",name=""}`:             1,
		`stats_recorder_odd_input_total{field="event_type",reason="unknown",name="showDetial"}`: 1,
		`stats_recorder_odd_input_total{field="created_at",reason="too old",name=""}`:           1,
		"stats_recorder_insight_fits_total":                                                     1,
		"stats_recorder_insight_kept_found_total":                                               2,
	} {
		if got := values[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for day := range 20 { // more windows than there is room for
		s.Get(t, fmt.Sprintf("/insight/benefits?start_at=2020-01-%02d", day+1)).ExpectStatus(t, http.StatusOK)
	}
	if kept := scrape(t, "http://"+address)["stats_recorder_insight_kept_bytes"]; kept < 1<<19 || kept > 1<<20 {
		t.Errorf("%v bytes are kept, want what there is room for within the setting", kept)
	}
	if seconds := values["stats_recorder_insight_fit_seconds_total"]; seconds <= 0 {
		t.Errorf("a fit took %v s", seconds)
	}
}

func TestOddInputIsSeenByDayReasonAndName(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	s.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), visit("uid_1", "RSA")))
	s.Created(t, "[]")
	s.Post(t, "{")
	misspelt := blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`})
	s.Post(t, blackbox.Array(misspelt, misspelt, blackbox.Record(blackbox.Fields{"event_type": `"x"`}), blackbox.Record(blackbox.Fields{"page_total": "0"})))
	clock.Set(t, "2026-07-02T12:00:00Z")
	s.Post(t, misspelt)
	want := func(misspelt int) string {
		return fmt.Sprintf(`[map[field:<nil> name:<nil> reason:empty post times:1] map[field:<nil> name:<nil> reason:unreadable body times:1] `+
			`map[field:event_type name:showDetial reason:unknown times:%d] map[field:event_type name:x reason:unknown times:1] `+
			`map[field:page_total name:<nil> reason:not in range times:1]]`, misspelt)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for query, misspelt := range map[string]int{"": 3, "?end_at=2026-07-02": 2} {
			answer := answerOf(t, s, "quality"+query)
			if got := fmt.Sprint(at(t, answer, "odd_input")); got != want(misspelt) {
				t.Errorf("%q has\n%s, want\n%s", query, got, want(misspelt))
			}
			if got := at(t, answer, "anonymous_records"); got != 1.0 {
				t.Errorf("%q has %v records of nobody", query, got)
			}
		}
	})
}
