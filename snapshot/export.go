package snapshot

import (
	"fmt"
	"slices"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// Exported are the counters of one kind and benefit on one day, or of no known day.
type Exported struct {
	Kind counters.Kind
	Day  counters.Day
	// Undated is set for what counts in the sums of all time only: what was
	// imported without a time, and days that retention has taken.
	Undated bool
	Benefit string
	// Events are the names of event types: Events[n-1] is that of EventType(n).
	Events []string
	// Cells are sorted by key. They are valid during the call.
	Cells []counters.Cell
	// Origin is the same in every call: shared, read only.
	Origin *Origin
}

// An Origin is the directory that counts are of.
type Origin struct {
	// Directory is its identity; empty where an earlier version has written all files.
	Directory string
	// Commit is the last commit that is counted.
	Commit uint64
	// Imports are what was imported there.
	Imports Imports
	// Membership is what is known there of a log; nil for nothing.
	Membership *cluster.Membership
}

// Export reads a directory, on which a server may be running, and visits the
// counters of the given kinds and of the days from and later, up to but without to, by
// day, then kind, then benefit; at the end, if the window is all of time, the undated
// ones. It changes nothing. What a running server has not written yet is missing, and it
// may remove a file that is about to be read: then there is an error, and
// nothing is wrong.
func Export(directory string, kinds counters.Kinds, from, to counters.Day, visit func(Exported) error) error {
	found, err := recovery.Find(directory, func() *counters.Store { return counters.NewStoreOf(kinds, counters.WhenDurable) })
	if err != nil {
		return err
	}
	origin := &Origin{Directory: identityText(found.Identity), Commit: found.Summary.Sequence, Imports: found.Loaded.Manifest.Imports, Membership: found.Membership}
	if known := found.Membership; known != nil {
		if origin.Imports, err = allImports(known, origin.Imports, known.HasSome); err != nil {
			return err
		}
	}
	e := &exporter{
		directory: directory,
		kinds:     kinds,
		manifest:  found.Loaded.Manifest,
		frozen:    found.Store.Freeze(),
		names:     found.Store.Benefits.Names(),
		events:    found.Store.Events.Names(),
		closed:    newDayTables(kinds),
		visit:     visit,
		origin:    origin,
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

// identityText is an identity as exports have it; empty for none.
func identityText(identity format.Identity) string {
	if identity.IsZero() {
		return ""
	}
	return identity.String()
}

type exporter struct {
	directory string
	kinds     counters.Kinds
	manifest  *format.Manifest
	frozen    *counters.Frozen
	names     []string
	events    []string
	closed    dayTables // of the kinds that are kept, the closed days so far
	visit     func(Exported) error
	origin    *Origin
}

func (e *exporter) days() []counters.Day {
	days := e.frozen.Days()
	for _, closed := range e.manifest.Days {
		days = append(days, closed.Day)
	}
	slices.Sort(days)
	return slices.Compact(days)
}

func (e *exporter) day(day counters.Day) error {
	tables := newDayTables(e.kinds)
	if closed, found := e.manifest.Find(day); found {
		if err := tables.addClosed(e.directory, e.kinds, closed); err != nil {
			return err
		}
		for _, rule := range e.kinds {
			if rule.Kept {
				e.closed[rule.Kind].Merge(tables[rule.Kind])
			}
		}
	}
	tables.addFrozen(e.frozen, day)
	for _, rule := range e.kinds {
		if err := e.visitBenefits(Exported{Kind: rule.Kind, Day: day}, tables[rule.Kind].Cells); err != nil {
			return err
		}
	}
	return nil
}

// undated visits what the past has beyond the closed days.
func (e *exporter) undated() error {
	for _, rule := range e.kinds {
		if !rule.Kept {
			continue
		}
		past := counters.Part{Kind: rule.Kind, Day: counters.Past}
		err := e.visitBenefits(Exported{Kind: rule.Kind, Undated: true}, func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
			return beyond(dst, e.frozen.Cells(past, benefit, nil), e.closed[rule.Kind].Cells(benefit, nil))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// beyond appends what cells count more than others do.
func beyond(dst, cells, others []counters.Cell) []counters.Cell {
	counted := map[counters.Key]uint64{}
	for _, cell := range others {
		counted[cell.Key] = cell.Count
	}
	for _, cell := range cells {
		if cell.Count > counted[cell.Key] {
			dst = append(dst, counters.Cell{Key: cell.Key, Count: cell.Count - counted[cell.Key]})
		}
	}
	return dst
}

func (e *exporter) visitBenefits(row Exported, read format.Cells) error {
	var cells []counters.Cell
	row.Events, row.Origin = e.events, e.origin
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
