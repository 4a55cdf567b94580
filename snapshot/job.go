package snapshot

import (
	"cmp"
	"io"
	"log/slog"
	"slices"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// maxDaysClosed bounds how many days one snapshot closes, so that records that
// are spread over decades cannot make one take for ever. The rest follows.
const maxDaysClosed = 512

// generations is how many snapshots are kept.
const generations = 2

// snapshotJob writes a frozen base: first the days that are to be closed, each
// into a file of its own, then a snapshot that counts them to the past and
// lists these files. The snapshot getting its name is the one moment at which
// the days move: until then the files mean nothing, and the older snapshot and
// the journal still have the days. Then it removes what nobody needs any more;
// a journal file takes milliseconds to remove, in which no commit should wait.
type snapshotJob struct {
	// damagedDays is how many files of closed days could not be read.
	damagedDays int

	directory string
	store     *counters.Store
	frozen    *counters.Frozen
	history   *History
	registers registry
	header    format.SnapshotHeader
	ruling    ruling
	clock     *format.Clock // what to remember of it, nil for nothing

	membership *cluster.Membership // what is known of the log, nil for nothing
	keys       idempotency.Frozen
	isFollowed bool // whether sum is wanted, see Covered.Sum
	sum        uint64
	unneeded   uint64 // commit up to which nobody but a start needs the journal

	maxDays  int
	pacer    *pacer
	kept     []generation   // before this one, oldest first
	closing  []counters.Day // by this one
	marked   bool           // that it writes files of closed days
	passed   counters.Day   // see snapshotter
	outlived []string       // directories of what imports have replaced that are of no use any more
	log      *slog.Logger
}

// run does the job. It returns the generations that are kept now.
func (j *snapshotJob) run() ([]generation, error) {
	closed, err := j.write()
	if err != nil {
		return nil, err
	}
	kept := j.outdate(append(slices.Clone(j.kept), generation{j.header.Sequence, closed}))
	j.tidy(kept)
	for _, aside := range j.outlived {
		if err := disk.RemoveAside(aside); err != nil {
			j.log.Warn("could not remove what an import has replaced", "error", err)
		}
	}
	return kept, nil
}

// write writes the files and lets folds reach the base again. It returns the days
// that are closed now.
func (j *snapshotJob) write() (*format.Manifest, error) {
	defer j.frozen.Thaw()
	j.registers.count(j.frozen, j.ruling.closeBefore)
	closed, err := j.closeDays()
	if err != nil {
		return nil, err
	}
	content := format.Snapshot{
		Header:   j.header,
		Manifest: closed,
		Benefits: j.store.Benefits.Names()[:j.frozen.Benefits],
		Events:   j.frozen.Events,
		Words:    j.store.Words.Names(),
		Marks:    j.keys,
	}
	_, err = disk.Save(disk.SnapshotPath(j.directory, j.header.Sequence), "snapshot", func(output io.Writer) error {
		return content.Write(output, j.frozen.Parts(), j.pacedCells)
	}, func(temporary string) error {
		_, err := recovery.CheckSnapshotContent(temporary, j.store.Kinds(), j.pacer.breathe)
		return err
	})
	if err != nil {
		return nil, err
	}
	if j.isFollowed {
		j.sum = sumOfEvents(j.frozen, content.Benefits, content.Events, j.pacer.breathe)
	}
	j.outlived = j.outlivedAsides(closed)
	j.history.install(closed, func() {
		j.frozen.CloseDays()
		j.registers.forget(j.closing)
	})
	return closed, nil
}

// outlivedAsides are the directories of what imports have replaced, but that of the
// last one as long as nothing was counted after it.
func (j *snapshotJob) outlivedAsides(m *format.Manifest) []string {
	asides, err := disk.Asides(j.directory)
	if err != nil {
		return nil // the next snapshot looks again
	}
	return slices.DeleteFunc(asides, func(aside string) bool {
		return disk.AsideSequence(aside) == m.Imports.Sequence && eventsOf(j.frozen) == m.Imports.Events
	})
}

// pacedCells rests before a benefit is read, if it is time to.
func (j *snapshotJob) pacedCells(part counters.Part, benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
	j.pacer.breathe()
	return j.frozen.Cells(part, benefit, dst)
}

// closeDays writes the files of the days to close, which are closing from then on, and
// returns the new list of all closed ones.
func (j *snapshotJob) closeDays() (*format.Manifest, error) {
	before := j.history.current()
	closed := &format.Manifest{
		KeptFrom: before.KeptFrom,
		Days:     slices.Clone(before.Days),
		Imports:  before.Imports,
		Clock:    j.clock,

		Membership: j.membership,
	}
	if j.membership == nil {
		closed.Left = before.Left
	}
	for _, day := range j.frozen.Days() {
		if day >= j.ruling.closeBefore || len(j.closing) == j.maxDays {
			break
		}
		latest, err := j.closeDay(day, before)
		if err != nil {
			return nil, err
		}
		j.closing = append(j.closing, day)
		closed.Days = slices.DeleteFunc(closed.Days, func(old format.ClosedDay) bool { return old.Day == day })
		closed.Days = append(closed.Days, latest)
	}
	slices.SortFunc(closed.Days, func(a, b format.ClosedDay) int { return cmp.Compare(a.Day, b.Day) })
	j.expire(closed)
	j.dropPassing(closed)
	j.frozen.Closing(j.closing)
	return closed, nil
}

// expire takes the days off a list that retention no longer keeps.
func (j *snapshotJob) expire(closed *format.Manifest) {
	kept := closed.Between(j.ruling.expireBefore, counters.MaxDay+1)
	if taken := len(closed.Days) - len(kept); taken > 0 {
		j.log.Info("RETENTION takes closed days", "days", taken, "before", j.ruling.expireBefore.String())
		closed.KeptFrom = max(closed.KeptFrom, j.ruling.expireBefore)
	}
	closed.Days = kept
}

// closeDay writes the next generation of a day's file: what the file so far has
// and what came since.
func (j *snapshotJob) closeDay(day counters.Day, before *format.Manifest) (format.ClosedDay, error) {
	kinds := j.store.Kinds()
	tables := newDayTables(kinds)
	if old, found := before.Find(day); found {
		var err error
		if tables, err = j.closedSoFar(old); err != nil {
			return format.ClosedDay{}, err
		}
	}
	tables.addFrozen(j.frozen, day)
	if day < j.ruling.expirePassingBefore {
		tables.dropPassing(kinds)
	} else {
		j.passed = min(j.passed, day)
	}
	return j.saveDay(day, tables)
}

// saveDay writes the next generation of a day's file.
func (j *snapshotJob) saveDay(day counters.Day, tables dayTables) (format.ClosedDay, error) {
	if !j.marked { // a start must tell these files from those of a snapshot that is lost
		if err := disk.Mark(disk.ClosingPath(j.directory, j.header.Sequence)); err != nil {
			return format.ClosedDay{}, err
		}
		j.marked = true
	}
	return tables.save(j.directory, j.store.Kinds(), format.Day{
		Day:        day,
		Generation: j.header.Sequence,
		Journaled:  j.header.Journaled,
		Identity:   j.header.Identity,
		Benefits:   j.store.Benefits.Names()[:j.frozen.Benefits],
		Events:     j.frozen.Events,
		Words:      j.store.Words.Names(),
	})
}

// outdate removes the snapshots before the newest two, and returns those that are
// left. What cannot be removed now is found again next time.
func (j *snapshotJob) outdate(snapshots []generation) []generation {
	for len(snapshots) > generations {
		if err := disk.Remove(disk.SnapshotPath(j.directory, snapshots[0].sequence)); err != nil {
			j.log.Warn("could not remove an old snapshot", "error", err)
			break
		}
		snapshots = snapshots[1:]
	}
	return snapshots
}

// tidy removes what the snapshots that are kept make superfluous.
func (j *snapshotJob) tidy(kept []generation) {
	if err := removeMarks(j.directory, j.header.Sequence); err != nil {
		j.log.Warn("could not remove the mark of days being closed", "error", err)
	}
	if len(kept) != generations {
		return // without its journal, the only snapshot would have nothing to fall back to
	}
	if err := removeJournalsBelow(j.directory, min(kept[0].sequence, j.unneeded)); err != nil {
		j.log.Warn("could not remove old journal files", "error", err)
	}
	manifests := []*format.Manifest{kept[0].manifest, kept[1].manifest}
	if slices.Contains(manifests, nil) {
		return
	}
	if err := removeUnreferenced(j.directory, manifests); err != nil {
		j.log.Warn("could not remove old files of closed days", "error", err)
	}
}

// removeMarks removes the marks of generations up to one whose snapshot has its name.
func removeMarks(directory string, generation uint64) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	for _, path := range files.Closing {
		if disk.ClosingGeneration(path) <= generation {
			if err := disk.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeJournalsBelow removes the journal files all of whose frames are in the
// snapshot of that sequence number.
func removeJournalsBelow(directory string, sequence uint64) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(files.Journals); i++ {
		if next := disk.JournalSequence(files.Journals[i+1]); next > sequence+1 {
			break
		}
		if err := disk.Remove(files.Journals[i]); err != nil {
			return err
		}
	}
	return nil
}

// removeUnreferenced removes the files of closed days that none of the given
// lists has.
func removeUnreferenced(directory string, kept []*format.Manifest) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	referenced := map[string]bool{}
	for _, m := range kept {
		for _, closed := range m.Days {
			referenced[recovery.DayPath(directory, closed)] = true
		}
	}
	for _, path := range files.Days {
		if !referenced[path] {
			if err := disk.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
