package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// history is what was acknowledged, commit by commit: batches that were posted
// one after the other, so that each is a commit, and a frame, of its own.
type history [][]blackbox.Counter

// live runs the server on a directory while batches are posted, and kills it.
func (h *history) live(t *testing.T, directory string, batches ...[]blackbox.Counter) {
	t.Helper()
	h.begin(t, directory, batches).Kill(t)
}

// liveOrderly is live with a server that is told to stop, and so leaves a snapshot.
func (h *history) liveOrderly(t *testing.T, directory string, batches ...[]blackbox.Counter) {
	t.Helper()
	h.begin(t, directory, batches).Terminate(t)
}

func (h *history) begin(t *testing.T, directory string, batches [][]blackbox.Counter) *blackbox.Program {
	t.Helper()
	p := blackbox.StartProgram(t, directory, []string{"SNAPSHOT_INTERVAL=1h"})
	for _, batch := range batches {
		blackbox.NewLedger().Post(t, p.Server, batch...)
		*h = append(*h, batch)
	}
	return p
}

// without is the account of all commits but those that were lost, and with the
// names that were lost with them replaced.
func (h history) without(lost []int, names map[string]string) *blackbox.Ledger {
	book := blackbox.NewLedger()
	for i, batch := range h {
		if slices.Contains(lost, i+1) {
			continue
		}
		for _, c := range batch {
			c.Benefit, c.Event = renamed(names, c.Benefit), renamed(names, c.Event)
			book.Add(c)
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
func show(benefit string, index int) blackbox.Counter {
	return blackbox.Counter{Benefit: benefit, Event: "show", Version: 2, Total: 60, Index: index}
}

// threeLives are seven commits in three journal files, without a snapshot.
// Commit 1 defines the names first and second, commit 4 the name third.
func threeLives(t *testing.T) (string, history) {
	t.Helper()
	directory, h := t.TempDir(), history{}
	h.live(t, directory, []blackbox.Counter{show("first", 1), show("second", 1)},
		[]blackbox.Counter{show("first", 2), show("second", 2), show("second", 2)}, []blackbox.Counter{show("first", 3)})
	h.live(t, directory, []blackbox.Counter{show("third", 4), show("first", 4)}, []blackbox.Counter{show("third", 5)})
	h.live(t, directory, []blackbox.Counter{show("second", 6)}, []blackbox.Counter{show("first", 7), show("second", 7), {Benefit: "third", Event: "link", Version: 1, Total: 3, Index: 2}})
	return directory, h
}

// twoSnapshots are five commits: two in each of two snapshots, whose journal is
// there from commit 3 on, and the last in the journal alone.
func twoSnapshots(t *testing.T) (string, history) {
	t.Helper()
	directory, h := t.TempDir(), history{}
	h.liveOrderly(t, directory, []blackbox.Counter{show("first", 1), show("second", 1)}, []blackbox.Counter{show("second", 2)})
	h.liveOrderly(t, directory, []blackbox.Counter{show("third", 3), show("first", 3)}, []blackbox.Counter{show("second", 4), {Benefit: "first", Event: "link", Version: 2, Total: 1, Index: 1}})
	h.live(t, directory, []blackbox.Counter{show("first", 5), show("third", 5)})
	return directory, h
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
			blackbox.Unchanged(t, directory, func() {
				complete := fmt.Sprintf("complete: everything acknowledged is here, up to commit %d\n", test.commit)
				blackbox.VerifyOf(t, directory).ExpectReport(t, 0, append(test.says, complete)...)
				blackbox.Run(t, nil, "--data-dir", directory, "verify").ExpectReport(t, 0, complete)
				blackbox.Run(t, nil, "verify", "--data-dir", directory).ExpectReport(t, 0, complete)
				blackbox.VerifyOf(t, directory, "--repair").ExpectReport(t, 0, complete, "nothing to repair")
			})
			h.without(nil, nil).Expect(t, blackbox.StartProgram(t, directory, nil).Server, 1, 2)
		})
	}
}

func TestVerifyRefusesWhileAServerRuns(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	for _, arguments := range [][]string{nil, {"--repair"}} {
		blackbox.Unchanged(t, directory, func() {
			blackbox.VerifyOf(t, directory, arguments...).ExpectRefusal(t, directory, "stop the server first")
		})
	}
	p.Created(t, blackbox.RecordOf("RSA"))
	p.ExpectTotal(t, "RSA", 2)
	p.Terminate(t)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
}

func TestVerifyNeedsADirectory(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for _, arguments := range [][]string{nil, {"--repair"}} {
		blackbox.VerifyOf(t, missing, arguments...).ExpectRefusal(t, missing)
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
			directory := blackbox.CopyOf(t, original)
			blackbox.Rewrite(t, filepath.Join(directory, name), test.spoil)
			blackbox.Unchanged(t, directory, func() {
				blackbox.VerifyOf(t, directory).ExpectReport(t, 0, name, "cut short", fmt.Sprintf("at offset %d", test.offset), "never acknowledged", "complete")
				blackbox.VerifyOf(t, directory, "--repair").ExpectReport(t, 0, "nothing to repair")
			})
			p := blackbox.StartProgram(t, directory, nil)
			line := p.Await(t, "cut off a write that was never acknowledged")
			if line["offset"] != float64(test.offset) || line["level"] != "WARN" {
				t.Errorf("the log does not tell of the offset %d:\n%s", test.offset, p.Log)
			}
			h.without(test.lost, nil).Expect(t, p.Server, 1, 2)
			p.Terminate(t)
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
		})
	}
}

func TestADamagedNewestSnapshotIsNoLossWhereTheJournalIsWhole(t *testing.T) {
	t.Parallel()
	directory, h := twoSnapshots(t)
	newest := filepath.Join(directory, "snapshot-0000000000000004")
	blackbox.Rewrite(t, newest, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	blackbox.Unchanged(t, directory, func() {
		verified := blackbox.VerifyOf(t, directory)
		verified.ExpectReport(t, 0, newest, "complete: everything acknowledged is here, up to commit 5")
		if !regexp.MustCompile(`(?m)^snapshot-0{15}4 .* DAMAGED: .*snapshot-0{15}4" at offset \d+: `).MatchString(verified.Stdout) {
			t.Errorf("the report does not tell of the damage:\n%s", verified.Stdout)
		}
	})
	p := blackbox.StartProgram(t, directory, nil)
	h.without(nil, nil).Expect(t, p.Server, 1, 2)
	if lines := blackbox.Logged(p.Process); lines[0]["level"] != "WARN" || !strings.Contains(lines[0].Text(t, "msg"), newest) {
		t.Errorf("the log does not warn of the damage:\n%s", p.Log)
	}
	p.Terminate(t)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete", "snapshot-0000000000000004.damaged")
}
