package counters

// MostNoted is for tests.
const MostNoted = mostNoted

// NotedEntries is how many entries are kept for reads under way.
func NotedEntries(s *Store) int {
	s.moments.mu.Lock()
	defer s.moments.mu.Unlock()
	return s.moments.entries
}

// CountersInStretches is how many counters of the base are in stretches.
func CountersInStretches(s *Store) (counters int) {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.layers.Lock()
		for _, tables := range shard.base {
			for _, table := range tables {
				if table == nil {
					continue
				}
				for local := range table.stretches {
					counters += table.stretches[local].used
				}
			}
		}
		shard.layers.Unlock()
	}
	return counters
}
