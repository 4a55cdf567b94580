package cluster

import (
	"cmp"
	"maps"
	"slices"
)

// Covered says which frames a state has: of each origin all up to a sequence
// number, and some beyond. It is kept in the same file as the state, so that one
// is never without the other. The zero Covered has none. It has no lock.
type Covered struct {
	// Position is up to where the log was merged: the state has all frames there
	// and before. The owner sets it; no method does.
	Position Position
	// Sum is a digest of the counts of the state, 0 where it is not known: states with the
	// same frames and other sums have come apart. The owner sets it, too.
	Sum uint64

	origins map[Origin]sequences
}

// An Interval is sequence numbers of one origin, both ends included.
type Interval struct{ First, Last uint64 }

// sequences are a set of sequence numbers of one origin.
type sequences struct {
	upTo uint64 // all from 1 to here; 0 for none
	// beyond ascends. Between upTo, and between each, at least one is missing.
	beyond []Interval
}

// Add adds a frame and reports whether it is new: if not, its counts are in the
// state and must not be merged again. A sequence of 0 is no frame and never new.
func (c *Covered) Add(origin Origin, sequence uint64) (isNew bool) {
	if sequence == 0 || c.Contains(origin, sequence) {
		return false
	}
	c.addInterval(origin, Interval{sequence, sequence})
	return true
}

// Contains reports whether the state has a frame.
func (c *Covered) Contains(origin Origin, sequence uint64) bool {
	have := c.origins[origin]
	if sequence <= have.upTo {
		return sequence > 0
	}
	// The first interval that ends at the sequence or beyond.
	at, exact := slices.BinarySearchFunc(have.beyond, sequence, func(i Interval, s uint64) int { return cmp.Compare(i.Last, s) })
	return exact || at < len(have.beyond) && have.beyond[at].First <= sequence
}

// Merge adds all frames that another state has. The Position stays.
func (c *Covered) Merge(other *Covered) {
	for origin, theirs := range other.origins {
		if theirs.upTo > 0 {
			c.addInterval(origin, Interval{1, theirs.upTo})
		}
		for _, interval := range theirs.beyond {
			c.addInterval(origin, interval)
		}
	}
}

func (c *Covered) addInterval(origin Origin, added Interval) {
	if c.origins == nil {
		c.origins = map[Origin]sequences{}
	}
	c.origins[origin] = c.origins[origin].with(added)
}

// remove makes a frame one that the state lacks.
func (c *Covered) remove(origin Origin, sequence uint64) {
	if !c.Contains(origin, sequence) {
		return
	}
	have := c.origins[origin]
	var left sequences
	for _, interval := range append([]Interval{{1, have.upTo}}, have.beyond...) {
		if interval.First <= sequence && sequence <= interval.Last {
			left = left.withAny(Interval{interval.First, sequence - 1})
			interval.First = sequence + 1
		}
		left = left.withAny(interval)
	}
	if left.upTo == 0 && len(left.beyond) == 0 {
		delete(c.origins, origin)
		return
	}
	c.origins[origin] = left
}

// withAny is with for an interval that may be empty.
func (s sequences) withAny(added Interval) sequences {
	if added.First > added.Last {
		return s
	}
	return s.with(added)
}

// with is the set and an interval, in its one normal form.
func (s sequences) with(added Interval) sequences {
	if added.First-1 <= s.upTo { // not upTo+1, which may not exist
		s.upTo = max(s.upTo, added.Last)
	} else {
		s.beyond = insert(s.beyond, added)
	}
	for len(s.beyond) > 0 && s.beyond[0].First-1 <= s.upTo {
		s.upTo = max(s.upTo, s.beyond[0].Last)
		s.beyond = s.beyond[1:]
	}
	return s
}

// insert puts an interval into ascending ones and joins it with those that it
// overlaps or touches. The result shares no memory with what was given.
func insert(intervals []Interval, added Interval) []Interval {
	result := make([]Interval, 0, len(intervals)+1)
	for _, interval := range intervals {
		switch {
		case interval.Last < added.First-1:
			result = append(result, interval)
		case added.Last < interval.First-1:
			result = append(result, added)
			added = interval
		default:
			added = Interval{min(added.First, interval.First), max(added.Last, interval.Last)}
		}
	}
	return append(result, added)
}

// UpTo is the sequence number up to which the state has all frames of an origin,
// 0 if not even its first.
func (c *Covered) UpTo(origin Origin) uint64 { return c.origins[origin].upTo }

// Highest is the highest sequence number of an origin that the state has, 0 if none.
func (c *Covered) Highest(origin Origin) uint64 {
	have := c.origins[origin]
	if n := len(have.beyond); n > 0 {
		return have.beyond[n-1].Last
	}
	return have.upTo
}

// Missing is what the state lacks of an origin below the highest that it has:
// frames that the origin must append again, unless they are on their way.
func (c *Covered) Missing(origin Origin) []Interval {
	have := c.origins[origin]
	var missing []Interval
	upTo := have.upTo
	for _, interval := range have.beyond {
		missing = append(missing, Interval{upTo + 1, interval.First - 1})
		upTo = interval.Last
	}
	return missing
}

// Origins are those of which the state has a frame, in ascending order.
func (c *Covered) Origins() []Origin {
	return slices.SortedFunc(maps.Keys(c.origins), func(a, b Origin) int { return slices.Compare(a[:], b[:]) })
}

// Equal reports whether both have the same frames, wherever they are in the log.
func (c *Covered) Equal(other *Covered) bool {
	return maps.EqualFunc(c.origins, other.origins, func(a, b sequences) bool {
		return a.upTo == b.upTo && slices.Equal(a.beyond, b.beyond)
	})
}

// Includes reports whether the state has all frames that another has.
func (c *Covered) Includes(other *Covered) bool {
	both := c.Clone()
	both.Merge(other)
	return both.Equal(c)
}

// HasBeyond reports whether the state has a frame that another lacks, or there is no other.
func (c *Covered) HasBeyond(other *Covered) bool { return other == nil || !other.Includes(c) }

// Frames is how many frames the state has.
func (c *Covered) Frames() (frames uint64) {
	for _, have := range c.origins {
		frames += have.upTo
		for _, interval := range have.beyond {
			frames += interval.Last - interval.First + 1
		}
	}
	return frames
}

// Lacks is how many frames another state has that this one lacks.
func (c *Covered) Lacks(other *Covered) uint64 {
	both := c.Clone()
	both.Merge(other)
	return both.Frames() - c.Frames()
}

// Behind reports whether another state has a frame that this one lacks, or is further
// in the same log, or is in a log while this one is in none.
func (c *Covered) Behind(other *Covered) bool {
	mine, theirs := c.Position, other.Position
	return !c.Includes(other) || mine == Position{} && theirs != Position{} ||
		mine.Epoch == theirs.Epoch && mine.Sequence < theirs.Sequence
}

// Clone is a copy that shares nothing with c.
func (c *Covered) Clone() *Covered {
	clone := &Covered{Position: c.Position, Sum: c.Sum}
	clone.Merge(c)
	return clone
}
