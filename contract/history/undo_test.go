package history

import (
	"fmt"
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

func undoOf(t testing.TB, directory string, flags ...string) blackbox.Outcome {
	t.Helper()
	return importOf(t, directory, append([]string{"--undo"}, flags...)...)
}

// asidesOf are the directories of what imports have replaced.
func asidesOf(t testing.TB, directory string) []string {
	t.Helper()
	asides, err := filepath.Glob(filepath.Join(directory, "before-import-*"))
	if err != nil {
		t.Fatal(err)
	}
	return asides
}

func expectNotUndone(t testing.TB, got blackbox.Outcome, says ...string) {
	t.Helper()
	got.ExpectRefusal(t, append(says, "nothing was undone")...)
}

// TestAnImportIsUndoneWhole has a directory with closed days, open ones and commits that
// are in the journal alone, and an import of the same days.
func TestAnImportIsUndoneWhole(t *testing.T) {
	t.Parallel()
	directory, c, middle := closingDays(t)
	day := middle.Truncate(24 * time.Hour)
	p := newPast(t, day.AddDate(0, 0, -2), day.AddDate(0, 0, 1))
	more := p.events(200)
	file := dumped(t, p.documents(more))
	exportOf := func() []string {
		return sortedLines(blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl").Stdout)
	}
	before := exportOf()
	expectSuccess(t, importOf(t, directory, file), "import --undo")
	imported := exportOf()
	expectSuccess(t, undoOf(t, directory, "--dry-run"), "200 documents", "with 200 events", "nothing was changed")
	if after := exportOf(); !slices.Equal(after, imported) {
		t.Error("the rehearsal has changed something")
	}
	expectSuccess(t, undoOf(t, directory), "200 documents", "with 200 events", "undone")
	if after := exportOf(); !slices.Equal(after, before) {
		t.Errorf("the export was\n%s\nand is\n%s", strings.Join(before, ""), strings.Join(after, ""))
	}
	if asides := asidesOf(t, directory); len(asides) > 0 {
		t.Errorf("%q are left", asides)
	}
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	c.expectLives(t, directory, around(middle))
	expectNotUndone(t, undoOf(t, directory), "no import to undo")
	expectSuccess(t, importOf(t, directory, file), "counted 200 +")
	slices.Concat(c, more).expectLives(t, directory, around(middle))
}

func TestAnImportIntoNothingIsUndone(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	expectSuccess(t, importOf(t, directory, dumpOf(t, monday)))
	expectSuccess(t, undoOf(t, directory), "100 documents")
	expectEvents(t, directory, "RSA", 0)
	expectSuccess(t, importOf(t, directory, dumpOf(t, friday)), "counted 150 +")
	expectEvents(t, directory, "RSA", 150)
}

// TestAnImportIsUndoneAfterServersThatCountedNothing closes days meanwhile.
func TestAnImportIsUndoneAfterServersThatCountedNothing(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	c := some("RSA", time.Now().Add(-30*time.Hour), 3)
	p := blackbox.StartProgram(t, directory, nil)
	c.postAll(t, p.Server)
	p.Terminate(t)
	expectSuccess(t, importOf(t, directory, dumpOf(t, monday)))
	for _, age := range []string{allStayOpen, allAreClosed} {
		p := blackbox.StartProgram(t, directory, []string{age, "SNAPSHOT_INTERVAL=5ms", "LOG_LEVEL=debug"})
		p.ExpectTotal(t, "RSA", 103)
		if age == allAreClosed {
			p.Await(t, "wrote a snapshot")
		}
		p.Terminate(t)
	}
	expectSuccess(t, undoOf(t, directory), "with 100 events")
	c.expectLives(t, directory, nil)
}

func TestAnImportIsNotUndoneOnceItWouldCostSomething(t *testing.T) {
	t.Parallel()
	server := func(then func(*testing.T, *blackbox.Program)) func(*testing.T, string) {
		return func(t *testing.T, directory string) {
			p := blackbox.StartProgram(t, directory, nil)
			p.Created(t, blackbox.RecordOf("APL"))
			then(t, p)
		}
	}
	for name, test := range map[string]struct {
		happens func(*testing.T, string)
		says    string
	}{
		"a record, and a stop":  {server(func(t *testing.T, p *blackbox.Program) { p.Terminate(t) }), "counted after the import or correction: there are 102 events, and there were 101"},
		"a record, and a crash": {server(func(t *testing.T, p *blackbox.Program) { p.Kill(t) }), "counted after the import"},
		"another import, undone": {func(t *testing.T, directory string) {
			expectSuccess(t, importOf(t, directory, "--continue", dumpOf(t, friday)))
			expectSuccess(t, undoOf(t, directory), "with 50 events")
		}, "not kept"},
		"what it replaced is gone": {func(t *testing.T, directory string) {
			if err := os.RemoveAll(asidesOf(t, directory)[0]); err != nil {
				t.Fatal(err)
			}
		}, "not kept"},
		"what it replaced is damaged": {func(t *testing.T, directory string) {
			paths, err := filepath.Glob(filepath.Join(asidesOf(t, directory)[0], "*"))
			if err != nil || len(paths) == 0 {
				t.Fatalf("%q, %v", paths, err)
			}
			for _, path := range paths {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		}, "not kept"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			p := blackbox.StartProgram(t, directory, nil)
			p.Terminate(t)
			lived := blackbox.StartProgram(t, directory, nil)
			lived.Created(t, `[]`)
			lived.Terminate(t)
			first := blackbox.StartProgram(t, directory, nil)
			first.Created(t, blackbox.RecordOf("first"))
			first.Terminate(t)
			expectSuccess(t, importOf(t, directory, dumpOf(t, monday)))
			test.happens(t, directory)
			before := countsOf(t, directory)
			for _, flags := range [][]string{nil, {"--dry-run"}} {
				expectNotUndone(t, undoOf(t, directory, flags...), test.says)
			}
			if after := countsOf(t, directory); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("what was refused has changed the directory")
			}
			expectEvents(t, directory, "RSA", 100)
		})
	}
}

func TestWhatAnImportReplacedGoesOnceSomethingIsCounted(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, dump := range []string{monday, friday} {
		expectSuccess(t, importOf(t, directory, "--continue", dumpOf(t, dump)))
		if asides := asidesOf(t, directory); len(asides) != 1 {
			t.Errorf("%q are kept, want one", asides)
		}
	}
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
	if asides := asidesOf(t, directory); len(asides) != 0 {
		t.Errorf("%q are kept, want none", asides)
	}
}

func TestUndoIsRefusedWhileAServerRunsAndWithoutADirectory(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	expectSuccess(t, importOf(t, directory, dumpOf(t, monday)))
	p := blackbox.StartProgram(t, directory, nil)
	expectNotUndone(t, undoOf(t, directory), "stop that process")
	p.ExpectTotal(t, "RSA", 100)
	missing := filepath.Join(t.TempDir(), "missing")
	undoOf(t, missing).ExpectRefusal(t, "no such data directory")
	undoOf(t, directory, dumpOf(t, monday)).ExpectRefusal(t, "undo takes no file")
	importOf(t, directory, "--continue", "--force", dumpOf(t, monday)).ExpectRefusal(t, "one of them")
}

// undoPoints are the places that an undo on a directory reaches.
func undoPoints(t testing.TB, directory string) []crashPoint {
	t.Helper()
	ending, process := crashing(t, directory, "list", nil, "import", "--undo")
	if ending != (harness.Ending{}) {
		t.Fatalf("it ended with %v:\n%s", ending, process.Log)
	}
	return pointsOf(t, process)
}

// TestAnInterruptedUndoIsAllOrNothing kills an undo at each place, and calls it again.
func TestAnInterruptedUndoIsAllOrNothing(t *testing.T) {
	t.Parallel()
	original, c, middle := closingDays(t)
	c.expectLives(t, original, nil)
	day := middle.Truncate(24 * time.Hour)
	p := newPast(t, day.AddDate(0, 0, -2), day.AddDate(0, 0, 1))
	more := p.events(200)
	expectSuccess(t, importOf(t, original, dumped(t, p.documents(more))))
	both := slices.Concat(c, more)
	copied := blackbox.CopyOf(t, original)
	points := undoPoints(t, copied)
	c.expectLives(t, copied, around(middle))
	for _, point := range points {
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, original)
			if ending, process := crashing(t, directory, point.String(), nil, "import", "--undo"); ending.Signal != syscall.SIGKILL {
				t.Fatalf("it ended with %v, want it killed:\n%s", ending, process.Log)
			}
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
			server := blackbox.StartProgram(t, blackbox.CopyOf(t, directory), nil)
			if undoOf(t, directory, "--dry-run").Code == 0 {
				both.expect(t, server.Server, around(middle)...)
				expectSuccess(t, undoOf(t, directory), "with 200 events")
			} else {
				c.expect(t, server.Server, around(middle)...)
				expectNotUndone(t, undoOf(t, directory), "no import to undo")
			}
			c.expectLives(t, directory, around(middle))
		})
	}
}
