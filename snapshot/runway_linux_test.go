package snapshot_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// journalFile is the path of the newest journal.
func journalFile(t testing.TB, directory string) string {
	t.Helper()
	return newest(t, directory, "journal-")
}

func TestBlankBlocksAreReadyForTheNextFrames(t *testing.T) {
	t.Parallel()
	const enough = 256 << 10
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	model := storetest.ModelOf()
	for deadline := time.Now().Add(20 * time.Second); ; {
		page := storetest.Page(5, storetest.Noon())
		record(t, keeper, page)
		model.Add(page)
		content := read(t, journalFile(t, directory))
		end := framesEnd(content)
		if ahead := content[end:]; len(ahead) >= enough {
			if len(bytes.Trim(ahead, "\x00")) > 0 {
				t.Error("what is ahead of the frames is not blank")
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is ahead of the frames")
		}
	}
	survivor := t.TempDir() // as a crash leaves it, blank blocks and all
	for name, content := range files(t, directory) {
		write(t, filepath.Join(survivor, name), content)
	}
	again := opened(t, options(survivor))
	check(t, again, model)
	closed(t, again)

	closed(t, keeper)
	if content := read(t, journalFile(t, directory)); framesEnd(content) != len(content) {
		t.Errorf("a journal that is closed has %d bytes behind its frames", len(content)-framesEnd(content))
	}
}

func TestFewFramesGetNoBlankBlocks(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	for range 50 {
		record(t, keeper, storetest.Page(5, storetest.Noon()))
	}
	if content := read(t, journalFile(t, directory)); framesEnd(content) != len(content) {
		t.Errorf("a journal of %d bytes has %d bytes behind its frames", framesEnd(content), len(content)-framesEnd(content))
	}
	closed(t, keeper)
}

// TestFramesMayBeLargerThanWhatIsReadyForThem writes frames of all sizes, some of
// which reach beyond what is being made blank at the time.
func TestFramesMayBeLargerThanWhatIsReadyForThem(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	model := storetest.ModelOf()
	for _, size := range []int{1, 200000, 1, 30000, 100, 200000, 1} {
		batch := spreadRecords(size)
		record(t, keeper, batch)
		model.Add(batch)
	}
	if information, err := os.Stat(journalFile(t, directory)); err != nil || information.Size() < 1<<20 {
		t.Errorf("the journal is too small to tell anything: %v, %v", information, err)
	}
	survivor := opened(t, options(crashed(t, directory)))
	check(t, survivor, model)
	closed(t, survivor)
	check(t, keeper, model)
	closed(t, keeper)
}

// spreadRecords are so many records of different counters, which take some bytes
// each in a frame.
func spreadRecords(count int) []storetest.Record {
	records := make([]storetest.Record, count)
	for i := range records {
		total := 1000 - i%500
		records[i] = storetest.Record{
			Benefit: "benefit " + string(rune('a'+i/500%20)), Event: "show", Version: uint16(2 + i/10000),
			PageTotal: uint16(total), Index: uint16(1 + i*7919%total), Hour: storetest.Noon() - counters.Hour(i%3),
		}
	}
	return records
}
