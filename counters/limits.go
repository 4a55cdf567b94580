package counters

import (
	"slices"
	"sync"
	"sync/atomic"
)

// OtherBenefit is the benefit that records are counted under when there is no
// room for what they are about, so that totals stay right.
const OtherBenefit = "__other__"

// Limits bound what a store grows to, whatever the public sends.
type Limits struct {
	// Benefits is how many names of benefits there may be, beside OtherBenefit.
	Benefits int
	// Counters is how many counters there may be, of all kinds together. Records that
	// were on their way when it was reached may exceed it a little.
	Counters int
	// Waiting is how many records may wait for their delta to be settled; 0 means any
	// number. One batch may exceed it.
	Waiting int
}

// limits is a store's state of them.
type limits struct {
	counters   atomic.Int64 // that may exist
	existing   atomic.Int64 // that exist
	mayWait    atomic.Int64 // records, 0 for any number
	waiting    atomic.Int64 // records that wait
	overflowed atomic.Uint64
	versions   otherVersions
}

// SetLimits sets the limits of a store that has none yet. What it has recovered
// always counts, also beyond them.
func (s *Store) SetLimits(l Limits) {
	s.Benefits.SetLimit(min(l.Benefits, MaxBenefits-1))
	s.limits.counters.Store(int64(l.Counters))
	s.limits.mayWait.Store(int64(l.Waiting))
	s.recount()
}

// Place returns where a record counts: under its own name and key if both are
// known or there is room for them. The name of a benefit that there is no room
// for becomes OtherBenefit; a counter that there is no room for becomes one of
// OtherBenefit's for the event type and version, at the first of one. Of versions
// only the first few keep theirs, since strangers choose them too.
func (s *Store) Place(name []byte, key Key, hour Hour) (Benefit, Key, error) {
	number, known := s.Benefits.Lookup(name)
	if !known {
		number = s.placeName(name)
	}
	if s.limits.reached() {
		return s.placeWithin(Benefit(number), key, hour)
	}
	return Benefit(number), key, nil
}

// reached says whether there are as many counters as there may be.
func (l *limits) reached() bool { return l.existing.Load() >= l.counters.Load() }

// placeName returns where a name counts that is new.
func (s *Store) placeName(name []byte) uint32 {
	number, err := s.Benefits.Number(name)
	if err != nil { // only ever because the directory is full
		s.limits.overflowed.Add(1)
		number = s.Benefits.reserved([]byte(OtherBenefit))
	}
	return number
}

// placeWithin is Place for a counter that there is no room for if it is new.
func (s *Store) placeWithin(benefit Benefit, key Key, hour Hour) (Benefit, Key, error) {
	if s.has(benefit, key, hour) {
		return benefit, key, nil
	}
	s.limits.overflowed.Add(1)
	key, err := NewKey(key.Event(), s.limits.versions.keep(key.Version()), 1, 1)
	return Benefit(s.Benefits.reserved([]byte(OtherBenefit))), key, err
}

// maxOtherVersions is how many versions of records keep theirs beyond the limit, and
// RestVersion is the one that all others count under: the version that statistics
// are of when nobody names one.
const (
	maxOtherVersions = 8
	RestVersion      = 2
)

// otherVersions are the versions that were counted beyond the limit. It is written
// only a few times, so that who reads it takes no lock.
type otherVersions struct {
	known atomic.Pointer[[]uint16]
	mu    sync.Mutex // held while a version is added
}

// keep returns a version if it is one of the first few, else RestVersion.
func (o *otherVersions) keep(version uint16) uint16 {
	known := o.list()
	if version == RestVersion || slices.Contains(known, version) {
		return version
	}
	if len(known) >= maxOtherVersions {
		return RestVersion
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	known = o.list()
	if !slices.Contains(known, version) {
		if len(known) >= maxOtherVersions {
			return RestVersion
		}
		longer := append(slices.Clone(known), version)
		o.known.Store(&longer)
	}
	return version
}

func (o *otherVersions) list() []uint16 {
	if known := o.known.Load(); known != nil {
		return *known
	}
	return nil
}

// Overflowed is how many records Place had no room for since the start.
func (s *Store) Overflowed() uint64 { return s.limits.overflowed.Load() }

// has says whether all counters of a record exist, folded. It waits for a fold at most,
// and for no reader.
func (s *Store) has(benefit Benefit, key Key, hour Hour) bool {
	shard := &s.shards[s.shardOf(benefit)]
	shard.tables.RLock()
	defer shard.tables.RUnlock()
	day := dayTables{base: shard.base[hour.Day()]}
	if len(shard.overlay) > 0 {
		day.overlay = shard.overlay[hour.Day()]
	}
	return day.hasRecord(s.kinds, benefit, key, hour)
}

// Counters is how many counters the store holds: of each kind, those of each open day,
// and those of the past. One that is also in the overlay counts twice until that has
// been absorbed.
func (s *Store) Counters() int {
	total := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.tables.RLock()
		for _, layer := range []layer{shard.base, shard.overlay} {
			total += layer.counters()
		}
		shard.tables.RUnlock()
	}
	return total
}

// recount corrects the number of counters that exist, which folds only add to.
func (s *Store) recount() { s.limits.existing.Store(int64(s.Counters())) }
