package snapshot_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// These tests are not parallel: the limit that stands in for a full disk is one
// of the whole process.

// limitFiles makes every write fail that goes beyond a size of file, the last
// bytes before it being written, until the returned function is called.
func limitFiles(t *testing.T, size int) (lift func()) {
	t.Helper()
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	limited := unlimited
	limited.Cur = uint64(size)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	lift = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		lift()
		signal.Reset(syscall.SIGXFSZ)
	})
	return lift
}

func TestRefusedRecordsAreNeverCounted(t *testing.T) {
	for name, durability := range map[string]snapshot.Durability{"always": snapshot.Always, "everysec": snapshot.EverySecond} {
		t.Run(name, func(t *testing.T) { expectRefusedNeverCounted(t, durability) })
	}
}

func expectRefusedNeverCounted(t *testing.T, durability snapshot.Durability) {
	directory := t.TempDir()
	options := options(directory)
	options.Durability = durability
	taken := storetest.Page(5, storetest.Noon())
	lived(t, directory, taken)
	keeper := opened(t, options) // that has committed nothing when the disk refuses
	model := storetest.ModelOf(taken)

	lift := limitFiles(t, framesEnd(read(t, newest(t, directory, "journal-")))+20)
	// New names, of benefits and of an event type, that are to come again later.
	refused := []storetest.Record{
		storetest.Shown("first seen too early", 3, 1, storetest.Noon()),
		{Benefit: "rsa", Event: "unheard of", Version: 2, PageTotal: 1, Index: 1, Hour: storetest.Noon() - 24},
	}
	for range 3 {
		err := recorded(keeper, storetest.Batch(t, keeper.Store(), refused))
		if !errors.Is(err, snapshot.ErrNotDurable) || !errors.Is(err, syscall.EFBIG) {
			t.Errorf("a record beyond the limit: %v, want ErrNotDurable and its cause", err)
		}
		check(t, keeper, model)
		if names := keeper.Store().Benefits.Names(); slices.Contains(names, "first seen too early") || !slices.Contains(names, taken[0].Benefit) {
			t.Errorf("the benefits are %q", names)
		}
	}
	lift()

	later := append(slices.Clone(refused), storetest.Shown("first seen in time", 3, 2, storetest.Noon()))
	record(t, keeper, later)
	model.Add(later)
	check(t, keeper, model)
	crash := options
	crash.Directory = crashed(t, directory)
	survivor := opened(t, crash)
	check(t, survivor, model)
	closed(t, survivor)
	closed(t, keeper)
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}

// inProcessOfItsOwn runs a test again in another process, and says whether this is that:
// a limit that is smaller than the files which the test tool writes would break this one.
func inProcessOfItsOwn(t *testing.T) bool {
	t.Helper()
	const variable = "STATS_RECORDER_TEST_BY_ITSELF"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), variable+"="+t.Name())
	if output, err := again.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v:\n%s", err, output)
	}
	return false
}

// TestAStartOnAFullDiskAnswersReadsAndTakesRecordsLater has not even room for the header
// of a journal.
func TestAStartOnAFullDiskAnswersReadsAndTakesRecordsLater(t *testing.T) {
	if !inProcessOfItsOwn(t) {
		return
	}
	page := storetest.Page(5, storetest.Noon())
	for name, durability := range map[string]snapshot.Durability{"always": snapshot.Always, "everysec": snapshot.EverySecond} {
		t.Run(name, func(t *testing.T) {
			options := options(t.TempDir())
			options.Durability = durability
			lived(t, options.Directory, page)
			options.Directory = crashedAfter(t, options.Directory, page)
			model := storetest.ModelOf(page, page)
			lift := limitFiles(t, 20)
			watch, logger := newWatch()
			options.Logger = logger
			keeper := opened(t, options)
			watch.wait(t, "refusing records until the disk takes them again")
			check(t, keeper, model)
			if !keeper.Refusing() {
				t.Error("it does not say that it refuses")
			}
			for range 3 {
				if err := recorded(keeper, storetest.Batch(t, keeper.Store(), page)); !errors.Is(err, snapshot.ErrNotDurable) || !errors.Is(err, syscall.EFBIG) {
					t.Errorf("a record for which there is no room: %v, want ErrNotDurable and its cause", err)
				}
				check(t, keeper, model)
			}
			lift()
			record(t, keeper, page)
			model.Add(page)
			watch.wait(t, "accepting records")
			check(t, keeper, model)
			crash := options
			crash.Directory = crashed(t, options.Directory)
			survivor := opened(t, crash)
			check(t, survivor, model)
			closed(t, survivor)
			closed(t, keeper)
			keeper = opened(t, options)
			check(t, keeper, model)
			closed(t, keeper)
		})
	}
}

// TestAStopOnADiskThatStayedFullLosesNothing has room for nothing from start to end.
func TestAStopOnADiskThatStayedFullLosesNothing(t *testing.T) {
	if !inProcessOfItsOwn(t) {
		return
	}
	page := storetest.Page(5, storetest.Noon())
	options := options(crashedAfter(t, t.TempDir(), page))
	lift := limitFiles(t, 20)
	keeper := opened(t, options)
	if err := keeper.Close(); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("closing without a snapshot says %v, want EFBIG", err)
	}
	lift()
	keeper = opened(t, options)
	check(t, keeper, storetest.ModelOf(page))
	closed(t, keeper)
}

// TestFramesAreWrittenWhereThereIsNoRoomForMore leaves room for frames, but not for
// making blocks ready for the next ones, which is tried once there are some frames.
func TestFramesAreWrittenWhereThereIsNoRoomForMore(t *testing.T) {
	const room, enough = 512 << 10, 256 << 10
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	limitFiles(t, room)
	model := storetest.ModelOf()
	for written := 0; written < enough; {
		batch := spreadRecords(2000)
		record(t, keeper, batch)
		model.Add(batch)
		before := written
		if written = framesEnd(read(t, journalFile(t, directory))); written <= before {
			t.Fatalf("the journal's frames end at %d and then at %d", before, written)
		}
	}
	check(t, keeper, model)
	survivor := opened(t, options(crashed(t, directory)))
	check(t, survivor, model)
	closed(t, survivor)
	closed(t, keeper)
}

func TestClosingSaysWhatItCouldNotSave(t *testing.T) {
	options := options(t.TempDir())
	page := storetest.Page(5, storetest.Noon())
	lived(t, options.Directory, page)
	options.Durability = snapshot.Snapshot
	keeper := opened(t, options)
	record(t, keeper, page)
	lift := limitFiles(t, fileHeader+20)
	if err := keeper.Close(); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("closing with records that no disk takes: %v, want EFBIG", err)
	}
	lift()
	keeper = opened(t, options)
	check(t, keeper, storetest.ModelOf(page))
	closed(t, keeper)
}

// TestAFailedWriteIsCutBack writes a frame of which the disk takes a part.
func TestAFailedWriteIsCutBack(t *testing.T) {
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	record(t, keeper, storetest.Page(5, storetest.Noon()))
	path := newest(t, directory, "journal-")
	end := framesEnd(read(t, path))
	lift := limitFiles(t, end+20)
	if err := recorded(keeper, storetest.Batch(t, keeper.Store(), spreadRecords(100))); !errors.Is(err, snapshot.ErrNotDurable) {
		t.Errorf("beyond the limit: %v, want ErrNotDurable", err)
	}
	if content := read(t, path); len(content) != end {
		t.Errorf("the journal has %d bytes, its frames end at %d", len(content), end)
	}
	lift()
	closed(t, keeper)
}

// TestNothingIsAcknowledgedOnceARunwayCouldNotBeSynced: what the disk could not write
// then may be a block that frames lie in.
func TestNothingIsAcknowledgedOnceARunwayCouldNotBeSynced(t *testing.T) {
	keeper := opened(t, options(t.TempDir()))
	record(t, keeper, storetest.Page(5, storetest.Noon()))
	keeper.BreakRunway(syscall.EIO)
	ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), storetest.Page(5, storetest.Noon())))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-keeper.Failed():
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("the keeper fails with %v, want EIO", err)
		}
	case <-ticket.Done():
		t.Errorf("the record is answered: %v", ticket.Wait())
	}
	if err := keeper.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closing says %v, want EIO", err)
	}
}
