package counters

import "slices"

// AgreeEventTypes says under which event types records may count here, beside those that are
// kept: those that all stores which tell each other have room for. Others count under
// OtherEvent before they are told, so that all stores count them alike. What is merged
// is taken as it is named. It may be called at any time, and again with more names.
func (s *Store) AgreeEventTypes(names []string) {
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	s.agreedEvents, s.hasAgreed = slices.Clone(names), true
	for _, told := range s.whenAgreed {
		told()
	}
}

// WhenAgreed has a function called whenever EventTypeOfRecords may say something else. It
// must not call the store.
func (s *Store) WhenAgreed(told func()) {
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	s.whenAgreed = append(s.whenAgreed, told)
}

// EventTypeOfRecords is EventType for records that come here.
func (s *Store) EventTypeOfRecords(name []byte) (number EventType, own bool, err error) {
	if s.maySayOfRecords(string(name)) {
		return s.EventType(name)
	}
	number, _, err = s.EventType([]byte(OtherEvent))
	return number, false, err
}

func (s *Store) maySayOfRecords(name string) bool {
	s.eventTypes.Lock()
	defer s.eventTypes.Unlock()
	return !s.hasAgreed || slices.Contains(s.agreedEvents, name) || slices.Contains(s.keptEvents, name)
}
