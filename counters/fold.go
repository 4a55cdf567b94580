package counters

const (
	// together is how many entries are looked for together: as many as the processor can wait for
	// at a time.
	together = 32
	// longRun is how many entries of one stretch pay for a look whether they are.
	longRun = 6
)

// addEntries adds entries under their own keys, mostly sorted, and returns how many counters are new.
func (t *Table) addEntries(entries []Entry) (added int) {
	counters := t.counters
	for near := 0; len(entries) > 0; {
		some := entries
		if t.stretches != nil {
			if n := t.addClose(entries); n > 0 {
				entries, near = entries[n:], near-n
				continue
			}
			some = t.beforeClose(entries)
		}
		if near <= 0 {
			near = t.fetch(some)
		}
		n := t.addSome(some[:min(len(some), together)])
		entries, near = entries[n:], near-n
	}
	return t.counters - counters
}

// addClose adds the first entries that are in stretches, and returns how many.
func (t *Table) addClose(entries []Entry) (n int) {
	if n = t.addStretch(entries); n == 0 {
		n = t.addStretches(entries[:min(len(entries), together)])
	}
	return n
}

// addStretch adds the first entries as long as they are of one stretch, if they are a long run, and
// returns how many. They follow each other in memory, so that the next ones come from there by themselves.
func (t *Table) addStretch(entries []Entry) (n int) {
	benefit := entries[0].Benefit()
	if len(entries) < longRun || entries[longRun-1].Benefit() != benefit {
		return 0
	}
	within := t.stretchOf(benefit, entries[0].Key())
	if within == nil {
		return 0
	}
	places, first := within.places, entries[0].increment-increment(entries[0].Key()-within.first)
	for ; n < len(entries); n++ {
		at := uint64(entries[n].increment - first)
		if at >= uint64(len(places)) {
			break
		}
		if sum, fits := addedTo(places[at], entries[n].Count); fits {
			places[at] = sum
		} else {
			t.addWithin(within, benefit, entries[n].Key(), entries[n].Count)
		}
	}
	return n
}

// addedTo is a place to which a count is added, if it was counted before and has room for the sum.
func addedTo(place uint32, count uint64) (sum uint32, fits bool) {
	whole := uint64(place) + count
	return uint32(whole), whole>>countBits == 1 && count <= countMask
}

// addStretches adds the first of at most so many entries as are looked for together, as long as they are in any
// stretches, and returns how many. Like addSome it finds where all go before it adds to the first.
func (t *Table) addStretches(entries []Entry) int {
	var found [together]*uint32
	for i, entry := range entries {
		within := t.stretchOf(entry.Benefit(), entry.Key())
		if within == nil {
			entries = entries[:i]
			break
		}
		found[uint(i)%together] = &within.places[entry.Key()-within.first]
	}
	for i, entry := range entries {
		at := found[uint(i)%together]
		if sum, fits := addedTo(*at, entry.Count); fits {
			*at = sum
		} else {
			t.Add(entry.Benefit(), entry.Key(), entry.Count) // which moves nothing: it has a place
		}
	}
	return len(entries)
}

// beforeClose are the first entries, of which the first is in no stretch, up to the next one that is in one,
// or as many as are looked for together.
func (t *Table) beforeClose(entries []Entry) []Entry {
	entries = entries[:min(len(entries), together)]
	for i := 1; i < len(entries); i++ {
		if t.stretchOf(entries[i].Benefit(), entries[i].Key()) != nil {
			return entries[:i]
		}
	}
	return entries
}

// fetch reads all cells of the first entry's benefit, if most of them are added to and there are
// not too many for a near cache. It returns for how many entries that is settled, one way or the other.
func (t *Table) fetch(entries []Entry) (settled int) {
	benefit := entries[0].Benefit()
	if len(entries) < together || entries[together-1].Benefit() != benefit {
		return together
	}
	for settled = together; settled < len(entries) && entries[settled].Benefit() == benefit; {
		settled++
	}
	if counted := t.cellsOf(benefit); counted != nil {
		if lines := len(counted.words) / lineWords; lines <= mostLines && settled > lines/2 {
			counted.fetchAll()
		}
	}
	return settled
}

// addSome adds the first of at most so many entries as are looked for together, and returns how
// many. It finds where all go before it adds to the first: no read waits for another then, nor for
// a comparison that the processor foresaw wrongly, so that they come from a far cache or memory
// at once. What is done for requests has displaced them from the near ones, and a merge has more
// than those hold. See BenchmarkFoldBesideRequests.
func (t *Table) addSome(entries []Entry) int {
	var found [together]*uint64
	nowhere := uint64(0)
	for i, entry := range entries {
		found[uint(i)%together] = &nowhere
		if counted := t.cellsOf(entry.Benefit()); counted != nil && len(counted.words) > 0 {
			found[uint(i)%together] = counted.near(t.seed, entry.Key())
		}
	}
	for i, entry := range entries {
		at := found[uint(i)%together]
		if sum := *at + entry.Count; Key(*at>>countBits) == entry.Key() && entry.Count <= countMask && Key(sum>>countBits) == entry.Key() {
			*at = sum
			continue
		}
		into := t.at(entry.Benefit())
		if into.isFull() {
			t.Add(entry.Benefit(), entry.Key(), entry.Count)
			return i + 1 // counters have moved
		}
		if into.add(t.seed, entry.Key(), entry.Count) {
			t.counters++
		}
	}
	return len(entries)
}

// addRuns adds sorted entries under the keys of another kind. Neighbours with the
// same one are added up first, and the rule is asked once for those that it takes
// for the same, of any benefit: see BenchmarkFold. It returns how many counters are new.
// What the rule makes of them need not be sorted, and may be the same key again.
func (t *Table) addRuns(hour Hour, entries []Entry, rule *KindRule) (added int) {
	const wholeKey = 1<<keyBits - 1
	looksAt := increment(rule.LooksAt)
	if looksAt == 0 {
		looksAt = wholeKey
	}
	same := looksAt | ^increment(wholeKey)
	asked, key := ^increment(0), Key(0)
	var sums [together]Entry
	n := 0
	for i := 0; i < len(entries); {
		first, total := entries[i].increment, uint64(0)
		for ; i < len(entries) && (entries[i].increment^first)&same == 0; i++ {
			total += entries[i].Count
		}
		if first&looksAt != asked {
			asked, key = first&looksAt, rule.OfRecord(hour, first.key())
		}
		if key == 0 {
			continue
		}
		sums[n] = Entry{newIncrement(first.benefit(), key), total}
		if n++; n == together {
			added += t.addEntries(sums[:])
			n = 0
		}
	}
	return added + t.addEntries(sums[:n])
}
