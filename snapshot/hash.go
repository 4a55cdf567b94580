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
	// Counts is of all counts, by names, whichever days are closed.
	Counts uint64
	// Frames is of the frames of a log that the directory has; "none" if it never counted
	// with others.
	Frames string
	// Commit is the directory's own.
	Commit uint64
}

// HashOf reads a directory, on which a server may be running, see Export.
func HashOf(directory string, kinds counters.Kinds) (Hash, error) {
	hash := Hash{Frames: "none"}
	var origin *Origin
	err := Export(directory, kinds, 0, counters.MaxDay+1, func(row Exported) error {
		origin = row.Origin
		for _, cell := range row.Cells {
			hash.Counts += hashOf(row, cell) // of rows in any order
		}
		return nil
	})
	if origin != nil {
		hash.Commit = origin.Commit
		if origin.Membership != nil {
			frames := *origin.Membership.Covered.Clone()
			frames.Position = cluster.Position{} // where they were read does not matter
			hash.Frames = fmt.Sprintf("%016x", xxhash.Sum64(frames.AppendTo(nil)))
		}
	}
	return hash, err
}

// hashOf is of one counter: what it counts, by names, and how much.
func hashOf(row Exported, cell counters.Cell) uint64 {
	b := []byte{byte(row.Kind)}
	if row.Undated {
		b[0] |= 1 << 7
	}
	b = binary.BigEndian.AppendUint32(b, uint32(row.Day))
	b = append(append(b, row.Benefit...), 0)
	b = append(append(b, row.Events[cell.Key.Event()-1]...), 0)
	b = binary.BigEndian.AppendUint16(b, cell.Key.Version())
	b = binary.BigEndian.AppendUint32(b, cell.Key.Place())
	return xxhash.Sum64(binary.BigEndian.AppendUint64(b, cell.Count))
}
