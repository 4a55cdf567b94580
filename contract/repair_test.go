package contract

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// damage is something that happened to a data directory.
type damage struct {
	spoil func(t *testing.T, directory string)
	// says is what verify and the server that refuses must name.
	says []string
	// lost are the commits that no repair can bring back, names what became of
	// the names that they defined, dropped what the repair must tell of.
	lost    []int
	names   map[string]string
	dropped []string
}

// in spoils one file of a directory.
func in(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, directory string) { blackbox.Rewrite(t, filepath.Join(directory, name), change) }
}

// flip changes one bit of the byte at an offset.
func flip(offset int) func([]byte) []byte {
	return func(b []byte) []byte { b[offset] ^= 0x10; return b }
}

// zero clears a part of a file.
func zero(part span) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[part.start:part.end]); return b }
}

// without removes files of a directory.
func without(names ...string) func(*testing.T, string) {
	return func(t *testing.T, directory string) {
		for _, name := range names {
			if err := os.Remove(filepath.Join(directory, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// both does one thing after the other.
func both(first, second func(*testing.T, string)) func(*testing.T, string) {
	return func(t *testing.T, directory string) { first(t, directory); second(t, directory) }
}

const (
	journal1 = "journal-0000000000000001"
	journal3 = "journal-0000000000000003"
	journal4 = "journal-0000000000000004"
	journal5 = "journal-0000000000000005"
	journal6 = "journal-0000000000000006"

	snapshot2 = "snapshot-0000000000000002"
	snapshot4 = "snapshot-0000000000000004"
)

func TestWhatIsMissingInAJournalIsNamedAndTheRestIsSalvaged(t *testing.T) {
	t.Parallel()
	original, h := threeLives(t)
	frames, later := framesOf(t, filepath.Join(original, journal1)), framesOf(t, filepath.Join(original, journal4))
	at := func(frame span) string { return fmt.Sprintf("at offset %d", frame.start) }
	thirdLost := map[string]string{"third": "__unknown_benefit_2__"}
	const nameOfThird = `the name of benefit number 2; its counts are kept under "__unknown_benefit_2__"`

	for name, d := range map[string]damage{
		"a flipped bit in a commit": {spoil: in(journal1, flip(frames[1].end-2)), lost: []int{2},
			says: []string{journal1, at(frames[1])}, dropped: []string{"commits 2 to 2", at(frames[1])}},
		"a flipped bit in a length": {spoil: in(journal1, flip(frames[1].start)), lost: []int{2},
			says: []string{journal1, at(frames[1])}, dropped: []string{"commits 2 to 2", at(frames[1])}},
		"a flipped bit in the last commit of an earlier file": {spoil: in(journal1, flip(frames[2].end-2)), lost: []int{3},
			says: []string{journal1, at(frames[2])}, dropped: []string{"commits 3 to 3", at(frames[2])}},
		"a block of zeros": {spoil: in(journal1, zero(span{frames[1].start + 10, frames[2].start + 10})), lost: []int{2, 3},
			says: []string{journal1, at(frames[1])}, dropped: []string{"commits 2 to 3", at(frames[1])}},
		"a file cut off between commits": {spoil: in(journal1, func(b []byte) []byte { return b[:frames[1].start] }), lost: []int{2, 3},
			says: []string{journal1, at(frames[1])}, dropped: []string{"commits 2 to 3"}},
		"a flipped bit in a header": {spoil: in(journal1, flip(13)), says: []string{journal1, "offset 0"}, dropped: []string{"header of journal", journal1}},
		"another magic":             {spoil: in(journal4, flip(0)), says: []string{journal4, "offset 0"}, dropped: []string{"header of journal", journal4}},
		"a commit that defines a name": {spoil: in(journal4, flip(later[0].end-2)), lost: []int{4}, names: thirdLost,
			says: []string{journal4, at(later[0])}, dropped: []string{"commits 4 to 4", nameOfThird}},
		"a deleted file": {spoil: without(journal4), lost: []int{4, 5}, names: thirdLost,
			says: []string{journal6, "begins with 6, want 4"}, dropped: []string{"commits 4 to 5", nameOfThird}},
		"the first file deleted": {spoil: without(journal1), lost: []int{1, 2, 3},
			names: map[string]string{"first": "__unknown_benefit_0__", "second": "__unknown_benefit_1__"},
			says:  []string{journal4, "begins with 4, want 1"}, dropped: []string{"commits 1 to 3", "__unknown_benefit_0__"}},
		"a renamed file": {spoil: func(t *testing.T, directory string) {
			if err := os.Rename(filepath.Join(directory, journal4), filepath.Join(directory, journal5)); err != nil {
				t.Fatal(err)
			}
		}, says: []string{journal5, "was it renamed?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.happensTo(t, blackbox.CopyOf(t, original), h)
		})
	}
}

// TestAFileWithoutCommitsTellsThatThoseBeforeItAreMissing has a last life in
// which nothing was recorded: its file was begun after commit 7.
func TestAFileWithoutCommitsTellsThatThoseBeforeItAreMissing(t *testing.T) {
	t.Parallel()
	original, h := threeLives(t)
	h.live(t, original)
	frames := framesOf(t, filepath.Join(original, journal6))
	const journal8 = "journal-0000000000000008"
	for name, d := range map[string]damage{
		"the last commit": {spoil: in(journal6, flip(frames[1].end-2)), lost: []int{7},
			says: []string{journal8, journal6, fmt.Sprintf("at offset %d", frames[1].start)}, dropped: []string{"commits 7 to 7"}},
		"a whole file": {spoil: without(journal6), lost: []int{6, 7},
			says: []string{journal8, "begins with 8, want 6"}, dropped: []string{"commits 6 to 7"}},
		"everything": {spoil: without(journal1, journal4, journal6), lost: []int{1, 2, 3, 4, 5, 6, 7},
			says: []string{journal8, "begins with 8, want 1"}, dropped: []string{"commits 1 to 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.happensTo(t, blackbox.CopyOf(t, original), h)
		})
	}
}

func TestWhatIsMissingWithSnapshotsIsNamedAndTheRestIsSalvaged(t *testing.T) {
	t.Parallel()
	original, h := twoSnapshots(t)
	spoilBoth := both(in(snapshot2, flip(80)), in(snapshot4, flip(80)))
	for name, d := range map[string]damage{
		"both snapshots damaged": {spoil: spoilBoth, lost: []int{1, 2},
			names: map[string]string{"first": "__unknown_benefit_0__", "second": "__unknown_benefit_1__"},
			says:  []string{snapshot2, snapshot4, "at offset"}, dropped: []string{snapshot2, snapshot4, "commits 1 to 2", "__unknown_benefit_1__"}},
		"a damaged snapshot and no journal to make up for it": {spoil: both(in(snapshot4, flip(80)), without(journal3)),
			lost: []int{3, 4}, names: map[string]string{"third": "__unknown_benefit_2__"},
			says: []string{journal5, "begins with 5, want 3"}, dropped: []string{snapshot4, "commits 3 to 4", "__unknown_benefit_2__"}},
		"a snapshot that is cut off, as is the journal": {
			spoil: both(in(snapshot4, func(b []byte) []byte { return b[:60] }), without(journal3, journal5)), lost: []int{3, 4, 5},
			says: []string{snapshot4}, dropped: []string{snapshot4, "commits 3 to 4"}},
		"nothing that can be read": {spoil: both(spoilBoth, without(journal3, journal5)), lost: []int{1, 2, 3, 4, 5},
			says: []string{snapshot2, snapshot4}, dropped: []string{snapshot2, snapshot4, "commits 1 to 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.happensTo(t, blackbox.CopyOf(t, original), h)
		})
	}
}

// happensTo spoils a directory and follows it through verify, a server that
// refuses it, the repair, and the life after it.
func (d damage) happensTo(t *testing.T, directory string, h history) {
	t.Helper()
	d.spoil(t, directory)
	before := blackbox.ContentsOf(t, directory)
	blackbox.Unchanged(t, directory, func() {
		blackbox.VerifyOf(t, directory).ExpectReport(t, 1, append([]string{"MISSING: "}, d.says...)...)
		blackbox.Run(t, []string{"DATA_DIR=" + directory}).ExpectRefusal(t, append([]string{"verify --repair"}, d.says...)...)
	})
	repaired := blackbox.VerifyOf(t, directory, "--repair")
	repaired.ExpectReport(t, 0, append([]string{"copied the originals to ", "the server can start again"}, d.dropped...)...)
	if kept := fmt.Sprintf("kept %d commits", len(h)-len(d.lost)); d.names == nil && !strings.Contains(repaired.Stdout, "kept snapshot") &&
		!strings.Contains(repaired.Stdout, kept) {
		t.Errorf("the repair does not say %q:\n%s", kept, repaired.Stdout)
	}
	expectOriginals(t, directory, before)
	d.expectLifeAfter(t, directory, h)
}

// expectOriginals requires a copy of every file that a repair has replaced.
func expectOriginals(t *testing.T, directory string, before map[string]string) {
	t.Helper()
	copies, err := filepath.Glob(filepath.Join(directory, "before-repair-*"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("the originals are in %q (%v), want one directory", copies, err)
	}
	delete(before, "LOCK")
	if aside := blackbox.ContentsOf(t, copies[0]); !maps.Equal(aside, before) {
		t.Errorf("the originals are not what the files were")
	}
}

// expectLifeAfter requires the counts of exactly the commits that survived,
// and that the server goes on from them.
func (d damage) expectLifeAfter(t *testing.T, directory string, h history) {
	t.Helper()
	blackbox.Unchanged(t, directory, func() {
		blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
		blackbox.VerifyOf(t, directory, "--repair").ExpectReport(t, 0, "nothing to repair")
	})
	book := h.without(d.lost, d.names)
	p := blackbox.StartProgram(t, directory, nil)
	book.Expect(t, p.Server, 1, 2)
	book.Post(t, p.Server, show("first", 8), show("third", 8), blackbox.Counter{Benefit: "fourth", Event: "link", Version: 2, Total: 1, Index: 1})
	p.Kill(t)
	p = blackbox.StartProgram(t, directory, nil)
	book.Expect(t, p.Server, 1, 2)
	p.Terminate(t)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
}

func TestANewerFormatIsRefusedAndLeftUntouched(t *testing.T) {
	t.Parallel()
	newer := func(b []byte) []byte { binary.LittleEndian.PutUint32(b[8:], 3); return b }
	journals, _ := threeLives(t)
	snapshots, _ := twoSnapshots(t)
	for name, test := range map[string]struct{ original, file string }{
		"the newest snapshot": {snapshots, snapshot4},
		"the newest journal":  {snapshots, journal5},
		"an earlier journal":  {journals, journal1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, test.original)
			in(test.file, newer)(t, directory)
			blackbox.Unchanged(t, directory, func() {
				blackbox.VerifyOf(t, directory).ExpectReport(t, 1, test.file, "UNKNOWN VERSION", "unknown format version", "have 3, want 1 or 2")
				blackbox.VerifyOf(t, directory, "--repair").ExpectReport(t, 1, test.file, "unknown format version")
				blackbox.Run(t, []string{"DATA_DIR=" + directory}).ExpectRefusal(t, test.file, "unknown format version")
			})
		})
	}
}
