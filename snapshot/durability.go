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
	// EverySecond: it is written to the journal, and will be synced within about a
	// second. A crash of the process costs nothing, a loss of power about a second.
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

// isJournaled says whether a journal is kept, and a record acknowledged once it is in
// there.
func (d Durability) isJournaled() bool { return d != Snapshot }

// visibility is from when on readers see a record: from its acknowledgement on.
func (d Durability) visibility() counters.Visibility {
	if d.isJournaled() {
		return counters.WhenDurable
	}
	return counters.WhenAdded
}
