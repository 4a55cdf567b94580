package history

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// imported is a directory into which the binary has imported files.
func imported(t testing.TB, paths ...string) string {
	t.Helper()
	directory := t.TempDir()
	importInto(t, directory, paths...)
	return directory
}

func importInto(t testing.TB, directory string, paths ...string) {
	t.Helper()
	if got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, append([]string{"import"}, paths...)...); got.Code != 0 {
		t.Fatalf("import ends with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
}

// live draws records of the last two days, posts them, and returns them.
func (p past) live(t testing.TB, s *blackbox.Server, now time.Time, n int) chronicle {
	t.Helper()
	c := make(chronicle, n)
	records := make([]string, n)
	for i := range c {
		e := p.event()
		e.event, e.version = pick(p, "show", "link"), pick(p, 1, 2, 2)
		e.total = 1 + p.IntN(8)
		e.index = 1 + p.IntN(e.total)
		e.at = p.moment(now.Add(-48*time.Hour), now)
		c[i], records[i] = e, e.record()
		if p.IntN(4) == 0 { // without a time, it is now
			c[i].at, records[i] = now, e.counter().Record()
		}
	}
	s.Created(t, blackbox.Array(records...))
	return c
}

// record is the record as the client would send it.
func (e pastEvent) record() string {
	text := e.counter().Record()
	return text[:len(text)-1] + `,"created_at":` + blackbox.Quote(e.at.Format("2006-01-02T15:04:05.000Z07:00")) + "}"
}

// generations are the names of the files of a day.
func generations(t testing.TB, directory string, day time.Time) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "day-"+day.Format(time.DateOnly)+"-????????????????"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = filepath.Base(file)
	}
	return files
}

// await checks again and again until a condition holds.
func await(t testing.TB, what string, check func(), holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(blackbox.Patience); !holds(); check() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, blackbox.Patience)
		}
	}
}

// always are the questions about all time. Empty parameters are as good as none.
func always() []question {
	empty := url.Values{"start_at": {""}, "end_at": {""}}
	return []question{
		{path: pathStatistics}, {path: pathBenefits}, {path: pathTimeline, parameters: url.Values{"group": {"total"}}},
		{path: pathStatistics, parameters: empty}, {path: pathBenefits, parameters: empty},
	}
}

// TestEveryWindowIsWhatTheReplacedServiceWouldSay imports more than a year, adds
// what comes live, lets the days be closed, and compares at every stage. The
// imported days overlap the live ones. Most days have no record, because each
// that has costs some syncs; those where a year, a month or a clock changes do.
func TestEveryWindowIsWhatTheReplacedServiceWouldSay(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2024-12-15T15:29:31Z")
	p := newPast(t, blackbox.MustTime(t, "2023-11-10T17:00:00Z"), blackbox.MustTime(t, "2024-12-15T03:00:00Z"))
	c := slices.DeleteFunc(p.events(6000), func(e pastEvent) bool {
		return !e.at.IsZero() && e.at.YearDay()%5 > 1 && p.ended.Sub(e.at) > 72*time.Hour
	})
	documents := p.documents(c)
	directory := imported(t, exported(t, documents[:800], false), exported(t, documents[800:1600], true), dumped(t, documents[1600:]))
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.DataDir, config.Now, config.SnapshotInterval = directory, clock.Now, 5*time.Millisecond
	})
	expect := func(n int) {
		t.Helper()
		c.expect(t, s, append(always(), p.questions(t, n)...)...)
	}
	expect(5)
	c = append(c, p.live(t, s, clock.Now(), 300)...)
	expect(5)
	old := p
	p.began = clock.Now().AddDate(0, 0, -5) // what is asked now is about the days that are being closed
	p.ended = clock.Now().AddDate(0, 0, 1)
	yesterday := clock.Now().AddDate(0, 0, -1)
	for _, now := range []string{"2024-12-16T23:59:59Z", "2024-12-18T00:05:00Z", "2024-12-18T00:15:00Z"} {
		clock.Set(t, now)
		c = append(c, p.live(t, s, clock.Now(), 20)...)
		expect(2)
	}
	await(t, "the days are closed", func() { expect(1) }, func() bool {
		return slices.ContainsFunc(generations(t, directory, yesterday), func(name string) bool {
			return !strings.HasSuffix(name, "-0000000000000001") // which the import wrote
		})
	})
	expect(5)
	p = old
	s.Restart(t)
	expect(5)
	s.Stop()
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	s.Start(t)
	expect(5)
}
