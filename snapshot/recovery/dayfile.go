package recovery

import (
	"fmt"
	"io"
	"os"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// DayPath is the file of a closed day.
func DayPath(directory string, closed format.ClosedDay) string {
	return disk.DayPath(directory, uint32(closed.Day), closed.Generation)
}

// DayOf is the closed day that a file's name tells of, with no size.
func DayOf(path string) format.ClosedDay {
	day, generation, _ := disk.ParseDay(path)
	return format.ClosedDay{Day: counters.Day(day), Generation: generation}
}

// ReadDay reads those parts of a closed day's file that the sink wants.
func ReadDay(path string, kinds counters.Kinds, closed format.ClosedDay, sink format.DaySink) error {
	return disk.Read(path, func(input io.Reader, size int64) error {
		return format.ReadDay(input, size, kinds, closed, sink)
	})
}

// CheckDay reads a whole file, and makes sure that it is the one that a manifest means.
func CheckDay(path string, kinds counters.Kinds, closed format.ClosedDay) error {
	if err := checkDaySize(path, closed); err != nil {
		return err
	}
	return CheckDayContent(path, kinds, closed, func(uint64, []byte) error { return nil })
}

// CheckDayContent is CheckDay for a file of unknown size. It visits the names of its
// benefits.
func CheckDayContent(path string, kinds counters.Kinds, closed format.ClosedDay, benefits format.Names) error {
	sink := EveryPartOf(kinds)
	sink.Benefits = benefits
	return ReadDay(path, kinds, closed, sink)
}

// EveryPartOf is a sink that has every part of a file read, and forgets it.
func EveryPartOf(kinds counters.Kinds) format.DaySink {
	sink := format.DaySink{
		Benefits: func(uint64, []byte) error { return nil },
		Events:   func(uint64, []byte) error { return nil },
		Words:    func(uint64, []byte) error { return nil },
		Counts:   map[counters.Kind]format.CellVisitor{},
		Totals:   map[counters.Kind]format.CellVisitor{},
	}
	for _, rule := range kinds {
		sink.Counts[rule.Kind] = func(counters.Benefit, []counters.Cell) error { return nil }
		sink.Totals[rule.Kind] = sink.Counts[rule.Kind]
	}
	return sink
}

// checkDaySize makes sure that a file is as large as a manifest says.
func checkDaySize(path string, closed format.ClosedDay) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("stat %q: %w", path, disk.Plain(err))
	case info.Size() < closed.Bytes:
		return fmt.Errorf("%q: %w: %d bytes, want %d", path, format.ErrTruncated, info.Size(), closed.Bytes)
	case info.Size() > closed.Bytes:
		return fmt.Errorf("%q: %w: %d bytes, want %d", path, format.ErrMalformed, info.Size(), closed.Bytes)
	}
	return nil
}

// wasJournaled says whether the commits in a closed day's file were in a journal, as
// far as can be told.
func wasJournaled(path string) (journaled bool) {
	_ = disk.Read(path, func(input io.Reader, _ int64) error {
		journaled = format.WasJournaled(input)
		return nil
	})
	return journaled
}
