package salvage

import (
	"fmt"
	"maps"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// count adds up everything that is kept, once all names are known: then no count meets
// a number that has not got its own name.
func (s *salvage) count() error {
	s.fillNames()
	for _, store := range []*counters.Store{s.store, s.covered} {
		if err := give(store.Benefits, s.benefits.list()); err != nil {
			return err
		}
		if err := give(store.Events, s.events.list()); err != nil {
			return err
		}
		if err := give(store.Words, s.words.list()); err != nil {
			return err
		}
	}
	if err := s.countBase(); err != nil {
		return err
	}
	if err := s.replay(); err != nil {
		return err
	}
	for _, day := range slices.Sorted(maps.Keys(s.adopted)) {
		if err := s.countPast(s.adopted[day]); err != nil {
			return err
		}
	}
	return nil
}

// give gives an empty directory its names.
func give(directory *counters.Directory, names []string) error {
	restore := format.NamesOf(directory)
	for number, name := range names {
		if err := restore(uint64(number), []byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// countBase counts the snapshot. What it has of a day after that was closed is in the
// file that is adopted too.
func (s *salvage) countBase() error {
	if s.Snapshot == "" {
		return nil
	}
	sink := format.RestoreInto(s.store)
	sink.Marks = recovery.RestoreKeys(s.keys)
	sink.Events = func(uint64, []byte) error { return nil } // some may have other names by now
	sink.Counts = func(part counters.Part, benefit counters.Benefit, cells []counters.Cell) error {
		if _, adopted := s.adopted[part.Day]; adopted {
			return s.covered.Restore(part, benefit, cells)
		}
		return s.store.Restore(part, benefit, cells)
	}
	_, err := recovery.ReadSnapshot(s.Snapshot, s.kinds, sink)
	return err
}

// replay adds the frames after the base, each once, and says which commits are not there.
// They are only added up, so that their order does not matter.
func (s *salvage) replay() error {
	counted := map[uint64]bool{}
	s.membership = s.base.Manifest.Membership.Clone()
	for _, path := range s.journals {
		intact, err := recovery.ReadIntact(path)
		if recovery.IsDamage(err) { // only since it was read the first time
			s.lose("%v", err)
			continue
		} else if err != nil {
			return err
		}
		for _, frame := range intact.Frames {
			if frame.Sequence <= s.base.Header.Sequence || counted[frame.Sequence] {
				continue
			}
			counted[frame.Sequence] = true
			if err := format.ReadPayload(frame.Payload, s.sink(frame.Sequence)); err != nil {
				s.lose("commit %d, at least in part: %v", frame.Sequence, err)
				continue
			}
			s.Frames++
		}
	}
	for _, missing := range (recovery.Commits{From: s.base.Header.Sequence + 1, To: s.last}).Without(counted) {
		s.lose("commits %d to %d: no good frame holds them", missing.From, missing.To)
	}
	return nil
}

// sink counts what a commit has.
func (s *salvage) sink(sequence uint64) format.FrameSink {
	known := func(uint64, []byte) error { return nil }
	return format.FrameSink{
		Note:     format.ApplyTo(&s.membership),
		Benefits: known,
		Events:   known,
		Marks:    recovery.RestoreKeys(s.keys),
		Counts: func(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
			if closed, adopted := s.adopted[hour.Day()]; adopted && sequence <= closed.Generation {
				return s.covered.Replay(hour, benefit, cells)
			}
			return s.store.Replay(hour, benefit, cells)
		},
	}
}

// countPast adds an adopted day to the sums of all time, without what the base has of it
// there already: that of the file which it lists. If that file is lost, only what is
// known to have come after it can be added.
func (s *salvage) countPast(closed format.ClosedDay) error {
	before, counted := s.base.Manifest.Find(closed.Day)
	if counted && slices.Contains(s.lost, before) {
		return s.countCovered(closed.Day)
	}
	old := map[counters.Kind]*counters.Table{}
	if counted {
		var err error
		if old, err = recovery.DayCounts(recovery.DayPath(s.directory, before), s.kinds, before); err != nil {
			return err
		}
	}
	counts, err := recovery.DayCounts(recovery.DayPath(s.directory, closed), s.kinds, closed)
	if err != nil {
		return err
	}
	return s.addToPast(func(kind counters.Kind, benefit counters.Benefit) []counters.Cell {
		cells := counts[kind].Cells(benefit, nil)
		if table := old[kind]; table != nil {
			cells = beyond(cells, table.Cells(benefit, nil))
		}
		return cells
	})
}

// countCovered adds to the sums of all time what the base and the journal have of an
// adopted day.
func (s *salvage) countCovered(day counters.Day) error {
	frozen := s.covered.Freeze()
	defer frozen.Thaw()
	return s.addToPast(func(kind counters.Kind, benefit counters.Benefit) []counters.Cell {
		return frozen.Cells(counters.Part{Kind: kind, Day: day}, benefit, nil)
	})
}

// addToPast adds counters to the past of each kind that keeps it.
func (s *salvage) addToPast(cells func(counters.Kind, counters.Benefit) []counters.Cell) error {
	for _, rule := range s.kinds {
		if !rule.Kept {
			continue
		}
		past := counters.Part{Kind: rule.Kind, Day: counters.Past}
		for benefit := range counters.Benefit(s.store.Benefits.Len()) {
			if err := s.store.Restore(past, benefit, cells(rule.Kind, benefit)); err != nil {
				return fmt.Errorf("sums of all time: %w", err)
			}
		}
	}
	return nil
}

// beyond are what cells count more than others do.
func beyond(cells, others []counters.Cell) (more []counters.Cell) {
	counted := map[counters.Key]uint64{}
	for _, cell := range others {
		counted[cell.Key] = cell.Count
	}
	for _, cell := range cells {
		if cell.Count > counted[cell.Key] {
			more = append(more, counters.Cell{Key: cell.Key, Count: cell.Count - counted[cell.Key]})
		}
	}
	return more
}
