package counters

import (
	"cmp"
	"fmt"
	"slices"
)

// Foreign is what another store counted. Its benefits and event types have numbers
// of their own: those of the names in its lists. It is filled by Add, given to
// Store.Merge once, and belongs to one goroutine.
type Foreign struct {
	// Benefits are the names of Benefit(0) and on, Events those of EventType(1) and on.
	// The bytes must stay as they are until it is merged.
	Benefits, Events [][]byte

	runs  []foreignRun
	cells []Cell
}

// foreignRun is the part of the cells that counts for one benefit in one hour.
type foreignRun struct {
	hour       Hour
	benefit    Benefit
	start, end int
}

// Add adds counted records of one benefit and hour. It returns ErrImpossibleCounts for
// what has no name, and for counts that no records can have made.
func (f *Foreign) Add(hour Hour, benefit Benefit, cells []Cell) error {
	if int(benefit) >= len(f.Benefits) || hour.Day() > MaxDay {
		return fmt.Errorf("%w: benefit number %d of %d named, hour %d", ErrImpossibleCounts, benefit, len(f.Benefits), hour)
	}
	if err := checkCells(nil, len(f.Events), cells); err != nil {
		return err
	}
	f.cells = append(f.cells, cells...)
	if last := len(f.runs) - 1; last >= 0 && f.runs[last].hour == hour && f.runs[last].benefit == benefit {
		f.runs[last].end = len(f.cells)
		return nil
	}
	f.runs = append(f.runs, foreignRun{hour, benefit, len(f.cells) - len(cells), len(f.cells)})
	return nil
}

// Merge adds what another store counted, as one batch: it is in the next delta, whole,
// and counts as records do, also where they make counters beyond the limits. Names
// get numbers of this store. It returns ErrShut after Shut, ErrDirectoryFull for names
// that no Key can number, and ErrImpossibleCounts for counts too large to be any. The
// ticket is nil where nothing was counted.
func (s *Store) Merge(f *Foreign) (*Ticket, error) {
	spans, err := s.spansOf(f)
	if err != nil {
		return nil, err
	}
	s.gate.RLock()
	if s.shut || len(spans) == 0 {
		return nil, s.turnAway()
	}
	for _, span := range spans {
		intake := &s.shards[span.shard].intake
		intake.Lock()
		intake.active.merged = append(intake.active.merged, span)
		intake.Unlock()
	}
	return s.taken(), nil
}

// spansOf gives what another store counted this store's numbers and the order of a
// Delta: it sorts the runs, which are far fewer than the counters.
func (s *Store) spansOf(f *Foreign) ([]Span, error) {
	benefits, events, err := s.numbersOf(f)
	if err != nil {
		return nil, err
	}
	for i := range f.runs {
		f.runs[i].benefit = benefits[f.runs[i].benefit]
	}
	slices.SortFunc(f.runs, func(a, b foreignRun) int {
		return cmp.Or(cmp.Compare(s.shardOf(a.benefit), s.shardOf(b.benefit)), cmp.Compare(a.hour, b.hour), cmp.Compare(a.benefit, b.benefit))
	})
	var spans []Span
	entries := make([]Entry, 0, len(f.cells))
	for runs := f.runs; len(runs) > 0; {
		hour, shard, start := runs[0].hour, s.shardOf(runs[0].benefit), len(entries)
		for len(runs) > 0 && runs[0].hour == hour && s.shardOf(runs[0].benefit) == shard {
			entries = appendEntries(entries, runs[0].benefit, events, f.cells[runs[0].start:runs[0].end])
			runs = runs[1:]
		}
		ordered, err := inOrder(entries[start:len(entries):len(entries)])
		if err != nil {
			return nil, err
		}
		spans = append(spans, Span{Hour: hour, Entries: ordered, Merged: true, shard: shard})
	}
	return spans, nil
}

// numbersOf returns this store's numbers of the names, by their own.
func (s *Store) numbersOf(f *Foreign) (benefits []Benefit, events []EventType, err error) {
	benefits = make([]Benefit, 0, len(f.Benefits))
	for _, name := range f.Benefits {
		number, err := s.Benefits.numberWithin(name, MaxBenefits)
		if err != nil {
			return nil, nil, fmt.Errorf("benefit %q: %w", name, err)
		}
		benefits = append(benefits, Benefit(number))
	}
	events = append(events, 0) // no event type
	for _, name := range f.Events {
		number, err := s.Events.Number(name)
		if err != nil {
			return nil, nil, fmt.Errorf("event type %q: %w", name, err)
		}
		events = append(events, EventType(number+1))
	}
	return benefits, events, nil
}

func appendEntries(dst []Entry, benefit Benefit, events []EventType, cells []Cell) []Entry {
	for _, cell := range cells {
		dst = append(dst, Entry{newIncrement(benefit, cell.Key.ofEvent(events[cell.Key.Event()])), cell.Count})
	}
	return dst
}

// inOrder makes entries ones of a span: sorted, each pair once. Nearly always they
// are already, because stores number the event types in the same order. What is named
// twice must not add up to more than can be read back.
func inOrder(entries []Entry) ([]Entry, error) {
	ascending := true
	for i := 1; i < len(entries) && ascending; i++ {
		ascending = entries[i-1].increment < entries[i].increment
	}
	if ascending {
		return entries, nil
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.increment, b.increment) })
	merged := entries[:0]
	for _, entry := range entries {
		if last := len(merged) - 1; last >= 0 && merged[last].increment == entry.increment {
			if merged[last].Count += entry.Count; merged[last].Count > maxCount {
				return nil, fmt.Errorf("%w: count %d", ErrImpossibleCounts, merged[last].Count)
			}
			continue
		}
		merged = append(merged, entry)
	}
	return merged, nil
}
