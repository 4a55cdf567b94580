package conn

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/valyala/fasthttp"
)

// headReader reads the heads of plain posts. fasthttp keeps every field of a head, which
// for what a browser sends costs more than counting its records: this keeps only those that
// the handler reads. It reads nothing that needs a decision. A head that it does not know
// in every part is left to fasthttp, unread: other lines than `name: value` with CRLF, bytes
// that may be no part of them, a field twice that may come once, a field that says how the
// request is framed other than by Content-Length.
type headReader struct {
	// kept are the fields, in lower case, that the handler reads of a plain post beside Host,
	// Content-Type and Content-Length.
	kept []keptField
	host []byte // the last one that fasthttp took for valid
}

// keptField is the name of a field, as fasthttp writes it and in lower case.
type keptField struct{ canonical, lower string }

func newHeadReader(fields []string) headReader {
	var r headReader
	for _, name := range fields {
		r.kept = append(r.kept, keptField{name, strings.ToLower(name)})
	}
	return r
}

// head is what a head says of its request.
type head struct {
	host, contentType []byte
	length            int // of the body
	hasType           bool
}

// unknownLength is before there was a Content-Length.
const unknownLength = -1

// read reads the fields of a post into a request that was reset, and returns the size
// of the head and of the body. It returns false for what is fasthttp's to read, and
// may have put something into the request then.
func (r *headReader) read(request *fasthttp.RequestHeader, data []byte, lineSize int) (size, length int, ok bool) {
	h := head{length: unknownLength}
	for at := lineSize; ; {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 1 || data[at+end-1] != '\r' {
			return 0, 0, false
		}
		line := data[at : at+end-1]
		at += end + 1
		if len(line) == 0 {
			if h.length == unknownLength || h.host == nil {
				return 0, 0, false
			}
			request.SetHostBytes(h.host)
			request.SetContentTypeBytes(h.contentType)
			return at, h.length, true
		}
		name, value, valid := fieldOf(line)
		if !valid || !r.take(request, &h, name, value) {
			return 0, 0, false
		}
	}
}

// fieldOf takes a line apart. It is not valid if a byte of it is one that RFC 9110 does not
// allow there, or a tab, which nobody sends.
func fieldOf(line []byte) (name, value []byte, valid bool) {
	colon := 0
	for colon < len(line) && isTokenByte[line[colon]] {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		return nil, nil, false
	}
	value = line[colon+1:]
	for len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	for len(value) > 0 && value[len(value)-1] == ' ' {
		value = value[:len(value)-1]
	}
	return line[:colon], value, isClean(value)
}

// isTokenByte says which bytes the name of a field may have (RFC 9110, section 5.6.2).
var isTokenByte = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		is[c] = true
	}
	return is
}()

// isClean says whether there is no control character in a value. It looks at eight bytes
// at a time: a value is most of a head.
func isClean(value []byte) bool {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	for len(value) >= 8 {
		word := binary.LittleEndian.Uint64(value)
		low := (word - 0x20*ones) &^ word & highest // bytes under 0x20
		word ^= 0x7f * ones
		if low|(word-ones)&^word&highest != 0 { // or that are 0x7f
			return false
		}
		value = value[8:]
	}
	for _, c := range value {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

// take notes a field, or returns false if it is not one to be sure about.
func (r *headReader) take(request *fasthttp.RequestHeader, h *head, name, value []byte) bool {
	switch len(name) {
	case len("host"):
		if is(name, "host") {
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
		if is(name, "connection") {
			return is(value, "keep-alive")
		}
	case len("content-type"):
		if is(name, "content-type") {
			first := !h.hasType
			h.contentType, h.hasType = value, true
			return first
		}
	case len("content-length"):
		if is(name, "content-length") {
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
	for i := range r.kept {
		if is(name, r.kept[i].lower) {
			request.AddBytesV(r.kept[i].canonical, value)
			break
		}
	}
	return true
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
