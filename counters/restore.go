package counters

import (
	"errors"
	"fmt"
)

// ErrImpossibleCounts is returned for counts from outside that no sequence of
// records can have made.
var ErrImpossibleCounts = errors.New("impossible counts")

// maxCount bounds a single count from outside, so that no sum of counts that
// fits in memory overflows.
const maxCount = 1 << 56

// RestorePositions adds counters of one benefit and day to the base. It does
// not touch the hours, which come through RestoreHours. Several goroutines may
// restore at a time. It returns ErrImpossibleCounts for a key or a count that
// the store cannot have made.
func (s *Store) RestorePositions(day Day, benefit Benefit, cells []Cell) error {
	return s.restore(benefit, cells, func(shard *shard, number int) *Table {
		return shard.base.day(s, number, day).positions
	})
}

// RestorePast adds counters of one benefit to those of closed days, or of no
// known time: they count in the sums of all time. Errors are
// as for RestorePositions.
func (s *Store) RestorePast(benefit Benefit, cells []Cell) error {
	return s.restore(benefit, cells, func(shard *shard, _ int) *Table { return shard.past })
}

// RestoreHours adds a benefit's totals of one day to the base, under the keys
// that Frozen.Hours gave. The rest is as for RestorePositions.
func (s *Store) RestoreHours(day Day, benefit Benefit, cells []Cell) error {
	for _, cell := range cells {
		hour := cell.Key.HourOfDay()
		if hour > 23 || cell.Key != hourKey(cell.Key.Event(), Hour(hour)) {
			return fmt.Errorf("%w: key %#x", ErrImpossibleCounts, uint64(cell.Key))
		}
	}
	return s.restore(benefit, cells, func(shard *shard, number int) *Table {
		return shard.base.day(s, number, day).hours
	})
}

func (s *Store) restore(benefit Benefit, cells []Cell, table func(shard *shard, number int) *Table) error {
	if err := s.known(benefit, cells); err != nil {
		return err
	}
	number := s.shardOf(benefit)
	shard := &s.shards[number]
	shard.layers.Lock()
	defer shard.layers.Unlock()
	into := table(shard, number)
	into.Reserve(benefit, len(cells))
	into.AddCells(benefit, cells)
	return nil
}

// Replay adds counters of one benefit and hour to the base: what Fold once did
// with them. Errors are as for RestorePositions.
func (s *Store) Replay(hour Hour, benefit Benefit, cells []Cell) error {
	if err := s.known(benefit, cells); err != nil {
		return err
	}
	number := s.shardOf(benefit)
	shard := &s.shards[number]
	shard.layers.Lock()
	defer shard.layers.Unlock()
	counts := shard.base.day(s, number, hour.Day())
	for _, cell := range cells {
		counts.positions.Add(benefit, cell.Key, cell.Count)
		counts.hours.Add(benefit, hourKey(cell.Key.Event(), hour), cell.Count)
	}
	return nil
}

// known checks that keys, names and counts are ones that the store can hold.
func (s *Store) known(benefit Benefit, cells []Cell) error {
	if int(benefit) >= s.Benefits.Len() {
		return fmt.Errorf("%w: benefit number %d of %d known", ErrImpossibleCounts, benefit, s.Benefits.Len())
	}
	for _, cell := range cells {
		if !cell.Key.valid() {
			return fmt.Errorf("%w: key %#x", ErrImpossibleCounts, uint64(cell.Key))
		}
		if int(cell.Key.Event()) > s.Events.Len() {
			return fmt.Errorf("%w: event type %d of %d known", ErrImpossibleCounts, cell.Key.Event(), s.Events.Len())
		}
		if cell.Count == 0 || cell.Count > maxCount {
			return fmt.Errorf("%w: count %d", ErrImpossibleCounts, cell.Count)
		}
	}
	return nil
}
