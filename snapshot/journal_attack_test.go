package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
	"stats-recorder/snapshot/recovery"
	"stats-recorder/snapshot/salvage"
)

// journals is a directory without a snapshot, whose journal files are replaced
// again and again.
type journals struct {
	history
	good map[string][]byte // journal files
}

// newJournals has the given number of commits, in files of at most that size.
func newJournals(t testing.TB, commits int, size int64) journals {
	t.Helper()
	options := options(t.TempDir())
	options.JournalSize = size
	keeper := opened(t, options)
	j := journals{history{states: []storetest.Model{{}}}, map[string][]byte{}}
	var all [][]storetest.Record
	for i := range commits {
		records := append(storetest.Page(1+i%3, storetest.Noon()), storetest.Shown(fmt.Sprintf("new %d", i), 2, 1, storetest.Noon()-20))
		record(t, keeper, records)
		all = append(all, records)
		j.states = append(j.states, storetest.ModelOf(all...))
	}
	j.directory = crashed(t, options.Directory)
	closed(t, keeper)
	for _, name := range names(t, j.directory, "journal-") {
		j.good[name] = read(t, filepath.Join(j.directory, name))
	}
	return j
}

// put makes the journal that of the given files and nothing else.
func (j journals) put(t testing.TB, contents map[string][]byte) {
	t.Helper()
	for _, name := range names(t, j.directory, "journal-") {
		if _, kept := contents[name]; !kept {
			if err := os.Remove(filepath.Join(j.directory, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range contents {
		write(t, filepath.Join(j.directory, name), content)
	}
}

// outcome is what a start makes of a journal: the state after some commit, or
// a refusal.
type outcome struct {
	commits int
	refusal error
}

// load requires an exact state or a refusal. Whatever a frame that is still
// there says was durable must not be missing.
func (j journals) load(t *testing.T, what string, contents map[string][]byte) outcome {
	t.Helper()
	j.put(t, contents)
	loaded, err := snapshot.Load(j.directory)
	if err != nil {
		if !isOneOf(err, append(whatCanBeWrong(), recovery.ErrJournalGap, format.ErrVersion)...) {
			t.Errorf("%s: %v is not a documented error", what, err)
		}
		return outcome{refusal: err}
	}
	commits := int(loaded.Recovery.Sequence)
	if commits >= len(j.states) {
		t.Fatalf("%s: commit %d was found, there are %d", what, commits, len(j.states)-1)
	}
	if difference := j.states[commits].Difference(loaded.Store, totals(t, loaded.History)); difference != "" {
		t.Errorf("%s: commit %d was found, but %s", what, commits, difference)
	}
	if durable := j.provablyDurable(contents); commits < durable {
		t.Errorf("%s: commits up to %d were found, but up to %d were durable", what, commits, durable)
	}
	return outcome{commits: commits}
}

// provablyDurable is the last commit that an intact frame says was durable
// before it was written: in this directory, each one says so of the one before.
func (j journals) provablyDurable(contents map[string][]byte) int {
	sequence, durable := 0, 0
	for _, name := range sortedNames(j.good) {
		for _, frame := range frames(j.good[name]) {
			sequence++
			for _, content := range contents {
				if bytes.Contains(content, frame.of(j.good[name])) {
					durable = sequence - 1
				}
			}
		}
	}
	return durable
}

func sortedNames(contents map[string][]byte) []string {
	var names []string
	for name := range contents {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// only is the one journal file.
func (j journals) only(t testing.TB) (name string, content []byte) {
	t.Helper()
	if len(j.good) != 1 {
		t.Fatalf("%d journal files, want one", len(j.good))
	}
	name = sortedNames(j.good)[0]
	return name, j.good[name]
}

func TestEveryLengthOfAJournalGivesTheCommitsThatAreWhole(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 5, 1<<20)
	name, good := j.only(t)
	for length := range len(good) + 1 {
		whole := 0
		for _, frame := range frames(good) {
			if frame.end <= length {
				whole++
			}
		}
		for _, zeros := range []int{0, 1, 4096} {
			what := fmt.Sprintf("cut off at %d of %d, then %d zeros", length, len(good), zeros)
			content := slices.Concat(good[:length], make([]byte, zeros))
			got := j.load(t, what, map[string][]byte{name: content})
			if length < journalHeader && length+zeros >= journalHeader && got.refusal != nil {
				continue // a header that is there, but half of it zeros, is damaged
			}
			if got.refusal != nil || got.commits != whole {
				t.Errorf("%s: %d commits, %v, want %d", what, got.commits, got.refusal, whole)
			}
		}
	}
}

func TestEveryBitOfAJournalIsChecked(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 4, 1<<20)
	name, good := j.only(t)
	last := frames(good)[3]
	for at := range good {
		for bit := range 8 {
			what := fmt.Sprintf("bit %d of byte %d flipped", bit, at)
			got := j.load(t, what, map[string][]byte{name: flipped(good, at, 1<<bit)})
			if inLast := at >= last.start; inLast && got.commits != 3 {
				t.Errorf("%s: %d commits, %v, want 3", what, got.commits, got.refusal)
			} else if !inLast && got.refusal == nil {
				t.Errorf("%s: taken with %d commits", what, got.commits)
			}
		}
	}
}

func TestZeroedBlocksOfAJournalAreNoticed(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 5, 1<<20)
	name, good := j.only(t)
	parts := frames(good)
	for _, size := range []int{4, 64, 512} {
		for start := 0; start < len(good); start += size / 2 {
			end := min(start+size, len(good))
			content := with(good, part{start, end}, make([]byte, end-start))
			if bytes.Equal(content, good) {
				continue
			}
			what := fmt.Sprintf("zeros from %d to %d", start, end)
			got := j.load(t, what, map[string][]byte{name: content})
			if last := parts[4]; end <= last.start && got.refusal == nil {
				t.Errorf("%s: taken with %d commits, although frame 5 is there", what, got.commits)
			} else if start >= last.start && got.commits != 4 {
				t.Errorf("%s: %d commits, %v, want 4", what, got.commits, got.refusal)
			}
		}
	}
}

func TestMovedFramesAreNotTakenForOthers(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 5, 1<<20)
	name, good := j.only(t)
	parts := frames(good)
	load := func(what string, content []byte) outcome {
		return j.load(t, what, map[string][]byte{name: content})
	}
	for i, one := range parts {
		if got := load(fmt.Sprintf("frame %d again at the end", i+1), slices.Concat(good, one.of(good))); got.commits != 5 {
			t.Errorf("frame %d again at the end: %d commits, %v, want all", i+1, got.commits, got.refusal)
		}
		without := load(fmt.Sprintf("without frame %d", i+1), with(good, one, nil))
		if i < 4 && without.refusal == nil {
			t.Errorf("without frame %d: taken with %d commits", i+1, without.commits)
		}
		for k, other := range parts {
			load(fmt.Sprintf("frame %d over frame %d", i+1, k+1), with(good, other, one.of(good)))
			load(fmt.Sprintf("frame %d before frame %d", i+1, k+1), with(good, part{other.start, other.start}, one.of(good)))
			if k > i {
				swapped := with(with(good, other, one.of(good)), one, other.of(good))
				if got := load(fmt.Sprintf("frames %d and %d swapped", i+1, k+1), swapped); got.refusal == nil {
					t.Errorf("frames %d and %d swapped: taken with %d commits", i+1, k+1, got.commits)
				}
			}
		}
	}
}

func TestGarbageBehindAJournalIsCutOff(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 3, 1<<20)
	name, good := j.only(t)
	other := newJournals(t, 6, 1<<20)
	_, foreign := other.only(t)
	for what, garbage := range map[string][]byte{
		"a byte": {1}, "zeros and a byte": append(make([]byte, 100), 1), "text": []byte("not a frame at all, but longer than the header of one"),
		"another journal": foreign, "frames of another journal": foreign[frames(foreign)[2].end:], "this journal again": good,
		"half of a frame of its own": frames(good)[2].of(good)[:50], "all ones": bytes.Repeat([]byte{0xff}, 200),
	} {
		if got := j.load(t, what, map[string][]byte{name: slices.Concat(good, garbage)}); got.commits != 3 || got.refusal != nil {
			t.Errorf("%s behind the journal: %d commits, %v, want all", what, got.commits, got.refusal)
		}
	}
	path := filepath.Join(j.directory, name)
	write(t, path, slices.Concat(good, []byte("garbage")))
	keeper := opened(t, options(j.directory))
	if torn := keeper.Recovery().TornBytes; torn != int64(len("garbage")) {
		t.Errorf("%d bytes are torn, want %d", torn, len("garbage"))
	}
	if content := read(t, path); !bytes.Equal(content, good) {
		t.Errorf("the journal has %d bytes after the start, want %d", len(content), len(good))
	}
	check(t, keeper, j.complete())
	closed(t, keeper)
}

func TestEveryBitOfTheLastJournalFileButOneIsChecked(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 3, 1<<20)
	name, good := j.only(t)
	// A start begins a new file: its very existence says that all before it was durable.
	begun := crashedAfter(t, crashed(t, j.directory))
	empty := filepath.Base(newest(t, begun, "journal-"))
	if empty == name || len(frames(read(t, filepath.Join(begun, empty)))) != 0 {
		t.Fatalf("the start after the crash left %s", empty)
	}
	header := read(t, filepath.Join(begun, empty))
	for at := range good {
		what := fmt.Sprintf("byte %d changed, in a file with an empty one after it", at)
		got := j.load(t, what, map[string][]byte{name: flipped(good, at, byte(1+at%255)), empty: header})
		if got.refusal == nil {
			t.Errorf("%s: taken with %d commits", what, got.commits)
		}
		what = fmt.Sprintf("cut off at %d, with an empty file after it", at)
		if got := j.load(t, what, map[string][]byte{name: good[:at], empty: header}); got.refusal == nil {
			t.Errorf("%s: taken with %d commits", what, got.commits)
		}
	}
	if got := j.load(t, "an empty file by itself", map[string][]byte{empty: header}); got.refusal == nil {
		t.Error("an empty file that is not the first is taken by itself")
	}
}

func TestJournalFilesKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 5, 1) // one commit in each file
	all := sortedNames(j.good)
	if len(all) != 5 {
		t.Fatalf("journal files %q, want five", all)
	}
	for i, name := range all {
		without := cloned(j.good)
		delete(without, name)
		got := j.load(t, "without "+name, without)
		if last := i == len(all)-1; !last && got.refusal == nil || last && got.commits != 4 {
			t.Errorf("without %s: %d commits, %v", name, got.commits, got.refusal)
		}
		for _, other := range append(all, "journal-0000000000000006", "journal-ffffffffffffffff") {
			if other == name {
				continue
			}
			moved := cloned(j.good)
			moved[other] = j.good[name]
			if got := j.load(t, name+" also as "+other, moved); got.refusal == nil {
				t.Errorf("%s also as %s: taken with %d commits", name, other, got.commits)
			}
			delete(moved, name)
			if got := j.load(t, name+" renamed to "+other, moved); got.refusal == nil {
				t.Errorf("%s renamed to %s: taken with %d commits", name, other, got.commits)
			}
		}
		torn := cloned(j.good)
		torn[name] = torn[name][:len(torn[name])-1]
		if got := j.load(t, "a byte less of "+name, torn); i < 4 && got.refusal == nil || i == 4 && got.commits != 4 {
			t.Errorf("a byte less of %s: %d commits, %v", name, got.commits, got.refusal)
		}
	}
}

func TestWhoIsWokenForNothingBeginsNoJournalFile(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.JournalSize = 1 // full after one commit
	keeper := opened(t, options)
	record(t, keeper, storetest.Page(3, storetest.Noon()))
	before := names(t, options.Directory, "journal-")
	<-keeper.Beat() // the commit is over
	keeper.Store().Expect(0)
	for len(keeper.Store().Wake()) > 0 {
		runtime.Gosched()
	}
	<-keeper.Beat()
	if after := names(t, options.Directory, "journal-"); !slices.Equal(after, before) {
		t.Errorf("journal files %q, want %q: there was nothing to commit", after, before)
	}
	keeper.Store().Expect(1)
	record(t, keeper, storetest.Page(3, storetest.Noon()))
	if after := names(t, options.Directory, "journal-"); len(after) != len(before)+1 {
		t.Errorf("journal files %q after a commit into a full one, want one more than %q", after, before)
	}
	closed(t, keeper)
}

func cloned(contents map[string][]byte) map[string][]byte {
	clone := map[string][]byte{}
	for name, content := range contents {
		clone[name] = slices.Clone(content)
	}
	return clone
}

func TestARefusedJournalIsNotTouched(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 5, 1)
	name := sortedNames(j.good)[2]
	path := filepath.Join(j.directory, name)
	damaged := flipped(j.good[name], journalHeader+frameHeader, 1)
	write(t, path, damaged)
	expectRefusal(t, j.directory, recovery.ErrJournalGap, name, "offset 48", "verify --repair")
	write(t, path, flipped(j.good[name], 20, 1))
	expectRefusal(t, j.directory, format.ErrChecksum, name, "offset 0")
	newer := slices.Clone(j.good[name])
	newer[8] = 3
	formattest.SealJournal(newer)
	write(t, path, newer)
	expectRefusal(t, j.directory, format.ErrVersion, name)
}

// TestAJournalOfZerosIsDamage: the header is durable before any frame is written, so
// that only as many zeros as a header has can be a file whose creation was cut short.
func TestAJournalOfZerosIsDamage(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 20, 1<<20)
	name, good := j.only(t)
	path := filepath.Join(j.directory, name)
	write(t, filepath.Join(j.directory, "LOCK"), nil)
	for _, size := range []int{journalHeader + 1, len(good), len(good) + 4096} {
		write(t, path, make([]byte, size))
		expectRefusal(t, j.directory, format.ErrChecksum, name, fmt.Sprint(size, " zeros"), "verify --repair")
		report, err := salvage.Verify(j.directory, counters.BuiltInKinds())
		if err != nil || !errors.Is(report.Missing, format.ErrChecksum) {
			t.Errorf("of %d zeros verify says %v, %v", size, err, report.Missing)
		}
	}
	write(t, path, make([]byte, journalHeader))
	if got := j.load(t, "as many zeros as a header has", map[string][]byte{name: make([]byte, journalHeader)}); got.refusal != nil {
		t.Errorf("as many zeros as a header has: %v", got.refusal)
	}
}
