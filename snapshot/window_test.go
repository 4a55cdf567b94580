package snapshot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// TestAWindowIsAddedUpOnceWhileItsDaysStayTheSame takes away the files of the days
// between the questions: whoever reads them again fails.
func TestAWindowIsAddedUpOnceWhileItsDaysStayTheSame(t *testing.T) {
	t.Parallel()
	clock := newClock()
	options := options(t.TempDir())
	options.Now = clock.now
	keeper := opened(t, options)
	day := storetest.Noon().Day()
	late := storetest.Page(4, storetest.Noon()-5*24)
	model := storetest.ModelOf(late, late)
	for range 2 { // each of an open day that is closed then
		record(t, keeper, late)
		snapshotNow(t, keeper)
	}
	queries := map[string]counters.Query{
		"positions": counters.PositionsOf(2, []counters.Hour{(day - 6).FirstHour(), (day - 1).FirstHour()}),
		"totals":    counters.EventTotals([]counters.Hour{(day - 6).FirstHour() + 3, (day - 1).FirstHour()}),
	}
	expect := func(when string, want uint64, wantErr bool) {
		t.Helper()
		for name, query := range queries {
			sum := uint64(0)
			err := keeper.History().Read(query, func(_ counters.Benefit, cells []counters.Cell) {
				for _, cell := range cells {
					sum += cell.Count
				}
			})
			if wantErr != (err != nil) || (err == nil && sum != want) {
				t.Errorf("%s, %s: %d events, %v; want %d", when, name, sum, err, want)
			}
		}
	}
	expect("closed", 8, false)
	files := map[string][]byte{}
	for _, name := range lastGenerations(t, options.Directory) {
		path := filepath.Join(options.Directory, name)
		files[path] = read(t, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	expect("asked again", 8, false)
	record(t, keeper, storetest.Page(3, storetest.Noon()))
	snapshotNow(t, keeper)
	expect("after a snapshot that closed no day", 8, false)
	record(t, keeper, storetest.Page(3, storetest.Noon()-9*24))
	snapshotNow(t, keeper)
	expect("after another day was closed", 8, false)
	record(t, keeper, late)
	expect("with what is late", 12, false)
	for path, content := range files {
		write(t, path, content)
	}
	snapshotNow(t, keeper)
	expect("closed again", 12, false)
	model.Add(late)
	model.Add(storetest.Page(3, storetest.Noon()))
	model.Add(storetest.Page(3, storetest.Noon()-9*24))
	check(t, keeper, model)
	closed(t, keeper)
}

// TestYearsPassInAMoment lives through two years of days, of which one is kept.
func TestYearsPassInAMoment(t *testing.T) {
	t.Parallel()
	clock := newClock()
	options := options(t.TempDir())
	options.Now, options.Elapsed, options.Retention = clock.now, clock.elapsed, 365*24*time.Hour
	keeper := opened(t, options)
	const step, steps = 15, 50
	model := storetest.Model{}
	for range steps {
		page := storetest.Page(3, counters.HourOf(clock.now()))
		record(t, keeper, page)
		model.Add(page)
		snapshotNow(t, keeper)
		clock.turn(step * 24 * time.Hour)
	}
	snapshotNow(t, keeper)
	kept, any := keeper.History().KeptFrom()
	if want := counters.HourOf(clock.now().Add(-options.Retention)).Day(); !any || kept != want {
		t.Errorf("days are kept from %v on, want %v", kept, want)
	}
	status, err := keeper.Status()
	if want := 365 / step; err != nil || status.ClosedDays != want || len(keeper.Store().OpenDays()) != 0 {
		t.Errorf("%d days are closed, want %d; days %v are open; %v", status.ClosedDays, want, keeper.Store().OpenDays(), err)
	}
	if got := storetest.Events(keeper.Store()); got != model.Events() {
		t.Errorf("%d events of all time, want %d", got, model.Events())
	}
	closed(t, keeper)
}

func TestASnapshotAtOnceHasAllThatWasRecordedBefore(t *testing.T) {
	t.Parallel()
	for _, durability := range []snapshot.Durability{snapshot.Always, snapshot.EverySecond, snapshot.Snapshot} {
		options := options(t.TempDir())
		options.Durability = durability
		keeper := opened(t, options)
		snapshotNow(t, keeper) // of nothing
		if saved := names(t, options.Directory, "snapshot-"); len(saved) > 0 {
			t.Errorf("durability %d: %q of nothing", durability, saved)
		}
		page := storetest.Page(5, storetest.Noon())
		record(t, keeper, page)
		snapshotNow(t, keeper)
		survivor := t.TempDir() // without a journal
		path := newest(t, options.Directory, "snapshot-")
		write(t, filepath.Join(survivor, filepath.Base(path)), read(t, path))
		loaded, err := snapshot.Load(survivor)
		if err != nil {
			t.Fatal(err)
		}
		storetest.ModelOf(page).Check(t, loaded.Store)
		closed(t, keeper)
		if err := keeper.SnapshotNow(context.Background()); !errors.Is(err, snapshot.ErrClosing) {
			t.Errorf("durability %d, closed: %v, want ErrClosing", durability, err)
		}
	}
}

func TestClosingTwiceIsClosingOnce(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	keeper := opened(t, options)
	record(t, keeper, storetest.Page(5, storetest.Noon()))
	for range 3 {
		keeper.Drain()
		closed(t, keeper)
	}
	again := opened(t, options) // the lock is not given free by those that come later
	closed(t, keeper)
	if _, err := snapshot.Open(options); err == nil {
		t.Error("a directory in use is opened")
	}
	closed(t, again)
}
