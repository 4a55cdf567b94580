package snapshot_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

const (
	// longest bounds what is fuzzed, and step what a decoder may allocate for one
	// section, beside a multiple of the input.
	longest = 4 << 10
	step    = 64 << 20
)

// counted is where a store counts.
type counted struct {
	layer   string
	day     counters.Day
	benefit string
	key     counters.Key
}

// base is all that a store has counted, by layer.
func base(store *counters.Store) map[counted]uint64 {
	counts := map[counted]uint64{}
	frozen := store.Freeze()
	defer frozen.Thaw()
	names := store.Benefits.Names()
	for number, name := range names[:frozen.Benefits] {
		add := func(layer string, day counters.Day, cells []counters.Cell) {
			for _, cell := range cells {
				counts[counted{layer, day, name, cell.Key}] = cell.Count
			}
		}
		benefit := counters.Benefit(number)
		add("past", 0, frozen.Past(benefit, nil, nil))
		for _, day := range frozen.Days() {
			add("positions", day, frozen.Positions(day, benefit, nil))
			add("hours", day, frozen.Hours(day, benefit, nil))
		}
	}
	return counts
}

// expectSavable requires that what was loaded can be saved and loaded again.
func expectSavable(t *testing.T, store *counters.Store, path string) {
	t.Helper()
	want := base(store)
	for _, count := range want {
		if count > 1<<56 {
			return // only added up from several impossible ones
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(snapshot.EncodeSnapshot(file, 1, store), file.Close()); err != nil {
		t.Fatalf("save: %v", err)
	}
	again := counters.NewStore(counters.WhenDurable)
	if err := snapshot.DecodeSnapshot(path, again); err != nil {
		t.Fatalf("load what was saved: %v", err)
	}
	if got := base(again); !maps.Equal(got, want) {
		t.Errorf("saved and loaded, the counts are %v, they were %v", got, want)
	}
	if !slices.Equal(again.Benefits.Names(), store.Benefits.Names()) || !slices.Equal(again.Events.Names(), store.Events.Names()) {
		t.Errorf("saved and loaded, the names are others")
	}
}

// expectModest requires that a function does not allocate more than a decoder
// of that many bytes and sections may.
func expectModest(t *testing.T, bytes, sections int, f func()) {
	t.Helper()
	if used, most := allocated(f), uint64(step*(sections+1)+bytes<<10); used > most {
		t.Errorf("%d bytes were allocated for %d bytes in %d sections, want at most %d", used, bytes, sections, most)
	}
}

// seeds are a snapshot and a journal of a few commits.
func seeds(f *testing.F) (savedSnapshot, savedJournal []byte) {
	f.Helper()
	h := newHistory(f, 2)
	return read(f, newest(f, h.directory, "snapshot-")), read(f, filepath.Join(h.directory, names(f, h.directory, "journal-")[0]))
}

// FuzzSnapshot reads any bytes as a snapshot, with the checksums that they have
// and with right ones.
func FuzzSnapshot(f *testing.F) {
	good, _ := seeds(f)
	f.Add(good)
	for _, section := range sections(good) {
		f.Add(with(good, section, nil))
	}
	directory := f.TempDir()
	path, saved := filepath.Join(directory, "snapshot-0000000000000002"), filepath.Join(directory, "snapshot-0000000000000001")
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		sealed := slices.Clone(data)
		snapshot.SealSnapshot(sealed)
		for _, content := range [][]byte{data, sealed} {
			write(t, path, content)
			store := counters.NewStore(counters.WhenDurable)
			var err error
			expectModest(t, len(content), len(content)/sectionHeader, func() { err = snapshot.DecodeSnapshot(path, store) })
			if err == nil {
				expectSavable(t, store, saved)
			} else if !isOneOf(err, append(whatCanBeWrong(), snapshot.ErrVersion)...) {
				t.Errorf("%v is not a documented error", err)
			}
		}
	})
}

// FuzzJournal reads any bytes as the only journal file, with the checksums that
// they have and with right ones.
func FuzzJournal(f *testing.F) {
	_, good := seeds(f)
	f.Add(good)
	f.Add(slices.Concat(good, good[journalHeader:]))
	directory, saved := f.TempDir(), filepath.Join(f.TempDir(), "snapshot-0000000000000001")
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		sealed := slices.Clone(data)
		snapshot.SealJournal(sealed)
		for _, content := range [][]byte{data, sealed} {
			write(t, filepath.Join(directory, "journal-0000000000000001"), content)
			var loaded snapshot.Loaded
			var err error
			expectModest(t, len(content), 1, func() { loaded, err = snapshot.Load(directory) })
			if err == nil {
				expectSavable(t, loaded.Store, saved)
			} else if !isOneOf(err, append(whatCanBeWrong(), snapshot.ErrVersion, snapshot.ErrJournalGap)...) {
				t.Errorf("%v is not a documented error", err)
			}
		}
	})
}

// contents are those of a snapshot's sections of one type.
func contents(f *testing.F, saved []byte, kind uint32) (all [][]byte) {
	f.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	defer decoder.Close()
	for _, section := range sections(saved) {
		if binary.LittleEndian.Uint32(saved[section.start:]) != kind {
			continue
		}
		content, err := decoder.DecodeAll(saved[section.start+sectionHeader:section.end], nil)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, content)
	}
	if len(all) == 0 {
		f.Fatalf("no section of type %d", kind)
	}
	return all
}

func FuzzNames(f *testing.F) {
	saved, _ := seeds(f)
	for _, content := range append(contents(f, saved, snapshot.SectionBenefits), contents(f, saved, snapshot.SectionEvents)...) {
		f.Add(content)
	}
	f.Add(binary.AppendUvarint(binary.AppendUvarint(nil, 1), 1<<64-1))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		directory := counters.NewDirectory(counters.MaxBenefits)
		var err error
		expectModest(t, len(content), 0, func() { err = snapshot.ReadNames(content, directory) })
		if err != nil {
			if !errors.Is(err, snapshot.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		again := counters.NewDirectory(counters.MaxBenefits)
		encoded := binary.AppendUvarint(binary.AppendUvarint(nil, 0), uint64(directory.Len()))
		for _, name := range directory.Names() {
			encoded = append(binary.AppendUvarint(encoded, uint64(len(name))), name...)
		}
		if err := snapshot.ReadNames(encoded, again); err != nil || !slices.Equal(again.Names(), directory.Names()) {
			t.Errorf("names %q, encoded and read again %q, %v", directory.Names(), again.Names(), err)
		}
	})
}

// storeWithNames knows more benefits and event types than the seeds.
func storeWithNames(t testing.TB) *counters.Store {
	store := counters.NewStore(counters.WhenDurable)
	for i := range counters.MaxEventTypes {
		storetest.Number(t, store, storetest.Record{Benefit: fmt.Sprint(i), Event: fmt.Sprint(i)})
	}
	return store
}

func FuzzColumns(f *testing.F) {
	saved, _ := seeds(f)
	for _, content := range append(contents(f, saved, snapshot.SectionPositions), contents(f, saved, snapshot.SectionHours)...) {
		f.Add(content)
	}
	path := filepath.Join(f.TempDir(), "snapshot-0000000000000001")
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		store, want := storeWithNames(t), uint64(0)
		var sum uint64
		var err error
		expectModest(t, len(content), 0, func() {
			sum, err = snapshot.ReadColumns(content, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
				for _, cell := range cells {
					want += cell.Count
				}
				return store.RestorePast(benefit, cells)
			})
		})
		if err != nil {
			if !errors.Is(err, snapshot.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		if sum != want {
			t.Errorf("the sum is %d, the counts add up to %d", sum, want)
		}
		expectSavable(t, store, path)
	})
}

func FuzzSpan(f *testing.F) {
	_, journal := seeds(f)
	for _, frame := range frames(journal) {
		for payload := frame.of(journal)[frameHeader:]; len(payload) > 0; {
			length, n := binary.Uvarint(payload[1:])
			end := 1 + n + int(length)
			if payload[0] == 3 {
				f.Add(payload[1+n : end])
			}
			payload = payload[end:]
		}
	}
	path := filepath.Join(f.TempDir(), "snapshot-0000000000000001")
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		store := storeWithNames(t)
		var err error
		expectModest(t, len(content), 0, func() { err = snapshot.ReadSpan(content, store.Replay) })
		if err != nil {
			if !errors.Is(err, snapshot.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		expectSavable(t, store, path)
	})
}
