package counters

import (
	"sync"
)

// Merge adds what other stores counted, as one batch: it is in the next delta, whole,
// and counts as records do, also where they make counters beyond the limits. Names
// get numbers of this store. It returns ErrShut after Shut, ErrDirectoryFull for names
// that no Key can number, and ErrImpossibleCounts for counts too large to be any. The
// note, if it is not empty, becomes one of the delta's: what must be durable exactly if
// these counts are. The ticket is nil where there is neither a count, a mark nor a note.
func (s *Store) Merge(note []byte, foreign ...*Foreign) (*Ticket, error) {
	defer func() {
		for _, f := range foreign {
			f.release()
		}
	}()
	spans, err := s.enterWithSpansOf(foreign)
	if err != nil {
		return nil, err
	}
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

// enterWithSpansOf gives what other stores counted this store's numbers, and returns with the
// gate held for reading, behind which these stay right. The gate is not held if it fails.
func (s *Store) enterWithSpansOf(foreign []*Foreign) ([]Span, error) {
	for {
		seen := s.renumbered.Load()
		spans, err := s.spansOf(foreign)
		if err != nil {
			return nil, err
		}
		s.gate.RLock()
		if seen == s.renumbered.Load() {
			return spans, nil
		}
		s.gate.RUnlock()
	}
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
