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
	// touched has it that what is read early is not left out.
	touched pair

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

// fewVisits is how many visits of a shard are counted at once.
const fewVisits = 16

// add counts at most fewVisits visits. What they are counted in lies far apart: it is read for
// all of them at first, so that the processor waits for memory once and not for each
// (BenchmarkAddGathered). The caller holds the lock.
func (s *shard) add(visits []*visit, b *Batch, d *day) {
	for s.visitors.isCrowded(len(visits)) {
		s.visitors.rebuild(max(minVisitors, 2*len(s.visitors.table)), 0)
	}
	var met [fewVisits]*visitor
	for i, one := range visits {
		met[i] = s.visitors.locate(one.hash)
	}
	for _, v := range met[:len(visits)] {
		s.touched ^= s.pairs.touch(v)
	}
	for i, one := range visits {
		s.assign(met[i], b.numbersOf(one), &d.names)
		s.count(met[i], b.recordsOf(one), d)
	}
}

// count counts the records of a visit.
func (s *shard) count(v *visitor, records []Record, d *day) {
	paired := d.pairs.takes(v.hash())
	for len(records) > 0 {
		same, firsts := alike(records)
		records = records[len(same):]
		reached := d.config.Stages[same[0].event()]
		if reached == 0 {
			continue
		}
		v.count(reached, len(same), firsts)
		if paired {
			s.pairs.add(v, same, reached, s.visitors.table)
		}
	}
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
