package httpapi

import "testing"

// FuzzDecode holds two bodies, which one decoder reads in turn, to the oracle.
func FuzzDecode(f *testing.F) {
	all := bodies()
	for i, body := range all {
		f.Add([]byte(body), []byte(all[(i+7)%len(all)]))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o, used := testOracle(twoDays), new(usedDecoder)
		for _, body := range [][]byte{first, second, first} {
			expectAsOracle(t, o, used, body)
		}
	})
}

// FuzzDecodePages is FuzzDecode for pages put together from choices.
func FuzzDecodePages(f *testing.F) {
	f.Add([]byte("a page of results"), []byte{})
	f.Add([]byte("0000000000000000000000000000000000000000"), []byte("a page of results that goes on"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o, used := testOracle(0), new(usedDecoder)
		for _, page := range [][]byte{choices(first).page(), choices(second).page()} {
			expectAsOracle(t, o, used, page)
		}
	})
}
