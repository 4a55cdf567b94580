package records

import (
	"slices"
	"testing"
)

// FuzzDecode holds two bodies, which one decoder reads in turn, to the oracle.
func FuzzDecode(f *testing.F) {
	all := bodies()
	for i, body := range all {
		f.Add([]byte(body), []byte(all[(i+7)%len(all)]))
	}
	for _, shape := range shapes() {
		for place, values := range variations() {
			f.Add([]byte(made(shape, place, values[0])), []byte(made(shape, place, values[1])))
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o, used := testOracle(twoDays), new(usedDecoder)
		for _, body := range [][]byte{first, second, first} {
			expectAsOracle(t, o, used, body)
		}
	})
}

// FuzzDecodePages is FuzzDecode for pages put together from choices. The second
// page begins with the choices of the first: it has records of the same shape.
func FuzzDecodePages(f *testing.F) {
	f.Add([]byte("a page of results"), []byte{})
	f.Add([]byte("0000000000000000000000000000000000000000"), []byte("a page of results that goes on"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o, used := testOracle(0), new(usedDecoder)
		like := slices.Concat(first[:min(len(first), 17)], second)
		for _, choices := range []choices{first, like, second} {
			expectAsOracle(t, o, used, choices.page())
		}
	})
}
