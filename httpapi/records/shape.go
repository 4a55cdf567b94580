package records

import (
	"bytes"
	"slices"

	"stats-recorder/counters"
)

// shape recognises records that a client makes like one before them, in this
// body or an earlier one: the same fields in the same order, other values. Its
// literals are the bytes between the values of a record that go-json has parsed;
// between them it takes plain strings, plain integers and a plain object of
// strings, whose JSON it checks itself, and their values as rules does. What is
// not plain is left to go-json. BenchmarkDecode shows what it saves: of a
// request with one record, which repeat cannot help, about two thirds.
type shape struct {
	ready bool
	// element is the record it was learnt from, order the slots in it.
	element []byte
	order   []slot
	layout  layout
	base    Record // what the literals say
	literal []byte // the visitor's id, if they say it

	// experiments is the last object of experiments that was good.
	experiments []byte
	// record and found are the last one recognised and where its values lie.
	record  Record
	visitor Visitor
	found   layout
}

// maxShape bounds the memory of a shape.
const maxShape = 4 << 10

// learn takes a good record and the element it was parsed from as the one to
// compare with from now on.
func (s *shape) learn(element []byte, l layout, good Record, hashID []byte) {
	s.ready = false
	if l.irregular || l.dated || len(element) > maxShape {
		return
	}
	s.element, s.layout, s.base = append(s.element[:0], element...), l, good
	s.order = s.order[:0]
	for slot := range slots {
		if l.spans[slot].found() {
			s.order = append(s.order, slot)
		}
	}
	slices.SortFunc(s.order, func(a, b slot) int { return l.spans[a].start - l.spans[b].start })
	s.base.Benefit = nil
	s.literal = nil
	if !l.spans[slotHash].found() {
		s.literal = bytes.Clone(hashID)
	}
	s.ready = l.spans[slotBenefit].found()
}

// match says whether a record of this shape begins at pos, and where it ends.
// The record is then in s.record, its visitor in s.visitor; their bytes are the body's.
func (s *shape) match(body []byte, pos int, r *Rules, now counters.Hour) (end int, ok bool) {
	if !s.ready {
		return 0, false
	}
	s.record, s.visitor, s.found = s.base, Visitor{HashID: s.literal}, layout{}
	s.record.Hour = now
	start, literal := pos, 0
	for _, slot := range s.order {
		known := s.layout.spans[slot]
		if !bytes.HasPrefix(body[pos:], s.element[literal:known.start]) {
			return 0, false
		}
		pos += known.start - literal
		if end, ok = s.value(slot, body, pos, r); !ok {
			return 0, false
		}
		s.found.spans[slot] = span{pos - start, end - start}
		pos, literal = end, known.end
	}
	tail := s.element[literal:]
	good := s.record.PageTotal >= 1 && s.record.PageTotal <= maxPosition &&
		s.record.Index >= 1 && s.record.Index <= s.record.PageTotal && r.knows(s.record.Benefit)
	return pos + len(tail), good && bytes.HasPrefix(body[pos:], tail)
}

// value reads the value of a slot at pos and returns where it ends. What must
// follow it is in the next literal, so that a longer value does not match.
func (s *shape) value(slot slot, body []byte, pos int, r *Rules) (end int, ok bool) {
	value := 0
	switch slot {
	case slotBenefit:
		end, ok = plainText(body, pos)
		s.record.Benefit = body[pos:end]
	case slotHash:
		end, ok = plainText(body, pos)
		s.visitor.HashID = body[pos:end]
	case slotEvent:
		if end, ok = plainText(body, pos); ok && !bytes.Equal(body[pos:end], s.text(slotEvent)) {
			s.record.Event, ok = r.events[string(body[pos:end])]
		}
	case slotIndex:
		value, end, ok = plainInteger(body, pos)
		s.record.Index = uint16(value)
	case slotTotal:
		value, end, ok = plainInteger(body, pos)
		s.record.PageTotal = uint16(value)
	case slotVersion:
		value, end, ok = plainInteger(body, pos)
		s.record.Version = uint16(value)
	case slotExperiments:
		end, ok = s.plainExperiments(body, pos)
		s.visitor.Experiments = Experiments(body[pos:end])
	}
	return end, ok
}

// plainExperiments is plainObject, which it asks only for objects unlike the last one.
func (s *shape) plainExperiments(body []byte, pos int) (end int, ok bool) {
	if len(s.experiments) > 0 && bytes.HasPrefix(body[pos:], s.experiments) {
		return pos + len(s.experiments), true
	}
	if end, ok = plainObject(body, pos); ok {
		s.experiments = append(s.experiments[:0], body[pos:end]...)
		return end, true
	}
	return pos, false
}

// text is what the record that it was learnt from has in a slot.
func (s *shape) text(slot slot) []byte {
	at := s.layout.spans[slot]
	return s.element[at.start:at.end]
}
