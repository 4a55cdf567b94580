package records

import (
	"bytes"
	"strings"
	"testing"
)

// TestATextEndsAtTheSameQuoteHoweverManyBytesAreLookedAtTogether has a byte of each kind at each
// place of texts of all lengths up to more than two blocks, near the end of a body and not.
func TestATextEndsAtTheSameQuoteHoweverManyBytesAreLookedAtTogether(t *testing.T) {
	t.Parallel()
	for length := range 2*block + 8 {
		for place := range length + 1 {
			for _, special := range []string{"", `"`, `\`, "\x1f", "\x00", " ", "!", "#", "[", "]", "\x7f", "\x80", "\xff", "é", "\xa2", "\xdc"} {
				text := strings.Repeat("a", place) + special + strings.Repeat("z", length-place)
				for _, after := range []string{`"`, `",` + strings.Repeat(`"`, block), ``} {
					body := []byte(`{"` + text + after)
					end, ok := plainText(body, 2)
					wantEnd, want := anyText(body, 2)
					if ok != want || ok && end != wantEnd {
						t.Fatalf("%q ends at %d, %v; want %d, %v", body, end, ok, wantEnd, want)
					}
				}
			}
		}
	}
}

func TestALiteralIsFoundOnlyWhereEachByteIsTheSame(t *testing.T) {
	t.Parallel()
	for length := range 3*vector + 2 {
		literal := []byte(strings.Repeat("0123456789abcdefg", 12)[:length])
		body := append([]byte(`[`), literal...)
		if !begins(body, 1, literal) {
			t.Fatalf("a literal of %d bytes is not found", length)
		}
		for place := range length {
			other := bytes.Clone(body)
			other[1+place] ^= 1
			if begins(other, 1, literal) || begins(body[:1+place], 1, literal) {
				t.Fatalf("a literal of %d bytes is found where that at %d is another, or the body ends", length, place)
			}
		}
	}
}
