package visitors

import (
	"bytes"
	"math/bits"
	"sync"
	"sync/atomic"

	"stats-recorder/counters"
)

// A sample is how many of something are kept, and at which rate.
type sample struct {
	halvings atomic.Uint32
	limit    int64

	_    [64]byte // whoever reads the rate does not wait for whoever counts
	kept atomic.Int64
	_    [64]byte
}

// takes says whether visitors of this hash are in the sample.
func (s *sample) takes(hash uint64) bool { return takes(s.halvings.Load(), hash) }

func (s *sample) full() bool { return s.kept.Load() > s.limit }

// takes says whether a rate of 2^-halvings takes visitors of this hash.
func takes(halvings uint32, hash uint64) bool {
	return uint32(bits.LeadingZeros64(hash)) >= halvings
}

// A day is the visitors of one UTC day.
type day struct {
	date   counters.Day
	config *Config
	key    key
	names  names

	// visitors and pairs count what the shards hold. The rate of pairs is at most
	// that of visitors, so that the visitor of each pair is there. A rate is lowered
	// before the shards are sifted, and a shard is sifted and added to under its
	// lock, so that after a sift nobody adds what it would have taken out.
	visitors, pairs sample
	halving         sync.Mutex // held by whoever lowers the rates

	// reading is held by whoever makes sums, the last ones too.
	reading sync.Mutex
	ended   bool // the last sums are made

	shards [shardCount]shard
}

func newDay(date counters.Day, config *Config, secret [2]uint64) *day {
	d := &day{date: date, config: config}
	d.key.set(secret)
	d.names.init(config)
	d.visitors.limit = int64(config.Limits.Visitors)
	d.pairs.limit = int64(config.Limits.Pairs)
	return d
}

// add counts the visits of a batch that are due, shard by shard, and says whether the day
// is open. If it is not, some may still be due.
func (d *day) add(b *Batch, visits []visit) (open bool) {
	open = true
	first := d.prepare(b, visits)
	begin := shardOf(visits[0].hash) // any, so that who adds at the same time is elsewhere
	for i := range first {
		shard := (begin + i) % shardCount
		if first[shard] != 0 && !d.addTo(&d.shards[shard], b, visits, first[shard]) {
			open = false
		}
		if d.visitors.full() || d.pairs.full() {
			d.halve()
		}
	}
	return open
}

// prepare does for the visits that are due what needs no shard: their hashes, by which a
// sample leaves some out, and the numbers of their variants. It says which visit, from 1,
// is the first of each shard; 0 is none. They stay in their order.
func (d *day) prepare(b *Batch, visits []visit) (first [shardCount]int32) {
	var last [shardCount]int32
	for i := range visits {
		v := &visits[i]
		if !v.due {
			continue
		}
		v.hash, v.next = nobody, 0
		if id := b.text(v.id); !d.config.isAnonymous(id) {
			v.hash = newHash(d.key.hash(id))
			if v.due = d.visitors.takes(v.hash); !v.due {
				continue
			}
			b.read(v, &d.names)
		}
		shard, number := shardOf(v.hash), int32(i+1)
		if before := last[shard]; before != 0 {
			visits[before-1].next = number
		} else {
			first[shard] = number
		}
		last[shard] = number
	}
	return first
}

// addTo counts the visits of one shard, and says whether the day is open.
func (d *day) addTo(s *shard, b *Batch, visits []visit, first int32) (open bool) {
	s.Lock()
	defer s.Unlock()
	if s.closed {
		return false
	}
	visitors, pairs := s.visitors.used, s.pairs.used
	for at := first; at != 0; {
		var some [fewVisits]*visit
		n := 0
		for n < len(some) && at != 0 {
			v := &visits[at-1]
			at, v.due = v.next, false
			switch {
			case v.hash == nobody:
				s.tally.anonymous += uint64(len(b.recordsOf(v)))
			case d.visitors.takes(v.hash): // still
				some[n] = v
				n++
			}
		}
		s.add(some[:n], b, d)
	}
	d.keep(s.visitors.used-visitors, s.pairs.used-pairs)
	return true
}

// keep counts what a shard holds more, or less. Most runs bring nothing new and
// leave the counts, which all processors share, alone.
func (d *day) keep(visitors, pairs int) {
	if visitors != 0 {
		d.visitors.kept.Add(int64(visitors))
	}
	if pairs != 0 {
		d.pairs.kept.Add(int64(pairs))
	}
}

// isAnonymous says whether an id is no visitor.
func (c *Config) isAnonymous(id []byte) bool {
	for _, prefix := range c.Anonymous {
		if bytes.HasPrefix(id, []byte(prefix)) {
			return true
		}
	}
	return len(id) == 0
}

// halve lowers the rates until there is room. Others add meanwhile, except those
// who find no room either.
func (d *day) halve() {
	d.halving.Lock()
	defer d.halving.Unlock()
	for d.visitors.full() || d.pairs.full() {
		visitorHalvings, pairHalvings := d.rates()
		if d.pairs.full() {
			pairHalvings++
		}
		if d.visitors.full() {
			visitorHalvings++
			pairHalvings = max(pairHalvings, visitorHalvings)
		}
		d.visitors.halvings.Store(visitorHalvings)
		d.pairs.halvings.Store(pairHalvings)
		for i := range d.shards {
			d.sift(&d.shards[i], visitorHalvings, pairHalvings)
		}
	}
}

func (d *day) sift(s *shard, visitorHalvings, pairHalvings uint32) {
	s.Lock()
	defer s.Unlock()
	visitors, pairs := s.sift(visitorHalvings, pairHalvings)
	d.keep(-visitors, -pairs)
}

func (d *day) rates() (visitorHalvings, pairHalvings uint32) {
	return d.visitors.halvings.Load(), d.pairs.halvings.Load()
}

// sums are the sums of the day as it is now; not ok if it has ended.
func (d *day) sums() (sums Sums, ok bool) {
	d.reading.Lock()
	defer d.reading.Unlock()
	if d.ended {
		return Sums{}, false
	}
	return d.collapse(), true
}

// end closes the day: its sums are made once more, then the key is overwritten and
// the hashes are cleared. Those who come with records from here on find the shards
// closed.
func (d *day) end() Sums {
	d.reading.Lock()
	defer d.reading.Unlock()
	for i := range d.shards {
		d.shards[i].close()
	}
	d.halving.Lock() // whoever halves now is done before the sums are made
	defer d.halving.Unlock()
	sums := d.collapse()
	d.ended = true
	d.key.forget()
	for i := range d.shards {
		d.keep(d.shards[i].forget())
	}
	return sums
}

func (s *shard) close() {
	s.Lock()
	defer s.Unlock()
	s.closed = true
}

// forget clears what the shard holds of visitors and says by how much it holds
// less.
func (s *shard) forget() (visitors, pairs int) {
	s.Lock()
	defer s.Unlock()
	visitors, pairs = s.visitors.used, s.pairs.used
	clear(s.visitors.table)
	clear(s.pairs.slab)
	s.visitors, s.pairs, s.touched = visitorSet{}, pairSet{}, 0
	return -visitors, -pairs
}
