package snapshot

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// ErrAnotherDay is returned when a person confirms a day that is not the clock's.
var ErrAnotherDay = errors.New("the clock shows another day")

// memoryAge is how old what is remembered of the clock may become before it is
// written again. It is well below longestStop, which is counted from there.
const memoryAge = 12 * time.Hour

// An almanac says which days are over, hidden and deleted. It is the only one who reads
// the clock for that, and asks the judge what a reading may cause. Any number of
// goroutines may use it.
type almanac struct {
	options *Options
	// began is what options.Elapsed said when the process did.
	began time.Duration

	mu    sync.Mutex
	judge *judge
	// remembering says whether snapshots have something of the clock, and renewing whether
	// one is written for the sake of that alone.
	remembering, renewing bool
	// saved is when that was last given to a snapshot, in the time that the process
	// has run, and savedDoubt whether there was a doubt then.
	saved      time.Duration
	savedDoubt bool
}

// A ruling is what the clock may cause at one moment.
type ruling struct {
	reading time.Time
	// closeBefore is the first day that stays open, hideBefore the first that retention
	// shows, and expireBefore the first that it does not delete; 0 for all days.
	closeBefore, hideBefore, expireBefore counters.Day
	// hidePassingBefore and expirePassingBefore are the same for passing kinds.
	hidePassingBefore, expirePassingBefore counters.Day
	// dueBefore would be expireBefore if the reading were certain.
	dueBefore counters.Day
	// expected is the time that there is no reason to doubt, and doubted says whether
	// the reading is.
	expected time.Time
	doubted  bool
}

// newAlmanac takes the first reading of a process that found a directory like this.
func newAlmanac(options *Options, found *recovery.State) *almanac {
	a := &almanac{options: options, began: options.Elapsed()}
	reading, remembered := a.read(), found.Loaded.Manifest.Clock
	a.renewing = options.Retention > 0 || (remembered != nil && remembered.Retention > 0)
	a.remembering = a.renewing || options.PassingRetention > 0 || remembered != nil
	switch {
	case remembered == nil:
		a.judge = newJudge(reading, inherit(options, found))
	case remembered.Retention == 0:
		a.judge = recallJudge(remembered)
		a.judge.inherit(reading, inherit(options, found))
	default:
		a.judge = recallJudge(remembered)
	}
	if remembered == nil || remembered.Retention != options.Retention {
		a.saved = -memoryAge // to be written soon
	}
	a.judge.hear(reading, a.lived(), longestStop)
	if a.judge.doubted {
		a.sayDoubt(reading)
	}
	return a
}

func inherit(options *Options, found *recovery.State) inheritance {
	days := found.Store.OpenDays()
	for _, closed := range found.Loaded.Manifest.Days {
		days = append(days, closed.Day)
	}
	return inheritance{days: days, written: found.Summary.Written, retention: options.Retention}
}

// read is a reading of the clock that is set, without what the other one says.
func (a *almanac) read() time.Time { return a.options.Now().Round(0).UTC() }

// lived is how long the process has run, by the clock that is not set.
func (a *almanac) lived() time.Duration { return a.options.Elapsed() - a.began }

// rule reads the clock and decides what that may cause.
func (a *almanac) rule() ruling {
	a.mu.Lock()
	defer a.mu.Unlock()
	reading, lived, retention := a.read(), a.lived(), a.options.Retention
	before := a.judge.doubted
	a.judge.hear(reading, lived, strayLimit)
	if a.judge.doubted != before {
		a.sayDoubt(reading)
	}
	return ruling{
		reading:      reading,
		closeBefore:  closedBefore(reading, a.options.MaxEventAge),
		hideBefore:   a.judge.hideBefore(reading, lived, retention),
		expireBefore: a.judge.expireBefore(reading, lived, retention),

		hidePassingBefore:   a.judge.hideBefore(reading, lived, a.options.PassingRetention),
		expirePassingBefore: a.judge.expireBefore(reading, lived, a.options.PassingRetention),

		dueBefore: expireBefore(reading, retention),
		expected:  a.expected(),
		doubted:   a.judge.doubted,
	}
}

// sayDoubt logs that a doubt has come or gone.
func (a *almanac) sayDoubt(reading time.Time) {
	if !a.judge.doubted {
		a.options.Logger.Info("the clock is believed again", "clock", reading.Format(time.RFC3339))
		return
	}
	a.options.Logger.Warn("the clock is ahead of the time that has passed: records without a time are dated by it, "+
		"and RETENTION takes and hides nothing more by it, until a person confirms it at the admin address or seven days have passed",
		"clock", reading.Format(time.RFC3339), "expected", a.expected().Format(time.RFC3339))
}

// expected is the time that there is no reason to doubt.
func (a *almanac) expected() time.Time { return laterIfAny(a.judge.believed.origin, a.lived()) }

// instead is the time that is expected, and whether it is another one than the clock shows,
// by more than that may go astray.
func (a *almanac) instead() (at time.Time, differs bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at = a.expected()
	return at, !at.IsZero() && a.read().Sub(at).Abs() > strayLimit
}

// confirm takes the word of a person for it that the clock shows the right day.
func (a *almanac) confirm(today counters.Day) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	reading := a.read()
	if day := counters.HourOf(reading).Day(); day != today {
		return fmt.Errorf("%w: %s, not %s, in UTC", ErrAnotherDay, day, today)
	}
	a.judge.confirm(reading, a.lived())
	a.saved, a.remembering, a.renewing = a.lived()-memoryAge, true, true
	a.options.Logger.Info("the clock is confirmed by a person", "clock", reading.Format(time.RFC3339))
	return nil
}

// memory is what a snapshot is to remember of the clock, nil for nothing.
func (a *almanac) memory() *format.Clock {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.remembering {
		return nil
	}
	a.saved, a.savedDoubt = a.lived(), a.judge.doubted
	return a.judge.remember(a.saved, a.options.Retention)
}

// memoryIsDue says whether what a snapshot remembers has become too old.
func (a *almanac) memoryIsDue() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.renewing && (a.lived()-a.saved >= memoryAge || a.judge.doubted != a.savedDoubt)
}
