package counters

import "sync"

// most is how many words of a benefit are walked for each counter that is added to. To walk is
// to read what comes next, where to look up is to wait: see BenchmarkMergeOfASecond.
const most = 8

// A walk adds counts to the counters of a benefit in the order of these. The counts are by place,
// and 0 between walks.
type walk struct{ counts [densePlaces]uint32 }

var walks = sync.Pool{New: func() any { return new(walk) }}

// addMost adds the first of sorted entries that differ in their places alone by a walk, and returns
// how many. It adds none where there are too few of them for that.
func (t *Table) addMost(entries []Entry) (n int) {
	counted := t.cellsOf(entries[0].Benefit())
	if counted == nil || len(entries) < together || len(counted.words) > most*len(entries) {
		return 0
	}
	n = RunLength(entries)
	if n < together || len(counted.words) > most*n || entries[n-1].Key().Place() >= densePlaces {
		return 0
	}
	w := walks.Get().(*walk)
	defer walks.Put(w)
	for _, entry := range w.through(counted, entries[:n]) {
		t.Add(entry.Benefit(), entry.Key(), entry.Count)
	}
	return n
}

// through adds what it can of entries that differ in their places alone, and returns the others:
// those of new counters and of large counts.
func (w *walk) through(counted *cells, entries []Entry) (left []Entry) {
	sum := uint64(0)
	for _, entry := range entries {
		if entry.Count <= countMask {
			w.counts[entry.Key().Place()%densePlaces] = uint32(entry.Count)
			sum += entry.Count
		} else {
			left = append(left, entry)
		}
	}
	sum -= w.add(counted.words, entries[0].Key()&^placeMask)
	if sum == 0 {
		return left
	}
	for _, entry := range entries {
		if at := entry.Key().Place() % densePlaces; w.counts[at] != 0 {
			w.counts[at] = 0
			left = append(left, entry)
		}
	}
	return left
}

// add adds to the words of counters with a head and any place, and returns the sum of what it added.
// Which counters are added to is as good as random. So nothing branches on it.
func (w *walk) add(words []uint64, head Key) (sum uint64) {
	first := uint64(head) / densePlaces
	for i, word := range words {
		key := word >> countBits
		at := key % densePlaces
		told := w.counts[at]
		isOfHead := uint32(int64(key/densePlaces^first-1) >> 63) // all bits, or none
		count := told & isOfHead
		added := word + uint64(count)
		if added>>countBits != key {
			continue
		}
		words[i] = added
		w.counts[at] = told ^ count
		sum += uint64(count)
	}
	return sum
}
