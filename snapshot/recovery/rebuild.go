package recovery

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// Commits are those from one sequence number to another, both included.
type Commits struct{ From, To uint64 }

// CommitsText lists commits for people: "3 to 5, 9 to 9".
func CommitsText(all []Commits) string {
	texts := make([]string, len(all))
	for i, some := range all {
		texts[i] = fmt.Sprintf("%d to %d", some.From, some.To)
	}
	return strings.Join(texts, ", ")
}

// Without are the commits of a range that are not among some others.
func (c Commits) Without(others map[uint64]bool) (missing []Commits) {
	next := c.From
	for _, sequence := range slices.Sorted(maps.Keys(others)) {
		if sequence < next || sequence > c.To {
			continue
		}
		if sequence > next {
			missing = append(missing, Commits{next, sequence - 1})
		}
		next = sequence + 1
	}
	if next <= c.To {
		missing = append(missing, Commits{next, c.To})
	}
	return missing
}

// Sources are files from which a closed day can be made again whose own file cannot be
// read. Damaged ones among them are passed over. All must be of one directory, and in the
// order of their names.
type Sources struct {
	Directory string
	Kinds     counters.Kinds
	// Snapshots, with the files that they list, and Journals are of any commits. Days
	// are files of the day that need not be listed.
	Snapshots, Journals, Days []string
}

// A RebuiltDay is what is left of a closed day.
type RebuiltDay struct {
	Counts map[counters.Kind]*counters.Table
	// Missing are the commits that nothing tells of which can be read; the day may have
	// had something of them.
	Missing []Commits

	until uint64
}

// A view is all that a day had up to a commit.
type view struct {
	until uint64
	read  func(dayCounts) error
}

// Rebuild adds up what a closed day had: a view of it that is older than the file that
// is lost, and the frames after that. A later view has all that an earlier one has; so
// the last that can be read is the one to take, unless an earlier one lacks nothing.
func (s Sources) Rebuild(lost format.ClosedDay) (RebuiltDay, error) {
	var best RebuiltDay
	for _, view := range s.views(lost) {
		day, err := s.follow(view, lost)
		switch {
		case err != nil && !isUseless(err):
			return RebuiltDay{}, err
		case err == nil && len(day.Missing) == 0:
			return day, nil
		case err == nil && (best.Counts == nil || day.until > best.until):
			best = day
		}
	}
	return best, nil
}

// views are the views to try. The last one can always be read: before all commits.
func (s Sources) views(lost format.ClosedDay) (views []view) {
	for _, path := range slices.Backward(s.Snapshots) {
		if sequence := disk.SnapshotSequence(path); sequence < lost.Generation {
			views = append(views, view{sequence, func(counts dayCounts) error {
				return counts.addSnapshot(s.Directory, path, s.Kinds, lost.Day)
			}})
		}
	}
	for _, path := range slices.Backward(s.Days) {
		if older := DayOf(path); older.Day == lost.Day && older.Generation < lost.Generation {
			views = append(views, view{older.Generation, func(counts dayCounts) error {
				return counts.addFile(path, s.Kinds, older)
			}})
		}
	}
	return append(views, view{0, func(dayCounts) error { return nil }})
}

// follow adds the frames after a view.
func (s Sources) follow(view view, lost format.ClosedDay) (RebuiltDay, error) {
	counts := newDayCounts(s.Kinds)
	if err := view.read(counts); err != nil {
		return RebuiltDay{}, err
	}
	span := Commits{view.until + 1, lost.Generation}
	seen := map[uint64]bool{}
	for i, path := range s.Journals {
		if i+1 < len(s.Journals) && disk.JournalSequence(s.Journals[i+1]) <= span.From {
			continue
		}
		if CheckOwner(path, lost.Owner) != nil {
			continue
		}
		intact, err := ReadIntact(path)
		if err != nil && !isUseless(err) {
			return RebuiltDay{}, err
		}
		for _, frame := range intact.Frames {
			inside := frame.Sequence >= span.From && frame.Sequence <= span.To
			if inside && !seen[frame.Sequence] && counts.addFrame(frame, s.Kinds, lost.Day) == nil {
				seen[frame.Sequence] = true
			}
		}
	}
	return RebuiltDay{counts, span.Without(seen), view.until}, nil
}

// isUseless says whether an error means that a file can only be done without.
func isUseless(err error) bool { return IsDamage(err) || errors.Is(err, format.ErrVersion) }

// dayCounts are the counts of one day.
type dayCounts map[counters.Kind]*counters.Table

func newDayCounts(kinds counters.Kinds) dayCounts {
	counts := dayCounts{}
	for _, rule := range kinds {
		counts[rule.Kind] = counters.NewTable(rand.Uint64())
	}
	return counts
}

// errNoView means that a snapshot says nothing of a day, because retention took it.
var errNoView = fmt.Errorf("%w: the day is not kept", format.ErrMalformed)

// addSnapshot adds what a snapshot knows of a day: the file that it lists, and what came
// after that.
func (d dayCounts) addSnapshot(directory, path string, kinds counters.Kinds, day counters.Day) error {
	snapshot, err := ReadSnapshot(path, kinds, format.SnapshotSink{
		Counts: func(part counters.Part, benefit counters.Benefit, cells []counters.Cell) error {
			if part.Day == day {
				d[part.Kind].AddCells(benefit, cells)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	closed, found := snapshot.Manifest.Find(day)
	switch {
	case found:
		return d.addFile(DayPath(directory, closed), kinds, closed)
	case day < snapshot.Manifest.KeptFrom:
		return errNoView
	default:
		return nil
	}
}

// addFile adds a closed day's file, all of which must be good.
func (d dayCounts) addFile(path string, kinds counters.Kinds, closed format.ClosedDay) error {
	sink := EveryPartOf(kinds)
	for kind, table := range d {
		sink.Counts[kind] = func(benefit counters.Benefit, cells []counters.Cell) error {
			table.AddCells(benefit, cells)
			return nil
		}
	}
	return ReadDay(path, kinds, closed, sink)
}

// DayCounts are all counts in a closed day's file.
func DayCounts(path string, kinds counters.Kinds, closed format.ClosedDay) (map[counters.Kind]*counters.Table, error) {
	counts := newDayCounts(kinds)
	return counts, counts.addFile(path, kinds, closed)
}

// addFrame adds what a commit has of a day.
func (d dayCounts) addFrame(frame format.Frame, kinds counters.Kinds, day counters.Day) error {
	ignore := func(uint64, []byte) error { return nil }
	return format.ReadPayload(frame.Payload, format.FrameSink{
		Benefits: ignore,
		Events:   ignore,
		Counts: func(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
			if hour.Day() == day {
				d.addRecords(kinds, hour, benefit, cells)
			}
			return nil
		},
	})
}

func (d dayCounts) addRecords(kinds counters.Kinds, hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) {
	for _, rule := range kinds {
		if rule.OfRecord == nil {
			continue
		}
		for _, cell := range cells {
			if key := rule.OfRecord(hour, cell.Key); key != 0 {
				d[rule.Kind].Add(benefit, key, cell.Count)
			}
		}
	}
}
