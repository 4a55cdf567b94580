package contract

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// history is what was acknowledged, commit by commit: batches that were posted
// one after the other, so that each is a commit, and a frame, of its own.
type history [][]counter

// live runs the server on a directory while batches are posted, and kills it.
func (h *history) live(t *testing.T, directory string, batches ...[]counter) {
	t.Helper()
	h.begin(t, directory, batches).kill(t)
}

// liveOrderly is live with a server that is told to stop, and so leaves a snapshot.
func (h *history) liveOrderly(t *testing.T, directory string, batches ...[]counter) {
	t.Helper()
	h.begin(t, directory, batches).terminate(t)
}

func (h *history) begin(t *testing.T, directory string, batches [][]counter) *program {
	t.Helper()
	p := startProgram(t, directory, []string{"SNAPSHOT_INTERVAL=1h"})
	for _, batch := range batches {
		newLedger().post(t, p.testServer, batch...)
		*h = append(*h, batch)
	}
	return p
}

// without is the account of all commits but those that were lost, and with the
// names that were lost with them replaced.
func (h history) without(lost []int, names map[string]string) *ledger {
	book := newLedger()
	for i, batch := range h {
		if slices.Contains(lost, i+1) {
			continue
		}
		for _, c := range batch {
			c.benefit, c.event = renamed(names, c.benefit), renamed(names, c.event)
			book.add(c)
		}
	}
	return book
}

func renamed(names map[string]string, name string) string {
	if replaced, ok := names[name]; ok {
		return replaced
	}
	return name
}

// show is a counter of a benefit that differs by its index.
func show(benefit string, index int) counter { return counter{benefit, "show", 2, 60, index} }

// threeLives are seven commits in three journal files, without a snapshot.
// Commit 1 defines the names first and second, commit 4 the name third.
func threeLives(t *testing.T) (string, history) {
	t.Helper()
	directory, h := t.TempDir(), history{}
	h.live(t, directory, []counter{show("first", 1), show("second", 1)},
		[]counter{show("first", 2), show("second", 2), show("second", 2)}, []counter{show("first", 3)})
	h.live(t, directory, []counter{show("third", 4), show("first", 4)}, []counter{show("third", 5)})
	h.live(t, directory, []counter{show("second", 6)}, []counter{show("first", 7), show("second", 7), {"third", "link", 1, 3, 2}})
	return directory, h
}

// twoSnapshots are five commits: two in each of two snapshots, whose journal is
// there from commit 3 on, and the last in the journal alone.
func twoSnapshots(t *testing.T) (string, history) {
	t.Helper()
	directory, h := t.TempDir(), history{}
	h.liveOrderly(t, directory, []counter{show("first", 1), show("second", 1)}, []counter{show("second", 2)})
	h.liveOrderly(t, directory, []counter{show("third", 3), show("first", 3)}, []counter{show("second", 4), {"first", "link", 2, 1, 1}})
	h.live(t, directory, []counter{show("first", 5), show("third", 5)})
	return directory, h
}

// copyOf is a copy of a directory to spoil.
func copyOf(t *testing.T, directory string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// contentsOf are the files below a directory, by path.
func contentsOf(t *testing.T, directory string) map[string]string {
	t.Helper()
	contents := make(map[string]string)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		contents[strings.TrimPrefix(path, directory+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// unchanged runs a check that must leave a directory as it is, to the byte.
func unchanged(t *testing.T, directory string, check func()) {
	t.Helper()
	before := contentsOf(t, directory)
	check()
	after := contentsOf(t, directory)
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if content, ok := after[path]; !ok || content != before[path] {
			t.Errorf("%q was changed or removed", path)
		}
		delete(after, path)
	}
	for path := range after {
		t.Errorf("%q was made", path)
	}
}

// expectReport requires an exit code and all of the given things in a report.
func (o outcome) expectReport(t *testing.T, code int, says ...string) {
	t.Helper()
	if o.code != code || (code == 0) != (o.stderr == "") || strings.Count(o.stderr, "\n") > 1 {
		t.Errorf("exit code %d and stderr %q, want %d; the report:\n%s", o.code, o.stderr, code, o.stdout)
	}
	for _, part := range says {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("the report lacks %q:\n%s", part, o.stdout)
		}
	}
}

func verifyOf(t *testing.T, directory string, arguments ...string) outcome {
	t.Helper()
	return run(t, []string{"DATA_DIR=" + directory}, append([]string{"verify"}, arguments...)...)
}

func TestVerifyFindsAGoodDirectoryCompleteAndChangesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make   func(*testing.T) (string, history)
		commit int
		says   []string
	}{
		"before the first record": {func(t *testing.T) (string, history) { return t.TempDir(), nil }, 0, nil},
		"journals alone":          {threeLives, 7, []string{"journal-0000000000000001", "commits 1 to 3", "commits 4 to 5", "commits 6 to 7", "good"}},
		"snapshots and journals": {twoSnapshots, 5, []string{"snapshot-0000000000000002", "commits up to 2", "commits up to 4",
			"journal-0000000000000005", "good, written 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory, h := test.make(t)
			unchanged(t, directory, func() {
				complete := fmt.Sprintf("complete: everything acknowledged is here, up to commit %d\n", test.commit)
				verifyOf(t, directory).expectReport(t, 0, append(test.says, complete)...)
				run(t, nil, "--data-dir", directory, "verify").expectReport(t, 0, complete)
				run(t, nil, "verify", "--data-dir", directory).expectReport(t, 0, complete)
				verifyOf(t, directory, "--repair").expectReport(t, 0, complete, "nothing to repair")
			})
			h.without(nil, nil).expect(t, startProgram(t, directory, nil).testServer, 1, 2)
		})
	}
}

func TestVerifyRefusesWhileAServerRuns(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := startProgram(t, directory, nil)
	p.created(t, recordOf("RSA"))
	for _, arguments := range [][]string{nil, {"--repair"}} {
		unchanged(t, directory, func() { verifyOf(t, directory, arguments...).expectRefusal(t, directory, "stop the server first") })
	}
	p.created(t, recordOf("RSA"))
	p.expectTotal(t, "RSA", 2)
	p.terminate(t)
	verifyOf(t, directory).expectReport(t, 0, "complete")
}

func TestVerifyNeedsADirectory(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for _, arguments := range [][]string{nil, {"--repair"}} {
		verifyOf(t, missing, arguments...).expectRefusal(t, missing)
		if _, err := os.Stat(missing); err == nil {
			t.Errorf("verify has made the directory that it was to read")
		}
	}
}

// TestATornTailIsNoLoss cuts the last write short, and leaves bytes of a write
// that never was: both were never acknowledged.
func TestATornTailIsNoLoss(t *testing.T) {
	t.Parallel()
	original, h := threeLives(t)
	const name = "journal-0000000000000006"
	frames := framesOf(t, filepath.Join(original, name))
	last := frames[len(frames)-1]
	for what, test := range map[string]struct {
		spoil  func(content []byte) []byte
		offset int
		lost   []int
	}{
		"after one byte":          {func(b []byte) []byte { return b[:last.start+1] }, last.start, []int{7}},
		"within the header":       {func(b []byte) []byte { return b[:last.start+frameHeaderBytes-1] }, last.start, []int{7}},
		"before the last byte":    {func(b []byte) []byte { return b[:last.end-1] }, last.start, []int{7}},
		"with zeros after it":     {func(b []byte) []byte { clear(b[last.end-3:]); return b }, last.start, []int{7}},
		"with its beginning lost": {func(b []byte) []byte { clear(b[last.start : last.start+4]); return b }, last.start, []int{7}},
		"a beginning of another":  {func(b []byte) []byte { return append(b[:last.end], b[last.start:last.end-2]...) }, last.end, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			directory := copyOf(t, original)
			rewrite(t, filepath.Join(directory, name), test.spoil)
			unchanged(t, directory, func() {
				verifyOf(t, directory).expectReport(t, 0, name, "cut short", fmt.Sprintf("at offset %d", test.offset), "never acknowledged", "complete")
				verifyOf(t, directory, "--repair").expectReport(t, 0, "nothing to repair")
			})
			p := startProgram(t, directory, nil)
			line := p.await(t, "cut off a write that was never acknowledged")
			if line["offset"] != float64(test.offset) || line["level"] != "WARN" {
				t.Errorf("the log does not tell of the offset %d:\n%s", test.offset, p.Log)
			}
			h.without(test.lost, nil).expect(t, p.testServer, 1, 2)
			p.terminate(t)
			verifyOf(t, directory).expectReport(t, 0, "complete")
		})
	}
}

// rewrite changes a file.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedNewestSnapshotIsNoLossWhereTheJournalIsWhole(t *testing.T) {
	t.Parallel()
	directory, h := twoSnapshots(t)
	newest := filepath.Join(directory, "snapshot-0000000000000004")
	rewrite(t, newest, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	unchanged(t, directory, func() {
		verified := verifyOf(t, directory)
		verified.expectReport(t, 0, newest, "complete: everything acknowledged is here, up to commit 5")
		if !regexp.MustCompile(`(?m)^snapshot-0{15}4 .* DAMAGED: .*snapshot-0{15}4" at offset \d+: `).MatchString(verified.stdout) {
			t.Errorf("the report does not tell of the damage:\n%s", verified.stdout)
		}
	})
	p := startProgram(t, directory, nil)
	h.without(nil, nil).expect(t, p.testServer, 1, 2)
	if lines := logged(p.Process); lines[0]["level"] != "WARN" || !strings.Contains(lines[0].text(t, "msg"), newest) {
		t.Errorf("the log does not warn of the damage:\n%s", p.Log)
	}
	p.terminate(t)
	verifyOf(t, directory).expectReport(t, 0, "complete", "snapshot-0000000000000004.damaged")
}
