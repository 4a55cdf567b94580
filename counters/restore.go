package counters

import (
	"errors"
	"fmt"
)

// ErrImpossibleCounts is returned for counts from outside that no sequence of
// records can have made.
var ErrImpossibleCounts = errors.New("impossible counts")

// maxCount bounds a single count from outside: no records can have made more, and a hundred of
// them do not overflow together.
const maxCount = 1 << 56

// Restore adds counters of one benefit to a part of the base, and to no other kind.
// The base must not be frozen; several goroutines may restore at a time. It returns
// ErrImpossibleCounts for a part, a key or a count that the store cannot have made.
func (s *Store) Restore(part Part, benefit Benefit, cells []Cell) error {
	kind, err := s.check(part, benefit, cells)
	if err != nil {
		return err
	}
	if !s.kinds[kind].Detailed { // whose keys are of no event type
		s.noteCounted(eventsOf(cells))
	}
	number := s.shardOf(benefit)
	shard := &s.shards[number]
	shard.lock()
	defer shard.unlock()
	into := shard.base.at(s, number, kind, part.Day)
	into.Reserve(benefit, len(cells))
	into.AddCells(benefit, cells)
	return nil
}

// Check returns the error that Restore would, and adds nothing.
func (s *Store) Check(part Part, benefit Benefit, cells []Cell) error {
	_, err := s.check(part, benefit, cells)
	return err
}

// check returns the place of a part's kind, if counters of the part can be restored.
func (s *Store) check(part Part, benefit Benefit, cells []Cell) (kind int, err error) {
	kind, known := s.kinds.place(part.Kind)
	if !known || (part.Day == Past && !s.kinds[kind].Kept) {
		return 0, fmt.Errorf("%w: kind %d on day %d", ErrImpossibleCounts, part.Kind, part.Day)
	}
	return kind, s.checkCells(&s.kinds[kind], benefit, cells)
}

// Replay adds counted records of one benefit and hour to the base: what folding once
// did with them. The base must not be frozen. Errors are as for Restore.
func (s *Store) Replay(hour Hour, benefit Benefit, cells []Cell) error {
	if err := s.checkCells(nil, benefit, cells); err != nil {
		return err
	}
	s.noteCounted(eventsOf(cells))
	number := s.shardOf(benefit)
	shard := &s.shards[number]
	shard.lock()
	defer shard.unlock()
	var buffer [4]Entry // most runs are short, and clearing takes time too
	for len(cells) > 0 {
		n := min(len(cells), len(buffer))
		for i, cell := range cells[:n] {
			buffer[i] = Entry{newIncrement(benefit, cell.Key), cell.Count}
		}
		shard.base.addRecords(s, number, hour, buffer[:n])
		cells = cells[n:]
	}
	return nil
}

// eventsOf are the event types of counters, a bit each.
func eventsOf(cells []Cell) (events uint64) {
	for _, cell := range cells {
		events |= 1 << cell.Key.Event()
	}
	return events
}

// checkCells checks that keys, names and counts are ones that the store can hold.
func (s *Store) checkCells(rule *KindRule, benefit Benefit, cells []Cell) error {
	if rule != nil && rule.Overall && benefit == 0 {
		return checkCells(rule, max(s.Events.Len(), 1), cells) // the event type means nothing either
	}
	if int(benefit) >= s.Benefits.Len() {
		return fmt.Errorf("%w: benefit number %d of %d known", ErrImpossibleCounts, benefit, s.Benefits.Len())
	}
	return checkCells(rule, s.Events.Len(), cells)
}

// checkCells checks counters of a kind, or of records where there is no rule.
func checkCells(rule *KindRule, events int, cells []Cell) error {
	for _, cell := range cells {
		if !cell.Key.valid() || (rule != nil && !rule.valid(cell.Key)) {
			return fmt.Errorf("%w: key %#x", ErrImpossibleCounts, uint64(cell.Key))
		}
		if int(cell.Key.Event()) > events {
			return fmt.Errorf("%w: event type %d of %d known", ErrImpossibleCounts, cell.Key.Event(), events)
		}
		if cell.Count == 0 || cell.Count > maxCount {
			return fmt.Errorf("%w: count %d", ErrImpossibleCounts, cell.Count)
		}
	}
	return nil
}
