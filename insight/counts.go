package insight

import (
	"slices"
	"strings"

	"stats-recorder/counters"
)

// A Role is the part that events of a type have in an analysis.
type Role uint8

// The roles of events. RoleNone is that of events that are not looked at.
const (
	RoleNone Role = iota
	RoleShow
	RoleClick
)

// Roles are the roles of event types by their numbers.
type Roles [counters.MaxEventTypes + 1]Role

// A PlaceCount is how often one benefit was shown and clicked at one exact
// place, which is a page total and an index, as counters.Key.Place packs them.
type PlaceCount struct {
	Place  uint32
	Shows  uint64
	Clicks uint64
}

// Position is the page total and the index of the place.
func (p PlaceCount) Position() (pageTotal, index uint16) { return counters.Key(p.Place).Position() }

// Counts are the shows and clicks of a window, by benefit and exact place. They
// hold 24 bytes a place of a benefit. Any number of analyses may read them at
// one time; nobody may while Add is at work.
type Counts struct {
	version  uint16
	roles    Roles
	benefits []benefitCounts
	number   map[string]int // name → index in benefits
	scratch  [2][]PlaceCount
}

// benefitCounts are the places of a benefit in ascending order, each once.
type benefitCounts struct {
	name   string
	places []PlaceCount
}

// NewCounts is nothing yet of one record version: versions are different pages
// and are never mixed.
func NewCounts(version uint16, roles Roles) *Counts {
	return &Counts{version: version, roles: roles, number: make(map[string]int)}
}

// Add adds the counters of a benefit, sorted by key, as a counters.Store gives
// them. Cells of other versions and of event types without a role are left out.
// A benefit may come again, as one day after the other does. The slice is not
// kept. A benefit without cells that count is still known afterwards.
func (c *Counts) Add(name string, cells []counters.Cell) { c.AddSince(nil, name, cells) }

// AddSince is Add for counts of which most were the same before: what a benefit has
// there in the same places is shared with these and not held twice. Before may be nil.
func (c *Counts) AddSince(before *Counts, name string, cells []counters.Cell) {
	b, known := c.number[name]
	if !known {
		b = len(c.benefits)
		name = strings.Clone(name) // the caller's may be a part of something large
		c.number[name] = b
		c.benefits = append(c.benefits, benefitCounts{name: name})
	}
	merged := append(c.scratch[0][:0], c.benefits[b].places...)
	spare := c.scratch[1]
	for len(cells) > 0 {
		run := c.nextRun(cells)
		if role := c.roles[cells[0].Key.Event()]; role != RoleNone && cells[0].Key.Version() == c.version {
			merged, spare = mergeRun(spare[:0], merged, cells[:run], role), merged
		}
		cells = cells[run:]
	}
	c.scratch = [2][]PlaceCount{merged, spare}
	c.benefits[b].places = sharedOr(before, name, merged)
}

// sharedOr are the places of a benefit as they were before, if they are these, or a copy.
func sharedOr(before *Counts, name string, places []PlaceCount) []PlaceCount {
	if before != nil {
		if same := before.Places(name); slices.Equal(same, places) {
			return same
		}
	}
	return slices.Clone(places)
}

// nextRun is how many of the first cells are of one event type and version.
func (c *Counts) nextRun(cells []counters.Cell) int {
	first := cells[0].Key
	for i, cell := range cells {
		if cell.Key.Event() != first.Event() || cell.Key.Version() != first.Version() {
			return i
		}
	}
	return len(cells)
}

// mergeRun appends the sum of sorted places and sorted cells to dst.
func mergeRun(dst, places []PlaceCount, cells []counters.Cell, role Role) []PlaceCount {
	for _, cell := range cells {
		place := cell.Key.Place()
		for len(places) > 0 && places[0].Place < place {
			dst = append(dst, places[0])
			places = places[1:]
		}
		sum := PlaceCount{Place: place}
		if len(places) > 0 && places[0].Place == place {
			sum = places[0]
			places = places[1:]
		}
		if role == RoleShow {
			sum.Shows += cell.Count
		} else {
			sum.Clicks += cell.Count
		}
		dst = append(dst, sum)
	}
	return append(dst, places...)
}

// Benefits are the names that were added, in ascending order.
func (c *Counts) Benefits() []string {
	names := make([]string, 0, len(c.benefits))
	for _, b := range c.sorted() {
		names = append(names, b.name)
	}
	return names
}

// Places are the places of a benefit in ascending order, each once; nil if there
// is no such benefit. The caller must not change them.
func (c *Counts) Places(name string) []PlaceCount {
	b, known := c.number[name]
	if !known {
		return nil
	}
	return c.benefits[b].places
}

// Len is how many places of benefits there are.
func (c *Counts) Len() int {
	places := 0
	for _, b := range c.benefits {
		places += len(b.places)
	}
	return places
}

// Equal says whether others are the same counts of the same version, with the same
// roles: then they have the same analysis.
func (c *Counts) Equal(other *Counts) bool {
	if c.version != other.version || c.roles != other.roles || len(c.benefits) != len(other.benefits) {
		return false
	}
	for _, b := range c.benefits {
		number, known := other.number[b.name]
		if !known || !slices.Equal(b.places, other.benefits[number].places) {
			return false
		}
	}
	return true
}

// sorted are the benefits by name, so that no answer depends on the order in
// which they came: sums of floats do.
func (c *Counts) sorted() []benefitCounts {
	byName := slices.Clone(c.benefits)
	slices.SortFunc(byName, func(a, b benefitCounts) int { return strings.Compare(a.name, b.name) })
	return byName
}

// hasShows says whether a benefit was shown at a place.
func (c *Counts) hasShows(name string, place uint32) bool {
	places := c.Places(name)
	i, found := slices.BinarySearchFunc(places, place, func(p PlaceCount, place uint32) int {
		return int(p.Place) - int(place)
	})
	return found && places[i].Shows > 0
}
