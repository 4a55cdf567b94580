package counters

// layer is what one shard has: of each day, and of the Past, the tables of all kinds
// in the order of the store's Kinds, nil where there is nothing.
type layer map[Day][]*Table

// table is the table of a kind, by its place in the store's Kinds, on a day, nil if
// there is none.
func (l layer) table(kind int, day Day) *Table {
	if tables := l[day]; tables != nil {
		return tables[kind]
	}
	return nil
}

// at is the same table, made when it is missing.
func (l layer) at(s *Store, shard, kind int, day Day) *Table {
	return s.tableAt(l.tables(s, day), shard, kind)
}

// tables are those of a day.
func (l layer) tables(s *Store, day Day) []*Table {
	tables := l[day]
	if tables == nil {
		tables = make([]*Table, len(s.kinds))
		l[day] = tables
	}
	return tables
}

func (s *Store) tableAt(tables []*Table, shard, kind int) *Table {
	if tables[kind] == nil {
		tables[kind] = newShardTable(s.seed, shard, len(s.shards))
	}
	return tables[kind]
}

// counters is how many the layer has, of all kinds.
func (l layer) counters() (total int) {
	for _, tables := range l {
		for _, table := range tables {
			if table != nil {
				total += table.Len()
			}
		}
	}
	return total
}

// seeDays adds the days of which the layer has counts.
func (l layer) seeDays(seen map[Day]bool) {
	for day := range l {
		if day != Past {
			seen[day] = true
		}
	}
}

// addRecords adds sorted records of a shard and an hour to each kind that they count
// in, and returns how many counters are new. It is the one place that says what a
// record adds.
func (l layer) addRecords(s *Store, shard int, hour Hour, entries []Entry) (added int) {
	tables := l.tables(s, hour.Day())
	added = s.tableAt(tables, shard, 0).addEntries(entries)
	for kind := 1; kind < len(tables); kind++ {
		if rule := &s.kinds[kind]; rule.OfRecord != nil && (hour != Undated || rule.Kept) {
			added += s.tableAt(tables, shard, kind).addRuns(hour, entries, rule)
		}
	}
	return added
}

// dayTables are the tables of a day in the base and in the overlay, nil for none.
type dayTables struct{ base, overlay []*Table }

// hasRecord says whether there is a counter of a record in each kind that it counts in.
func (d dayTables) hasRecord(kinds Kinds, benefit Benefit, key Key, hour Hour) bool {
	if !d.has(0, benefit, key) {
		return false
	}
	for kind := 1; kind < len(kinds); kind++ {
		if kinds[kind].OfRecord == nil {
			continue
		}
		if counted := kinds[kind].OfRecord(hour, key); counted != 0 && !d.has(kind, benefit, counted) {
			return false
		}
	}
	return true
}

func (d dayTables) has(kind int, benefit Benefit, key Key) bool {
	return (d.base != nil && d.base[kind].hasKey(benefit, key)) || (d.overlay != nil && d.overlay[kind].hasKey(benefit, key))
}

// together is how many entries are looked for together: as many as the processor can wait for at
// a time.
const together = 32

// addEntries adds entries under their own keys, mostly sorted, and returns how many counters are new.
func (t *Table) addEntries(entries []Entry) (added int) {
	counters := t.counters
	for near := 0; len(entries) > 0; {
		if near <= 0 {
			near = t.fetch(entries)
		}
		n := t.addSome(entries[:min(len(entries), together)])
		entries, near = entries[n:], near-n
	}
	return t.counters - counters
}

// fetch reads all counters of the first entry's benefit, if most of them are added to and there are
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
		words := len(into.words)
		if into.add(t.seed, entry.Key(), entry.Count) {
			t.counters++
		}
		if len(into.words) != words {
			return i + 1 // counters have moved
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
