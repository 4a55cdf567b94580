package snapshot

import (
	"errors"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// closedSoFar are the counts in a closed day's file. One that is damaged holds up no
// snapshot: it is set aside, and the day made again from what is older, as far as that
// goes. The sums of all time have what is missing then.
func (j *snapshotJob) closedSoFar(closed format.ClosedDay) (dayTables, error) {
	tables := newDayTables(j.store.Kinds())
	damage := tables.addClosed(j.directory, j.store.Kinds(), closed)
	if damage == nil {
		return tables, nil
	}
	if !recovery.IsDamage(damage) && !errors.Is(damage, format.ErrVersion) {
		return nil, damage
	}
	rebuilt, err := j.rebuilt(closed)
	if err != nil {
		return nil, errors.Join(damage, err)
	}
	path := recovery.DayPath(j.directory, closed)
	if err := disk.Preserve(path); err != nil {
		j.log.Warn("could not set a damaged file aside", "error", err)
	}
	j.damagedDays++
	lacks := "nothing"
	if len(rebuilt.Missing) > 0 {
		lacks = recovery.CommitsText(rebuilt.Missing)
	}
	j.log.Error("the file of a closed day is damaged: set it aside, and made the day again from older files and the journal; have the disk checked",
		"error", damage, "day", closed.Day.String(), "missing_commits", lacks)
	return dayTables(rebuilt.Counts), nil
}

// rebuilt makes a closed day again from the older snapshots and the journal.
func (j *snapshotJob) rebuilt(closed format.ClosedDay) (recovery.RebuiltDay, error) {
	files, err := disk.List(j.directory)
	if err != nil {
		return recovery.RebuiltDay{}, err
	}
	sources := recovery.Sources{
		Directory: j.directory,
		Kinds:     j.store.Kinds(),
		Snapshots: files.Snapshots,
		Journals:  files.Journals,
	}
	return sources.Rebuild(closed)
}
