package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// failpointVariable is how a binary built with the tag failpoints is told where
// to kill itself: see snapshot/failpoint_on.go.
const failpointVariable = "STATS_RECORDER_FAILPOINT"

// crashPoint is a place on the way to the disk, and the how manieth time that
// it is reached.
type crashPoint struct {
	place  string
	nth    int
	number int // of all places in the order in which they are reached
}

func (c crashPoint) String() string { return fmt.Sprintf("%s:%d", c.place, c.nth) }

// crashing runs the binary with a failpoint. One that serves is told to end
// once it has written a snapshot. It returns how it ended, and the process.
func crashing(t testing.TB, directory, failpoint string, environment []string, arguments ...string) (harness.Ending, *harness.Process) {
	t.Helper()
	settings := []string{"LOG_LEVEL=debug", failpointVariable + "=" + failpoint}
	process := harnesstest.Start(t, harness.Settings{
		Program: blackbox.Crashing(t), Data: directory, Arguments: arguments,
		Environment: slices.Concat(settings, environment),
	}.Command())
	if len(arguments) == 0 {
		_, err := process.Log.Await(harness.Message("wrote a snapshot"), 0)
		if err == nil {
			err = process.Signal(syscall.SIGTERM)
		}
		if err != nil && !errors.Is(err, harness.ErrEnded) {
			t.Fatal(err)
		}
	}
	ending, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return ending, process
}

// crashPoints are the places that a run on a directory reaches: the first and
// the last time of each, and every time that a name changes. Those after an
// operation are left out where there is one more: what a crash there leaves is
// what one before the next operation does. So are those of the journal, which
// other tests try.
func crashPoints(t testing.TB, directory string, environment []string, arguments ...string) (points []crashPoint) {
	t.Helper()
	ending, process := crashing(t, directory, "list", environment, arguments...)
	if ending != (harness.Ending{}) {
		t.Fatalf("it ended with %v:\n%s", ending, process.Log)
	}
	seen := map[string]int{}
	for _, line := range blackbox.Logged(process) {
		if place, found := strings.CutPrefix(line.Text(t, "msg"), "failpoint "); found {
			seen[place]++
			points = append(points, crashPoint{place, seen[place], len(points)})
		}
	}
	for _, place := range []string{"create", "segment.write", "segment.sync", "snapshot.write", "snapshot.sync", "rename", "directory.sync", "unlink"} {
		if seen[place+".before"] == 0 {
			t.Fatalf("it never comes to %s:\n%s", place, process.Log)
		}
	}
	return slices.DeleteFunc(points, func(p crashPoint) bool {
		isEdge := p.nth == 1 || p.nth == seen[p.place] || strings.HasPrefix(p.place, "rename") || strings.HasPrefix(p.place, "directory")
		isLast := p.place == "unlink.after" && p.nth == seen[p.place]
		isElsewhere := strings.HasPrefix(p.place, "journal") || strings.HasPrefix(p.place, "truncate")
		return !isLast && (!isEdge || isElsewhere || strings.HasSuffix(p.place, ".after"))
	})
}

const (
	allStayOpen  = "MAX_EVENT_AGE=8760h"
	allAreClosed = "MAX_EVENT_AGE=1h"
)

// closingDays are a directory, the next snapshot of which merges late records
// into a closed day, closes another day and removes a file that no snapshot
// needs any more; what is in it; and the day in the middle.
func closingDays(t *testing.T) (directory string, c chronicle, middle time.Time) {
	t.Helper()
	directory = t.TempDir()
	now := time.Now().UTC().Truncate(time.Millisecond)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days).Truncate(24 * time.Hour).Add(7 * time.Hour) }
	for _, life := range []struct {
		age    string
		kill   bool
		events chronicle
	}{
		{allStayOpen, false, append(some("first", ago(5), 3), some("second", ago(4), 2)...)},
		{allAreClosed, false, some("today", now.Add(-time.Minute), 1)},
		{allStayOpen, true, some("late", ago(5).Add(time.Hour), 4)},
		{allAreClosed, false, nil},
		{allStayOpen, true, slices.Concat(some("first", ago(5), 5), some("third", ago(3), 3), some("later", ago(5), 2))},
	} {
		p := blackbox.StartProgram(t, directory, []string{life.age, "SNAPSHOT_INTERVAL=1h"})
		if life.events != nil {
			life.events.postAll(t, p.Server)
			c = append(c, life.events...)
		}
		if life.kill {
			p.Kill(t)
		} else {
			p.Terminate(t)
		}
	}
	return directory, c, ago(4)
}

// expectLives requires the answers of a server on a directory, and again of the
// next one.
func (c chronicle) expectLives(t *testing.T, directory string, questions []question) {
	t.Helper()
	for range 2 {
		p := blackbox.StartProgram(t, directory, []string{allAreClosed, "SNAPSHOT_INTERVAL=1h"})
		c.expect(t, p.Server, questions...)
		p.Terminate(t)
	}
}

// TestACrashWhileDaysAreClosedLosesNothing kills the server at each place.
func TestACrashWhileDaysAreClosedLosesNothing(t *testing.T) {
	t.Parallel()
	original, c, middle := closingDays(t)
	closing := []string{allAreClosed, "SNAPSHOT_INTERVAL=5ms"}
	day := middle.AddDate(0, 0, -1)
	copied := blackbox.CopyOf(t, original)
	before := generations(t, copied, day)
	points := crashPoints(t, copied, closing)
	if after := generations(t, copied, day); len(before) != 2 || len(after) != 2 || after[0] != before[1] {
		t.Errorf("the first day has the files %q, then %q, want two each, of which one is the same", before, after)
	}
	c.expectLives(t, copied, around(middle))
	for _, point := range points {
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, original)
			if ending, process := crashing(t, directory, point.String(), closing); ending.Signal != syscall.SIGKILL {
				t.Fatalf("it ended with %v, want it killed:\n%s", ending, process.Log)
			}
			c.expectLives(t, directory, around(middle))
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
			if files := generations(t, directory, middle.AddDate(0, 0, 1)); len(files) != 1 {
				t.Errorf("the last day has the files %q, want one", files)
			}
		})
	}
}

// TestAnInterruptedImportImportsNothing kills an import at each place.
func TestAnInterruptedImportImportsNothing(t *testing.T) {
	t.Parallel()
	original, c, middle := closingDays(t)
	c.expectLives(t, original, nil)
	day := middle.Truncate(24 * time.Hour)
	p := newPast(t, day.AddDate(0, 0, -2), day.AddDate(0, 0, 1))
	more := p.events(200)
	file := dumped(t, p.documents(more))
	copied := blackbox.CopyOf(t, original)
	points := crashPoints(t, copied, nil, "import", file)
	both := slices.Concat(c, more)
	both.expectLives(t, copied, around(middle))
	commit := 0 // the last place where it is not done
	for _, point := range points {
		if point.place == "rename.before" {
			commit = point.number
		}
	}
	for _, point := range points {
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, original)
			if ending, process := crashing(t, directory, point.String(), nil, "import", file); ending.Signal != syscall.SIGKILL {
				t.Fatalf("it ended with %v, want it killed:\n%s", ending, process.Log)
			}
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
			again := func() blackbox.Outcome { return blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", file) }
			if point.number > commit {
				expectImportRefused(t, again(), "imported before")
			} else {
				server := blackbox.StartProgram(t, directory, nil)
				c.expect(t, server.Server, around(middle)...)
				server.Kill(t)
				expectImported(t, again(), len(more))
			}
			both.expectLives(t, directory, around(middle))
		})
	}
}

// expectImported requires an import that counted all documents.
func expectImported(t testing.TB, got blackbox.Outcome, documents int) {
	t.Helper()
	summary := fmt.Sprintf("read %d documents = counted %d + skipped 0\n", documents, documents)
	if got.Code != 0 || !strings.Contains(got.Stdout, summary) {
		t.Errorf("exit code %d, want 0 and %q:\n%s%s", got.Code, summary, got.Stdout, got.Stderr)
	}
}

// expectImportRefused requires an import that did nothing and says why, last.
func expectImportRefused(t testing.TB, got blackbox.Outcome, says ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got.Stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if got.Code != 1 || !strings.HasPrefix(last, "stats-recorder: nothing was imported: ") {
		t.Errorf("exit code %d, want 1 and why nothing was imported:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	for _, part := range says {
		if !strings.Contains(last, part) {
			t.Errorf("the error is %q, want %q in it", last, part)
		}
	}
}
