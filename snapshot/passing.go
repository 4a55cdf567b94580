package snapshot

import (
	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// dropPassing empties the tables of passing kinds.
func (d dayTables) dropPassing(kinds counters.Kinds) {
	for _, rule := range kinds {
		if rule.Passing {
			d[rule.Kind] = newTable()
		}
	}
}

// dropPassing has the closed days of a list that are older than passing kinds are kept
// written again without these. A file does not say in few bytes what it has, so each is
// looked at once by a process. What cannot be read is left to the next one: it must not
// hold up a snapshot.
func (j *snapshotJob) dropPassing(closed *format.Manifest) {
	until, written := j.ruling.expirePassingBefore, 0
	for i, day := range closed.Days {
		if day.Day < j.passed || day.Day >= until || day.Generation == j.header.Sequence || !j.hasPassing(day) {
			continue
		}
		if len(j.closing)+written >= j.maxDays {
			until = day.Day
			break
		}
		without, err := j.withoutPassing(day)
		if err != nil {
			j.log.Warn("could not take the sums over visitors off a closed day; the next start tries again", "error", err, "day", day.Day.String())
			continue
		}
		closed.Days[i] = without
		written++
	}
	if written > 0 {
		j.log.Info("VISITORS_RETENTION takes the sums over visitors off closed days", "days", written, "before", until.String())
	}
	j.passed = max(j.passed, until)
}

// hasPassing says whether the file of a closed day has counts of passing kinds, or may have
// them because it cannot be read.
func (j *snapshotJob) hasPassing(closed format.ClosedDay) (has bool) {
	j.pacer.breathe()
	sink := format.DaySink{Counts: map[counters.Kind]format.CellVisitor{}}
	for _, rule := range j.store.Kinds() {
		if rule.Passing {
			sink.Counts[rule.Kind] = func(counters.Benefit, []counters.Cell) error {
				has = true
				return nil
			}
		}
	}
	err := recovery.ReadDay(recovery.DayPath(j.directory, closed), j.store.Kinds(), closed, sink)
	return has || err != nil
}

// withoutPassing writes the next generation of a closed day.
func (j *snapshotJob) withoutPassing(closed format.ClosedDay) (format.ClosedDay, error) {
	tables, err := j.closedSoFar(closed)
	if err != nil {
		return format.ClosedDay{}, err
	}
	tables.dropPassing(j.store.Kinds())
	return j.saveDay(closed.Day, tables)
}
