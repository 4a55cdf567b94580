package records

import "bytes"

// slot is a value that differs from record to record of one client.
type slot uint8

const (
	slotBenefit slot = iota
	slotHash
	slotEvent
	slotIndex
	slotTotal
	slotVersion
	slotExperiments
	slots
	noSlot = slots
)

// slotOf returns the slot of a field.
func slotOf(name []byte) slot {
	switch string(name) {
	case "benefit_id":
		return slotBenefit
	case "hash_id":
		return slotHash
	case "event_type":
		return slotEvent
	case "benefit_index":
		return slotIndex
	case "page_total":
		return slotTotal
	case "version":
		return slotVersion
	case "abtesting":
		return slotExperiments
	}
	return noSlot
}

// layout is where values lie in an element: the text of strings without their
// quotes, the digits of integers, the object of experiments with its brackets.
// A value of any other kind has no span.
type layout struct {
	spans [slots]span
	// irregular is set when a name occurs twice or has an escape, dated when
	// there is a created_at.
	irregular, dated bool
	// identified is set when there is a benefit_id, of any kind.
	identified bool
}

type span struct{ start, end int }

func (s span) found() bool { return s.end > s.start }

// elementEnd returns where the array element at pos ends, by its brackets and
// quotes alone, and where in it its values lie. It returns -1 when there is no
// end or the nesting is too deep. It judges nothing else: go-json does.
func elementEnd(body []byte, pos int) (end int, l layout) {
	w := walker{body: body, start: pos, slot: noSlot}
	return w.walk(), w.layout
}

// walker finds the end of one element.
type walker struct {
	body   []byte
	start  int
	layout layout
	depth  int
	isName bool // the next string at depth 1 is a name
	slot   slot // of the last name at depth 1, until its value was seen
	seen   [slots]bool
}

func (w *walker) walk() int {
	for i := w.start; i < len(w.body); {
		switch c := w.body[i]; c {
		case '"':
			end := stringEnd(w.body, i)
			if end < 0 || w.depth == 0 {
				return end
			}
			if w.depth == 1 {
				w.sawString(i+1, end-1)
			}
			i = end
			continue
		case '{', '[':
			if !w.opened(i, c == '{') {
				return -1
			}
		case '}', ']':
			if w.depth == 0 {
				return i
			}
			if w.closed(i + 1); w.depth == 0 {
				return i + 1
			}
		case ',':
			if w.depth == 0 {
				return i
			}
			w.isName, w.slot = true, noSlotAt(w.depth, w.slot)
		case ' ', '\t', '\r', '\n':
			if w.depth == 0 {
				return i
			}
		default:
			if w.depth == 1 && c-'0' <= 9 {
				i = w.sawDigits(i)
				continue
			}
		}
		i++
	}
	return -1
}

// noSlotAt forgets the slot at the comma that ends its value.
func noSlotAt(depth int, current slot) slot {
	if depth == 1 {
		return noSlot
	}
	return current
}

func (w *walker) opened(pos int, object bool) bool {
	if w.depth == 1 && w.slot == slotExperiments && object {
		w.layout.spans[slotExperiments].start = pos - w.start
	} else if w.depth == 1 {
		w.slot = noSlot
	}
	w.depth++
	w.isName = object
	return w.depth < maxDepth // the array around it is one more
}

func (w *walker) closed(end int) {
	if w.depth--; w.depth == 1 && w.slot == slotExperiments {
		w.layout.spans[slotExperiments].end = end - w.start
		w.slot = noSlot
	}
}

// sawString notes a name, or a value that is a string.
func (w *walker) sawString(start, end int) {
	if !w.isName {
		if w.slot <= slotEvent {
			w.layout.spans[w.slot] = span{start - w.start, end - w.start}
		}
		w.slot = noSlot
		return
	}
	w.isName = false
	name := w.body[start:end]
	w.slot = slotOf(name)
	switch {
	case w.slot != noSlot:
		w.layout.identified = w.layout.identified || w.slot == slotBenefit
		w.layout.irregular = w.layout.irregular || w.seen[w.slot]
		w.seen[w.slot] = true
	case bytes.IndexByte(name, '\\') >= 0:
		w.layout.irregular = true
	case string(name) == "created_at":
		w.layout.dated = true
	}
}

// sawDigits notes a value that is digits and nothing else, and returns where
// they end.
func (w *walker) sawDigits(pos int) int {
	end := pos
	for end < len(w.body) && w.body[end]-'0' <= 9 {
		end++
	}
	isPart := w.body[pos-1] == '-' || end < len(w.body) && (w.body[end] == '.' || w.body[end]|0x20 == 'e')
	if w.slot >= slotIndex && w.slot <= slotVersion && !isPart {
		w.layout.spans[w.slot] = span{pos - w.start, end - w.start}
	}
	w.slot = noSlot
	return end
}

// stringEnd returns the position after the closing quote of the string whose
// opening quote is at pos, or -1.
func stringEnd(body []byte, pos int) int {
	for i := pos + 1; i < len(body); i++ {
		switch body[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// valueEnd returns where the value at pos ends, in a body that is JSON.
func valueEnd(body []byte, pos int) int {
	depth := 0
	for i := pos; i < len(body); i++ {
		switch body[i] {
		case '"':
			if i = stringEnd(body, i) - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(body)
}
