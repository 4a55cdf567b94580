package snapshot

import (
	"errors"
	"fmt"

	"stats-recorder/counters"
)

// Durability is what it means that a record was acknowledged.
type Durability int

const (
	// Always: it is on disk. A crash or a loss of power costs nothing
	// acknowledged.
	Always Durability = iota
	// EverySecond: it will be written to the journal within 100 ms, and synced
	// within a second. A crash of the process costs at most the former, a loss of
	// power at most about the latter.
	EverySecond
	// Snapshot: it will be in the next snapshot. A crash costs everything since
	// the last one. There is no journal.
	Snapshot
)

// ErrDurability is returned by ParseDurability for an unknown name.
var ErrDurability = errors.New("unknown durability")

var durabilityNames = map[string]Durability{"always": Always, "everysec": EverySecond, "snapshot": Snapshot}

// ParseDurability returns the durability of a name: always, everysec or snapshot.
func ParseDurability(name string) (Durability, error) {
	durability, ok := durabilityNames[name]
	if !ok {
		return 0, fmt.Errorf("%w %q: want always, everysec or snapshot", ErrDurability, name)
	}
	return durability, nil
}

// visibility is from when on readers see a record: from its acknowledgement on.
func (d Durability) visibility() counters.Visibility {
	if d == Always {
		return counters.WhenDurable
	}
	return counters.WhenAdded
}
