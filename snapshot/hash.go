package snapshot

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// A Hash is of a directory. Two directories with equal Frames must have equal Counts,
// wherever they are and however they number names.
type Hash struct {
	// Counts is of all counts that frames have, by names, whichever days are closed: sums
	// over visitors, for example, are each node's own. Days that nodes have agreed to let
	// go of count as those of no known day, whether their files are gone or not yet.
	Counts uint64
	// Frames is of the frames of a log that the directory has; "none" if it never counted
	// with others.
	Frames string
	// Commit is the directory's own.
	Commit uint64
}

// HashOf reads a directory, on which a server may be running, see Export. It returns also
// which frames the directory has, nil for none.
func HashOf(directory string, kinds counters.Kinds) (hash Hash, covered *cluster.Covered, err error) {
	expired := expiredCounts{}
	hash.Frames = "none"
	var origin *Origin
	err = Export(directory, kinds, 0, counters.MaxDay+1, func(row Exported) error {
		origin = row.Origin
		if row.Kind != counters.Positions && row.Kind != counters.Hours || expired.take(row, kinds) {
			return nil
		}
		for _, cell := range row.Cells {
			hash.Counts += hashOf(row, cell) // of rows in any order
		}
		return nil
	})
	hash.Counts += expired.hash()
	if origin != nil {
		hash.Commit = origin.Commit
		if origin.Membership != nil {
			covered = origin.Membership.Covered.Clone()
			frames := *covered
			frames.Position, frames.Sum = cluster.Position{}, 0 // where they were read does not matter
			hash.Frames = fmt.Sprintf("%016x", xxhash.Sum64(frames.AppendTo(nil)))
		}
	}
	return hash, covered, err
}

// expiredCounts are those of no known day, where days have expired. What a counter has is
// in one hash, so they are added up first.
type expiredCounts map[expiredCounter]uint64

// An expiredCounter is a counter of no known day. Its key has this directory's number of
// the event type, which is one for each name.
type expiredCounter struct {
	kind           counters.Kind
	benefit, event string
	key            counters.Key
}

// take takes a row, unless it is of a day that has not expired, or none has. Kinds that
// are in no sum of all time are gone with their day.
func (e expiredCounts) take(row Exported, kinds counters.Kinds) bool {
	if row.Origin.Membership == nil {
		return false
	}
	before := row.Origin.Membership.Expired.Before()
	if before == 0 || !row.Undated && row.Day >= before {
		return false
	}
	if rule, _ := kinds.Rule(row.Kind); !rule.Kept {
		return true
	}
	for _, cell := range row.Cells {
		event := row.Events[cell.Key.Event()-1]
		e[expiredCounter{row.Kind, row.Benefit, event, cell.Key}] += cell.Count
	}
	return true
}

func (e expiredCounts) hash() (sum uint64) {
	for counter, count := range e {
		row := Exported{Kind: counter.kind, Undated: true, Benefit: counter.benefit}
		sum += hashOfCount(row, counter.event, counters.Cell{Key: counter.key, Count: count})
	}
	return sum
}

// hashOf is of one counter: what it counts, by names, and how much.
func hashOf(row Exported, cell counters.Cell) uint64 {
	return hashOfCount(row, row.Events[cell.Key.Event()-1], cell)
}

func hashOfCount(row Exported, event string, cell counters.Cell) uint64 {
	b := []byte{byte(row.Kind)}
	if row.Undated {
		b[0] |= 1 << 7
	}
	b = binary.BigEndian.AppendUint32(b, uint32(row.Day))
	b = append(append(b, row.Benefit...), 0)
	b = append(append(b, event...), 0)
	b = binary.BigEndian.AppendUint16(b, cell.Key.Version())
	b = binary.BigEndian.AppendUint32(b, cell.Key.Place())
	return xxhash.Sum64(binary.BigEndian.AppendUint64(b, cell.Count))
}

// sumOfEvents is a digest of the events of all time in a frozen base, by the names of benefits
// and event types. It costs about as much as to write the snapshot, and does not depend on
// which days are closed or gone.
func sumOfEvents(frozen *counters.Frozen, benefits, events []string, breathe func()) (sum uint64) {
	parts := frozen.Parts()
	var cells []counters.Cell
	for benefit := range counters.Benefit(frozen.Benefits) {
		breathe()
		var counts [counters.MaxEventTypes + 1]uint64
		for _, part := range parts {
			if part.Kind != counters.Positions {
				continue
			}
			cells = frozen.Cells(part, benefit, cells[:0])
			for _, cell := range cells {
				counts[cell.Key.Event()] += cell.Count
			}
		}
		for event, count := range counts {
			if count > 0 {
				row := Exported{Kind: counters.Positions, Benefit: benefits[benefit]}
				sum += hashOfCount(row, events[event-1], counters.Cell{Count: count})
			}
		}
	}
	return sum
}
