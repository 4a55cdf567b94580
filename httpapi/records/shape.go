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
	// element is the record it was learnt from. parts are its literals and the slots after
	// them, in order, and tail is the last literal.
	element []byte
	parts   []part
	tail    []byte
	base    Record // what the literals say
	id      []byte // the visitor's, if the literals say it
	event   []byte // the event type of the element, and a quote

	// lastOwn is the part after which nothing comes but what the records of a page share, -1
	// if there is none. ending is all that came after it in a record, which said what shared has. It
	// begins with what follows a number in JSON, so that it ends a number, too, as literals do.
	lastOwn int
	ending  []byte
	shared  shared

	// experiments are the last objects of experiments that were good, by turns: few differ.
	experiments [fewSets][]byte
	turn        int
	// visitor is whose record was recognised last, found where its values lie. What comes after
	// lastOwn may be that of a record before: repeat looks only for the benefit and the index.
	visitor Visitor
	found   layout
}

// shared is what the records of a page have in common, whose visitors may differ.
type shared struct {
	total, version uint16
	event          Event
}

// repeat says of a record, for which all that came after the index of an earlier one came again,
// what the parts say that come after its index.
func (s *shared) repeat(parts []part, record *Record) {
	for i := range parts {
		switch parts[i].slot {
		case slotTotal:
			record.PageTotal = s.total
		case slotVersion:
			record.Version = s.version
		case slotEvent:
			record.Event = s.event
		}
	}
}

// part is a literal and what comes after it.
type part struct {
	literal []byte
	slot    slot
}

const (
	// maxShape bounds the memory of a shape.
	maxShape = 4 << 10
	// fewSets is how many objects of experiments are known. A site has two experiments of two
	// variants.
	fewSets = 8
)

// learn takes a good record and the element it was parsed from as the one to
// compare with from now on.
func (s *shape) learn(element []byte, l layout, good Record, hashID []byte) {
	s.ready = false
	if l.irregular || l.dated || len(element) > maxShape {
		return
	}
	s.base, s.found = good, layout{}
	s.base.Benefit, s.id, s.event = nil, nil, nil
	if !l.spans[slotHash].found() {
		s.id = bytes.Clone(hashID)
	}
	s.element = append(s.element[:0], element...)
	element = s.element
	s.parts = s.parts[:0]
	for slot := range slots {
		if l.spans[slot].found() {
			s.parts = append(s.parts, part{slot: slot})
		}
	}
	slices.SortFunc(s.parts, func(a, b part) int { return l.spans[a.slot].start - l.spans[b.slot].start })
	literal := 0
	for i := range s.parts {
		at := l.spans[s.parts[i].slot]
		s.parts[i].literal, literal = element[literal:at.start], at.end
	}
	s.tail = element[literal:]
	s.lastOwn, s.ending = s.lastOwnPart(), s.ending[:0]
	if at := l.spans[slotEvent]; at.found() {
		s.event = element[at.start : at.end+1]
	}
	s.ready = l.spans[slotBenefit].found()
}

// lastOwnPart is the part of the index if only what is shared comes after it.
func (s *shape) lastOwnPart() int {
	for i := len(s.parts) - 1; i >= 0; i-- {
		switch s.parts[i].slot {
		case slotTotal, slotEvent, slotVersion:
		case slotIndex:
			return i
		default:
			return -1
		}
	}
	return -1
}

// shaped takes the record at pos if it has the shape, and returns where it ends.
func (d *Decoder) shaped(body []byte, pos int) (end int, ok bool) {
	n := len(d.Records)
	d.Records = slices.Grow(d.Records, 1)[:n+1]
	record := &d.Records[n]
	if end, ok = d.shape.match(body, pos, record, d.rules, counters.HourOf(d.now)); !ok {
		d.Records = d.Records[:n]
		return 0, false
	}
	record.Visitor = d.visit(d.shape.visitor)
	return end, true
}

// match says whether a record of this shape begins at pos, and where it ends. The record is
// written in its place, its visitor is then in s.visitor; their bytes are the body's.
func (s *shape) match(body []byte, pos int, record *Record, r *Rules, now counters.Hour) (end int, ok bool) {
	if !s.ready {
		return 0, false
	}
	*record = s.base
	record.Hour = now
	s.visitor = Visitor{HashID: s.id}
	start, own := pos, 0
	for i := range s.parts {
		part := &s.parts[i]
		if !begins(body, pos, part.literal) {
			return 0, false
		}
		pos += len(part.literal)
		if end, ok = s.value(part.slot, body, pos, record, r); !ok {
			return 0, false
		}
		s.found.spans[part.slot] = span{pos - start, end - start}
		pos = end
		if i != s.lastOwn {
			continue
		}
		if len(s.ending) > 0 && begins(body, pos, s.ending) {
			s.shared.repeat(s.parts[i+1:], record)
			return pos + len(s.ending), isGood(record, r)
		}
		own = pos
	}
	end = pos + len(s.tail)
	if !begins(body, pos, s.tail) || !isGood(record, r) {
		return 0, false
	}
	if own > 0 {
		s.ending, s.shared = append(s.ending[:0], body[own:end]...), shared{record.PageTotal, record.Version, record.Event}
	}
	return end, true
}

// isGood says whether the values of a record are good ones together.
func isGood(record *Record, r *Rules) bool {
	return record.PageTotal >= 1 && record.PageTotal <= maxPosition &&
		record.Index >= 1 && record.Index <= record.PageTotal && r.knows(record.Benefit)
}

// value reads the value of a slot at pos and returns where it ends. What must
// follow it is in the next literal, so that a longer value does not match.
func (s *shape) value(slot slot, body []byte, pos int, record *Record, r *Rules) (end int, ok bool) {
	value := 0
	switch slot {
	case slotBenefit:
		end, ok = plainText(body, pos)
		record.Benefit = body[pos:end]
	case slotHash:
		end, ok = plainText(body, pos)
		s.visitor.HashID = body[pos:end]
	case slotEvent:
		if begins(body, pos, s.event) {
			return pos + len(s.event) - 1, true
		}
		if end, ok = plainText(body, pos); ok {
			record.Event, ok = r.events[string(body[pos:end])]
		}
	case slotIndex:
		value, end, ok = plainInteger(body, pos)
		record.Index = uint16(value)
	case slotTotal:
		value, end, ok = plainInteger(body, pos)
		record.PageTotal = uint16(value)
	case slotVersion:
		value, end, ok = plainInteger(body, pos)
		record.Version = uint16(value)
	case slotExperiments:
		end, ok = s.plainExperiments(body, pos)
		s.visitor.Experiments = Experiments(body[pos:end])
	}
	return end, ok
}

// plainExperiments is plainObject, which it asks only for objects unlike the last ones.
func (s *shape) plainExperiments(body []byte, pos int) (end int, ok bool) {
	for _, known := range &s.experiments {
		if len(known) > 0 && begins(body, pos, known) {
			return pos + len(known), true
		}
	}
	if end, ok = plainObject(body, pos); ok {
		s.experiments[s.turn] = append(s.experiments[s.turn][:0], body[pos:end]...)
		s.turn = (s.turn + 1) % fewSets
		return end, true
	}
	return pos, false
}
