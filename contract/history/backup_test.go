package history

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
)

func backupOf(t testing.TB, directory, target string) blackbox.Outcome {
	t.Helper()
	return blackbox.Run(t, []string{"DATA_DIR=" + directory}, "backup", target)
}

func restoreOf(t testing.TB, directory string, arguments ...string) blackbox.Outcome {
	t.Helper()
	return blackbox.Run(t, []string{"DATA_DIR=" + directory}, append([]string{"restore"}, arguments...)...)
}

func TestABackupOfARunningServerIsRestored(t *testing.T) {
	t.Parallel()
	directory, c, middle := closingDays(t)
	p := blackbox.StartProgram(t, directory, []string{allAreClosed, "SNAPSHOT_INTERVAL=5ms"})
	more := some("first", time.Now().Add(-time.Second), 7)
	more.postAll(t, p.Server)
	target := t.TempDir()
	expectSuccess(t, backupOf(t, directory, target), "wrote", target, "commit")
	expectSuccess(t, backupOf(t, directory, filepath.Join(target, "one")), "wrote")
	p.Terminate(t)
	expectSuccess(t, backupOf(t, directory, target), "wrote")
	for _, source := range []string{target, filepath.Join(target, "one")} {
		empty := filepath.Join(t.TempDir(), "data")
		expectSuccess(t, restoreOf(t, empty, "--check", source), "is good", "commit")
		if _, err := os.Stat(empty); err == nil {
			t.Errorf("--check made %q", empty)
		}
		expectSuccess(t, restoreOf(t, empty, source), "restored into", "the server can start")
		blackbox.VerifyOf(t, empty).ExpectReport(t, 0, "complete")
		slices.Concat(c, more).expectLives(t, empty, around(middle))
		restoreOf(t, empty, source).ExpectRefusal(t, "not empty", "--data-dir")
	}
	restoreOf(t, t.TempDir()).ExpectRefusal(t, "takes one argument")
	restoreOf(t, t.TempDir(), filepath.Join(target, "none")).ExpectRefusal(t, "no such file")
	backupOf(t, filepath.Join(target, "none"), target).ExpectRefusal(t, "no such data directory")
}

// TestAnInterruptedRestoreIsAllOrNothing kills a restore at each place, into a directory in
// which a server has counted nothing. One that is started then has nothing, or all, or
// says what to do; and the restore is called again.
func TestAnInterruptedRestoreIsAllOrNothing(t *testing.T) {
	t.Parallel()
	original, c, middle := closingDays(t)
	archive := filepath.Join(t.TempDir(), "backup")
	expectSuccess(t, backupOf(t, original, archive))
	idle := t.TempDir()
	blackbox.StartProgram(t, idle, nil).Terminate(t)
	ending, process := crashing(t, blackbox.CopyOf(t, idle), "list", nil, "restore", archive)
	if ending != (harness.Ending{}) {
		t.Fatalf("it ended with %v:\n%s", ending, process.Log)
	}
	for _, point := range pointsOf(t, process) {
		if strings.HasSuffix(point.place, ".after") && !strings.HasPrefix(point.place, "rename") {
			continue // what it leaves is what one before the next operation does
		}
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, idle)
			if ending, process := crashing(t, directory, point.String(), nil, "restore", archive); ending.Signal != syscall.SIGKILL {
				t.Fatalf("it ended with %v, want it killed:\n%s", ending, process.Log)
			}
			expectNothingOrAll(t, directory, c, around(middle))
			again := restoreOf(t, directory, archive)
			if again.Code != 0 && !strings.Contains(again.Stderr, "not empty") {
				t.Errorf("again: %s", again.Stderr)
			}
			c.expectLives(t, directory, around(middle))
		})
	}
}

// pointsOf are the places that a process has listed: the first and the last time of each,
// and every time that a name changes.
func pointsOf(t testing.TB, process *harness.Process) (points []crashPoint) {
	t.Helper()
	seen := map[string]int{}
	for _, line := range blackbox.Logged(process) {
		if place, found := strings.CutPrefix(line.Text(t, "msg"), "failpoint "); found {
			seen[place]++
			points = append(points, crashPoint{place, seen[place], len(points)})
		}
	}
	return slices.DeleteFunc(points, func(p crashPoint) bool {
		return p.nth != 1 && p.nth != seen[p.place] && !strings.HasPrefix(p.place, "rename")
	})
}

// expectNothingOrAll starts a server on a copy of a directory that an interrupted restore
// has left.
func expectNothingOrAll(t *testing.T, directory string, c chronicle, questions []question) {
	t.Helper()
	if _, err := os.Stat(directory); err != nil {
		return
	}
	copied := blackbox.CopyOf(t, directory)
	p := blackbox.Launch(t, blackbox.ProgramCommand(t, []string{"DATA_DIR=" + copied, "PORT=0", "ADMIN_ADDR=off"}, nil))
	_, err := p.Log.Await(harness.Message("listening"), 0)
	if err != nil {
		if ending, _ := p.Wait(); ending.Status != 1 {
			t.Errorf("a server ended with %v:\n%s", ending, p.Log)
		}
		return
	}
	p.Listening(t)
	if got := p.Get(t, "/statistics"); strings.TrimSpace(string(got.Body)) != "[]" {
		c.expect(t, p.Server, questions...)
	}
}
