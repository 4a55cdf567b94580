package httpapi

import (
	"sync/atomic"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// eventTypes gives the event types that records may have the numbers that they count
// under: each takes one when something is counted under it, not before, so that names
// which a setting had once take no room.
type eventTypes struct {
	store *counters.Store
	names []string
	// numbers are those by the place of the name: 0 while there is none, and with
	// notOwn for one that counts under counters.OtherEvent.
	numbers []atomic.Uint32
	// agreements grows before numbers are forgotten.
	agreements atomic.Uint64
}

const notOwn = 1 << 8

// newEventTypes is for the built-in event types, which there is always room for, and
// some more.
func newEventTypes(store *counters.Store, more []string) *eventTypes {
	store.KeepEventTypes(records.BuiltInEvents)
	names := records.EventTypes(more)
	e := &eventTypes{store: store, names: names, numbers: make([]atomic.Uint32, len(names))}
	store.WhenAgreed(e.forget)
	return e
}

// forget has the numbers asked for again.
func (e *eventTypes) forget() {
	e.agreements.Add(1)
	for i := range e.numbers {
		e.numbers[i].Store(0)
	}
}

// number is what a record of an event type counts under.
func (e *eventTypes) number(event records.Event) (counters.EventType, error) {
	if number := e.numbers[event].Load(); number != 0 && number&notOwn == 0 {
		return counters.EventType(number), nil
	}
	return e.taken(event)
}

// taken is number for an event type that may have none yet, or none of its own.
func (e *eventTypes) taken(event records.Event) (counters.EventType, error) {
	number := e.numbers[event].Load()
	if number == 0 {
		agreements := e.agreements.Load()
		taken, own, err := e.store.EventTypeOfRecords([]byte(e.names[event]))
		if err != nil {
			return 0, err
		}
		if number = uint32(taken); !own {
			number |= notOwn
		}
		e.numbers[event].Store(number)
		if e.agreements.Load() != agreements { // it may be of before the last one
			e.numbers[event].Store(0)
		}
	}
	if number&notOwn != 0 {
		e.store.CountOtherEvents(1)
	}
	return counters.EventType(number), nil
}

// homeless is how many of the event types can have no number of their own, if all are
// counted.
func (e *eventTypes) homeless() int {
	missing := 0
	for _, name := range e.names[len(records.BuiltInEvents):] {
		if _, known := e.store.Events.Lookup([]byte(name)); !known {
			missing++
		}
	}
	return max(0, missing-e.store.EventTypesLeft())
}
