package conn

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/valyala/fasthttp"
)

// headReader reads the heads of plain posts. fasthttp keeps every field of a head, which
// for what a browser sends costs more than counting its records: this keeps only those that
// the handler reads, and goes over the bytes once. It reads nothing that needs a decision. A
// head that it does not know in every part is left to fasthttp, unread: other lines than
// `name: value` with CRLF, bytes that may be no part of them, a field twice that may come
// once, a field that says how the request is framed other than by Content-Length.
type headReader struct {
	// kept are the fields that the handler reads of a plain post beside Host, Content-Type
	// and Content-Length.
	kept []keptField
	// lengths has, by first letter, a bit for each length that the name of a field has which
	// take knows.
	lengths [32]uint32
	host    []byte // the last one that fasthttp took for valid
}

// keptField is the name of a field, as fasthttp writes it and in lower case.
type keptField struct {
	canonical []byte
	lower     string
}

// decisive are the fields that say what a request is.
var decisive = []string{
	"host", "expect", "trailer", "connection", "content-type", "content-length", "content-encoding", "transfer-encoding",
}

func newHeadReader(fields []string) headReader {
	var r headReader
	for _, name := range decisive {
		r.know(name)
	}
	for _, name := range fields {
		r.kept = append(r.kept, keptField{[]byte(name), strings.ToLower(name)})
		r.know(name)
	}
	return r
}

func (r *headReader) know(name string) { r.lengths[name[0]&31] |= 1 << (len(name) & 31) }

// mayKnow says whether take may know a name: of most it does not know their length and first letter.
func (r *headReader) mayKnow(name []byte) bool {
	return r.lengths[name[0]&31]>>(len(name)&31)&1 != 0
}

// head is what a head says of its request.
type head struct {
	host, contentType []byte
	length            int // of the body
	hasType           bool
	kept              uint // a bit for each that has come
}

// unknownLength is before there was a Content-Length.
const unknownLength = -1

// read reads the fields of a post into a request that was reset, and returns the size
// of the head and of the body. It returns false for what is fasthttp's to read, and
// may have put something into the request then.
func (r *headReader) read(request *fasthttp.RequestHeader, data []byte, lineSize int) (size, length int, ok bool) {
	h := head{length: unknownLength}
	at := lineSize
	for !endsLine(data, at) {
		colon := tokenEnd(data, at)
		if colon == at || colon == len(data) || data[colon] != ':' {
			return 0, 0, false
		}
		end := cleanEnd(data, colon+1)
		if !endsLine(data, end) {
			return 0, 0, false
		}
		if name := data[at:colon]; r.mayKnow(name) && !r.take(request, &h, name, trimSpaces(data[colon+1:end])) {
			return 0, 0, false
		}
		at = end + len("\r\n")
	}
	if h.length == unknownLength || h.host == nil {
		return 0, 0, false
	}
	request.SetHostBytes(h.host)
	request.SetContentTypeBytes(h.contentType)
	return at + len("\r\n"), h.length, true
}

// endsLine says whether there is the end of a line.
func endsLine(data []byte, at int) bool {
	return at+1 < len(data) && data[at] == '\r' && data[at+1] == '\n'
}

// Bytes are looked at by eight at a time: a head has a kilobyte.
const ones, highest = 0x0101010101010101, 0x8080808080808080

// tokenEnd is where the name of a field ends that begins at a place: that of the first byte
// which may be no part of one.
func tokenEnd(data []byte, at int) int {
	for ; at+8 <= len(data); at += 8 {
		others := notInWords(binary.LittleEndian.Uint64(data[at:]))
		if others == 0 {
			continue
		}
		at += bits.TrailingZeros64(others) / 8
		if !isTokenByte[data[at]] {
			return at
		}
		at -= 7 // go on after a digit or what is rare
	}
	for at < len(data) && isTokenByte[data[at]] {
		at++
	}
	return at
}

// notInWords has the highest bit of each of eight bytes that is neither a letter of ASCII
// nor a hyphen. No sum carries into the next byte, since nothing that is added is over 0x7f.
func notInWords(word uint64) uint64 {
	lower := (word | 0x20*ones) &^ highest
	letters := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'z'-1)*ones)
	others := (word^'-'*ones)&^highest + 0x7f*ones // the highest bit is clear for a hyphen
	return (others&^letters | word) & highest
}

// isTokenByte says which bytes the name of a field may have (RFC 9110, section 5.6.2).
var isTokenByte = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		is[c] = true
	}
	return is
}()

// cleanEnd is where the value of a field ends that begins at a place: that of the first
// control character. A tab is taken for one: it may be there, and nobody sends it.
func cleanEnd(data []byte, at int) int {
	for ; at+16 <= len(data); at += 16 {
		both := data[at : at+16]
		first, second := controls(binary.LittleEndian.Uint64(both)), controls(binary.LittleEndian.Uint64(both[8:]))
		if first != 0 {
			return at + bits.TrailingZeros64(first)/8
		}
		if second != 0 {
			return at + 8 + bits.TrailingZeros64(second)/8
		}
	}
	for at < len(data) && data[at] >= 0x20 && data[at] != 0x7f {
		at++
	}
	return at
}

// controls has the highest bit of the first of eight bytes that is a control character, and
// of some after that.
func controls(word uint64) uint64 {
	low, last := word-0x20*ones, word&^highest+ones // under 0x20, and 0x7f
	return (low | last) &^ word & highest
}

// trimSpaces takes the spaces off both ends of a value.
func trimSpaces(value []byte) []byte {
	for len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	for len(value) > 0 && value[len(value)-1] == ' ' {
		value = value[:len(value)-1]
	}
	return value
}

// take notes a field, or returns false if it is not one to be sure about.
func (r *headReader) take(request *fasthttp.RequestHeader, h *head, name, value []byte) bool {
	switch len(name) {
	case len("host"):
		if string(name) == "Host" || is(name, "host") {
			first := h.host == nil
			h.host = value
			return first && len(value) > 0 && bytes.Equal(value, r.host)
		}
	case len("expect"):
		if is(name, "expect") {
			return false
		}
	case len("trailer"):
		if is(name, "trailer") {
			return false
		}
	case len("connection"):
		if string(name) == "Connection" || is(name, "connection") {
			return string(value) == "keep-alive" || is(value, "keep-alive")
		}
	case len("content-type"):
		if string(name) == "Content-Type" || is(name, "content-type") {
			first := !h.hasType
			h.contentType, h.hasType = value, true
			return first
		}
	case len("content-length"):
		if string(name) == "Content-Length" || is(name, "content-length") {
			first := h.length == unknownLength
			h.length = lengthOf(value)
			return first && h.length != unknownLength
		}
	case len("content-encoding"):
		if is(name, "content-encoding") {
			return false
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			return false
		}
	}
	r.keep(request, h, name, value)
	return true
}

// keep puts a field into the request if it is one of kept.
func (r *headReader) keep(request *fasthttp.RequestHeader, h *head, name, value []byte) {
	for i := range r.kept {
		field := &r.kept[i]
		if !bytes.Equal(name, field.canonical) && !is(name, field.lower) {
			continue
		}
		if h.kept>>i&1 == 0 { // nearly always, and cheaper
			request.SetCanonical(field.canonical, value)
		} else {
			request.AddBytesKV(field.canonical, value)
		}
		h.kept |= 1 << i
		return
	}
}

// is says whether a name in ASCII is this one, which is in lower case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// mostLengthDigits are enough for any body that a loop takes.
const mostLengthDigits = 9

// lengthOf is a Content-Length, or unknownLength if that is not a plain number.
func lengthOf(value []byte) int {
	if len(value) == 0 || len(value) > mostLengthDigits {
		return unknownLength
	}
	length := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return unknownLength
		}
		length = length*10 + int(c-'0')
	}
	return length
}
