package salvage

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// Repaired says what Repair did.
type Repaired struct {
	// Originals is the directory that holds a copy of every file as it was.
	Originals string
	// Snapshot is what the repair started from, empty for none.
	Snapshot string
	// Frames is how many commits were taken from the journal.
	Frames int
	// Dropped says what could not be kept, one sentence each.
	Dropped []string
}

// Repair makes a directory that a start refuses usable again: it copies every file
// aside, takes the newest good snapshot and every good frame after it, wherever
// it lies, and writes them as a new snapshot. It returns disk.ErrLocked while a
// server runs on the directory. On error the originals are still in place or
// in the copy.
//
// The built-in event types are those that every store is given first, in their
// order: their names are not lost with the frame that defined them.
func Repair(directory string, kinds counters.Kinds, builtInEvents []string, now time.Time) (Repaired, error) {
	lock, err := disk.Lock(directory)
	if err != nil {
		return Repaired{}, err
	}
	defer disk.Unlock(lock)
	files, err := disk.List(directory)
	if err != nil {
		return Repaired{}, err
	}
	s := &salvage{
		directory:     directory,
		files:         files,
		kinds:         kinds,
		store:         counters.NewStoreOf(kinds, counters.WhenDurable),
		frames:        map[uint64]format.Frame{},
		builtInEvents: builtInEvents,
	}
	if err := s.loadSnapshot(); err != nil {
		return Repaired{}, err
	}
	for _, path := range files.Journals {
		if err := s.collect(path); err != nil {
			return Repaired{}, err
		}
	}
	s.replay()
	s.setAsideLater()
	s.Originals = filepath.Join(directory, "before-repair-"+now.UTC().Format("20060102T150405.000Z"))
	originals := slices.Concat(files.Snapshots, files.Journals, s.badDays)
	if err := disk.CopyInto(s.Originals, originals); err != nil {
		return s.Repaired, err
	}
	return s.Repaired, s.replaceFiles(originals, now)
}

// salvage gathers what is good.
type salvage struct {
	Repaired
	directory string
	files     disk.Contents
	kinds     counters.Kinds

	store    *counters.Store
	sequence uint64 // of the snapshot
	highest  uint64 // of everything, read or only named
	frames   map[uint64]format.Frame
	// reached is the last commit that was kept: the snapshot's, then the one that
	// is being replayed.
	reached uint64

	builtInEvents []string
	// closed are the closed days that can be read; badDays are files of such that
	// cannot.
	closed  *format.Manifest
	badDays []string
}

func (s *salvage) drop(format string, arguments ...any) {
	s.Dropped = append(s.Dropped, fmt.Sprintf(format, arguments...))
}

// loadSnapshot loads the newest good one. What a newer program wrote is not
// damaged: it is refused.
func (s *salvage) loadSnapshot() error {
	for _, path := range slices.Backward(s.files.Snapshots) {
		s.highest = max(s.highest, disk.SnapshotSequence(path))
		store := counters.NewStoreOf(s.kinds, counters.WhenDurable)
		loaded, err := recovery.LoadSnapshot(path, store)
		if err == nil {
			s.store, s.sequence, s.Snapshot = store, loaded.Header.Sequence, path
			s.reached = s.sequence
			s.keepGoodDays(loaded.Manifest)
			s.highest = s.lastKnown()
			return nil
		}
		if errors.Is(err, format.ErrVersion) {
			return err
		}
		s.drop("%v", err)
	}
	return s.adoptDays()
}

// keepGoodDays drops the closed days that cannot be read. They stay in the sums of
// all time, which the snapshot has.
func (s *salvage) keepGoodDays(m *format.Manifest) {
	s.closed = &format.Manifest{KeptFrom: m.KeptFrom, Imports: m.Imports, Clock: m.Clock}
	for _, closed := range m.Days {
		path := recovery.DayPath(s.directory, closed)
		if err := recovery.CheckDay(path, s.kinds, closed); err != nil {
			s.drop("day %s, except from the sums of all time: %v", closed.Day, err)
			if disk.Sizes(path) > 0 {
				s.badDays = append(s.badDays, path)
			}
			continue
		}
		s.closed.Days = append(s.closed.Days, closed)
	}
}

// setAsideLater puts aside the files of closed days that tell of commits which are
// lost: how much of such a day is in what was kept cannot be told.
func (s *salvage) setAsideLater() {
	for _, path := range s.files.Days {
		closed := recovery.DayOf(path)
		listed, found := s.closed.Find(closed.Day)
		if closed.Generation <= s.reached+1 || (found && listed.Generation == closed.Generation) || slices.Contains(s.badDays, path) {
			continue
		}
		s.drop("what is new in day %s of generation %d: the commits before it are lost", closed.Day, closed.Generation)
		s.badDays = append(s.badDays, path)
	}
}

// adoptDays makes do without a snapshot: the newest files of closed days that one has
// counted on say what there was until then.
func (s *salvage) adoptDays() error {
	s.closed = &format.Manifest{}
	s.highest = s.lastKnown()
	names := map[uint64]string{}
	newest := s.newestDays(names)
	for _, number := range slices.Sorted(maps.Keys(names)) {
		if err := s.fill("benefit", s.store.Benefits, number); err != nil {
			return err
		}
		if _, err := s.store.Benefits.Number([]byte(names[number])); err != nil {
			return err
		}
	}
	for _, day := range slices.Sorted(maps.Keys(newest)) {
		if err := s.addToPast(newest[day]); err != nil {
			return err
		}
		s.closed.Days = append(s.closed.Days, newest[day])
	}
	if len(newest) > 0 {
		s.drop("sums of all time of what is in none of the %d closed days", len(newest))
	}
	return nil
}

// newestDays are the newest good files of closed days. It adds the names of their
// benefits by number.
func (s *salvage) newestDays(names map[uint64]string) map[counters.Day]format.ClosedDay {
	newest := map[counters.Day]format.ClosedDay{}
	for _, path := range s.files.Days { // in the order of generations
		closed := recovery.DayOf(path)
		if closed.Generation > s.highest {
			s.drop("day %s of generation %d: nothing says that it ever counted; it may be of an import that was interrupted",
				closed.Day, closed.Generation)
			s.badDays = append(s.badDays, path)
			continue
		}
		err := recovery.CheckDayContent(path, s.kinds, closed, func(number uint64, name []byte) error {
			names[number] = string(name)
			return nil
		})
		if err != nil {
			s.drop("%v", err)
			s.badDays = append(s.badDays, path)
			continue
		}
		closed.Bytes = disk.Sizes(path)
		newest[closed.Day] = closed
	}
	return newest
}

// addToPast adds a closed day to the past of each kind that keeps it.
func (s *salvage) addToPast(closed format.ClosedDay) error {
	counts := map[counters.Kind]format.CellVisitor{}
	for _, rule := range s.kinds {
		if rule.Kept {
			past := counters.Part{Kind: rule.Kind, Day: counters.Past}
			counts[rule.Kind] = func(benefit counters.Benefit, cells []counters.Cell) error {
				return s.store.Restore(past, benefit, cells)
			}
		}
	}
	return recovery.ReadDay(recovery.DayPath(s.directory, closed), s.kinds, closed,
		format.DaySink{Events: format.NamesOf(s.store.Events), Counts: counts})
}

// collect takes every intact frame of a journal file, damaged header or not:
// the first frame repeats the salt.
func (s *salvage) collect(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, disk.Plain(err))
	}
	s.highest = max(s.highest, disk.JournalSequence(path)-1)
	if len(data) < format.JournalHeaderSize+format.FrameHeaderSize {
		return nil
	}
	header, err := format.ParseJournalHeader(data)
	if errors.Is(err, format.ErrVersion) {
		return fmt.Errorf("journal %q at offset 0: %w", path, err)
	} else if err != nil {
		s.drop("header of journal %q: %v", path, err)
		header.Salt = format.SaltAt(data, format.JournalHeaderSize)
	}
	end := int64(format.JournalHeaderSize)
	for _, f := range format.FindFrames(data, format.JournalHeaderSize, header.Salt) {
		if f.Offset > end {
			s.drop("journal %q: %d bytes at offset %d hold no good frame", path, f.Offset-end, end)
		}
		end = f.End()
		s.highest = max(s.highest, f.Sequence)
		if f.Sequence > s.sequence {
			s.frames[f.Sequence] = f
		}
	}
	if rest := len(strings.TrimRight(string(data[end:]), "\x00")); rest > 0 {
		s.drop("journal %q: %d bytes at offset %d hold no good frame", path, rest, end)
	}
	return nil
}

// lastKnown is the last commit that any file tells of by its name. A journal file
// is begun after the commits before it; the file of a closed day may be of an
// import, the next commit, that never came to be one.
func (s *salvage) lastKnown() (last uint64) {
	last = s.highest
	for _, path := range s.files.Journals {
		last = max(last, disk.JournalSequence(path)-1)
	}
	for _, path := range s.files.Days {
		last = max(last, recovery.DayOf(path).Generation-1)
	}
	return last
}

// replay adds the frames in order and notes the commits that are not there.
func (s *salvage) replay() {
	next := s.sequence + 1
	for _, sequence := range slices.Sorted(maps.Keys(s.frames)) {
		s.dropCommits(next, sequence-1)
		next = sequence + 1
		s.reached = sequence
		if err := format.ReadPayload(s.frames[sequence].Payload, s.sink()); err != nil {
			s.drop("commit %d, at least in part: %v", sequence, err)
			continue
		}
		s.Frames++
	}
	s.dropCommits(next, s.highest)
}

func (s *salvage) dropCommits(from, to uint64) {
	if from <= to {
		s.drop("commits %d to %d: no good frame holds them", from, to)
	}
}

// sink adds to the store, and gives names that a lost frame defined a
// placeholder, so that at least their counts are kept.
func (s *salvage) sink() format.FrameSink {
	strict := format.ReplayInto(s.store)
	names := func(kind string, directory *counters.Directory, restore format.Names) format.Names {
		return func(number uint64, name []byte) error {
			if err := s.fill(kind, directory, number); err != nil {
				return err
			}
			return restore(number, name)
		}
	}
	return format.FrameSink{
		Benefits: names("benefit", s.store.Benefits, strict.Benefits),
		Events:   names("event", s.store.Events, strict.Events),
		Counts: func(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
			if s.Snapshot == "" {
				if closed, adopted := s.closed.Find(hour.Day()); adopted && s.reached <= closed.Generation {
					return nil // the day's file has it
				}
			}
			err := s.fill("benefit", s.store.Benefits, uint64(benefit)+1)
			for _, cell := range cells {
				err = errors.Join(err, s.fill("event", s.store.Events, uint64(cell.Key.Event())))
			}
			return errors.Join(err, strict.Counts(hour, benefit, cells))
		},
	}
}

func (s *salvage) fill(kind string, directory *counters.Directory, length uint64) error {
	for uint64(directory.Len()) < length {
		number := directory.Len()
		name := fmt.Sprintf("__unknown_%s_%d__", kind, number)
		if directory == s.store.Events && number < len(s.builtInEvents) {
			name = s.builtInEvents[number]
		} else {
			s.drop("the name of %s number %d; its counts are kept under %q", kind, number, name)
		}
		if _, err := directory.Number([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// replaceFiles writes the salvaged state as the newest snapshot, and then
// removes the files that it replaces.
func (s *salvage) replaceFiles(originals []string, now time.Time) error {
	frozen := s.store.Freeze()
	content := format.Snapshot{
		Header:   format.SnapshotHeader{Sequence: s.highest + 1, Journaled: true, Written: now},
		Manifest: s.closed,
		Benefits: s.store.Benefits.Names(),
		Events:   s.store.Events.Names(),
	}
	_, err := disk.Save(disk.SnapshotPath(s.directory, content.Header.Sequence), "snapshot", func(output io.Writer) error {
		return content.Write(output, frozen.Parts(), frozen.Cells)
	}, func(temporary string) error {
		_, err := recovery.CheckSnapshotContent(temporary, s.kinds, func() {})
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range originals {
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	return disk.SyncDirectory(s.directory)
}
