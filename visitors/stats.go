package visitors

import "stats-recorder/counters"

// Stats are figures of a ledger for metrics. They are read without waiting for
// anybody and are of about one moment.
type Stats struct {
	// RefusedRecords are of days older than those open, since the start.
	RefusedRecords uint64
	// LostDays are days closed by Add whose sums nobody fetched in time, since the
	// start.
	LostDays uint64
	// Days are the open days, oldest first.
	Days []DayStats
}

// DayStats are figures of an open day. Visitors and Pairs are those kept;
// Estimate says what they stand for.
type DayStats struct {
	Day                    counters.Day
	Visitors, Pairs        uint64
	Halvings, PairHalvings uint8
	// AnonymousRecords are of ids that are no visitor.
	AnonymousRecords uint64
	// UnplacedAssignments are those of kept visitors that were left out or count
	// under Other: a name of no or more than MaxNameBytes bytes, a variant more than
	// Limits.Variants, an experiment more than a visitor keeps. Each batch counts.
	UnplacedAssignments uint64
	// Bytes is the memory of the tables.
	Bytes int
}

// Stats returns the figures. It holds each shard for less than a microsecond.
func (l *Ledger) Stats() Stats {
	stats := Stats{RefusedRecords: l.refused.Load(), LostDays: l.lost.Load()}
	for _, d := range *l.open.Load() {
		stats.Days = append(stats.Days, d.stats())
	}
	return stats
}

func (d *day) stats() DayStats {
	visitorHalvings, pairHalvings := d.rates()
	stats := DayStats{Day: d.date, Halvings: uint8(visitorHalvings), PairHalvings: uint8(pairHalvings)}
	for i := range d.shards {
		d.shards[i].addTo(&stats)
	}
	return stats
}

func (s *shard) addTo(stats *DayStats) {
	s.Lock()
	defer s.Unlock()
	stats.Visitors += uint64(s.visitors.used)
	stats.Pairs += uint64(s.pairs.used)
	stats.AnonymousRecords += s.tally.anonymous
	stats.UnplacedAssignments += s.tally.unplaced
	stats.Bytes += s.visitors.bytes() + s.pairs.bytes()
}
