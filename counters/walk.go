package counters

import "sync"

// mostWalked is how many words of a benefit are walked for each counter that is added to. To walk is
// to read what comes next, where to look up is to wait: see BenchmarkMergeOfASecond.
const mostWalked = 8

// A walk adds counts to the counters of a benefit in the order of these. The counts are by place,
// and 0 between walks.
type walk struct{ counts [densePlaces]uint32 }

var walks = sync.Pool{New: func() any { return new(walk) }}

// addByWalk adds the first entries of a span, those that differ in their places alone, and returns
// how many. It adds none where they are too few for the counters of the benefit. As in a span, they
// must ascend, each counter once.
func (t *Table) addByWalk(entries []Entry) (n int) {
	counted := t.cellsOf(entries[0].Benefit())
	if counted == nil || len(counted.words) == 0 {
		return 0
	}
	if least := max(together, len(counted.words)/mostWalked); least > len(entries) || !entries[least-1].DiffersInPlaceAlone(entries[0]) {
		return 0
	}
	w := walks.Get().(*walk)
	defer walks.Put(w)
	told := uint64(0)
	for n < len(entries) && entries[n].DiffersInPlaceAlone(entries[0]) {
		entry := entries[n]
		if place := entry.Key().Place(); place < densePlaces && entry.Count <= countMask {
			w.counts[place] = uint32(entry.Count)
			told += entry.Count
		} else {
			t.Add(entry.Benefit(), entry.Key(), entry.Count)
		}
		n++
	}
	if w.add(counted, entries[0].Key()) != told {
		w.addNew(t, entries[:n])
	}
	return n
}

// add adds to the counters of the event type and version of a key, which has the least place of
// what is told, and returns the sum of what it added. Which of them are added to is as good as random. So nothing branches on it.
func (w *walk) add(to *cells, of Key) (sum uint64) {
	counts, words, head := &w.counts, to.words, uint64(of)/densePlaces
	for i, word := range words {
		key := word >> countBits
		told := counts[key%densePlaces]
		isOfHead := uint32(int64(key/densePlaces^head-1) >> 63) // all bits, or none
		count := told & isOfHead
		counts[key%densePlaces] = told ^ count
		sum += uint64(count)
		added := word + uint64(count)
		if added>>countBits != key {
			added = key<<countBits | to.carry(Key(key), word&countMask, uint64(count))
		}
		words[i] = added
	}
	return sum
}

// addNew adds those entries of a walk that have met no counter of theirs.
func (w *walk) addNew(t *Table, entries []Entry) {
	for _, entry := range entries {
		if place := entry.Key().Place(); place < densePlaces && w.counts[place] != 0 {
			w.counts[place] = 0
			t.Add(entry.Benefit(), entry.Key(), entry.Count)
		}
	}
}
