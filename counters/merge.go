package counters

import "sync"

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
	counted, err := s.enterWithCountsOf(foreign)
	if err != nil {
		return nil, err
	}
	marks := mergedMarks(foreign)
	if s.shut || len(counted.spans) == 0 && len(note) == 0 && len(marks) == 0 {
		counted.block.release()
		return nil, s.turnAway()
	}
	for _, span := range counted.spans {
		intake := &s.shards[span.shard].intake
		intake.Lock()
		intake.active.merged = append(intake.active.merged, span)
		intake.Unlock()
	}
	s.merges.add(note, counted.block)
	if len(marks) > 0 {
		s.marks.add(marks...)
	}
	return s.taken(), nil
}

// merged is what other stores counted, with this store's numbers and in the order of a Delta.
type merged struct {
	spans []Span
	block *block // which has the entries, nil for none
}

// enterWithCountsOf gives what other stores counted this store's numbers, and returns with the
// gate held for reading, behind which these stay right. The gate is not held if it fails.
func (s *Store) enterWithCountsOf(foreign []*Foreign) (merged, error) {
	for {
		seen := s.renumbered.Load()
		counted, err := s.countsOf(foreign)
		if err != nil {
			return merged{}, err
		}
		s.gate.RLock()
		if seen == s.renumbered.Load() {
			return counted, nil
		}
		s.gate.RUnlock()
		counted.block.release()
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

// merges are what the next delta has of merges beside their spans and marks. They are added behind
// the gate.
type merges struct {
	mu     sync.Mutex
	notes  [][]byte
	blocks []*block // of the spans
}

// add adds what a merge has: a note, or an empty one, and a block, or nil.
func (m *merges) add(note []byte, of *block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(note) > 0 {
		m.notes = append(m.notes, note)
	}
	if of != nil {
		m.blocks = append(m.blocks, of)
	}
}

func (m *merges) take() (notes [][]byte, blocks []*block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	notes, blocks = m.notes, m.blocks
	m.notes, m.blocks = nil, nil
	return notes, blocks
}
