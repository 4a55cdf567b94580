package salvage

import (
	"fmt"
	"maps"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// chooseDays decides for each closed day what to go by: a later file than the base knows,
// where that may have more; the file that the base lists; or what a file that is lost can
// be made of again.
func (s *salvage) chooseDays() error {
	damage := map[format.ClosedDay]error{}
	for _, closed := range s.base.Manifest.Days {
		err := recovery.CheckDay(recovery.DayPath(s.directory, closed), s.kinds, closed)
		switch {
		case err == nil:
			s.listed = append(s.listed, closed)
		case recovery.IsDamage(err):
			s.lost = append(s.lost, closed)
			damage[closed] = err
		default:
			return err
		}
	}
	if err := s.adoptDays(); err != nil {
		return err
	}
	for _, closed := range s.lost {
		if _, adopted := s.adopted[closed.Day]; adopted {
			continue
		}
		if err := s.rebuild(closed, damage[closed]); err != nil {
			return err
		}
	}
	if s.Snapshot == "" && len(s.adopted) > 0 {
		s.lose("sums of all time of what is in none of the %d closed days", len(s.adopted))
	}
	return nil
}

// adoptDays looks for the newest good file of each day that is later than the base. Where
// the journal has every commit up to it, and the file before it is good, that is surer.
func (s *salvage) adoptDays() error {
	for _, path := range slices.Backward(s.files.Days) {
		closed := recovery.DayOf(path)
		span := recovery.Commits{From: s.base.Header.Sequence + 1, To: closed.Generation}
		before, found := s.base.Manifest.Find(closed.Day)
		_, adopted := s.adopted[closed.Day]
		switch {
		case adopted || closed.Generation < span.From || (!found && closed.Day < s.base.Manifest.KeptFrom):
		case closed.Generation > s.last || (recovery.IsMarked(s.files, path) && len(span.Without(s.seen)) > 0):
			s.drop("day %s of generation %d: nothing says that it ever counted; it may be of an import that was interrupted",
				closed.Day, closed.Generation)
		case len(span.Without(s.seen)) > 0 || (found && slices.Contains(s.lost, before)):
			if err := s.adopt(path, closed); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt takes a day's file that no snapshot need list, if it is good.
func (s *salvage) adopt(path string, closed format.ClosedDay) error {
	names, err := s.readDay(path, closed)
	if err == nil {
		if err = s.learn(names); err != nil {
			err = fmt.Errorf("file %q: %w", path, err)
		}
	}
	switch {
	case err == nil:
		closed.Bytes = disk.Sizes(path)
		s.adopted[closed.Day] = closed
	case recovery.IsDamage(err):
		s.lose("%v", err)
	default:
		return err
	}
	return nil
}

// readDay reads all of a closed day's file. It returns the names of what the file counts:
// it may list event types beside these that never came to be in a commit.
func (s *salvage) readDay(path string, closed format.ClosedDay) (*found, error) {
	names := newFound()
	// Of numbers whose names were never counted before, these are the names that hold.
	said := numbering{sequence: ofFile, renamed: map[uint64]string{}, counted: map[uint64]bool{}}
	note := map[counters.Kind]format.CellVisitor{}
	for _, rule := range s.kinds {
		note[rule.Kind] = func(benefit counters.Benefit, cells []counters.Cell) error {
			names.benefitsEnd = max(names.benefitsEnd, uint64(benefit)+1)
			if rule.Detailed { // whose keys are of an event type that means nothing
				said.end = 1
			} else {
				said.note(cells)
			}
			return nil
		}
	}
	err := recovery.ReadDay(path, s.kinds, closed, format.DaySink{
		Benefits: into(names.benefits), Events: into(said.renamed), Words: into(names.words), Counts: note, Totals: note,
	})
	maps.DeleteFunc(said.renamed, func(index uint64, _ string) bool { return !said.counted[index] })
	names.events = []numbering{said}
	return names, err
}

// rebuild makes a closed day again whose file is damaged.
func (s *salvage) rebuild(closed format.ClosedDay, damage error) error {
	sources := recovery.Sources{
		Directory: s.directory,
		Kinds:     s.kinds,
		Snapshots: s.files.Snapshots,
		Journals:  s.journals,
	}
	for _, path := range s.files.Days {
		if older := recovery.DayOf(path); older.Day == closed.Day && older.Generation < closed.Generation {
			if names, err := s.readDay(path, older); err == nil && s.isOurs(names) {
				sources.Days = append(sources.Days, path)
			}
		}
	}
	day, err := sources.Rebuild(closed)
	if err != nil {
		return err
	}
	empty := true
	for _, table := range day.Counts {
		empty = empty && table.Len() == 0
	}
	if !empty {
		s.rebuilt = append(s.rebuilt, rebuiltDay{closed.Day, day.Counts})
	}
	switch missing := recovery.CommitsText(day.Missing); {
	case missing == "":
		s.Rebuilt = append(s.Rebuilt, fmt.Sprintf("day %s, all of it: %v", closed.Day, damage))
	case empty:
		s.lose("day %s, except from the sums of all time: %v", closed.Day, damage)
	default:
		s.Rebuilt = append(s.Rebuilt, fmt.Sprintf("day %s, a part of it: %v", closed.Day, damage))
		s.lose("day %s, except from the sums of all time: what it had of commits %s", closed.Day, missing)
	}
	return nil
}
