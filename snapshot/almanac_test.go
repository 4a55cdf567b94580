package snapshot_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

// TestNothingThatASaneClockKeepsIsLost lives through years with files: the clock jumps
// while a keeper runs and between two, records come or do not, RETENTION is raised,
// lowered and taken away, and old documents are imported. Whenever the clock is right,
// every count is in its window that a clock which was never wrong would have kept.
func TestNothingThatASaneClockKeepsIsLost(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 2 {
		w := newWorld(t, random)
		for range 11 {
			for range 4 {
				w.step()
			}
			w.jump(0)
			w.check()
			w.jump(w.before)
		}
		w.jump(0)
		for range 4 {
			w.live(4 * day)
			snapshotNow(t, w.keeper)
		}
		w.check()
		w.checkExpired()
		closed(t, w.keeper)
	}
}

// world has a keeper, a clock that may be wrong, and the truth.
type world struct {
	t       *testing.T
	random  *rand.Rand
	options snapshot.Options
	keeper  *snapshot.Keeper

	truth, reading, lived atomic.Int64 // milliseconds
	ahead                 time.Duration
	before                time.Duration // how far ahead the clock was before it was set right for a check
	wrong                 time.Duration // how long it has been ahead, in time that keepers have run

	// there are the counts that were recorded, by the day that they are dated, and due
	// those of them that a clock which is right would have kept.
	there, due map[counters.Day]uint64
}

func newWorld(t *testing.T, random *rand.Rand) *world {
	w := &world{t: t, random: random, options: options(t.TempDir()), there: map[counters.Day]uint64{}, due: map[counters.Day]uint64{}}
	w.options.Durability, w.options.MaxEventAge, w.options.Retention = snapshot.Snapshot, 0, 30*day
	w.options.PassingRetention = time.Duration(random.IntN(2)) * 60 * day
	w.options.Now = func() time.Time { return time.UnixMilli(w.reading.Load()) }
	w.options.Elapsed = func() time.Duration { return time.Duration(w.lived.Load()) * time.Millisecond }
	w.truth.Store(noon().UnixMilli())
	w.jump(anyAhead(random, noon()))
	if random.IntN(2) == 0 {
		w.importDocuments()
	}
	w.keeper = opened(t, w.options)
	return w
}

func (w *world) now() time.Time { return time.UnixMilli(w.truth.Load()).UTC() }

// jump sets the clock.
func (w *world) jump(ahead time.Duration) {
	w.before, w.ahead = w.ahead, ahead
	w.reading.Store(w.truth.Load() + ahead.Milliseconds())
}

// pass lets time pass, and forgets what a clock that is right would delete.
func (w *world) pass(length time.Duration) {
	w.reading.Add(length.Milliseconds())
	w.truth.Add(length.Milliseconds())
	w.forget()
}

func (w *world) forget() {
	if w.options.Retention > 0 {
		maps.DeleteFunc(w.due, func(at counters.Day, _ uint64) bool { return at < kept(w.now(), w.options.Retention) })
	}
}

// live lets the keeper run, with a clock that is not ahead for too long.
func (w *world) live(length time.Duration) {
	if w.ahead > time.Hour && w.wrong+length >= 6*day {
		w.jump(0)
		snapshotNow(w.t, w.keeper)
	}
	w.wrong += length
	if w.ahead <= time.Hour {
		w.wrong = 0
	}
	w.lived.Add(length.Milliseconds())
	w.pass(length)
}

func (w *world) count(at counters.Day) {
	w.there[at]++
	w.due[at]++
	w.forget()
}

func (w *world) step() {
	switch w.random.IntN(8) {
	case 0:
		w.jump(anyAhead(w.random, w.now()))
	case 1:
		closed(w.t, w.keeper)
		w.pass(time.Duration(w.random.Int64N(int64(3 * day))))
		if w.random.IntN(4) == 0 {
			w.pass(time.Duration(w.random.Int64N(int64(100 * day))))
		}
		w.options.Retention = []time.Duration{0, 30 * day, 100 * day, 400 * day}[w.random.IntN(4)]
		w.forget()
		if w.random.IntN(2) == 0 {
			w.jump(anyAhead(w.random, w.now()))
		}
		if w.random.IntN(2) == 0 {
			w.importDocuments()
		}
		w.keeper = opened(w.t, w.options)
	default:
		longest := 20 * day
		if w.ahead > time.Hour {
			longest = 5 * day
		}
		w.live(time.Duration(w.random.Int64N(int64(longest))))
	}
	if w.random.IntN(3) > 0 {
		hour := counters.HourOf(w.options.Now())
		record(w.t, w.keeper, []storetest.Record{storetest.Shown("rsa", 2, 1, hour)})
		w.count(hour.Day())
	}
	if w.random.IntN(2) == 0 {
		snapshotNow(w.t, w.keeper)
	}
}

// importDocuments imports a few of the last years, and of the edges of time.
func (w *world) importDocuments() {
	session, err := snapshot.OpenImport(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	err = session.Add(func(store *counters.Store) error {
		for range 1 + w.random.IntN(5) {
			at := counters.HourOf(w.now().Add(-time.Duration(w.random.Int64N(int64(800 * day)))))
			if w.random.IntN(5) == 0 {
				at = []counters.Hour{5, counters.HourOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))}[w.random.IntN(2)]
			}
			benefit, key := storetest.Number(w.t, store, storetest.Shown("apl", 2, 2, at))
			if err := store.Replay(at, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				return err
			}
			w.count(at.Day())
		}
		return nil
	})
	if err == nil {
		err = session.Commit(snapshot.Imports{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := session.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// check requires that what is due is shown, and nothing twice.
func (w *world) check() {
	w.t.Helper()
	snapshotNow(w.t, w.keeper)
	history := w.keeper.History()
	from, _ := history.KeptFrom()
	shown := map[counters.Day]uint64{}
	days := slices.Sorted(maps.Keys(w.there))
	var bounds []counters.Hour
	for _, at := range days {
		if count := len(bounds); count == 0 || bounds[count-1] < at.FirstHour() {
			bounds = append(bounds, at.FirstHour())
		}
		bounds = append(bounds, at.FirstHour()+24)
	}
	if len(bounds) == 0 {
		return
	}
	err := history.Read(counters.EventTotals(bounds), func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			shown[bounds[cell.Key.Place()].Day()] += cell.Count
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, at := range days {
		if due := w.due[at]; due > 0 && (shown[at] < due || from > at) {
			w.t.Fatalf("at %v, RETENTION %v: day %v has %d counts and windows begin at %v, want %d", w.now(), w.options.Retention, at, shown[at], from, due)
		}
		if shown[at] > w.there[at] {
			w.t.Fatalf("day %v has %d counts, %d were recorded", at, shown[at], w.there[at])
		}
	}
}

// checkExpired requires that what a clock which is right deletes is gone.
func (w *world) checkExpired() {
	w.t.Helper()
	status, err := w.keeper.Status()
	if err != nil || status.ClockDoubted || status.HeldDays > 0 {
		w.t.Errorf("after calm weeks the clock is doubted: %t, %d days are held, %v", status.ClockDoubted, status.HeldDays, err)
	}
	first, _, any := w.keeper.History().Span()
	if retention := w.options.Retention; retention > 0 && any && first+1 < kept(w.now(), retention) {
		w.t.Errorf("there is still day %v, want none before %v", first, kept(w.now(), retention))
	}
}

// TestAnImportMakesRoomWhateverTheClockSays has it stand before all that is imported.
func TestAnImportMakesRoomWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	options.Now = func() time.Time { return time.UnixMilli(0) }
	session, err := snapshot.OpenImport(options)
	if err != nil {
		t.Fatal(err)
	}
	model := storetest.Model{}
	for n := range counters.Hour(20) {
		session.LeaveRoomFor(1)
		page := storetest.Page(3, storetest.Noon()-24*(n%15))
		model.Add(page)
		err := session.Add(func(store *counters.Store) error {
			for _, r := range page {
				benefit, key := storetest.Number(t, store, r)
				if err := store.Replay(r.Hour, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
					return err
				}
			}
			return nil
		})
		if open := session.Store().OpenDays(); err != nil || len(open) > 0 {
			t.Fatalf("days %v stay in memory, %v", open, err)
		}
	}
	if err := errors.Join(session.Commit(snapshot.Imports{}), session.Close()); err != nil {
		t.Fatal(err)
	}
	keeper := opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}

// TestADirectoryThatAWrongClockHadHiddenIsShownAgain is about the mark that earlier
// versions left: days before it were hidden for good, whatever RETENTION said later.
func TestADirectoryThatAWrongClockHadHiddenIsShownAgain(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	hidden := format.Snapshot{
		Header:   format.SnapshotHeader{Sequence: 1, Journaled: true, Written: noon()},
		Manifest: &format.Manifest{KeptFrom: storetest.Noon().Day() + 7*365},
	}
	var content bytes.Buffer
	if err := hidden.Write(&content, nil, nil); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(options.Directory, "snapshot-0000000000000001"), content.Bytes())
	for _, retention := range []time.Duration{0, 30 * day, 0} {
		options.Retention = retention
		keeper := opened(t, options)
		record(t, keeper, storetest.Page(3, storetest.Noon()))
		if from, any := keeper.History().KeptFrom(); any && from > storetest.Noon().Day() {
			t.Errorf("with RETENTION %v, windows begin at %v", retention, from)
		}
		closed(t, keeper)
	}
}
