package snapshot_test

import (
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// tally is a register of one number a day: how often the first benefit was noted.
type tally struct {
	store   *counters.Store
	open    map[counters.Day]uint64
	ended   map[counters.Day]uint64
	changed uint64
}

func (r *tally) note(day counters.Day) {
	r.open[day]++
	r.changed++
}

func (r *tally) Changes() uint64 { return r.changed }

func (r *tally) Days() (days []counters.Day) {
	for _, part := range []map[counters.Day]uint64{r.open, r.ended} {
		for day := range part {
			days = append(days, day)
		}
	}
	return days
}

func (r *tally) Close(day counters.Day) {
	r.ended[day] += r.open[day]
	delete(r.open, day)
}

func (r *tally) key() counters.Key {
	word, _ := r.store.Words.Number([]byte("a word"))
	return counters.Detail{Word: uint16(word) + 1, Field: 3}.Key()
}

func (r *tally) Counts(day counters.Day, table func(counters.Kind) *counters.Table) {
	if n := r.open[day] + r.ended[day]; n > 0 {
		table(counters.Visitors).Add(0, r.key(), n)
	}
}

func (r *tally) Forget(days []counters.Day) {
	for _, day := range days {
		delete(r.ended, day)
	}
}

// registered is a keeper with a register, whose clock a test turns.
type registered struct {
	t        *testing.T
	options  snapshot.Options
	keeper   *snapshot.Keeper
	register *tally
	ahead    atomic.Int64
}

func openRegistered(t *testing.T) *registered {
	r := &registered{t: t}
	r.options = snapshot.Options{
		Directory: t.TempDir(), SnapshotInterval: time.Hour, Durability: snapshot.Always, MaxEventAge: 48 * time.Hour,
		Now: func() time.Time { return storetest.Noon().Time().Add(time.Duration(r.ahead.Load())) },
		Registers: func(store *counters.Store) ([]snapshot.Register, error) {
			r.register = &tally{store: store, open: map[counters.Day]uint64{}, ended: map[counters.Day]uint64{}}
			return []snapshot.Register{r.register}, nil
		},
	}
	r.open()
	return r
}

func (r *registered) open() {
	r.t.Helper()
	keeper, err := snapshot.Open(r.options)
	if err != nil {
		r.t.Fatal(err)
	}
	r.keeper = keeper
	r.t.Cleanup(func() { _ = keeper.Close() })
}

func (r *registered) record() {
	r.t.Helper()
	ticket, err := r.keeper.Record(storetest.Batch(r.t, r.keeper.Store(), []storetest.Record{storetest.Shown("rsa", 1, 1, storetest.Noon())}))
	if err == nil {
		err = ticket.Wait()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *registered) snapshot() {
	r.t.Helper()
	if err := r.keeper.SnapshotNow(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *registered) restart() {
	r.t.Helper()
	if err := r.keeper.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

// expect holds what the history has of the day, without the register.
func (r *registered) expect(when string, want uint64) {
	r.t.Helper()
	day, got := storetest.Noon().Day(), uint64(0)
	query := counters.Query{
		Kind: counters.Visitors, Bounds: []counters.Hour{day.FirstHour(), (day + 1).FirstHour()},
		Project: func(_ uint32, key counters.Key) (counters.Key, bool) { return key, true },
	}
	err := r.keeper.History().Read(query, func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			if cell.Key == r.register.key() {
				got += cell.Count
			}
		}
	})
	if err != nil || got != want {
		r.t.Errorf("%s the history has %d, want %d; %v", when, got, want, err)
	}
}

func TestWhatARegisterHasIsInSnapshotsAndInTheFilesOfDays(t *testing.T) {
	t.Parallel()
	r := openRegistered(t)
	day := storetest.Noon().Day()
	r.record()
	r.register.note(day)
	r.snapshot()
	r.expect("while the register has it,", 0)
	r.restart()
	r.expect("after a restart", 1)
	r.register.note(day)
	r.register.note(day)
	r.restart()
	r.expect("after another one without a commit", 3)

	r.register.note(day)
	r.ahead.Store(int64(4 * 24 * time.Hour))
	r.snapshot()
	r.expect("after the day is closed", 4)
	if days := r.register.Days(); len(days) > 0 {
		t.Errorf("the register still has %v", days)
	}
	r.register.note(day)
	r.snapshot()
	r.expect("after it is closed again", 5)
	r.restart()
	r.expect("after a last restart", 5)
	if words := r.keeper.Store().Words.Names(); len(words) != 1 || words[0] != "a word" {
		t.Errorf("the words are %q", words)
	}
}

func TestACrashLosesOfARegisterWhatCameAfterTheLastSnapshot(t *testing.T) {
	t.Parallel()
	r := openRegistered(t)
	r.record()
	r.register.note(storetest.Noon().Day())
	r.snapshot()
	r.register.note(storetest.Noon().Day())
	r.record()
	r.options.Directory = crashed(t, r.options.Directory)
	r.open()
	r.expect("after a crash", 1)
	if sums := countsOf(r.keeper.Store()); sums != 2 {
		t.Errorf("%d records are counted, want 2", sums)
	}
}

func countsOf(store *counters.Store) (sum uint64) {
	store.Read(counters.EventTotals(nil), nil, counters.VisitTotals(func(_ counters.Benefit, totals []counters.EventTotal) {
		for _, total := range totals {
			sum += total.Count
		}
	}))
	return sum
}
