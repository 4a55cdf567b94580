package visitors_test

import (
	"testing"

	"stats-recorder/visitors"
)

// The messages are 00 01 02 … of each length, the key is 00 01 … 0f; the values are
// those published with the algorithm.
func TestTheHashIsSipHash24(t *testing.T) {
	for length, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462,
		15: 0xa129ca6149be45e5, 16: 0x3f2acc7f57c29bdb, 17: 0x699ae9f52cbe4794, 63: 0x958a324ceb064572,
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
