package docs

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// reader reads bytes, and fails the test at the first that is not as said.
type reader struct {
	t    *testing.T
	path string
	data []byte
	at   int
}

func (r *reader) fail(format string, arguments ...any) {
	r.t.Helper()
	r.t.Fatalf("%s at offset %d: %s", r.path, r.at, fmt.Sprintf(format, arguments...))
}

func (r *reader) bytes(n int) []byte {
	r.t.Helper()
	if n < 0 || n > len(r.data)-r.at {
		r.fail("%d bytes are missing of %d", n-(len(r.data)-r.at), n)
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) uint32() uint32 { r.t.Helper(); return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *reader) uint64() uint64 { r.t.Helper(); return binary.LittleEndian.Uint64(r.bytes(8)) }

func (r *reader) uvarint() uint64 {
	r.t.Helper()
	value, n := binary.Uvarint(r.data[r.at:])
	if n <= 0 {
		r.fail("no uvarint")
	}
	r.at += n
	return value
}

func (r *reader) expect(what string, have, want any) {
	r.t.Helper()
	if have != want {
		r.fail("%s is %v, want %v", what, have, want)
	}
}

func (r *reader) more() bool { return r.at < len(r.data) }

// part is a reader of the next bytes alone.
func (r *reader) part(name string, n uint64) *reader {
	r.t.Helper()
	return &reader{t: r.t, path: r.path + ", " + name, data: r.bytes(int(n))}
}
