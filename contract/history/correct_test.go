package history

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

func correctionOf(t testing.TB, directory string, arguments ...string) blackbox.Outcome {
	t.Helper()
	return blackbox.Run(t, []string{"DATA_DIR=" + directory}, arguments...)
}

// renamed is a chronicle with another name for a benefit.
func (c chronicle) renamed(old, new string) chronicle {
	after := slices.Clone(c)
	for i := range after {
		if after[i].benefit == old {
			after[i].benefit = new
		}
	}
	return after
}

func (c chronicle) without(drop func(pastEvent) bool) chronicle {
	return slices.DeleteFunc(slices.Clone(c), drop)
}

func TestAWrongNameIsCorrectedAndUndone(t *testing.T) {
	t.Parallel()
	directory, c, middle := closingDays(t)
	correctionOf(t, directory, "rename", "frist", "first").ExpectRefusal(t, "nothing was corrected", "no such counts")
	expectSuccess(t, correctionOf(t, directory, "rename", "--dry-run", "first", "second"),
		"before", "after", "first", "second", "closed days written again", "nothing was changed")
	c.expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
	expectSuccess(t, correctionOf(t, directory, "rename", "first", "second"), "undo goes back")
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	c.renamed("first", "second").expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
	expectSuccess(t, correctionOf(t, directory, "undo", "--dry-run"), "a correction:", "nothing was changed")
	expectSuccess(t, correctionOf(t, directory, "undo"), "a correction:", "undone")
	expectNotUndone(t, correctionOf(t, directory, "undo"), "no import to undo, and no correction")
	expectSuccess(t, correctionOf(t, directory, "rename", "first", "new"), "undo goes back")
	c.renamed("first", "new").expectLives(t, directory, around(middle))
}

func TestAFloodIsDropped(t *testing.T) {
	t.Parallel()
	directory, c, middle := closingDays(t)
	from := middle.Truncate(24*time.Hour).AddDate(0, 0, -1)
	to := from.AddDate(0, 0, 1)
	days := []string{"--from", from.Format(time.DateOnly), "--to", to.Format(time.DateOnly)}
	inDays := func(e pastEvent) bool { return !e.at.Before(from) && e.at.Before(to) }
	expectSuccess(t, correctionOf(t, directory, append([]string{"drop"}, days...)...), "all", "undo goes back")
	c.without(inDays).expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
	expectSuccess(t, correctionOf(t, directory, "undo"), "undone")
	expectSuccess(t, correctionOf(t, directory, append([]string{"drop"}, append(days, "later")...)...), "later")
	c.without(func(e pastEvent) bool { return inDays(e) && e.benefit == "later" }).expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
	expectSuccess(t, correctionOf(t, directory, "drop", "first"), "first")
	gone := func(e pastEvent) bool { return e.benefit == "first" || (inDays(e) && e.benefit == "later") }
	c.without(gone).expectLives(t, directory, around(middle))
}

func TestTwoServersBecomeOne(t *testing.T) {
	t.Parallel()
	here, c, middle := closingDays(t)
	there, d, _ := closingDays(t)
	more := some("elsewhere", time.Now().Add(-time.Minute), 3)
	p := blackbox.StartProgram(t, there, nil)
	more.postAll(t, p.Server)
	p.Terminate(t)
	expectSuccess(t, correctionOf(t, here, "merge", "--dry-run", there), "events:", "nothing was changed")
	expectSuccess(t, correctionOf(t, here, "merge", there), "events:", "undo goes back")
	slices.Concat(c, d, more).expectAfresh(t, blackbox.CopyOf(t, here), around(middle))
	correctionOf(t, here, "merge", there).ExpectRefusal(t, "nothing of", "merged before")
	expectSuccess(t, correctionOf(t, here, "undo"), "undone")
	c.expectLives(t, here, around(middle))
	slices.Concat(d, more).expectLives(t, there, around(middle))
}

func TestACorrectionThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	for _, test := range []struct{ command, says string }{
		{"rename RSA", "takes two names"},
		{"rename RSA RSA", "the names are the same"},
		{"rename RSA " + strings.Repeat("x", 257), "1 to 256 bytes"},
		{"drop", "say what to drop"},
		{"drop RSA APL", "takes one benefit"},
		{"drop --from yesterday", "want a date"},
		{"drop --from 2026-01-02 --to 2026-01-02", "not before"},
		{"merge", "takes one argument"},
		{"merge /nowhere", "no such file"},
		{"rename RSA APL", "stop that process"},
		{"drop RSA", "stop that process"},
		{"undo", "stop that process"},
		{"undo now", "takes no file"},
	} {
		correctionOf(t, directory, strings.Fields(test.command)...).ExpectRefusal(t, test.says)
	}
	p.ExpectTotal(t, "RSA", 1)
}

// TestAnInterruptedCorrectionIsAllOrNothing kills each kind at each place. What is left is
// the counts before or after; the correction is called again, or undone. The short form
// shares the places among the kinds.
func TestAnInterruptedCorrectionIsAllOrNothing(t *testing.T) {
	t.Parallel()
	original, c, middle := closingDays(t)
	from := middle.Truncate(24*time.Hour).AddDate(0, 0, -1)
	to := from.AddDate(0, 0, 1)
	there, d, _ := closingDays(t)
	everyNth := harnesstest.Scale(3, 1)
	for i, kind := range []struct {
		command []string
		after   chronicle
	}{
		{[]string{"rename", "first", "second"}, c.renamed("first", "second")},
		{[]string{"drop", "--from", from.Format(time.DateOnly), "--to", to.Format(time.DateOnly)},
			c.without(func(e pastEvent) bool { return !e.at.Before(from) && e.at.Before(to) })},
		{[]string{"merge", there}, slices.Concat(c, d)},
	} {
		ending, process := crashing(t, blackbox.CopyOf(t, original), "list", nil, kind.command...)
		if ending != (harness.Ending{}) {
			t.Fatalf("%s ended with %v:\n%s", kind.command[0], ending, process.Log)
		}
		points := slices.DeleteFunc(pointsOf(t, process), func(p crashPoint) bool {
			// What one after an operation leaves is what one before the next operation does.
			return strings.HasSuffix(p.place, ".after") && !strings.HasPrefix(p.place, "rename")
		})
		for n := i % everyNth; n < len(points); n += everyNth {
			point := points[n]
			t.Run(kind.command[0]+" "+point.String(), func(t *testing.T) {
				t.Parallel()
				directory := blackbox.CopyOf(t, original)
				if ending, process := crashing(t, directory, point.String(), nil, kind.command...); ending.Signal != syscall.SIGKILL {
					t.Fatalf("it ended with %v, want it killed:\n%s", ending, process.Log)
				}
				blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
				if undone := correctionOf(t, blackbox.CopyOf(t, directory), "undo", "--dry-run"); undone.Code != 0 {
					c.expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
					expectSuccess(t, correctionOf(t, directory, kind.command...), "undo goes back")
				}
				kind.after.expectAfresh(t, blackbox.CopyOf(t, directory), around(middle))
				expectSuccess(t, correctionOf(t, directory, "undo"), "undone")
				c.expectAfresh(t, directory, around(middle))
			})
		}
	}
}
