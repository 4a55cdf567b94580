package records

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
	ready bool
	// benefitFirst is whether the benefit comes before the index.
	benefitFirst bool
	// head, middle and tail are the bytes around the two values.
	head, middle, tail []byte
	// record is the last one recognised.
	record Record
}

func (r *repeat) forget() { r.ready = false }

// learn takes a good record and the element it was parsed from as the one to
// recognise from now on. It returns the benefit's bytes in a place that stays.
func (r *repeat) learn(element []byte, l layout, good Record) []byte {
	r.ready = false
	first, second := l.spans[slotBenefit], l.spans[slotIndex]
	if l.irregular || !first.found() || !bytes.Equal(element[first.start:first.end], good.Benefit) {
		return bytes.Clone(good.Benefit)
	}
	benefit := element[first.start:first.end]
	if !second.found() {
		return benefit
	}
	if r.benefitFirst = first.start < second.start; !r.benefitFirst {
		first, second = second, first
	}
	r.head, r.middle, r.tail = element[:first.start], element[first.end:second.start], element[second.end:]
	r.record, r.ready = good, true
	return benefit
}

// match says whether a record that repeats the last one begins at pos, and
// where it ends. The record is then in r.record.
func (r *repeat) match(body []byte, pos int) (end int, ok bool) {
	if !r.ready || !bytes.HasPrefix(body[pos:], r.head) {
		return 0, false
	}
	pos += len(r.head)
	if pos, ok = r.value(body, pos, r.benefitFirst); !ok || !bytes.HasPrefix(body[pos:], r.middle) {
		return 0, false
	}
	pos += len(r.middle)
	if pos, ok = r.value(body, pos, !r.benefitFirst); !ok || !bytes.HasPrefix(body[pos:], r.tail) {
		return 0, false
	}
	return pos + len(r.tail), true
}

// value reads the value that differs at pos: the benefit or else the index.
func (r *repeat) value(body []byte, pos int, benefit bool) (end int, ok bool) {
	if benefit {
		end, ok = plainText(body, pos)
		r.record.Benefit = body[pos:end]
		return end, ok
	}
	value, end, ok := plainInteger(body, pos)
	r.record.Index = uint16(value)
	return end, ok && value >= 1 && value <= int(r.record.PageTotal)
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
