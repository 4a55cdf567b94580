package snapshot_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
	"stats-recorder/snapshot/recovery"
)

func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// whatCanBeWrong are the errors of a damaged file.
func whatCanBeWrong() []error {
	return []error{format.ErrNotOurs, format.ErrTruncated, format.ErrChecksum, format.ErrMalformed}
}

// attacked is a directory whose newest snapshot is replaced again and again.
type attacked struct {
	history
	path string
	good []byte
}

func attackNewest(t testing.TB, h history) attacked {
	t.Helper()
	path := newest(t, h.directory, "snapshot-")
	return attacked{h, path, read(t, path)}
}

// alone takes away all that a start could fall back to.
func (a attacked) alone(t testing.TB) attacked {
	t.Helper()
	for name := range files(t, a.directory) {
		if name != filepath.Base(a.path) {
			if err := os.Remove(filepath.Join(a.directory, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.states = a.states[:len(a.states)-2] // without the journal of the life that crashed
	return a
}

// expectFallback requires that a start does without this content and misses nothing.
func (a attacked) expectFallback(t *testing.T, what string, content []byte) {
	t.Helper()
	write(t, a.path, content)
	loaded, err := snapshot.Load(a.directory)
	if err != nil {
		t.Errorf("%s: refused: %v", what, err)
		return
	}
	if loaded.Recovery.Snapshot == a.path || len(loaded.Recovery.Warnings) != 1 || !strings.Contains(loaded.Recovery.Warnings[0], a.path) {
		t.Errorf("%s: recovery %+v, want a fallback and a warning", what, loaded.Recovery)
	}
	a.complete().CheckTotals(t, loaded.Store, totals(t, loaded.History))
}

// expectNothing requires that a start refuses this content.
func (a attacked) expectNothing(t *testing.T, what string, content []byte) {
	t.Helper()
	write(t, a.path, content)
	loaded, err := snapshot.Load(a.directory)
	if err == nil {
		t.Errorf("%s: %+v was loaded", what, loaded.Recovery)
		return
	}
	if !errors.Is(err, format.ErrVersion) && (!errors.Is(err, recovery.ErrNoGoodSnapshot) || !isOneOf(err, whatCanBeWrong()...)) {
		t.Errorf("%s: %v is not a documented error", what, err)
	}
	if !strings.Contains(err.Error(), a.path) || !strings.Contains(err.Error(), "offset") {
		t.Errorf("%s: %v does not name the file and the offset", what, err)
	}
}

// inVersion is whether a byte of a file says which version wrote it. A newer
// program's file is not damaged: there is no falling back from it.
func inVersion(at int) bool { return at >= 8 && at < 12 }

func TestEveryByteOfASnapshotIsChecked(t *testing.T) {
	t.Parallel()
	fallback, alone := attackNewest(t, newHistory(t, 3)), attackNewest(t, newHistory(t, 3)).alone(t)
	if len(sections(fallback.good)) < 6 {
		t.Fatalf("the snapshot has %d sections, want some more", len(sections(fallback.good)))
	}
	for at := range fallback.good {
		bits := byte(1) << (at % 8)
		what := fmt.Sprintf("bits %08b of byte %d flipped", bits, at)
		if inVersion(at) {
			fallback.expectVersionRefusal(t, what, flipped(fallback.good, at, bits))
			continue
		}
		fallback.expectFallback(t, what, flipped(fallback.good, at, bits))
	}
	for at := range alone.good {
		for _, bits := range []byte{1 << ((at + 3) % 8), 0xff} {
			alone.expectNothing(t, fmt.Sprintf("bits %08b of byte %d flipped", bits, at), flipped(alone.good, at, bits))
		}
	}
}

func TestEveryLengthOfASnapshotIsChecked(t *testing.T) {
	t.Parallel()
	fallback, alone := attackNewest(t, newHistory(t, 3)), attackNewest(t, newHistory(t, 3)).alone(t)
	for length := range fallback.good {
		fallback.expectFallback(t, fmt.Sprintf("cut off at %d", length), fallback.good[:length])
	}
	for length := range alone.good {
		alone.expectNothing(t, fmt.Sprintf("cut off at %d", length), alone.good[:length])
	}
	for _, more := range [][]byte{{0}, []byte("x"), make([]byte, 4096), alone.good} {
		alone.expectNothing(t, fmt.Sprintf("with %d bytes more", len(more)), slices.Concat(alone.good, more))
	}
}

func TestEverySectionOfASnapshotKeepsItsPlace(t *testing.T) {
	t.Parallel()
	a := attackNewest(t, newHistory(t, 3)).alone(t)
	parts := sections(a.good)
	for i, one := range parts {
		a.expectNothing(t, fmt.Sprintf("without section %d", i), with(a.good, one, nil))
		a.expectNothing(t, fmt.Sprintf("with section %d twice", i), with(a.good, one, slices.Concat(one.of(a.good), one.of(a.good))))
		for j, other := range parts[i+1:] {
			swapped := with(with(a.good, other, one.of(a.good)), one, other.of(a.good))
			a.expectNothing(t, fmt.Sprintf("with section %d for section %d", i, i+1+j), swapped)
			a.expectNothing(t, fmt.Sprintf("with section %d also for section %d", i, i+1+j), with(a.good, other, one.of(a.good)))
		}
	}
}

func TestSectionsOfAnotherSnapshotAreNotTaken(t *testing.T) {
	t.Parallel()
	a := attackNewest(t, newHistory(t, 3))
	older := read(t, filepath.Join(a.directory, names(t, a.directory, "snapshot-")[0]))
	a = a.alone(t)
	theirs := sections(older)
	for i, mine := range sections(a.good) {
		a.expectNothing(t, fmt.Sprintf("with section %d of an older snapshot", i), with(a.good, mine, theirs[i].of(older)))
		rest := slices.Concat(a.good[:mine.start], older[theirs[i].start:])
		a.expectNothing(t, fmt.Sprintf("with all of an older snapshot from section %d on", i), rest)
	}
}

func TestAnotherSnapshotUnderThisNameIsFoundOut(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 3)
	older := filepath.Join(h.directory, names(t, h.directory, "snapshot-")[0])
	attackNewest(t, h).expectFallback(t, "the older snapshot under the name of the newest", read(t, older))
	alone := attackNewest(t, newHistory(t, 3))
	content := read(t, older)
	alone.alone(t).expectNothing(t, "a snapshot under another name", content)
}

// expectVersionRefusal requires that a start leaves what a newer program wrote alone.
func (a attacked) expectVersionRefusal(t *testing.T, what string, content []byte) {
	t.Helper()
	write(t, a.path, content)
	if loaded, err := snapshot.Load(a.directory); !errors.Is(err, format.ErrVersion) {
		t.Errorf("%s: %+v, %v, want ErrVersion", what, loaded.Recovery, err)
	}
}

func TestASnapshotOfANewerProgramIsLeftAlone(t *testing.T) {
	t.Parallel()
	a := attackNewest(t, newHistory(t, 3))
	newer := slices.Clone(a.good)
	binary.LittleEndian.PutUint32(newer[8:], 3)
	binary.LittleEndian.PutUint32(newer[fileHeader-4:], crc32.Checksum(newer[:fileHeader-4], castagnoli()))
	write(t, a.path, newer)
	expectRefusal(t, a.directory, format.ErrVersion, a.path, "nothing was changed")

	unknown := slices.Clone(a.good)
	binary.LittleEndian.PutUint32(unknown[sections(unknown)[1].start:], 77)
	formattest.SealSnapshot(unknown)
	write(t, a.path, unknown)
	expectRefusal(t, a.directory, format.ErrVersion, a.path, "77")
}

func TestSealedNonsenseInASnapshotIsRefused(t *testing.T) {
	t.Parallel()
	a := attackNewest(t, newHistory(t, 3)).alone(t)
	formattest.SealSnapshot(a.good) // changes nothing: or all below proves nothing
	if !slices.Equal(a.good, read(t, a.path)) {
		t.Fatal("a good snapshot has other checksums than its seals")
	}
	parts := sections(a.good)
	for i, one := range parts {
		for _, content := range [][]byte{
			with(a.good, one, nil),
			with(a.good, one, slices.Concat(one.of(a.good), one.of(a.good))),
			flipped(a.good, one.start+4, 1),
			flipped(a.good, one.start, 0x80),
			flipped(a.good, one.end-1, 1),
			flipped(a.good, one.start+sectionHeader+4, 0xff),
		} {
			formattest.SealSnapshot(content)
			if exactly(content, a.good) {
				continue
			}
			a.expectNothingElse(t, fmt.Sprintf("nonsense in section %d of %d", i, len(parts)), content)
		}
	}
}

func exactly(a, b []byte) bool { return slices.Equal(a, b) }

// expectNothingElse requires that a start refuses this content or finds the
// very counts that were saved: zstd may read a changed frame the same.
func (a attacked) expectNothingElse(t *testing.T, what string, content []byte) {
	t.Helper()
	write(t, a.path, content)
	if loaded, err := snapshot.Load(a.directory); err == nil {
		if difference := a.complete().Difference(loaded.Store, totals(t, loaded.History)); difference != "" {
			t.Errorf("%s was loaded, but %s", what, difference)
		}
	}
}

// TestHugeLengthsAllocateLittle is not parallel: it measures the whole process.
func TestHugeLengthsAllocateLittle(t *testing.T) {
	const bound = 16 << 20
	a := attackNewest(t, newHistory(t, 3)).alone(t)
	contents := map[string][]byte{}
	for _, length := range []uint32{0, 1, formattest.MaxSection, formattest.MaxSection + 1, 1 << 31, 1<<32 - 1} {
		for _, field := range []int{4, 8} {
			content := slices.Clone(a.good)
			binary.LittleEndian.PutUint32(content[fileHeader+field:], length)
			contents[fmt.Sprintf("length %d at byte %d of a section", length, field)] = content
			sealed := slices.Clone(content)
			formattest.SealSnapshot(sealed)
			contents[fmt.Sprintf("sealed length %d at byte %d of a section", length, field)] = sealed
		}
	}
	bomb := formattest.Snapshot(t, 4, formattest.Section{Type: formattest.SectionBenefits, Content: make([]byte, 256<<20)})
	contents["a section that inflates to 256 MiB"] = bomb
	dishonest := slices.Clone(bomb)
	binary.LittleEndian.PutUint32(dishonest[fileHeader+4:], formattest.MaxSection)
	formattest.SealSnapshot(dishonest)
	contents["a section that inflates to 256 MiB and says 1 MiB"] = dishonest
	for what, content := range contents {
		t.Run(what, func(t *testing.T) {
			if used := formattest.Allocated(func() { a.expectNothing(t, what, content) }); used > bound {
				t.Errorf("%d bytes were allocated, want at most %d", used, bound)
			}
		})
	}
}

// TestManySectionsLoadExactly has several sections of each type, some of which
// begin in the middle of a benefit.
func TestManySectionsLoadExactly(t *testing.T) {
	t.Parallel()
	const size = 200_000
	store := counters.NewStore(counters.WhenDurable)
	events := storetest.Grow(t, store, size)
	path := filepath.Join(t.TempDir(), "snapshot-0000000000000001")
	if err := snapshot.SaveSnapshot(path, store); err != nil {
		t.Fatal(err)
	}
	if count := len(sections(read(t, path))); count < 8 {
		t.Errorf("%d sections, want some more", count)
	}
	loaded := counters.NewStore(counters.WhenDurable)
	if err := snapshot.DecodeSnapshot(path, loaded); err != nil {
		t.Fatal(err)
	}
	if got := storetest.Events(loaded); got != events || loaded.Counters() != store.Counters() {
		t.Errorf("%d events in %d counters, want %d in %d", got, loaded.Counters(), events, store.Counters())
	}
	want := map[counters.Benefit][]counters.Cell{}
	store.Read(counters.PositionsOf(2, nil), nil, func(benefit counters.Benefit, cells []counters.Cell) { want[benefit] = slices.Clone(cells) })
	loaded.Read(counters.PositionsOf(2, nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
		if !slices.Equal(cells, want[benefit]) {
			t.Errorf("benefit %d has other counters", benefit)
		}
	})
}
