package counters

import "slices"

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

// EventType is the number of an event type that something is counted under now. A new
// name takes a number if there is one left beside those that are kept, else it is
// counted under OtherEvent, and own is false. It returns ErrDirectoryFull when not even
// that has a number: an earlier program gave all of them away.
func (s *Store) EventType(name []byte) (number EventType, own bool, err error) {
	if number, known := s.Events.Lookup(name); known {
		return EventType(number + 1), true, nil
	}
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	if number, known := s.Events.Lookup(name); known {
		return EventType(number + 1), true, nil
	}
	own = slices.Contains(s.keptEvents, string(name)) || s.Events.Len()+s.missingKeptEvents() < MaxEventTypes
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
	return max(0, MaxEventTypes-s.Events.Len()-s.missingKeptEvents())
}

// CountOtherEvents notes records whose event type has no number of its own.
func (s *Store) CountOtherEvents(records int) { s.otherEvents.Add(uint64(records)) }

// OtherEvents is how many records were counted under OtherEvent since the start.
func (s *Store) OtherEvents() uint64 { return s.otherEvents.Load() }
