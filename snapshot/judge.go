package snapshot

import (
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

const (
	// strayLimit is how far a clock may go astray without being doubted: it is set by
	// a summer's hour now and then.
	strayLimit = 90 * time.Minute
	// longestStop is how much later than the last reading of one process the first of
	// the next may be without being doubted.
	longestStop = 36 * time.Hour
	// trialTime is how long a process must run with readings on one side of what was
	// known, so that they become what is known.
	trialTime = 7 * 24 * time.Hour
	// expiryDelay is how long after its time a day is deleted. It is more than
	// strayLimit, so that no day is deleted for a clock that is an hour ahead.
	expiryDelay = 2 * time.Hour
)

// A judge decides what the readings of a clock may cause. The clock is a witness: it
// may be set, start at 1970 or years ahead, for a second or for a day, and what it
// says may not cost anything that the true time would leave. So effects ask for as
// much evidence as it takes to bring things back:
//
//	closing a day    any reading: late records open it again
//	hiding a day     a reading that nothing speaks against
//	deleting a day   a time that was reached for certain
//
// Readings are compared by their origin: the reading less the time that the process has
// run by a clock that nobody sets. As long as the wall clock is right, its origin stays,
// and grows from one process to the next by the time in between. So the lowest origin
// of a week is a time that was reached for certain, unless the clock was ahead all week.
//
// A judge has no clock and no lock: it is given readings with the time that the process
// has run, which must not fall.
type judge struct {
	// known is what a week of readings agreed on, or a person confirmed.
	known level
	// believed is at least known. Beyond it, readings are doubted.
	believed level
	doubted  bool
}

// A level is an origin, and the trial of readings that say another one.
type level struct {
	origin time.Time // the zero time where none is known
	// trial is the origin on trial that is nearest to the level's, the zero time for
	// none. since is when the trial began, in the time that the process has run; it is
	// less than 0 for one of an earlier process.
	trial time.Time
	since time.Duration
}

// hear takes the origin of a reading.
func (l *level) hear(origin time.Time, lived time.Duration) {
	ahead := origin.Sub(l.origin)
	if ahead.Abs() <= strayLimit {
		l.settle(l.origin)
		return
	}
	if l.trial.IsZero() || l.trial.After(l.origin) != (ahead > 0) {
		l.trial, l.since = origin, lived
	}
	if origin.Before(l.trial) == (ahead > 0) {
		l.trial = origin // nearer
	}
	if lived-l.since >= trialTime {
		l.settle(l.trial)
	}
}

// settle makes an origin that of the level, and ends the trial.
func (l *level) settle(origin time.Time) { *l = level{origin: origin} }

// remember is what the next process needs to know.
func (l *level) remember(lived time.Duration) format.Level {
	remembered := format.Level{Time: laterIfAny(l.origin, lived)}
	if !l.trial.IsZero() {
		remembered.Trial, remembered.Lasted = laterIfAny(l.trial, lived), lived-l.since
	}
	return remembered
}

func laterIfAny(at time.Time, by time.Duration) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(by)
}

// recall is remember's way back, in a process that has just begun.
func recall(remembered format.Level) level {
	return level{origin: remembered.Time, trial: remembered.Trial, since: -remembered.Lasted}
}

// recallJudge makes a judge that goes on from what an earlier process remembered.
func recallJudge(remembered *format.Clock) *judge {
	return &judge{known: recall(remembered.Known), believed: recall(remembered.Believed)}
}

// remember is what the next process needs to know.
func (j *judge) remember(lived, retention time.Duration) *format.Clock {
	return &format.Clock{Known: j.known.remember(lived), Believed: j.believed.remember(lived), Retention: retention}
}

// hear takes a reading. It is doubted when it is later than what is believed, by more
// than the step that can be explained.
func (j *judge) hear(reading time.Time, lived, step time.Duration) {
	origin := reading.Add(-lived)
	j.known.hear(origin, lived)
	j.believed.hear(origin, lived)
	ahead := origin.Sub(j.believed.origin)
	j.doubted = ahead > step
	if ahead > 0 && !j.doubted {
		j.believed.settle(origin)
	}
}

// confirm takes a reading that a person has confirmed.
func (j *judge) confirm(reading time.Time, lived time.Duration) {
	j.known.settle(reading.Add(-lived))
	j.believed.settle(j.known.origin)
	j.doubted = false
}

// hideBefore is the first day that retention shows, 0 for all. A reading that is
// doubted hides no more than the time that has passed since there was no doubt.
func (j *judge) hideBefore(reading time.Time, lived, retention time.Duration) counters.Day {
	if retention == 0 {
		return 0
	}
	if j.doubted {
		reading = earlier(reading, laterIfAny(j.believed.origin, lived))
	}
	return keptFrom(reading, retention)
}

// expireBefore is the first day that retention does not delete, 0 for all. It is never
// later than what is hidden.
func (j *judge) expireBefore(reading time.Time, lived, retention time.Duration) counters.Day {
	certain := earlier(reading, laterIfAny(j.known.origin, lived))
	certain = earlier(certain, laterIfAny(j.believed.origin, lived))
	return expireBefore(certain, retention)
}

// expireBefore is the first day that retention does not delete at a time that is
// certain, 0 for all.
func expireBefore(certain time.Time, retention time.Duration) counters.Day {
	if retention == 0 {
		return 0
	}
	return keptFrom(certain.Add(-expiryDelay), retention)
}

// keptFrom is the first day that retention keeps at a time.
func keptFrom(at time.Time, retention time.Duration) counters.Day {
	return counters.HourOf(at.Add(-retention)).Day()
}

// closedBefore is the first day that is still open at a time: a day is closed
// once nothing more can arrive for it.
func closedBefore(now time.Time, maxEventAge time.Duration) counters.Day {
	const (
		whenUnlimited = 48 * time.Hour // later records open a day again
		grace         = 10 * time.Minute
	)
	if maxEventAge == 0 {
		maxEventAge = whenUnlimited
	}
	return counters.HourOf(now.Add(-maxEventAge - grace)).Day()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// An inheritance is what a judge finds in a directory in which nothing is remembered
// of the clock.
type inheritance struct {
	// days are those that have counts, in any order.
	days []counters.Day
	// written is the last reading of an earlier process, the zero time for none.
	written   time.Time
	retention time.Duration
}

// newJudge makes a judge of the first reading of a process.
func newJudge(reading time.Time, found inheritance) *judge {
	j := &judge{}
	if !j.inherit(reading, found) {
		j.believed.settle(found.lastSeen())
	}
	return j
}

// inherit takes the first reading of a process if the counts vouch for it or it has nothing
// to harm, and says whether it does. Without retention a reading has nothing to harm: what
// it hides of passing kinds is shown again. Nor has one in an empty directory. Neither
// makes it known: it may be the first of a clock that is years ahead.
func (j *judge) inherit(reading time.Time, found inheritance) bool {
	switch {
	case found.vouchesFor(reading):
		j.known.settle(reading)
		j.believed.settle(reading)
	case found.retention == 0 || len(found.days) == 0:
		j.believed.settle(reading)
	default:
		return false
	}
	return true
}

// vouchesFor says whether the counts speak for a reading: there are some of the days
// just before it, and a good part of all days would stay. It is how a directory from
// before clocks were judged, or one that was imported, is spared the trial. A reading
// that is years ahead finds no counts, and one whose few counts are all its own would
// delete nearly all others.
func (i inheritance) vouchesFor(reading time.Time) bool {
	const (
		recently    = 7 // days
		fewest      = 3 // of these have counts
		leastToStay = 3 // one in so many
	)
	today, kept := counters.HourOf(reading).Day(), keptFrom(reading, i.retention)
	recent, staying := map[counters.Day]bool{}, 0
	for _, day := range i.days {
		if day <= today && day+recently > today {
			recent[day] = true
		}
		if day >= kept {
			staying++
		}
	}
	return i.retention > 0 && len(recent) >= fewest && staying*leastToStay >= len(i.days)
}

// lastSeen is the last time that there is something of.
func (i inheritance) lastSeen() time.Time {
	if !i.written.IsZero() {
		return i.written
	}
	last := counters.Day(0)
	for _, day := range i.days {
		last = max(last, day)
	}
	return last.Time()
}
