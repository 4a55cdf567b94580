package counters

import "fmt"

// A Numbering has the numbers that one store gives to what another one numbers, by the
// other's numbers.
type Numbering struct {
	Benefits []Benefit
	Events   []EventType // by the number of the type less one
	Words    []uint16    // Detail.Word, by its own value less one
}

// Number gives the names of another store numbers in this one: of event types, those that
// it counts under, which CountedEventTypes names. It returns ErrDirectoryFull when there
// are too many.
func (s *Store) Number(benefits, events, words []string) (n Numbering, err error) {
	for _, name := range benefits {
		number, err := s.Benefits.Number([]byte(name))
		if err != nil {
			return n, fmt.Errorf("benefit %q: %w", name, err)
		}
		n.Benefits = append(n.Benefits, Benefit(number))
	}
	for _, name := range events {
		if name == "" {
			n.Events = append(n.Events, 0)
			continue
		}
		number, _, err := s.EventType([]byte(name))
		if err != nil {
			return n, fmt.Errorf("event type %q: %w", name, err)
		}
		n.Events = append(n.Events, number)
	}
	for _, name := range words {
		number, err := s.Words.Number([]byte(name))
		if err != nil {
			return n, fmt.Errorf("text %q: %w", name, err)
		}
		n.Words = append(n.Words, uint16(number+1))
	}
	return n, nil
}

// Benefit is the number of what a kind counts a benefit under.
func (n Numbering) Benefit(rule KindRule, benefit Benefit) Benefit {
	if rule.Overall {
		return benefit
	}
	return n.Benefits[benefit]
}

// Renumber gives the cells of a kind the new numbers, in place. They need not be in order
// then.
func (n Numbering) Renumber(rule KindRule, cells []Cell) {
	for i := range cells {
		key := cells[i].Key
		if !rule.Detailed {
			cells[i].Key = key.ofEvent(n.Events[key.Event()-1])
			continue
		}
		if detail := key.Detail(); detail.Word > 0 {
			detail.Word = n.Words[detail.Word-1]
			cells[i].Key = detail.Key()
		}
	}
}
