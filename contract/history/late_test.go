package history

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// postAll posts records as one batch.
func (c chronicle) postAll(t testing.TB, s *blackbox.Server) {
	t.Helper()
	records := make([]string, len(c))
	for i, e := range c {
		records[i] = e.record()
	}
	s.Created(t, blackbox.Array(records...))
}

// some are records of a moment that differ by their position.
func some(benefit string, at time.Time, n int) chronicle {
	c := make(chronicle, n)
	for i := range c {
		c[i] = pastEvent{benefit, "show", 2, n, i + 1, at}
	}
	return c
}

// around are the questions about a day, and about what surrounds it.
func around(day time.Time) []question {
	date := func(days int) (string, time.Time) {
		at := day.Truncate(24*time.Hour).AddDate(0, 0, days)
		return at.Format(time.DateOnly), at
	}
	questions := always()
	for _, span := range [][2]int{{-1, 0}, {0, 1}, {1, 2}, {-400, 400}} {
		start, from := date(span[0])
		end, to := date(span[1])
		for _, path := range []string{pathStatistics, pathBenefits, pathTimeline} {
			parameters := url.Values{"start_at": {start}, "end_at": {end}}
			questions = append(questions, question{path, parameters, from, to})
		}
	}
	start, from := date(0)
	return append(questions, question{pathStatistics, url.Values{"start_at": {start}}, from, time.Time{}},
		question{pathBenefits, url.Values{"end_at": {start}}, time.Time{}, from})
}

// sequences are the numbers of the snapshots of a directory, as its days' files
// are named after them.
func sequences(t testing.TB, directory string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "snapshot-????????????????"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = filepath.Base(file)[len("snapshot-"):]
	}
	return files
}

// TestLateRecordsOfAClosedDayMakeANewGenerationOfItsFile has one snapshot for
// each restart, and records of a day that is closed already in some of them.
func TestLateRecordsOfAClosedDayMakeANewGenerationOfItsFile(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2024-03-20T10:00:00Z")
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.Now, config.MaxEventAge, config.SnapshotInterval = clock.Now, 0, time.Hour
	})
	late, directory := blackbox.MustTime(t, "2024-02-29T23:59:59.999Z"), s.Config.DataDir
	c, needed := chronicle{}, map[string]string{} // generation that the snapshot of a number needs
	generation := ""
	for life, benefit := range []string{"a", "", "a", "b", "", "", "b"} {
		added := some("today", clock.Now(), 1)
		if benefit != "" {
			added = append(added, some(benefit, late, 2+life)...)
		}
		added.postAll(t, s)
		c = append(c, added...)
		c.expect(t, s, around(late)...) // before there is a file, and while there is one and more in memory
		s.Restart(t)
		c.expect(t, s, around(late)...)
		snapshots := sequences(t, directory)
		newest := snapshots[len(snapshots)-1]
		if benefit != "" {
			generation = newest
		}
		needed[newest] = generation
		var want []string
		for _, snapshot := range snapshots {
			want = append(want, fmt.Sprintf("day-2024-02-29-%s", needed[snapshot]))
		}
		if got, want := generations(t, directory, late), slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("after life %d the day has the files %q, want those that the snapshots %q need: %q", life, got, snapshots, want)
		}
	}
	s.Stop()
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete", "day 2024-02-29")

	// The snapshot before, its generation of the day and the journal are enough.
	snapshots := sequences(t, directory)
	blackbox.Rewrite(t, filepath.Join(directory, "snapshot-"+snapshots[1]), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	s.Start(t)
	c.expect(t, s, around(late)...)
	s.Restart(t)
	c.expect(t, s, around(late)...)
}

// TestLateRecordsAreMergedWhileTheServerRuns waits for the new generation while
// it asks, again and again.
func TestLateRecordsAreMergedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2024-03-20T10:00:00Z")
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.Now, config.MaxEventAge, config.SnapshotInterval = clock.Now, 0, 2*time.Millisecond
	})
	late := blackbox.MustTime(t, "2023-12-31T00:00:00Z")
	c := chronicle{}
	for n := range 6 {
		before := generations(t, s.Config.DataDir, late)
		added := some("late", late.Add(time.Duration(n)*time.Hour), 3+n)
		added.postAll(t, s)
		c = append(c, added...)
		check := func() { c.expect(t, s, around(late)...) }
		check()
		await(t, "there is a new generation of the day's file", check, func() bool {
			now := generations(t, s.Config.DataDir, late)
			return len(now) > 0 && !slices.Contains(before, now[len(now)-1])
		})
		check()
	}
	s.Restart(t)
	c.expect(t, s, around(late)...)
}

// TestRetentionTakesDaysButNotTheSumsOfAllTime imports 120 days, keeps 60, then
// 30, and all from then on.
func TestRetentionTakesDaysButNotTheSumsOfAllTime(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2024-04-30T12:00:00Z")
	p := newPast(t, blackbox.MustTime(t, "2024-01-01T00:00:00Z"), blackbox.MustTime(t, "2024-04-29T00:00:00Z"))
	c := p.events(600)
	directory := imported(t, dumped(t, p.documents(c)))
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.DataDir, config.Now, config.SnapshotInterval = directory, clock.Now, 2*time.Millisecond
	})
	c.expect(t, s, p.questions(t, 3)...)
	for _, test := range []struct {
		days int
		kept string
	}{{60, "2024-03-01T00:00:00Z"}, {30, "2024-03-31T00:00:00Z"}, {0, "2024-03-31T00:00:00Z"}} {
		s.Stop()
		s.Config.Retention = time.Duration(test.days) * 24 * time.Hour
		s.Start(t)
		kept := blackbox.MustTime(t, test.kept)
		addOne := func() {
			added := some("live", clock.Now(), 1)
			added.postAll(t, s)
			c = append(c, added...)
		}
		await(t, "the files of the days before "+test.kept+" are gone", addOne, func() bool {
			files, err := os.ReadDir(directory)
			return err == nil && !slices.ContainsFunc(files, func(file os.DirEntry) bool {
				return file.Name() > "day-" && file.Name() < "day-"+kept.Format(time.DateOnly)
			})
		})
		questions := append(p.questions(t, 4), around(kept)...)
		c.expectKept(t, s, kept, questions...)
		s.Restart(t)
		c.expectKept(t, s, kept, questions...)
	}
	s.Stop()
	more := p.events(100) // of days that are kept, and of days that are not
	importInto(t, directory, exported(t, p.documentsAfter(600, more), true))
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	s.Start(t)
	// There is no retention any more, so all of them are in their windows, though it
	// has taken others of these days.
	kept := blackbox.MustTime(t, "2024-03-31T00:00:00Z")
	there := slices.Concat(c.within(window{from: kept}), more)
	first, _ := there.span()
	for _, q := range append(p.questions(t, 4), around(kept)...) {
		if q.path != pathTimeline && q.window(first).open() {
			slices.Concat(c, more).expect(t, s, q) // the sums of all time
			continue
		}
		there.expectKept(t, s, first, q)
	}
}

// TestATimelineOfAllTimeSaysWhereItBegins is about the one answer for all time
// that cannot have what retention has taken.
func TestATimelineOfAllTimeSaysWhereItBegins(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2024-04-30T12:00:00Z")
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.Now, config.MaxEventAge, config.Retention = clock.Now, 0, 10*24*time.Hour
	})
	old := some("old", clock.Now().AddDate(0, 0, -20), 1)
	c := append(some("kept", clock.Now().AddDate(0, 0, -10), 1), old...)
	c.postAll(t, s)
	s.Restart(t)
	kept := blackbox.MustTime(t, "2024-04-20T00:00:00Z")
	questions := append(always(), question{path: pathTimeline, parameters: url.Values{"step": {"week"}}})
	c.expectKept(t, s, kept, questions...)
	old.postAll(t, s) // once more, late
	c = append(c, old...)
	c.expectKept(t, s, kept, questions...)
	s.Restart(t)
	c.expectKept(t, s, kept, questions...)
	s.Stop()
	blackbox.VerifyOf(t, s.Config.DataDir).ExpectReport(t, 0, "complete")
}
