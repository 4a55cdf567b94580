package counters

import "sync/atomic"

// increment is one record: a benefit above a Key, in one word. Sorted
// increments are sorted by benefit, then by key.
type increment uint64

func newIncrement(benefit Benefit, key Key) increment {
	return increment(uint64(benefit)<<keyBits | uint64(key))
}

func (i increment) benefit() Benefit { return Benefit(i >> keyBits) }
func (i increment) key() Key         { return Key(i & (1<<keyBits - 1)) }

// A Batch holds the records of one request until Store.Add takes them, all or
// none. It is made for one store, reused through Reset, and not safe for
// concurrent use.
type Batch struct {
	hour     Hour
	shards   [][]increment // of the batch's hour, by shard
	elsewhen []elsewhen    // of any other hour
	records  int
	mark     *Mark // nil for none
	// renumbered is that of the store, and seen what it was before the first record.
	renumbered *atomic.Uint64
	seen       uint64
}

type elsewhen struct {
	hour      Hour
	increment increment
}

// Numbering is the store's before the first record was numbered, see Store.Numbering.
func (b *Batch) Numbering() uint64 { return b.seen }

// Reset empties the batch. Records of the given hour are the cheap ones. It is called
// before the benefits of records are numbered.
func (b *Batch) Reset(hour Hour) {
	b.hour, b.seen = hour, b.renumbered.Load()
	b.records, b.mark = 0, nil
	b.elsewhen = b.elsewhen[:0]
	for i := range b.shards {
		b.shards[i] = b.shards[i][:0]
	}
}

// Add appends one record. The benefit's number and the key must be valid ones
// of the batch's store.
func (b *Batch) Add(benefit Benefit, key Key, hour Hour) {
	b.records++
	if hour != b.hour {
		b.elsewhen = append(b.elsewhen, elsewhen{hour, newIncrement(benefit, key)})
		return
	}
	shard := &b.shards[int(benefit)&(len(b.shards)-1)]
	*shard = append(*shard, newIncrement(benefit, key))
}

// InOneHour says whether all records are of the batch's hour.
func (b *Batch) InOneHour() bool { return len(b.elsewhen) == 0 }

// Len is how many records the batch holds.
func (b *Batch) Len() int { return b.records }

// increments is what a shard has gathered since the last seal: a log, not a
// table, because appending one word costs less than finding a counter, and
// sealing sorts and adds up what is equal anyway.
type increments struct {
	hour   Hour
	log    []increment // of that hour
	others map[Hour][]increment
	merged []Span // what other stores counted
}

func (i *increments) add(hour Hour, log ...increment) {
	if len(i.log) == 0 {
		i.hour = hour
	}
	if hour == i.hour {
		i.log = append(i.log, log...)
		return
	}
	if i.others == nil {
		i.others = make(map[Hour][]increment)
	}
	i.others[hour] = append(i.others[hour], log...)
}

// len is how many records there are.
func (i *increments) len() int {
	sum := len(i.log)
	for _, log := range i.others {
		sum += len(log)
	}
	return sum
}

// clear empties the log and keeps its memory, unless that is far more than a
// usual commit needs.
func (i *increments) clear() {
	const keep = 1 << 16
	if cap(i.log) > keep {
		i.log = nil
	}
	i.log = i.log[:0]
	i.others, i.merged = nil, nil
}

// seeDays adds the days of which there are records.
func (i *increments) seeDays(seen map[Day]bool) {
	if len(i.log) > 0 {
		seen[i.hour.Day()] = true
	}
	for hour := range i.others {
		seen[hour.Day()] = true
	}
	for _, span := range i.merged {
		if span.Hour != Undated {
			seen[span.Hour.Day()] = true
		}
	}
}
