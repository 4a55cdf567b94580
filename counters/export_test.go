package counters

// MostNoted is for tests.
const MostNoted = mostNoted

// NotedEntries is how many entries are kept for reads under way.
func NotedEntries(s *Store) int {
	s.moments.mu.Lock()
	defer s.moments.mu.Unlock()
	return s.moments.entries
}
