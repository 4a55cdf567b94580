package counters

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Foreign is what another store counted. Its benefits and event types have numbers
// of their own: those of the names in its lists. It is filled by Add and AddRun, given to
// Store.Merge once, alone or with others, which ends it, and belongs to one goroutine.
type Foreign struct {
	// Benefits are the names of Benefit(0) and on, Events those of EventType(1) and on.
	// The bytes must stay as they are until it is merged. The list of Benefits belongs to this
	// one alone: Merge takes it.
	Benefits, Events [][]byte
	// Marks are those of the batches.
	Marks []Mark

	foreignCells
}

// foreignCells is what a Foreign has counted.
type foreignCells struct {
	names  [][]byte // room for those of benefits
	runs   []foreignRun
	packed []PackedCell
	cells  []Cell // of runs that cannot be packed
}

// A PackedCell is a counter of a run: its place in the low PlaceBits and its count above, which
// nearly all have room for. What is to be merged at once then stays in the processor's caches.
type PackedCell uint32

// MostPacked is the largest count of a PackedCell.
const MostPacked = 1<<(32-PlaceBits) - 1

// Packed is a counter with a Key.Place and a count of 1 to MostPacked.
func Packed(place, count uint32) PackedCell { return PackedCell(count<<PlaceBits | place&placeMask) }

func (p PackedCell) place() uint32 { return uint32(p & placeMask) }
func (p PackedCell) count() uint32 { return uint32(p >> PlaceBits) }

// foreignRun is what counts for one benefit in one hour, under keys that differ in their
// places only.
type foreignRun struct {
	hour    Hour
	benefit Benefit
	head    Key // the keys without their places
	// least and largest are its places. Where it is not in packed, largest is unpacked, and least is none.
	least, largest uint32
	// start and end are its part of packed or, for a run with a count above MostPacked,
	// of cells.
	start, end int32
}

// unpacked is no place.
const unpacked = math.MaxUint32

// isPacked says whether the run is a part of packed.
func (r *foreignRun) isPacked() bool { return r.largest != unpacked }

// mergedCells are those of Foreigns that were merged, for others.
var mergedCells = sync.Pool{New: func() any { return new(foreignCells) }}

// NewForeign makes an empty one with room for about as many counters.
func NewForeign(counters int) *Foreign {
	f := &Foreign{foreignCells: *mergedCells.Get().(*foreignCells)}
	f.Benefits = f.names
	f.packed = slices.Grow(f.packed, counters)
	return f
}

// release gives up what was counted, which nobody may use any more.
func (f *Foreign) release() {
	clear(f.Benefits)
	emptied := foreignCells{names: f.Benefits[:0], runs: f.runs[:0], packed: f.packed[:0]}
	*f = Foreign{}
	mergedCells.Put(&emptied)
}

// Room is where the counters of a run may be put for AddRun, until the next Room, Add or AddRun.
func (f *Foreign) Room(counters int) []PackedCell {
	f.packed = slices.Grow(f.packed, counters)
	return f.packed[len(f.packed):][:counters]
}

// AddRun adds counted records of one benefit and hour, or Undated, and of the event type and
// version of a key: all counters of the Room that was asked for last, of which there is at least
// one, in ascending order of places. It returns ErrImpossibleCounts for what has no name.
func (f *Foreign) AddRun(hour Hour, benefit Benefit, first Key, run []PackedCell) error {
	if err := f.check(hour, benefit, first); err != nil {
		return err
	}
	f.addPacked(foreignRun{
		hour: hour, benefit: benefit, head: first &^ placeMask,
		least: run[0].place(), largest: run[len(run)-1].place(),
	}, len(run))
	return nil
}

// check makes sure that there are names for what is counted, and that the hour is one.
func (f *Foreign) check(hour Hour, benefit Benefit, first Key) error {
	if int(benefit) >= len(f.Benefits) || hour.Day() > MaxDay && hour != Undated {
		return fmt.Errorf("%w: benefit number %d of %d named, hour %d", ErrImpossibleCounts, benefit, len(f.Benefits), hour)
	}
	if !first.valid() || int(first.Event()) > len(f.Events) {
		return checkCells(nil, len(f.Events), []Cell{{Key: first, Count: 1}})
	}
	return nil
}

// Add adds counted records of one benefit and hour, or Undated, in any order. It returns
// ErrImpossibleCounts for what has no name, and for counts that no records can have made.
func (f *Foreign) Add(hour Hour, benefit Benefit, cells []Cell) error {
	for len(cells) > 0 {
		first, n := cells[0].Key, 1
		for n < len(cells) && cells[n].Key&^placeMask == first&^placeMask {
			n++
		}
		if err := f.check(hour, benefit, first); err != nil {
			return err
		}
		if err := checkCells(nil, len(f.Events), cells[:n]); err != nil {
			return err
		}
		f.addCells(foreignRun{hour: hour, benefit: benefit, head: first &^ placeMask}, cells[:n])
		cells = cells[n:]
	}
	return nil
}

// addCells adds a run of any counts, packed if all of them can be.
func (f *Foreign) addCells(run foreignRun, cells []Cell) {
	room := f.Room(len(cells))
	run.least = unpacked
	for i, cell := range cells {
		if cell.Count > MostPacked {
			run.largest, run.start = unpacked, int32(len(f.cells))
			f.cells = append(f.cells, cells...)
			run.end = int32(len(f.cells))
			f.runs = append(f.runs, run)
			return
		}
		room[i] = Packed(cell.Key.Place(), uint32(cell.Count))
		run.least, run.largest = min(run.least, cell.Key.Place()), max(run.largest, cell.Key.Place())
	}
	f.addPacked(run, len(cells))
}

// addPacked adds a run of so many counters of the room.
func (f *Foreign) addPacked(run foreignRun, counters int) {
	run.start = int32(len(f.packed))
	f.packed = f.packed[:len(f.packed)+counters]
	run.end = int32(len(f.packed))
	f.runs = append(f.runs, run)
}
