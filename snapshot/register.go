package snapshot

import (
	"cmp"
	"slices"

	"stats-recorder/counters"
)

// A Register counts beside the store, in kinds to which records add nothing: what it
// tells of a day cannot be made from a journal again. A snapshot has it as it is then, and
// the file of a day when the day is closed; what came later is lost with a crash. After a
// restart the store has what snapshots had, and registers begin anew: both together are
// the day.
//
// Its methods may be called at any time. One goroutine, that which writes a snapshot, calls
// all but Changes.
type Register interface {
	// Changes grows when anything is counted.
	Changes() uint64
	// Days are the days that it counts something of, in any order.
	Days() []counters.Day
	// Close is called before the counts of a day go into a file. What it has of the day
	// does not change any more; what comes later is a part of its own.
	Close(day counters.Day)
	// Counts adds what it has of a day, closed or not, to the tables of its kinds.
	Counts(day counters.Day, table func(counters.Kind) *counters.Table)
	// Forget drops the closed parts of days, which are in files now. It is called in the
	// moment in which readers find them there, and must not take long.
	Forget(days []counters.Day)
}

// A registry is all registers of a keeper.
type registry []Register

func (r registry) changes() (sum uint64) {
	for _, register := range r {
		sum += register.Changes()
	}
	return sum
}

func (r registry) days() (days []counters.Day) {
	for _, register := range r {
		days = append(days, register.Days()...)
	}
	return days
}

func (r registry) forget(days []counters.Day) {
	for _, register := range r {
		register.Forget(days)
	}
}

// count has a frozen base tell what the registers have, too, and closes the days before
// one. What they have of benefits that came after the freeze is left out.
func (r registry) count(frozen *counters.Frozen, closeBefore counters.Day) {
	days := r.days()
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		tables := map[counters.Kind]*counters.Table{}
		for _, register := range r {
			if day < closeBefore {
				register.Close(day)
			}
			register.Counts(day, func(kind counters.Kind) *counters.Table {
				tables[kind] = cmp.Or(tables[kind], newTable())
				return tables[kind]
			})
		}
		for kind, table := range tables {
			frozen.Beside(counters.Part{Kind: kind, Day: day}, table)
		}
	}
}
