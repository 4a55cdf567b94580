package counters

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// The widths of the fields of a Key, and what they let through. A key and a
// count share one word of a Table, a key and a benefit one word of a Batch, so
// the sum of a key's widths plus benefitBits, and plus countBits, is 64.
const (
	// PlaceBits is the width of Key.Place.
	PlaceBits   = 20
	versionBits = 16
	eventBits   = 6
	keyBits     = PlaceBits + versionBits + eventBits
	benefitBits = 64 - keyBits

	// MaxPosition is the largest page total and the largest index that a Key
	// can hold. It is above what the contract lets through (1000), so that
	// odd records of an imported database keep their place.
	MaxPosition = 1<<(PlaceBits/2) - 1
	// MaxEventTypes is how many event types a store can know.
	MaxEventTypes = 1<<eventBits - 1
	// MaxBenefits is how many benefits a store can know.
	MaxBenefits = 1 << benefitBits
)

// ErrKeyOutOfRange is returned for a page total, an index or an event type
// that no Key can hold.
var ErrKeyOutOfRange = errors.New("position or event type out of range")

// EventType is the small number of an event type's name. Zero is no event
// type, which keeps every Key different from zero.
type EventType uint8

// Benefit is the small number of a benefit's name. A store gives numbers in
// the order in which it first sees the names and never takes one back.
type Benefit uint32

// Key says what is counted within one benefit and one span of time: the event
// type, the version of the record, and the position, which is the page total
// and the index on that page. Keys sort by event type, version, position.
type Key uint64

// NewKey packs its arguments. It returns ErrKeyOutOfRange when event is 0 or
// above MaxEventTypes or when pageTotal or index is above MaxPosition.
func NewKey(event EventType, version, pageTotal, index uint16) (Key, error) {
	if event == 0 || event > MaxEventTypes || pageTotal > MaxPosition || index > MaxPosition {
		return 0, outOfRange(event, pageTotal, index)
	}
	return Key(uint64(event)<<(versionBits+PlaceBits) |
		uint64(version)<<PlaceBits |
		pair(uint64(pageTotal), uint64(index))), nil
}

// outOfRange is not a part of NewKey, so that this is short.
func outOfRange(event EventType, pageTotal, index uint16) error {
	return fmt.Errorf("%w: event type %d, page total %d, index %d", ErrKeyOutOfRange, event, pageTotal, index)
}

// Event is the event type of the key.
func (k Key) Event() EventType { return EventType(k >> (versionBits + PlaceBits)) }

// ofEvent is the key of another event type.
func (k Key) ofEvent(event EventType) Key {
	return k&(1<<(versionBits+PlaceBits)-1) | TotalKey(event)
}

// Version is the version of the records that the key counts.
func (k Key) Version() uint16 { return uint16(k >> PlaceBits) }

// Position is the page total and the index on that page.
func (k Key) Position() (pageTotal, index uint16) {
	return unpair(uint64(k) & placeMask)
}

// Place is the position as one number below 1<<PlaceBits, small and close
// together for short pages. KeyAt(k.Event(), k.Version(), k.Place()) is k.
func (k Key) Place() uint32 { return uint32(k & placeMask) }

// KeyAt is the key of an event type, a version and a Place. It returns
// ErrKeyOutOfRange for an event type or a place that no Key can hold.
func KeyAt(event EventType, version uint16, place uint32) (Key, error) {
	if event == 0 || event > MaxEventTypes || place>>PlaceBits != 0 {
		return 0, fmt.Errorf("%w: event type %d, place %d", ErrKeyOutOfRange, event, place)
	}
	return Key(uint64(event)<<(versionBits+PlaceBits) | uint64(version)<<PlaceBits | uint64(place)), nil
}

// valid reports whether a key that came from outside can have been made by NewKey.
func (k Key) valid() bool { return k>>keyBits == 0 && k.Event() != 0 }

// pair maps a page total and an index to one number, one to one. It is
// Szudzik's pairing ("An Elegant Pairing Function", 2006): indexes on a page
// are at most its total, so the numbers of the pages up to length n are the
// numbers below (n+1)², close together, which is what makes the differences of
// sorted keys small on disk.
func pair(pageTotal, index uint64) uint64 {
	if index > pageTotal {
		return index*index + pageTotal
	}
	return pageTotal*pageTotal + pageTotal + index
}

func unpair(position uint64) (pageTotal, index uint16) {
	root := uint64(math.Sqrt(float64(position))) // exact: position is below 2^53
	rest := position - root*root
	if rest < root {
		return uint16(rest), uint16(root)
	}
	return uint16(root), uint16(rest - root)
}

// Hour is a UTC hour: hours since 1970-01-01T00:00Z.
type Hour uint32

// Undated is the hour of counts of which nobody knows when they were made: they count to
// the Past, of kinds that keep it, and on no day. It is beyond MaxDay, and no bound of a
// query.
const Undated = Hour(math.MaxUint32 - 7)

// Day is a UTC day: days since 1970-01-01.
type Day uint32

// HourOf is the UTC hour that contains t. Times before 1970 are in hour 0.
func HourOf(t time.Time) Hour {
	seconds := t.Unix()
	if seconds < 0 {
		return 0
	}
	return Hour(min(seconds/3600, math.MaxUint32))
}

// Time is the start of the hour.
func (h Hour) Time() time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// Day is the UTC day that contains the hour, the Past for Undated.
func (h Hour) Day() Day {
	if h == Undated {
		return Past
	}
	return Day(h / 24)
}

// MaxDay is the last day whose hours are all Hours.
const MaxDay = Day(math.MaxUint32/24 - 1)

// FirstHour is the first hour of the day.
func (d Day) FirstHour() Hour { return Hour(d) * 24 }

// Time is the start of the day.
func (d Day) Time() time.Time { return d.FirstHour().Time() }

// String is the day as an ISO 8601 date.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// TotalKey is the key of all records of an event type together.
func TotalKey(event EventType) Key { return Key(event) << (versionBits + PlaceBits) }

// The fields of a Key as bits, for KindRule.LooksAt.
const (
	EventField    Key = (1<<eventBits - 1) << (versionBits + PlaceBits)
	VersionField  Key = (1<<versionBits - 1) << PlaceBits
	PositionField Key = placeMask
)

// placeMask has the bits of a key in which an hourly kind has the hour of the day.
const placeMask = 1<<PlaceBits - 1

// AtHour is the key with an hour's place in its day instead of a position.
func (k Key) AtHour(hour Hour) Key { return k.WithoutHour() | Key(hour%24) }

// HourOfDay is the hour, 0 to 23, of a key of an hourly kind.
func (k Key) HourOfDay() int { return int(k & placeMask) }

// WithoutHour is what a key of an hourly kind counts, whatever the hour.
func (k Key) WithoutHour() Key { return k &^ placeMask }
