package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/snapshot/correction"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// What keeps a directory from being corrected.
var (
	// ErrNothingToCorrect means that nothing counts that a correction is about.
	ErrNothingToCorrect = errors.New("there are no such counts, so there is nothing to correct")
	// ErrInCluster means that other nodes have the same counts.
	ErrInCluster = errors.New("the directory counts with other nodes, which would not have the same counts any more: stop all of them, " +
		"run `stats-recorder cluster leave` on one, do this there, and have it begin a log of another name with the others empty; see docs/several-nodes.md")
	// ErrSums means that the parts of a directory do not add up.
	ErrSums = errors.New("the sums of all time are not those of their parts")
)

// Corrected says what a correction does.
type Corrected struct {
	// Before and After are the events of all time.
	Before, After uint64
	// Benefits are those whose events change, the largest change first.
	Benefits []BenefitEvents
	// Days are the closed days that are written again, in order.
	Days []counters.Day
	// KeptFrom is set where days before it are in the sums of all time only, and the
	// correction would be of some of these: there it changes nothing.
	KeptFrom counters.Day
}

// BenefitEvents are the events of a benefit before and after a correction.
type BenefitEvents struct {
	Name          string
	Before, After uint64
}

// Correct corrects a directory on which no server runs, as one commit: until it returns
// nil, or the process ends at a later moment, nothing is corrected. What the directory was
// before is kept aside for Undo. It returns ErrNothingToCorrect, ErrInCluster, ErrSums,
// or an error of Open.
func Correct(options Options, what correction.Correction) (corrected Corrected, err error) {
	options.Durability = Snapshot // nothing is acknowledged, so nothing is journaled
	options = options.withDefaults()
	lock, found, err := recovered(&options)
	if err != nil {
		return Corrected{}, err
	}
	defer func() { err = errors.Join(err, disk.Unlock(lock)) }()
	if found.Identity.IsZero() {
		found.Identity = format.NewIdentity()
	}
	c := newCorrector(&options, found)
	aside := disk.AsidePath(options.Directory, c.sequence)
	// All is read once to say whether there is anything to do, and then again to do it.
	if corrected, err = c.correct(what); err != nil {
		return Corrected{}, err
	}
	if err := keepAside(aside, options.Directory, found.Summary.Snapshot, found.Loaded.Manifest.Days); err != nil {
		return Corrected{}, err
	}
	c = newCorrector(&options, found)
	c.isWritten = true
	if _, err = c.correct(what); err == nil {
		err = c.commit()
	}
	if err != nil && disk.Sizes(disk.SnapshotPath(options.Directory, c.sequence)) == 0 {
		err = errors.Join(err, disk.RemoveAside(aside))
	}
	return corrected, err
}

// RehearseCorrection is Correct without the change. A server may be running.
func RehearseCorrection(options Options, what correction.Correction) (Corrected, error) {
	options = options.withDefaults()
	found, err := recovery.Find(options.Directory, options.newStore)
	if err != nil {
		return Corrected{}, err
	}
	return newCorrector(&options, found).correct(what)
}

// corrector makes of a state another one.
type corrector struct {
	options   *Options
	found     *recovery.State
	mapping   correction.Mapping
	isWritten bool // whether closed days are written, and not only read

	// sequence is the commit as which the correction counts, store what counts after it,
	// and manifest what its snapshot says beside.
	sequence uint64
	store    *counters.Store
	manifest format.Manifest

	// closed and again are what all closed days have together in the kinds that are kept,
	// before and after.
	closed, again dayTables
	dropped       uint64 // events
	changed       bool
	days          []counters.Day
}

func newCorrector(options *Options, found *recovery.State) *corrector {
	c := &corrector{
		options: options, found: found, sequence: found.Summary.Sequence + 1,
		store: options.newStore(), manifest: *found.Loaded.Manifest,
		closed: newDayTables(options.Kinds), again: newDayTables(options.Kinds),
	}
	c.manifest.Days = nil
	return c
}

func (c *corrector) correct(what correction.Correction) (Corrected, error) {
	if c.found.Membership != nil {
		return Corrected{}, ErrInCluster
	}
	old := c.found.Store
	_, err := c.store.Number(old.Benefits.Names(), nil, old.Words.Names())
	for _, name := range old.Events.Names() { // all keep their numbers
		_, failure := c.store.Events.Number([]byte(name))
		err = errors.Join(err, failure)
	}
	if err == nil {
		c.mapping, err = what.In(c.store)
	}
	if err == nil {
		err = c.correctClosed()
	}
	if err == nil {
		err = c.correctOpen()
	}
	if err != nil {
		return Corrected{}, err
	}
	if !c.changed {
		return Corrected{}, ErrNothingToCorrect
	}
	corrected := c.compared()
	if what.From() < c.manifest.KeptFrom {
		corrected.KeptFrom = c.manifest.KeptFrom
	}
	if corrected.Before-c.dropped != corrected.After {
		return Corrected{}, fmt.Errorf("%w: %d events, less %d, became %d", ErrSums, corrected.Before, c.dropped, corrected.After)
	}
	return corrected, nil
}

// correctClosed corrects the closed days. Those in which nothing changes keep their files.
func (c *corrector) correctClosed() error {
	for _, closed := range c.found.Loaded.Manifest.Days {
		before := newDayTables(c.options.Kinds)
		if err := before.addClosed(c.options.Directory, c.options.Kinds, closed); err != nil {
			return fmt.Errorf("closed day %s: %w; nothing was corrected", closed.Day, err)
		}
		after, changed := c.correctedDay(closed.Day, before)
		for _, rule := range c.options.Kinds {
			if rule.Kept {
				c.closed[rule.Kind].Merge(before[rule.Kind])
				c.again[rule.Kind].Merge(after[rule.Kind])
			}
		}
		if changed {
			c.days = append(c.days, closed.Day)
			var err error
			if closed, err = c.writeDay(closed, after); err != nil {
				return err
			}
		}
		if after.counters() > 0 {
			c.manifest.Days = append(c.manifest.Days, closed)
		}
	}
	return nil
}

// correctedDay is what a closed day has after the correction, and whether that is
// anything else.
func (c *corrector) correctedDay(day counters.Day, before dayTables) (after dayTables, changed bool) {
	after = newDayTables(c.options.Kinds)
	for kind, table := range before {
		part := counters.Part{Kind: kind, Day: day}
		for benefit := range counters.Benefit(c.found.Store.Benefits.Len()) {
			cells := table.Cells(benefit, nil)
			to, stays := c.becomes(part, benefit, cells)
			if len(cells) > 0 && (!stays || to != benefit) {
				changed = true
			}
			if stays {
				after[kind].AddCells(to, cells)
			}
		}
	}
	return after, changed
}

// becomes returns where counters are to stand, and whether they stay, and notes what that
// changes.
func (c *corrector) becomes(part counters.Part, benefit counters.Benefit, cells []counters.Cell) (to counters.Benefit, stays bool) {
	to, stays = c.mapping.Becomes(part, benefit)
	if len(cells) > 0 && (!stays || to != benefit) {
		c.changed = true
	}
	if !stays && part.Kind == counters.Positions {
		c.dropped += sumOf(cells)
	}
	return to, stays
}

func sumOf(cells []counters.Cell) (sum uint64) {
	for _, cell := range cells {
		sum += cell.Count
	}
	return sum
}

// writeDay writes the next generation of a closed day.
func (c *corrector) writeDay(closed format.ClosedDay, tables dayTables) (format.ClosedDay, error) {
	if !c.isWritten {
		return closed, nil
	}
	if len(c.days) == 1 { // a start must tell these files from those of a snapshot that is lost
		if err := disk.Mark(disk.ClosingPath(c.options.Directory, c.sequence)); err != nil {
			return closed, err
		}
	}
	return tables.save(c.options.Directory, c.options.Kinds, format.Day{
		Day:        closed.Day,
		Generation: c.sequence,
		Journaled:  true,
		Identity:   c.found.Identity,
		Benefits:   c.store.Benefits.Names(),
		Events:     c.store.Events.Names(),
		Words:      c.store.Words.Names(),
	})
}

// correctOpen corrects the open days, and of the sums of all time what is of no closed day;
// the rest follows from the closed days.
func (c *corrector) correctOpen() error {
	frozen := c.found.Store.Freeze()
	defer frozen.Thaw()
	for _, part := range frozen.Parts() {
		for benefit := range counters.Benefit(frozen.Benefits) {
			cells := frozen.Cells(part, benefit, nil)
			if part.Day == counters.Past {
				closed := c.closed[part.Kind].Cells(benefit, nil)
				undated := beyond(nil, cells, closed)
				if sumOf(undated)+sumOf(closed) != sumOf(cells) {
					return fmt.Errorf("%w: benefit %q; run verify", ErrSums, c.found.Store.Benefits.Names()[benefit])
				}
				cells = undated
			}
			if to, stays := c.becomes(part, benefit, cells); stays {
				if err := c.store.Restore(part, to, cells); err != nil {
					return err
				}
			}
		}
	}
	return c.addPast()
}

// addPast adds the closed days to the sums of all time.
func (c *corrector) addPast() error {
	for _, rule := range c.options.Kinds {
		if !rule.Kept {
			continue
		}
		past := counters.Part{Kind: rule.Kind, Day: counters.Past}
		for benefit := range counters.Benefit(c.store.Benefits.Len()) {
			if err := c.store.Restore(past, benefit, c.again[rule.Kind].Cells(benefit, nil)); err != nil {
				return err
			}
		}
	}
	return nil
}

// compared says what changes.
func (c *corrector) compared() Corrected {
	corrected := Corrected{Days: c.days}
	before, after := eventsByBenefit(c.found.Store), eventsByBenefit(c.store)
	for number, name := range c.store.Benefits.Names() {
		one := BenefitEvents{Name: name, After: after[number]}
		if number < len(before) {
			one.Before = before[number]
		}
		corrected.Before += one.Before
		corrected.After += one.After
		if one.Before != one.After {
			corrected.Benefits = append(corrected.Benefits, one)
		}
	}
	slices.SortStableFunc(corrected.Benefits, func(a, b BenefitEvents) int { return cmp.Compare(b.change(), a.change()) })
	return corrected
}

func (b BenefitEvents) change() uint64 { return max(b.Before, b.After) - min(b.Before, b.After) }

// commit writes the snapshot with which the correction counts.
func (c *corrector) commit() error {
	c.manifest.Imports.Sequence, c.manifest.Imports.Events = c.sequence, eventsIn(c.store)
	state := *c.found
	state.Store, state.Loaded.Manifest = c.store, &c.manifest
	k := newKeeper(c.options, &state)
	k.committer.snapshots.kept = goodSnapshots(c.found, c.options.Kinds) // with the days that they list
	return k.committer.snapshots.write(k.committer.snapshots.newImportJob(&k.committer.journal))
}
