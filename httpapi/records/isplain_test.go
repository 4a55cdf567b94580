package records

import (
	"bytes"
	"testing"
)

func TestATextOfAKnownLengthIsPlainOnlyIfEachByteIs(t *testing.T) {
	t.Parallel()
	for length := range maxTextBytes + 3 {
		text := bytes.Repeat([]byte("a"), length)
		if have, want := isPlain(text), length >= word && length <= maxTextBytes; have != want {
			t.Errorf("%d letters: %t, want %t", length, have, want)
		}
		for place := range text {
			for _, special := range []byte{'"', '\\', 0, 1, 0x1f, 0x80, 0xc3, 0xff} {
				text[place] = special
				if isPlain(text) {
					t.Errorf("%#x at place %d of %d is plain", special, place, length)
				}
			}
			text[place] = 'a'
		}
	}
}
