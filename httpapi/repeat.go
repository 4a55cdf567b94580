package httpapi

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// repeat recognises records that repeat the one before them. The records of a
// page say the same but for the benefit and its index, so most of a batch need
// not be parsed again: when the bytes around these two values are those of a
// record that go-json has parsed, the record says what that one said, and is
// valid JSON as that one was. BenchmarkDecode shows what it saves: about four
// fifths of the time of a batch of 30.
type repeat struct {
	ready  bool
	layout layout
	// head, middle and tail are the bytes around the two values.
	head, middle, tail []byte
	// record is the last one recognised.
	record record
}

// layout is where the two values that differ lie in an element: the text of
// benefit_id without its quotes, the digits of benefit_index.
type layout struct {
	benefit, index span
	// irregular is set when a name occurs twice or has an escape.
	irregular bool
}

type span struct{ start, end int }

func (s span) found() bool { return s.end > s.start }

func (r *repeat) forget() { r.ready = false }

// learn takes a good record and the element it was parsed from as the one to
// recognise from now on. It returns the benefit's bytes in a place that stays.
func (r *repeat) learn(element []byte, l layout, good record) []byte {
	r.ready = false
	if l.irregular || !l.benefit.found() || !bytes.Equal(element[l.benefit.start:l.benefit.end], good.benefit) {
		return bytes.Clone(good.benefit)
	}
	benefit := element[l.benefit.start:l.benefit.end]
	if !l.index.found() {
		return benefit
	}
	first, second := l.benefit, l.index
	if first.start > second.start {
		first, second = second, first
	}
	r.head, r.middle, r.tail = element[:first.start], element[first.end:second.start], element[second.end:]
	r.layout, r.record, r.ready = l, good, true
	return benefit
}

// match says whether a record that repeats the last one begins at pos, and
// where it ends. The record is then in r.record.
func (r *repeat) match(body []byte, pos int) (end int, ok bool) {
	if !r.ready || !bytes.HasPrefix(body[pos:], r.head) {
		return 0, false
	}
	pos += len(r.head)
	benefitFirst := r.layout.benefit.start < r.layout.index.start
	if pos, ok = r.value(body, pos, benefitFirst); !ok || !bytes.HasPrefix(body[pos:], r.middle) {
		return 0, false
	}
	pos += len(r.middle)
	if pos, ok = r.value(body, pos, !benefitFirst); !ok || !bytes.HasPrefix(body[pos:], r.tail) {
		return 0, false
	}
	return pos + len(r.tail), true
}

// value reads the value that differs at pos: the benefit or else the index.
func (r *repeat) value(body []byte, pos int, benefit bool) (end int, ok bool) {
	if benefit {
		end, ok = plainText(body, pos)
		r.record.benefit = body[pos:end]
		return end, ok
	}
	value := 0
	for end = pos; end < len(body) && end < pos+4 && body[end]-'0' <= 9; end++ {
		value = value*10 + int(body[end]-'0')
	}
	r.record.index = uint16(value)
	return end, end > pos && body[pos] != '0' && value <= int(r.record.pageTotal)
}

// plainText returns where a string ends that needs no unquoting and is a good
// text. The closing quote is the first byte of what must follow. It looks at
// eight bytes at a time, because this is where most bytes of a batch that are
// not compared whole are read: see BenchmarkDecode.
func plainText(body []byte, pos int) (end int, ok bool) {
	ascii := true
	for end = pos; end+8 <= len(body); end += 8 {
		word := binary.LittleEndian.Uint64(body[end:])
		if special := specialBytes(word); special != 0 {
			first := bits.TrailingZeros64(special) / 8
			ascii = ascii && (word<<(64-8*first))&highBits == 0
			end += first
			break
		}
		ascii = ascii && word&highBits == 0
	}
	for end < len(body) && body[end] != '"' && body[end] != '\\' && body[end] >= ' ' {
		ascii = ascii && body[end] < utf8.RuneSelf
		end++
	}
	if end == len(body) || body[end] != '"' || end == pos || end > pos+maxTextBytes {
		return end, false
	}
	return end, ascii || utf8.Valid(body[pos:end])
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// specialBytes marks, with the upper bit of each byte, the first byte of a word
// that is a quote, a backslash or a control character; marks above the first
// may be wrong. (The zero-byte test of "Bit Twiddling Hacks", S. E. Anderson.)
func specialBytes(word uint64) uint64 {
	quote := word ^ eachByte*'"'
	backslash := word ^ eachByte*'\\'
	return ((quote-eachByte) & ^quote | (backslash-eachByte) & ^backslash | (word-eachByte*' ') & ^word) & highBits
}

// elementEnd returns where the array element at pos ends, by its brackets and
// quotes alone, and where in it the two values lie. It returns -1 when there
// is no end or the nesting is too deep. It judges nothing else: go-json does.
func elementEnd(body []byte, pos int) (end int, l layout) {
	w := walker{body: body, start: pos}
	return w.walk(), w.layout
}

// walker finds the end of one element.
type walker struct {
	body   []byte
	start  int
	layout layout
	depth  int
	isKey  bool   // the next string at depth 1 is a name
	key    []byte // the last name at depth 1
}

func (w *walker) walk() int {
	for i := w.start; i < len(w.body); {
		switch c := w.body[i]; c {
		case '"':
			end := stringEnd(w.body, i)
			if end < 0 || w.depth == 0 {
				return end
			}
			w.sawString(i+1, end-1)
			i = end
			continue
		case '{', '[':
			w.depth++
			w.isKey = c == '{'
			if w.depth >= maxDepth { // the array around it is one more
				return -1
			}
		case '}', ']':
			if w.depth == 0 {
				return i
			}
			if w.depth--; w.depth == 0 {
				return i + 1
			}
		case ',':
			if w.depth == 0 {
				return i
			}
			w.isKey = true
		case ' ', '\t', '\r', '\n':
			if w.depth == 0 {
				return i
			}
		default:
			if w.depth == 1 && c-'0' <= 9 && string(w.key) == "benefit_index" {
				i = w.sawDigits(i)
				continue
			}
		}
		i++
	}
	return -1
}

// sawString notes a name, or the value of benefit_id.
func (w *walker) sawString(start, end int) {
	if w.depth != 1 {
		return
	}
	if !w.isKey {
		if string(w.key) == "benefit_id" {
			w.layout.benefit = span{start - w.start, end - w.start}
		}
		return
	}
	w.isKey = false
	w.key = w.body[start:end]
	switch {
	case string(w.key) == "benefit_id":
		w.layout.irregular = w.layout.irregular || w.layout.benefit.found()
	case string(w.key) == "benefit_index":
		w.layout.irregular = w.layout.irregular || w.layout.index.found()
	case bytes.IndexByte(w.key, '\\') >= 0:
		w.layout.irregular = true
	}
}

// sawDigits notes the value of benefit_index and returns where it ends. Digits
// that are only a part of a number leave it unfound.
func (w *walker) sawDigits(pos int) int {
	end := pos
	for end < len(w.body) && w.body[end]-'0' <= 9 {
		end++
	}
	if end < len(w.body) && (w.body[end] == '.' || w.body[end] == 'e' || w.body[end] == 'E') || w.body[pos-1] == '-' {
		w.layout.irregular = true
	}
	w.layout.index = span{pos - w.start, end - w.start}
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
