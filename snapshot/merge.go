package snapshot

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// ErrMerged means that two directories have counts in common, which would count twice.
var ErrMerged = errors.New("both directories have the same counts in part, which would count twice")

// Merging says what is to be added to a directory.
type Merging struct {
	// From is the other directory, on which no server runs either.
	From string
	// SourceOf is the name of the source of an export of a directory, by its identity, as
	// imports remember it.
	SourceOf func(identity string) string
	// Rehearse has nothing changed.
	Rehearse bool
}

// Merged says what a merge adds.
type Merged struct {
	// Before and Added are events of all time.
	Before, Added uint64
	// Days are how many days have counts in the other directory.
	Days int
	// Undated are events of the other directory of no known day.
	Undated uint64
}

// Merge adds everything that another directory has counted to a directory on which no
// server runs, all of it or nothing, as an import does: Undo goes back. The other directory
// is not changed; its server must not count on. It returns ErrMerged, ErrInCluster,
// disk.ErrLocked, or an error of Open for either.
func Merge(options Options, m Merging) (merged Merged, err error) {
	options = options.withDefaults()
	unlock, err := disk.LockForReading(m.From)
	if err != nil {
		return Merged{}, err
	}
	defer unlock()
	other, err := recovery.Find(m.From, options.newStore)
	if err != nil {
		return Merged{}, err
	}
	open := OpenImport
	if m.Rehearse {
		open = RehearseImport
	}
	session, err := open(options)
	if err != nil {
		return Merged{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if session.IsTold() {
		return Merged{}, ErrInCluster
	}
	imports, err := together(session, other, m.SourceOf)
	if err != nil {
		return Merged{}, err
	}
	merged.Before = session.Events()
	source := mergeSource{directory: m.From, found: other, session: session}
	if err := source.addAll(&merged); err != nil {
		return Merged{}, err
	}
	if merged.Added != eventsIn(other.Store) {
		return Merged{}, fmt.Errorf("%q: %w: %d events, and %d in all", m.From, ErrSums, merged.Added, eventsIn(other.Store))
	}
	imports.List = append(imports.List, Imported{Fingerprint: other.Identity, At: time.Now(), Documents: merged.Added})
	imports.Events = merged.Before + merged.Added
	return merged, session.Commit(imports)
}

// together is what a directory remembers of imports once another is merged into it.
func together(session *Import, other *recovery.State, sourceOf func(string) string) (Imports, error) {
	ours, theirs := session.Imports(), other.Loaded.Manifest.Imports
	here, there := session.Identity(), identityText(other.Identity)
	switch {
	case other.Membership != nil:
		return Imports{}, ErrInCluster
	case there == "":
		return Imports{}, fmt.Errorf("%w: the other has no identity, so nobody could tell that it was merged; let a server run on it once", ErrMerged)
	case here == there:
		return Imports{}, fmt.Errorf("%w: one is a copy of the other", ErrMerged)
	}
	for _, one := range ours.List {
		if one.Fingerprint == other.Identity {
			return Imports{}, fmt.Errorf("%w: it was merged before, on %s", ErrMerged, one.At.UTC().Format(time.RFC3339))
		}
		if slices.ContainsFunc(theirs.List, func(other Imported) bool { return other.Fingerprint == one.Fingerprint }) {
			return Imports{}, fmt.Errorf("%w: the same was imported into both, here on %s", ErrMerged, one.At.UTC().Format(time.RFC3339))
		}
	}
	if slices.ContainsFunc(theirs.List, func(one Imported) bool { return one.Fingerprint == session.identity }) {
		return Imports{}, fmt.Errorf("%w: this one was merged into the other", ErrMerged)
	}
	both := Imports{
		List:   slices.Concat(ours.List[:ours.Untold], theirs.List[:theirs.Untold], ours.List[ours.Untold:], theirs.List[theirs.Untold:]),
		Untold: ours.Untold + theirs.Untold,
	}
	theirs.Sources = append(slices.Clone(theirs.Sources), ImportSource{Name: sourceOf(there)})
	var err error
	both.Sources, err = sourcesOf(ours.Sources, theirs.Sources, sourceOf(here))
	return both, err
}

// sourcesOf are the sources of two directories together, by name. Of what both have some
// documents, nobody can tell whether they are the same; nor of an export of one in the
// other.
func sourcesOf(ours, theirs []ImportSource, exportOfOurs string) ([]ImportSource, error) {
	both := slices.Clone(ours)
	for _, source := range theirs {
		at := slices.IndexFunc(both, func(one ImportSource) bool { return one.Name == source.Name })
		switch {
		case source.Name == exportOfOurs:
			return nil, fmt.Errorf("%w: an export of this directory was imported into the other", ErrMerged)
		case at < 0:
			both = append(both, source)
			continue
		}
		ranges := slices.Concat(both[at].Ranges, source.Ranges)
		slices.SortFunc(ranges, func(a, b ImportRange) int { return bytes.Compare(a.First[:], b.First[:]) })
		for i := 1; i < len(ranges); i++ {
			if bytes.Compare(ranges[i].First[:], ranges[i-1].Last[:]) <= 0 {
				return nil, fmt.Errorf("%w: documents of source %q of the same time were imported into both", ErrMerged, source.Name)
			}
		}
		if len(source.Ranges) == 0 || len(both[at].Ranges) == 0 {
			return nil, fmt.Errorf("%w: an export of the other directory, %q, was imported into this one", ErrMerged, source.Name)
		}
		both[at].Ranges = ranges
	}
	slices.SortFunc(both, func(a, b ImportSource) int { return cmp.Compare(a.Name, b.Name) })
	return both, nil
}

// mergeSource adds the parts of a state to an import.
type mergeSource struct {
	directory string
	found     *recovery.State
	session   *Import
	numbering counters.Numbering
}

// addAll adds the closed days, the open ones, and what is of no known day.
func (s *mergeSource) addAll(merged *Merged) (err error) {
	old := s.found.Store
	s.numbering, err = s.session.Store().Number(old.Benefits.Names(), old.CountedEventTypes(), old.Words.Names())
	if err != nil {
		return err
	}
	days := map[counters.Day]bool{}
	closed, err := s.addClosed(days, merged)
	if err != nil {
		return err
	}
	frozen := old.Freeze()
	defer frozen.Thaw()
	for _, part := range frozen.Parts() {
		cells := func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
			return frozen.Cells(part, benefit, dst)
		}
		before := merged.Added
		if part.Day == counters.Past {
			cells = func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
				return beyond(dst, frozen.Cells(part, benefit, nil), closed[part.Kind].Cells(benefit, nil))
			}
		} else {
			days[part.Day] = true
		}
		if err := s.addPart(part, cells, merged); err != nil {
			return err
		}
		if part.Day == counters.Past {
			merged.Undated += merged.Added - before
		}
	}
	merged.Days = len(days)
	return nil
}

// addClosed adds the closed days, and returns what they have together.
func (s *mergeSource) addClosed(days map[counters.Day]bool, merged *Merged) (together dayTables, err error) {
	kinds := s.found.Store.Kinds()
	together = newDayTables(kinds)
	for _, closed := range s.found.Loaded.Manifest.Days {
		tables := newDayTables(kinds)
		if err := tables.addClosed(s.directory, kinds, closed); err != nil {
			return nil, err
		}
		days[closed.Day] = true
		for _, rule := range kinds {
			together[rule.Kind].Merge(tables[rule.Kind])
			if err := s.addPart(counters.Part{Kind: rule.Kind, Day: closed.Day}, tables[rule.Kind].Cells, merged); err != nil {
				return nil, err
			}
		}
	}
	return together, nil
}

// addPart adds what a part counts.
func (s *mergeSource) addPart(part counters.Part, read format.Cells, merged *Merged) error {
	rule, _ := s.found.Store.Kinds().Rule(part.Kind)
	for benefit := range counters.Benefit(s.found.Store.Benefits.Len()) {
		cells := read(benefit, nil)
		if len(cells) == 0 {
			continue
		}
		if part.Kind == counters.Positions {
			merged.Added += sumOf(cells)
		}
		s.numbering.Renumber(rule, cells)
		err := s.session.Add(func(store *counters.Store) error {
			return store.Restore(part, s.numbering.Benefit(rule, benefit), cells)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
