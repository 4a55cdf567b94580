package visitors_test

import (
	"testing"

	"stats-recorder/visitors"
)

// The messages are 00 01 02 … of each length, the key is 00 01 … 0f; the values are
// those published with the algorithm.
func TestTheHashIsSipHash13(t *testing.T) {
	for length, want := range map[int]uint64{
		0: 0xabac0158050fc4dc, 1: 0xc9f49bf37d57ca93, 7: 0xd3927d989bb11140, 8: 0x369095118d299a8e,
		15: 0xd320d86d2a519956, 16: 0xcc4fdd1a7d908b66, 17: 0x9cf2689063dbd80c, 63: 0x9d199062b7bbb3a8,
	} {
		message := make([]byte, length)
		for i := range message {
			message[i] = byte(i)
		}
		if got := visitors.SipHash(0x0706050403020100, 0x0f0e0d0c0b0a0908, message); got != want {
			t.Errorf("the hash of %d bytes is %#x, want %#x", length, got, want)
		}
	}
}
