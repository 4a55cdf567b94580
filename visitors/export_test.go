package visitors

import (
	"math/rand/v2"

	"stats-recorder/counters"
)

// NewSeeded is New with keys that a seed determines, so that a test is the same
// each time.
func NewSeeded(config Config, seed uint64) (*Ledger, error) {
	l, err := New(config)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	l.secret = func() [2]uint64 { return [2]uint64{random.Uint64(), random.Uint64()} }
	return l, nil
}

// SipHash is the keyed hash.
var SipHash = sipHash

// Secrets are what a day must forget: its key, and the words of its tables. Both
// are read when called, also after the day was closed.
func (l *Ledger) Secrets(date counters.Day) (key func() [2]uint64, words func() []uint64) {
	d := find(*l.open.Load(), date)
	var sets []visitorSet
	var pairs []pairSet
	for i := range d.shards {
		sets = append(sets, d.shards[i].visitors)
		pairs = append(pairs, d.shards[i].pairs)
	}
	key = func() [2]uint64 { return [2]uint64{d.key.low.Load(), d.key.high.Load()} }
	words = func() (found []uint64) {
		for i := range sets {
			for _, v := range sets[i].table {
				found = append(found, v.word)
			}
			for _, p := range pairs[i].table {
				found = append(found, uint64(p))
			}
		}
		return found
	}
	return key, words
}

// LowerRates lowers the rates of an open day as who halves does, and returns what
// sifts the shards thereafter.
func (l *Ledger) LowerRates(date counters.Day, visitorHalvings, pairHalvings uint32) (sift func()) {
	d := find(*l.open.Load(), date)
	d.visitors.halvings.Store(visitorHalvings)
	d.pairs.halvings.Store(pairHalvings)
	return func() {
		for i := range d.shards {
			d.sift(&d.shards[i], visitorHalvings, pairHalvings)
		}
	}
}

// Adder adds to a day that is open now, as one does who has found it and was held
// up before adding.
func (l *Ledger) Adder(date counters.Day) (add func([]Record) (rest []Record)) {
	return find(*l.open.Load(), date).add
}
