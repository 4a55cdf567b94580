package visitors

import "sync"

const (
	shardBits  = 4
	shardCount = 1 << shardBits
)

// shardOf is the number of a hash's shard.
func shardOf(hash uint64) int { return int(hash >> stageBits % shardCount) }

// A shard is the visitors of a day whose hashes have the same few bits, with all
// that is known of them: whoever looks at a shard under its lock sees whole
// visitors.
type shard struct {
	sync.Mutex
	// closed says that the day is over and takes no more.
	closed   bool
	visitors visitorSet
	pairs    pairSet
	tally    tally

	_ [64]byte // the locks of two shards are not in one cache line
}

// tally counts what is not about a visitor that is kept.
type tally struct {
	// anonymous is the records of ids that are no visitor.
	anonymous uint64
	// unplaced is the assignments that were left out or count under Other.
	unplaced uint64
}

func (t *tally) add(other tally) {
	t.anonymous += other.anonymous
	t.unplaced += other.unplaced
}

// A run is the records of a visit, with the day's hash and numbers.
type run struct {
	hash        uint64
	records     []record
	assignments *resolved
}

// add counts a run and says how many visitors and pairs are new. The caller holds
// the lock.
func (s *shard) add(run *run, d *day) (newVisitors, newPairs int) {
	if s.visitors.isCrowded() {
		s.visitors.rebuild(max(minVisitors, 2*len(s.visitors.table)), 0)
	}
	v, added := s.visitors.locate(run.hash)
	if added {
		newVisitors = 1
	}
	s.assign(v, run.assignments, &d.names)
	v.count(run.records, &d.config.Stages)
	if d.pairs.takes(run.hash) {
		newPairs = s.pairs.add(v, run.records, &d.config.Stages, s.visitors.table)
	}
	return newVisitors, newPairs
}

func (s *shard) assign(v *visitor, assignments *resolved, names *names) {
	s.tally.unplaced += uint64(assignments.unplaced)
	if assignments.n == 0 {
		return
	}
	table := names.current.Load() // under the lock: it has all names that visitors here hold
	for _, a := range assignments.list[:assignments.n] {
		if !v.assign(a, table) {
			s.tally.unplaced++
		}
	}
}

// sift keeps what the rates of a day take, and says how many visitors and pairs
// went. The caller holds the lock.
func (s *shard) sift(visitorHalvings, pairHalvings uint32) (visitorsGone, pairsGone int) {
	visitors, pairs := s.visitors.used, s.pairs.used
	s.pairs.sift(pairHalvings, s.visitors.table)
	s.visitors.rebuild(len(s.visitors.table), visitorHalvings)
	s.pairs.compact(0, s.visitors.table)
	return visitors - s.visitors.used, pairs - s.pairs.used
}
