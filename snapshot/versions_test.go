package snapshot_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
	"stats-recorder/snapshot/salvage"
)

// TestWhatIsOfAnUnknownVersionIsCalledThat holds that start, verify and repair never take
// it for damage, and leave it as it is.
func TestWhatIsOfAnUnknownVersionIsCalledThat(t *testing.T) {
	t.Parallel()
	page := storetest.Page(4, storetest.Noon())
	old := storetest.Page(3, storetest.Noon()-24*5)
	original := t.TempDir()
	lived(t, original, page, old)
	lived(t, original, page, old)
	original = crashedAfter(t, original, page)
	version := func(content []byte) []byte {
		binary.LittleEndian.PutUint32(content[8:], 3)
		return content
	}
	for name, test := range map[string]struct {
		kind  string
		spoil func([]byte) []byte
		// whenRead is set for what a start does not read.
		whenRead bool
	}{
		"the header of a snapshot":   {"snapshot-", version, false},
		"the header of a journal":    {"journal-", version, false},
		"the header of a closed day": {"day-", version, true},
		"a section of a snapshot":    {"snapshot-", unknownSection, false},
		"a section of a closed day":  {"day-", unknownSection, true},
		"a section of a frame":       {"journal-", unknownFrameSection, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(directory, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			path := newest(t, directory, test.kind)
			write(t, path, test.spoil(read(t, path)))
			before := files(t, directory)
			expectUnknown := func(who string, err error) {
				t.Helper()
				if !errors.Is(err, format.ErrVersion) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "--repair") {
					t.Errorf("%s says %v, want ErrVersion and %q", who, err, path)
				}
			}
			report, err := salvage.Verify(directory, counters.BuiltInKinds())
			if err != nil {
				t.Fatal(err)
			}
			expectUnknown("verify", report.Missing)
			for _, file := range report.Files {
				if strings.HasPrefix(file.State, "DAMAGED") || strings.HasPrefix(file.State, "FOREIGN") {
					t.Errorf("verify says of %q: %s", file.Path, file.State)
				}
			}
			_, err = salvage.Repair(directory, counters.BuiltInKinds(), nil, noon())
			expectUnknown("repair", err)
			if test.whenRead {
				loaded, err := snapshot.Load(directory)
				if err != nil {
					t.Fatal(err)
				}
				window := []counters.Hour{storetest.Noon() - 24*6, storetest.Noon() - 24*4}
				expectUnknown("a window", loaded.History.Read(counters.EventTotals(window), counters.VisitTotals(func(counters.Benefit, []counters.EventTotal) {})))
			} else {
				_, err = snapshot.Open(options(directory))
				expectUnknown("a start", err)
			}
			expectUntouched(t, directory, before)
		})
	}
}

// unknownSection gives the first section of a file a number that nobody has.
func unknownSection(content []byte) []byte {
	binary.LittleEndian.PutUint32(content[sections(content)[0].start:], 31)
	formattest.SealSnapshot(content)
	return content
}

// unknownFrameSection gives the first section of the first frame such a number.
func unknownFrameSection(content []byte) []byte {
	content = content[:framesEnd(content)]
	content[frames(content)[0].start+frameHeader] = 31
	formattest.SealJournal(content)
	return content
}
