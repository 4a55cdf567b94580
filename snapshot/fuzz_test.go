package snapshot_test

import (
	"path/filepath"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
	"stats-recorder/snapshot/recovery"
)

// longest bounds what is fuzzed.
const longest = 4 << 10

// expectSavable requires that what was loaded can be saved and loaded again.
func expectSavable(t *testing.T, store *counters.Store, path string) {
	t.Helper()
	if !formattest.Possible(formattest.Base(store)) {
		return
	}
	if err := snapshot.SaveSnapshot(path, store); err != nil {
		t.Fatalf("save: %v", err)
	}
	again := counters.NewStore(counters.WhenDurable)
	if err := snapshot.DecodeSnapshot(path, again); err != nil {
		t.Fatalf("load what was saved: %v", err)
	}
	formattest.ExpectSame(t, again, store)
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
		formattest.SealSnapshot(sealed)
		for _, content := range [][]byte{data, sealed} {
			write(t, path, content)
			store := counters.NewStore(counters.WhenDurable)
			var err error
			formattest.ExpectModest(t, len(content), len(content)/sectionHeader, func() { err = snapshot.DecodeSnapshot(path, store) })
			if err == nil {
				expectSavable(t, store, saved)
			} else if !isOneOf(err, append(whatCanBeWrong(), format.ErrVersion)...) {
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
		formattest.SealJournal(sealed)
		for _, content := range [][]byte{data, sealed} {
			write(t, filepath.Join(directory, "journal-0000000000000001"), content)
			var loaded snapshot.Loaded
			var err error
			formattest.ExpectModest(t, len(content), 1, func() { loaded, err = snapshot.Load(directory) })
			if err == nil {
				expectSavable(t, loaded.Store, saved)
			} else if !isOneOf(err, append(whatCanBeWrong(), format.ErrVersion, recovery.ErrJournalGap)...) {
				t.Errorf("%v is not a documented error", err)
			}
		}
	})
}
