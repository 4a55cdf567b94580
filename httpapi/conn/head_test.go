package conn

import (
	"bytes"
	"testing"
)

// TestEachByteEndsANameOrAValueWhereverItStands puts every byte at every place of words that are
// looked at together, behind such as nearly are what ends them.
func TestEachByteEndsANameOrAValueWhereverItStands(t *testing.T) {
	for _, filling := range []byte("az-AZ09~ \x80\xff") {
		for place := range 36 {
			for value := range 256 {
				data := bytes.Repeat([]byte{filling}, 36)
				data[place] = byte(value)
				if got, want := cleanEnd(data, 0), firstOf(data, func(c byte) bool { return c < 0x20 || c == 0x7f }); got != want {
					t.Fatalf("%q is clean up to %d, not %d", data, want, got)
				}
				if got, want := tokenEnd(data, 0), firstOf(data, func(c byte) bool { return !isTokenByte[c] }); got != want {
					t.Fatalf("%q is a token up to %d, not %d", data, want, got)
				}
			}
		}
	}
}

// firstOf is where the first byte is that is one of these, or the end.
func firstOf(data []byte, one func(byte) bool) int {
	for i, c := range data {
		if one(c) {
			return i
		}
	}
	return len(data)
}
