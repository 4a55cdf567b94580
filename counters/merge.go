package counters

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Foreign is what another store counted. Its benefits and event types have numbers
// of their own: those of the names in its lists. It is filled by Add, given to
// Store.Merge once, alone or with others, and belongs to one goroutine.
type Foreign struct {
	// Benefits are the names of Benefit(0) and on, Events those of EventType(1) and on.
	// The bytes must stay as they are until it is merged.
	Benefits, Events [][]byte
	// Marks are those of the batches.
	Marks []Mark

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

// Merge adds what other stores counted, as one batch: it is in the next delta, whole,
// and counts as records do, also where they make counters beyond the limits. Names
// get numbers of this store. It returns ErrShut after Shut, ErrDirectoryFull for names
// that no Key can number, and ErrImpossibleCounts for counts too large to be any. The
// note, if it is not empty, becomes one of the delta's: what must be durable exactly if
// these counts are. The ticket is nil where there is neither a count, a mark nor a note.
func (s *Store) Merge(note []byte, foreign ...*Foreign) (*Ticket, error) {
	spans, err := s.spansOf(foreign)
	if err != nil {
		return nil, err
	}
	s.gate.RLock()
	marks := mergedMarks(foreign)
	if s.shut || len(spans) == 0 && len(note) == 0 && len(marks) == 0 {
		return nil, s.turnAway()
	}
	for _, span := range spans {
		intake := &s.shards[span.shard].intake
		intake.Lock()
		intake.active.merged = append(intake.active.merged, span)
		intake.Unlock()
	}
	if len(note) > 0 {
		s.notes.add(note)
	}
	if len(marks) > 0 {
		s.marks.add(marks...)
	}
	return s.taken(), nil
}

// mergedMarks are marks that other stores tell of.
func mergedMarks(foreign []*Foreign) (marks []Mark) {
	for _, f := range foreign {
		for _, mark := range f.Marks {
			mark.Merged = true
			marks = append(marks, mark)
		}
	}
	return marks
}

// notes are those of the next delta. They are added behind the gate.
type notes struct {
	mu   sync.Mutex
	list [][]byte
}

func (n *notes) add(note []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, note)
}

func (n *notes) take() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.list
	n.list = nil
	return taken
}

// spansOf gives what other stores counted this store's numbers and the order of a
// Delta. What several of them count alike is added up before it meets a table: a
// counter that is sorted next to its like is cheaper than one that is looked up.
func (s *Store) spansOf(foreign []*Foreign) ([]Span, error) {
	var runs []mergedRun
	entries := make([]Entry, 0, cellsOf(foreign))
	for _, f := range foreign {
		benefits, events, err := s.numbersOf(f)
		if err != nil {
			return nil, err
		}
		for _, run := range f.runs {
			start, benefit := len(entries), benefits[run.benefit]
			entries = appendEntries(entries, benefit, events, f.cells[run.start:run.end])
			runs = append(runs, mergedRun{run.hour, s.shardOf(benefit), benefit, entries[start:len(entries):len(entries)]})
		}
	}
	slices.SortStableFunc(runs, func(a, b mergedRun) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.hour, b.hour), cmp.Compare(a.benefit, b.benefit))
	})
	var spans []Span
	gathered := make([]Entry, 0, len(entries))
	var scratch []Entry
	for len(runs) > 0 {
		hour, shard, start := runs[0].hour, runs[0].shard, len(gathered)
		for len(runs) > 0 && runs[0].hour == hour && runs[0].shard == shard {
			gathered = append(gathered, runs[0].entries...)
			runs = runs[1:]
		}
		var ordered []Entry
		ordered, scratch = inOrder(gathered[start:len(gathered):len(gathered)], scratch)
		if err := checkSums(ordered); err != nil {
			return nil, err
		}
		spans = append(spans, Span{Hour: hour, Entries: ordered, Merged: true, shard: shard})
	}
	return spans, nil
}

// mergedRun is what one store counted for a benefit in an hour.
type mergedRun struct {
	hour    Hour
	shard   int
	benefit Benefit
	entries []Entry
}

func cellsOf(foreign []*Foreign) (cells int) {
	for _, f := range foreign {
		cells += len(f.cells)
	}
	return cells
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
		number, _, err := s.EventType(name)
		if err != nil {
			return nil, nil, fmt.Errorf("event type %q: %w", name, err)
		}
		events = append(events, number)
	}
	return benefits, events, nil
}

func appendEntries(dst []Entry, benefit Benefit, events []EventType, cells []Cell) []Entry {
	for _, cell := range cells {
		dst = append(dst, Entry{newIncrement(benefit, cell.Key.ofEvent(events[cell.Key.Event()])), cell.Count})
	}
	return dst
}

// checkSums makes sure that what is named several times does not add up to more than
// can be read back.
func checkSums(entries []Entry) error {
	for _, entry := range entries {
		if entry.Count > maxCount {
			return fmt.Errorf("%w: count %d", ErrImpossibleCounts, entry.Count)
		}
	}
	return nil
}
