package records

import (
	"bytes"
	"slices"
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
	// element is the record it was learnt from. head is what comes before the first value; parts
	// are the slots in order, each with the literal after it.
	element []byte
	head    []byte
	parts   []part
	// base is what the literals and ending say. Its hour is that of the body.
	base Record
	id   []byte // the visitor's, if the literals say it
	// idBytes is how long the last visitor's was: those of a client are all as long.
	idBytes int
	event   []byte // the event type of the element, and a quote
	named   Event  // what that is

	// lastOwn is the part after which nothing comes but what the records of a page share, -1
	// if there is none. ending is all that came after it in a record, which said what base has. It
	// begins with what follows a number in JSON, so that it ends a number, too, as literals do.
	lastOwn int
	ending  []byte
	// usual is whether the parts up to lastOwn are those of the client, in its order.
	usual bool
	// joint is ending, what came after that, and head: one comparison does for the end of a record
	// and the beginning of the next. It is empty if that is not known.
	joint []byte

	experiments sets
	found       layout // where the benefit and the index of the last record lie in it
}

// part is a value and the literal after it.
type part struct {
	slot    slot
	literal []byte
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
	s.base, s.found = good, layout{}
	s.base.Benefit, s.id, s.event, s.named = nil, nil, nil, good.Event
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
	end := len(element)
	for i := len(s.parts) - 1; i >= 0; i-- {
		at := l.spans[s.parts[i].slot]
		s.parts[i].literal, end = element[at.end:end], at.start
	}
	s.head = element[:end]
	s.surround()
	s.lastOwn, s.ending, s.joint = s.lastOwnPart(), s.ending[:0], s.joint[:0]
	s.usual = s.isUsual()
	if at := l.spans[slotEvent]; at.found() {
		s.event = element[at.start : at.end+1]
	}
	s.ready = l.spans[slotBenefit].found()
}

// surround tells the experiments between which literals they are.
func (s *shape) surround() {
	before := s.head
	for i := range s.parts {
		if s.parts[i].slot == slotExperiments {
			s.experiments.surround(before, s.parts[i].literal)
		}
		before = s.parts[i].literal
	}
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

// isUsual says whether the parts up to lastOwn are those of the client, in its order.
func (s *shape) isUsual() bool {
	return s.lastOwn == 3 && s.parts[0].slot == slotBenefit && s.parts[1].slot == slotHash && s.parts[2].slot == slotExperiments &&
		isWords(s.parts[0].literal)
}

// shaped takes the record at pos if it has the shape, and returns where it ends.
func (d *Decoder) shaped(body []byte, pos int) (end int, ok bool) {
	if s := &d.shape; s.ready && begins(body, pos, s.head) {
		end, _, ok = d.match(body, pos)
	}
	return end, ok
}

// match takes the record at pos, which begins as the shape does, if all of it has the shape. It
// returns where it ends, and where the next one begins that begins so, if the joint says that.
// The record and its visitor are written where they stay; their bytes are the body's.
func (d *Decoder) match(body []byte, start int) (end, next int, ok bool) {
	s, n, m := &d.shape, len(d.Records), len(d.Visitors)
	record, visitor := d.room()
	*record = s.base
	visitor.HashID, visitor.Experiments = s.id, nil
	if end, next, ok = s.match(body, start, record, visitor, d.rules); !ok {
		d.Records, d.Visitors = d.Records[:n], d.Visitors[:m]
		return 0, 0, false
	}
	if m > 0 && visitor.is(&d.Visitors[m-1]) {
		m--
		d.Visitors = d.Visitors[:m+1]
	}
	record.Visitor = uint32(m)
	return end, next, true
}

// room adds a record and a visitor, to be written where they stay: those that are put together
// and then copied take longer.
func (d *Decoder) room() (*Record, *Visitor) {
	d.Records = slices.Grow(d.Records, 1)[:len(d.Records)+1]
	d.Visitors = slices.Grow(d.Visitors, 1)[:len(d.Visitors)+1]
	return &d.Records[len(d.Records)-1], &d.Visitors[len(d.Visitors)-1]
}

// match reads the values of a record that begins as the shape does.
func (s *shape) match(body []byte, start int, record *Record, visitor *Visitor, r *Rules) (end, next int, ok bool) {
	pos, own := start+len(s.head), 0
	for i := range s.parts {
		part := &s.parts[i]
		value := 0
		switch part.slot {
		case slotBenefit:
			end, ok = plainText(body, pos)
			record.Benefit = body[pos:end]
			s.found.spans[slotBenefit] = span{pos - start, end - start}
		case slotHash:
			end, ok = s.idEnd(body, pos)
			visitor.HashID = body[pos:end]
		case slotEvent:
			if begins(body, pos, s.event) {
				record.Event, end, ok = s.named, pos+len(s.event)-1, true
			} else if end, ok = plainText(body, pos); ok {
				record.Event, ok = r.events[string(body[pos:end])]
			}
		case slotIndex:
			value, end, ok = plainInteger(body, pos)
			record.Index = uint16(value)
			s.found.spans[slotIndex] = span{pos - start, end - start}
		case slotTotal:
			value, end, ok = plainInteger(body, pos)
			record.PageTotal = uint16(value)
		case slotVersion:
			value, end, ok = plainInteger(body, pos)
			record.Version = uint16(value)
		case slotExperiments:
			var object span
			if object, end, ok = s.experiments.find(body, pos-len(s.experiments.before)); ok {
				visitor.Experiments, pos = Experiments(body[object.start:object.end]), end
				continue
			}
		}
		if !ok {
			return 0, 0, false
		}
		if i == s.lastOwn {
			if len(s.joint) > 0 && begins(body, end, s.joint) {
				return end + len(s.ending), end + len(s.joint) - len(s.head), isGood(record, r)
			}
			if len(s.ending) > 0 && begins(body, end, s.ending) {
				return end + len(s.ending), 0, isGood(record, r)
			}
			own = end
		}
		if !begins(body, end, part.literal) {
			return 0, 0, false
		}
		pos = end + len(part.literal)
	}
	if !isGood(record, r) {
		return 0, 0, false
	}
	if own > 0 {
		s.ending, s.joint = append(s.ending[:0], body[own:pos]...), s.joint[:0]
		s.base.PageTotal, s.base.Version, s.base.Event = record.PageTotal, record.Version, record.Event
	}
	return pos, 0, true
}

// idEnd is plainText for a visitor's, which most times is as long as that of the one before.
func (s *shape) idEnd(body []byte, pos int) (end int, ok bool) {
	if end = pos + s.idBytes; end < len(body) && body[end] == '"' && isPlain(body[pos:end]) {
		return end, true
	}
	end, ok = plainText(body, pos)
	s.idBytes = end - pos
	return end, ok
}

// isGood says whether the values of a record are good ones together.
func isGood(record *Record, r *Rules) bool {
	return record.PageTotal >= 1 && record.PageTotal <= maxPosition &&
		record.Index >= 1 && record.Index <= record.PageTotal && r.knows(record.Benefit)
}
