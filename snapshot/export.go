package snapshot

import (
	"fmt"
	"slices"

	"stats-recorder/counters"
)

// Exported are the counters of one benefit on one day, or of no known day.
type Exported struct {
	Day counters.Day
	// Undated is set for what counts in the sums of all time only: what was
	// imported without a time, and days that retention has taken.
	Undated bool
	Benefit string
	// Events are the names of event types: Events[n-1] is that of EventType(n).
	Events []string
	// Cells are sorted by key. They are valid during the call.
	Cells []counters.Cell
}

// Export reads a directory, on which a server may be running, and visits the
// counters of the days from and later, up to but without to, by day, then
// benefit; at the end, if the window is all of time, the undated ones. It
// changes nothing. What a running server has not written yet is missing, and it
// may remove a file that is about to be read: then there is an error, and
// nothing is wrong.
func Export(directory string, from, to counters.Day, visit func(Exported) error) error {
	r := &recoverer{directory: directory, visibility: counters.WhenDurable}
	if err := r.run(); err != nil {
		return err
	}
	e := &exporter{
		directory: directory,
		manifest:  r.manifest,
		frozen:    r.store.Freeze(),
		names:     r.store.Benefits.Names(),
		events:    r.store.Events.Names(),
		closed:    newTable(),
		visit:     visit,
	}
	for _, day := range e.days() {
		if day >= from && day < to {
			if err := e.day(day); err != nil {
				return err
			}
		}
	}
	if from == 0 && to > counters.MaxDay {
		return e.undated()
	}
	return nil
}

type exporter struct {
	directory string
	manifest  *manifest
	frozen    *counters.Frozen
	names     []string
	events    []string
	closed    *counters.Table // positions of the closed days so far
	visit     func(Exported) error
}

func (e *exporter) days() []counters.Day {
	days := e.frozen.Days()
	for _, s := range e.manifest.segments {
		days = append(days, s.day)
	}
	slices.Sort(days)
	return slices.Compact(days)
}

func (e *exporter) day(day counters.Day) error {
	tables := newDayTables(day)
	if s, found := e.manifest.find(day); found {
		if err := tables.addSegment(e.directory, s); err != nil {
			return err
		}
		e.closed.Merge(tables.positions)
	}
	tables.addFrozen(e.frozen)
	return e.visitBenefits(Exported{Day: day}, tables.positions.Cells)
}

// undated visits what the past has beyond the closed days.
func (e *exporter) undated() error {
	return e.visitBenefits(Exported{Undated: true}, func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
		counted := map[counters.Key]uint64{}
		for _, cell := range e.closed.Cells(benefit, nil) {
			counted[cell.Key] = cell.Count
		}
		for _, cell := range e.frozen.Past(benefit, nil, nil) {
			if cell.Count > counted[cell.Key] {
				dst = append(dst, counters.Cell{Key: cell.Key, Count: cell.Count - counted[cell.Key]})
			}
		}
		return dst
	})
}

func (e *exporter) visitBenefits(row Exported, read cellReader) error {
	var cells []counters.Cell
	row.Events = e.events
	for number, name := range e.names {
		if cells = read(counters.Benefit(number), cells[:0]); len(cells) == 0 {
			continue
		}
		row.Benefit, row.Cells = name, cells
		if err := e.visit(row); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}
