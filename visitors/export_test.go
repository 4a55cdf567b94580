package visitors

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"stats-recorder/counters"
)

// NewSeeded is New with keys that a seed determines, so that a test is the same
// each time.
func NewSeeded(config Config, seed uint64) (*Ledger, error) {
	config.Variants = ReadSource
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
			for _, p := range pairs[i].slab {
				found = append(found, uint64(p))
			}
		}
		return found
	}
	return key, words
}

// Takes says which ids a sample of an open day takes at a rate.
func (l *Ledger) Takes(date counters.Day) func(id string, halvings uint8) bool {
	d := find(*l.open.Load(), date)
	low, high := d.key.low.Load(), d.key.high.Load()
	return func(id string, halvings uint8) bool {
		return takes(uint32(halvings), newHash(sipHash(low, high, []byte(id))))
	}
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

// A Recorded is one record as tests write it.
type Recorded struct {
	HashID      []byte
	Assignments []Assignment
	Hour        counters.Hour
	Benefit     counters.Benefit
	Index       uint16
	Event       counters.EventType
}

// Fill makes a batch of records.
func (b *Batch) Fill(records []Recorded) {
	b.Reset()
	for i := range records {
		r := &records[i]
		if i == 0 || !r.continues(&records[i-1]) {
			b.Visit(r.Hour.Day(), r.HashID, sourceOf(r.Assignments))
		}
		b.Add(NewRecord(r.Benefit, r.Index, r.Event))
	}
}

// sourceOf writes each text with its length before it, and ReadSource reads that.
func sourceOf(assignments []Assignment) (source []byte) {
	for _, a := range assignments {
		source = append(append(source, byte(len(a.Experiment))), a.Experiment...)
		source = append(append(source, byte(len(a.Variant))), a.Variant...)
	}
	return source
}

// ReadSource is Config.Variants of tests.
func ReadSource(source []byte, visit func(experiment, variant []byte)) {
	for len(source) > 0 {
		experiment, rest := source[1:1+source[0]], source[1+source[0]:]
		variant, next := rest[1:1+rest[0]], rest[1+rest[0]:]
		visit(experiment, variant)
		source = next
	}
}

// Renumber gives the visits of a batch, whose ids have at least 8 bytes, the ids that begin
// with the numbers from one on.
func (b *Batch) Renumber(first uint64) {
	for i := range b.visits {
		binary.LittleEndian.PutUint64(b.text(b.visits[i].id), first+uint64(i))
	}
}

// Scatter is Renumber of posts that a batch has, of so many visits each.
func (b *Batch) Scatter(visits int, first func(post int) uint64) {
	for at := 0; at < len(b.visits); at += visits {
		one := Batch{visits: b.visits[at : at+visits], texts: b.texts}
		one.Renumber(first(at / visits))
	}
}

func (r *Recorded) continues(other *Recorded) bool {
	if r.Hour.Day() != other.Hour.Day() || !bytes.Equal(r.HashID, other.HashID) || len(r.Assignments) != len(other.Assignments) {
		return false
	}
	for i, a := range r.Assignments {
		if b := other.Assignments[i]; !bytes.Equal(a.Experiment, b.Experiment) || !bytes.Equal(a.Variant, b.Variant) {
			return false
		}
	}
	return true
}

// AddRecords adds records as one batch.
func (l *Ledger) AddRecords(records []Recorded) {
	var b Batch
	b.Fill(records)
	l.Add(&b)
}

// Adder adds to a day that is open now, as one does who has found it and was held
// up before adding.
func (l *Ledger) Adder(date counters.Day) (add func([]Recorded) (taken bool)) {
	d := find(*l.open.Load(), date)
	return func(records []Recorded) bool {
		var b Batch
		b.Fill(records)
		b.visits[0].due = true
		return d.add(&b, b.visits[:1])
	}
}
