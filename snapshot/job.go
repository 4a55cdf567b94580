package snapshot

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"stats-recorder/counters"
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
	directory string
	store     *counters.Store
	frozen    *counters.Frozen
	history   *History
	header    snapshotHeader
	// closeBefore is the first day that stays open, and keepFrom the first that
	// retention keeps.
	closeBefore, keepFrom counters.Day
	maxDays               int
	pacer                 *pacer
	kept                  []generation // before this one, oldest first
	log                   *slog.Logger
}

// run does the job. It returns the generations that are kept now.
func (j *snapshotJob) run() ([]generation, error) {
	closed, err := j.write()
	if err != nil {
		return nil, err
	}
	kept := j.outdate(append(slices.Clone(j.kept), generation{j.header.sequence, closed}))
	j.tidy(kept)
	return kept, nil
}

// write writes the files and lets folds reach the base again. It returns the days
// that are closed now.
func (j *snapshotJob) write() (*manifest, error) {
	defer j.frozen.Thaw()
	closing, closed, err := j.closeDays()
	if err != nil {
		return nil, err
	}
	content := snapshotContent{header: j.header, store: j.store, frozen: j.frozen, closing: closing, manifest: closed, pacer: j.pacer}
	err = saveFile(snapshotPath(j.directory, j.header.sequence), "snapshot", content.write, func(temporary string) error {
		_, err := checkSnapshotContent(temporary, j.pacer)
		return err
	})
	if err != nil {
		return nil, err
	}
	j.history.install(closed, func() { j.frozen.CloseDays(closing) })
	return closed, nil
}

// closeDays writes the files of the days to close and returns the days and the
// new list of all closed ones.
func (j *snapshotJob) closeDays() (closing []counters.Day, closed *manifest, err error) {
	before := j.history.current()
	closed = &manifest{
		keptFrom: max(before.keptFrom, j.keepFrom),
		segments: slices.Clone(before.segments),
		imports:  before.imports,
	}
	for _, day := range j.frozen.Days() {
		if day >= j.closeBefore || len(closing) == j.maxDays {
			break
		}
		s, err := j.closeDay(day, before)
		if err != nil {
			return nil, nil, err
		}
		closing = append(closing, day)
		closed.segments = slices.DeleteFunc(closed.segments, func(old segment) bool { return old.day == day })
		closed.segments = append(closed.segments, s)
	}
	closed.segments = slices.DeleteFunc(closed.segments, func(s segment) bool { return s.day < closed.keptFrom })
	slices.SortFunc(closed.segments, func(a, b segment) int { return int(a.day) - int(b.day) })
	return closing, closed, nil
}

// closeDay writes the next generation of a day's file: what the file so far has
// and what came since.
func (j *snapshotJob) closeDay(day counters.Day, before *manifest) (segment, error) {
	tables := newDayTables(day)
	if old, found := before.find(day); found {
		if err := tables.addSegment(j.directory, old); err != nil {
			return segment{}, err
		}
	}
	tables.addFrozen(j.frozen)
	s := segment{day: day, generation: j.header.sequence}
	err := saveFile(s.path(j.directory), "segment", func(file *os.File) (err error) {
		if err = tables.write(file, j.header, j.store, j.frozen.Benefits, j.frozen.Events); err != nil {
			return err
		}
		s.bytes, err = size(file)
		return err
	}, func(temporary string) error { return s.check(temporary) })
	return s, err
}

func size(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("stat %q: %w", file.Name(), plain(err))
	}
	return info.Size(), nil
}

// saveFile writes a file under a temporary name, reads it back, and only then
// gives it its name. A file that has the name already is one that a crash left
// before it meant anything: it is replaced.
func saveFile(path, kind string, write func(*os.File) error, check func(temporary string) error) error {
	temporary := path + temporarySuffix
	if err := remove(temporary); err != nil {
		return err
	}
	file, err := createExclusive(temporary)
	if err != nil {
		return err
	}
	if err = giveToOwner(file); err == nil {
		err = write(file)
	}
	if err == nil {
		err = syncFile(file, kind)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = check(temporary)
	}
	if err != nil {
		return errors.Join(err, remove(temporary))
	}
	return rename(temporary, path)
}

// outdate removes the snapshots before the newest two, and returns those that are
// left. What cannot be removed now is found again next time.
func (j *snapshotJob) outdate(snapshots []generation) []generation {
	for len(snapshots) > generations {
		if err := remove(snapshotPath(j.directory, snapshots[0].sequence)); err != nil {
			j.log.Warn("could not remove an old snapshot", "error", err)
			break
		}
		snapshots = snapshots[1:]
	}
	return snapshots
}

// tidy removes what the snapshots that are kept make superfluous.
func (j *snapshotJob) tidy(kept []generation) {
	if len(kept) != generations {
		return // without its journal, the only snapshot would have nothing to fall back to
	}
	if err := removeJournalsBelow(j.directory, kept[0].sequence); err != nil {
		j.log.Warn("could not remove old journal files", "error", err)
	}
	manifests := []*manifest{kept[0].manifest, kept[1].manifest}
	if slices.Contains(manifests, nil) {
		return
	}
	if err := removeUnreferenced(j.directory, manifests); err != nil {
		j.log.Warn("could not remove old files of closed days", "error", err)
	}
}

// removeJournalsBelow removes the journal files all of whose frames are in the
// snapshot of that sequence number.
func removeJournalsBelow(directory string, sequence uint64) error {
	files, err := list(directory)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(files.journals); i++ {
		if next, _ := parseName(files.journals[i+1], journalPrefix); next > sequence+1 {
			break
		}
		if err := remove(files.journals[i]); err != nil {
			return err
		}
	}
	return nil
}

// removeUnreferenced removes the files of closed days that none of the given
// lists has.
func removeUnreferenced(directory string, kept []*manifest) error {
	files, err := list(directory)
	if err != nil {
		return err
	}
	referenced := map[string]bool{}
	for _, m := range kept {
		for _, s := range m.segments {
			referenced[filepath.Base(s.path(directory))] = true
		}
	}
	for _, path := range files.segments {
		if !referenced[filepath.Base(path)] {
			if err := remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
