package snapshot_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters/storetest"
)

// TestPassingKindsLeaveClosedDaysByTimeThatIsCertain turns the clock while a keeper runs
// and between two: what is deleted is what a clock that was never wrong would delete, and
// the counts of the day stay.
func TestPassingKindsLeaveClosedDaysByTimeThatIsCertain(t *testing.T) {
	t.Parallel()
	var lived, wrong atomic.Int64
	r := openRegistered(t)
	r.options.PassingRetention = 30 * day
	r.options.Elapsed = func() time.Duration { return time.Duration(lived.Load()) }
	r.options.Now = func() time.Time { return storetest.Noon().Time().Add(time.Duration(lived.Load() + wrong.Load())) }
	r.restart()
	noon := storetest.Noon().Day()
	expect := func(when string, want uint64, hidden bool) {
		t.Helper()
		r.snapshot()
		r.expect(when, want)
		if from := r.keeper.History().PassingKeptFrom(); hidden != (from > noon) {
			t.Errorf("%s the kinds are shown from %v on, the day is %v", when, from, noon)
		}
		totals := storetest.ModelOf([]storetest.Record{storetest.Shown("rsa", 1, 1, storetest.Noon())})
		check(t, r.keeper, totals)
	}
	r.record()
	r.register.note(noon)
	lived.Store(int64(4 * day))
	expect("after the day is closed", 1, false)
	wrong.Store(int64(1000 * day))
	expect("while the clock is years ahead", 1, false)
	r.restart()
	expect("after a start with a clock that is years ahead", 1, true)
	wrong.Store(0)
	expect("once the clock is right", 1, false)
	lived.Store(int64(20 * day))
	expect("before its time", 1, false)
	lived.Store(int64(31 * day))
	expect("after its time", 0, true)

	r.register.note(noon)
	expect("when it is closed again", 0, true)
	r.restart()
	expect("after a restart", 0, true)
	if warnings := r.keeper.Recovery().Warnings; len(warnings) > 0 {
		t.Errorf("the start warns of %q", warnings)
	}
}

// TestADayOfPassingKindsThatCannotBeReadHoldsUpNoSnapshot has the file of a day damaged
// that is to be written again.
func TestADayOfPassingKindsThatCannotBeReadHoldsUpNoSnapshot(t *testing.T) {
	t.Parallel()
	var lived atomic.Int64
	r := openRegistered(t)
	r.options.PassingRetention = 30 * day
	r.options.Elapsed = func() time.Duration { return time.Duration(lived.Load()) }
	r.options.Now = func() time.Time { return storetest.Noon().Time().Add(time.Duration(lived.Load())) }
	r.restart()
	r.record()
	r.register.note(storetest.Noon().Day())
	lived.Store(int64(10 * day))
	r.snapshot()
	path := newest(t, r.options.Directory, "day-")
	write(t, path, flipped(read(t, path), len(read(t, path))/2, 1))
	lived.Store(int64(31 * day))
	r.record()
	if err := errors.Join(r.keeper.SnapshotNow(t.Context()), r.keeper.Close()); err != nil {
		t.Error(err)
	}
}
