package records

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// block is how many bytes are looked at together.
const block = 16

// begins says whether a literal stands in the body at pos, which is at most its end. Comparing is
// fastest for multiples of 64 bytes, where it has vectors and no loop whose length the processor
// must guess: so a long literal is compared in two pieces that overlap.
func begins(body []byte, pos int, literal []byte) bool {
	if len(body)-pos < len(literal) {
		return false
	}
	there := body[pos : pos+len(literal)]
	switch n := len(literal); {
	case isWords(literal):
		return sameWords(there, literal)
	case n < vector:
		return string(there) == string(literal)
	}
	whole := len(literal) &^ (vector - 1)
	return string(there[:whole]) == string(literal[:whole]) &&
		string(there[len(there)-vector:]) == string(literal[len(literal)-vector:])
}

const (
	vector = 64
	word   = 8
)

// isWords says whether a literal has one to three words, which sameWords compares.
func isWords(literal []byte) bool { return len(literal) >= word && len(literal) <= 3*word }

// sameWords says whether two texts of 8 to 24 bytes are the same. It compares words that overlap.
// Most literals between two values are of such a length, for which calling the library's
// comparison takes longer.
func sameWords(a, b []byte) bool {
	middle, last := min(word, len(a)-word), len(a)-word
	differs := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b)
	differs |= binary.LittleEndian.Uint64(a[middle:]) ^ binary.LittleEndian.Uint64(b[middle:])
	differs |= binary.LittleEndian.Uint64(a[last:]) ^ binary.LittleEndian.Uint64(b[last:])
	return differs == 0
}

// plainText returns where a string ends that needs no unquoting and is a good
// text. The closing quote is the first byte of what must follow. It looks at a block
// at a time, because this is where most bytes of a batch that are not compared whole are
// read, and because a processor cannot guess how long the next text is: see BenchmarkDecode.
func plainText(body []byte, pos int) (end int, ok bool) {
	for at := pos; len(body)-at >= block; at += block {
		b := (*[block]byte)(body[at:])
		special := specialBytes(binary.LittleEndian.Uint64(b[:])) | specialBytes(binary.LittleEndian.Uint64(b[8:]))<<8
		if special != 0 {
			end = at + bits.TrailingZeros64(special)
			if body[end] != '"' {
				break
			}
			return end, end > pos && end <= pos+maxTextBytes
		}
	}
	return anyText(body, pos)
}

// isPlain says whether a text whose length is known is a good one that needs no unquoting. Of one
// that is shorter than a word, or not ASCII, it says no.
func isPlain(text []byte) bool {
	last := len(text) - word
	if last < 0 || len(text) > maxTextBytes {
		return false
	}
	marks := specialMarks(binary.LittleEndian.Uint64(text[last:]))
	for at := 0; at < last; at += word {
		marks |= specialMarks(binary.LittleEndian.Uint64(text[at:]))
	}
	return marks == 0
}

// anyText is plainText for texts that are not ASCII, and near the end of a body.
func anyText(body []byte, pos int) (end int, ok bool) {
	for end = pos; end < len(body) && body[end] != '"' && body[end] != '\\' && body[end] >= ' '; {
		end++
	}
	if end == len(body) || body[end] != '"' || end == pos || end > pos+maxTextBytes {
		return end, false
	}
	return end, utf8.Valid(body[pos:end])
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
	gather   = 0x0002040810204081
)

// specialBytes has a bit, from the lowest, for each byte of a word: the first that is set is of
// the first byte that is a quote, a backslash, a control character or not ASCII; bits above that
// one may be wrong. (The zero-byte test of "Bit Twiddling Hacks", S. E. Anderson, where what is
// not ASCII may be marked by any of the tests. The product gathers the upper bits of all bytes
// in the highest byte.)
func specialBytes(word uint64) uint64 { return specialMarks(word) * gather >> 56 }

// specialMarks is zero for a word without such bytes.
func specialMarks(word uint64) uint64 {
	quote := word ^ eachByte*'"'
	backslash := word ^ eachByte*'\\'
	return (word | (word - eachByte*' ') | (quote - eachByte) | (backslash - eachByte)) & highBits
}

// plainInteger reads an integer of at most four digits.
func plainInteger(body []byte, pos int) (value, end int, ok bool) {
	for end = pos; end < len(body) && end < pos+4 && body[end]-'0' <= 9; end++ {
		value = value*10 + int(body[end]-'0')
	}
	return value, end, end == pos+1 || end > pos && body[pos] != '0'
}

// plainObject returns where an object of strings ends that has no white space
// and no escapes and is a good set of experiments.
func plainObject(body []byte, pos int) (end int, ok bool) {
	separator := byte('{')
	for texts := 0; ; texts++ {
		if pos+1 >= len(body) || body[pos] != separator || body[pos+1] != '"' || texts > 2*maxExperiments {
			return 0, false
		}
		if end, ok = plainText(body, pos+2); !ok || end-pos-2 > maxExperimentBytes {
			return 0, false
		}
		pos = end + 1 // after the quote
		switch {
		case texts%2 == 0:
			separator = ':'
		case pos < len(body) && body[pos] == '}':
			return pos + 1, texts < 2*maxExperiments
		default:
			separator = ','
		}
	}
}
