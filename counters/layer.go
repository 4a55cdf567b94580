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
