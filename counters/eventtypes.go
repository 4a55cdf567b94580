package counters

import (
	"fmt"
	"slices"
)

// OtherEvent is the event type that records are counted under when there is no number
// left for theirs, so that totals stay right.
const OtherEvent = "__other__"

// KeepEventTypes leaves room for some event types, whatever else is counted. It is called
// before anything is, and gives them their numbers in their order: so a repair knows what
// the numbers mean where the frame that defined them is lost.
func (s *Store) KeepEventTypes(names []string) {
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	for _, name := range names {
		if !slices.Contains(s.keptEvents, name) {
			s.keptEvents = append(s.keptEvents, name)
		}
		_, _ = s.Events.Number([]byte(name)) // full is a directory in which others took all
	}
}

// GiveBackEventTypes has the numbers given back under which nothing was restored or
// replayed, but for those of some names: an earlier program gave every name of a setting
// a number. It is called once, before anything else is counted. A number that was given
// back is given again when there is no other left.
//
// So a number has one name for all that counts under it: it has another name only before
// anything does.
func (s *Store) GiveBackEventTypes(except []string) {
	var unused []uint32
	for number, name := range s.Events.Names() {
		if !s.isCounted(EventType(number+1)) && !slices.Contains(except, name) {
			unused = append(unused, uint32(number))
		}
	}
	s.Events.giveBack(unused)
}

// CountedEventTypes are the names of event types by their number less one: empty for one
// under which nothing was restored or replayed.
func (s *Store) CountedEventTypes() []string {
	names := slices.Clone(s.Events.Names())
	for number := range names {
		if !s.isCounted(EventType(number + 1)) {
			names[number] = ""
		}
	}
	return names
}

// RenameEventTypes gives event types, by their number less one, the names that they had
// when something was first counted under them. It returns ErrImpossibleCounts where
// something was already, for a number that there is not, and for a name that two would have.
// Nobody else may use the store meanwhile.
func (s *Store) RenameEventTypes(again map[uint64]string) error {
	names := slices.Clone(s.Events.Names())
	for number, name := range again {
		switch {
		case number >= uint64(len(names)):
			return fmt.Errorf("%w: event type number %d of %d is %q", ErrImpossibleCounts, number+1, len(names), name)
		case names[number] != name && s.isCounted(EventType(number+1)):
			return fmt.Errorf("%w: event type number %d is %q, and was counted as %q", ErrImpossibleCounts, number+1, name, names[number])
		}
		names[number] = name
	}
	slices.Sort(names)
	if once := slices.Compact(slices.Clone(names)); len(once) < len(names) {
		return fmt.Errorf("%w: two event types have one name in %q", ErrImpossibleCounts, names)
	}
	s.Events.rename(again)
	return nil
}

// noteCounted notes event types of restored or replayed counters, a bit each.
func (s *Store) noteCounted(events uint64) {
	if s.countedEvents.Load()&events != events {
		s.countedEvents.Or(events)
	}
}

func (s *Store) isCounted(event EventType) bool { return s.countedEvents.Load()>>event&1 == 1 }

// EventType is the number of an event type that something is counted under now. A new
// name takes a number if there is one left beside those that are kept, else it is
// counted under OtherEvent, and own is false. It returns ErrDirectoryFull when not even
// that has a number: under all of those that an earlier program gave away something counts.
func (s *Store) EventType(name []byte) (number EventType, own bool, err error) {
	if number, known := s.Events.Lookup(name); known {
		return EventType(number + 1), true, nil
	}
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	if number, known := s.Events.Lookup(name); known {
		return EventType(number + 1), true, nil
	}
	own = slices.Contains(s.keptEvents, string(name)) || s.Events.taken()+s.missingKeptEvents() < MaxEventTypes
	if !own {
		name = []byte(OtherEvent)
	}
	taken, err := s.Events.Number(name)
	return EventType(taken + 1), own, err
}

// missingKeptEvents is how many of the event types that are kept have no number.
func (s *Store) missingKeptEvents() (missing int) {
	for _, name := range s.keptEvents {
		if _, known := s.Events.Lookup([]byte(name)); !known {
			missing++
		}
	}
	return missing
}

// EventTypesLeft is how many event types that have no number may still take one.
func (s *Store) EventTypesLeft() int {
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	return max(0, MaxEventTypes-s.Events.taken()-s.missingKeptEvents())
}

// CountOtherEvents notes records whose event type has no number of its own.
func (s *Store) CountOtherEvents(records int) { s.otherEvents.Add(uint64(records)) }

// OtherEvents is how many records were counted under OtherEvent since the start.
func (s *Store) OtherEvents() uint64 { return s.otherEvents.Load() }
