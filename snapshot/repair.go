package snapshot

import (
	"encoding/binary"
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

// Repair makes a directory that Open refuses usable again: it copies every file
// aside, takes the newest good snapshot and every good frame after it, wherever
// it lies, and writes them as a new snapshot. It returns ErrLocked while a
// server runs on the directory. On error the originals are still in place or
// in the copy.
//
// The built-in event types are those that every store is given first, in their
// order: their names are not lost with the frame that defined them.
func Repair(directory string, builtInEvents []string, now time.Time) (Repaired, error) {
	lock, err := lockDirectory(directory)
	if err != nil {
		return Repaired{}, err
	}
	defer unlockDirectory(lock)
	files, err := list(directory)
	if err != nil {
		return Repaired{}, err
	}
	s := &salvage{
		store:         counters.NewStore(counters.WhenDurable),
		frames:        map[uint64]frame{},
		builtInEvents: builtInEvents,
	}
	if err := s.loadSnapshot(directory, files); err != nil {
		return Repaired{}, err
	}
	for _, path := range files.journals {
		if err := s.collect(path); err != nil {
			return Repaired{}, err
		}
	}
	s.replay()
	s.setAsideLater(files)
	s.Originals = filepath.Join(directory, "before-repair-"+now.UTC().Format("20060102T150405.000Z"))
	originals := slices.Concat(files.snapshots, files.journals, s.badSegments)
	if err := copyAside(originals, s.Originals); err != nil {
		return s.Repaired, err
	}
	return s.Repaired, s.replaceFiles(directory, originals, now)
}

// salvage gathers what is good.
type salvage struct {
	Repaired
	store    *counters.Store
	sequence uint64 // of the snapshot
	highest  uint64 // of everything, read or only named
	frames   map[uint64]frame
	// reached is the last commit that was kept: the snapshot's, then the one that
	// is being replayed.
	reached uint64

	builtInEvents []string
	// closed are the closed days that can be read; badSegments are files of such
	// that cannot.
	closed      *manifest
	badSegments []string
}

func (s *salvage) drop(format string, arguments ...any) {
	s.Dropped = append(s.Dropped, fmt.Sprintf(format, arguments...))
}

// loadSnapshot loads the newest good one. What a newer program wrote is not
// damaged: it is refused.
func (s *salvage) loadSnapshot(directory string, files contents) error {
	for _, path := range slices.Backward(files.snapshots) {
		named, _ := parseName(path, snapshotPrefix)
		s.highest = max(s.highest, named)
		store := counters.NewStore(counters.WhenDurable)
		loaded, err := readSnapshot(path, store)
		if err == nil {
			s.store, s.sequence, s.Snapshot = store, loaded.header.sequence, path
			s.reached = s.sequence
			s.keepGoodSegments(directory, loaded.manifest)
			s.highest = s.lastKnown(files)
			return nil
		}
		if errors.Is(err, ErrVersion) {
			return err
		}
		s.drop("%v", err)
	}
	return s.adoptSegments(files)
}

// keepGoodSegments drops the closed days that cannot be read. They stay in the
// sums of all time, which the snapshot has.
func (s *salvage) keepGoodSegments(directory string, m *manifest) {
	s.closed = &manifest{keptFrom: m.keptFrom, imports: m.imports}
	for _, segment := range m.segments {
		path := segment.path(directory)
		if err := segment.check(path); err != nil {
			s.drop("day %s, except from the sums of all time: %v", segment.day, err)
			if fileSize(path) > 0 {
				s.badSegments = append(s.badSegments, path)
			}
			continue
		}
		s.closed.segments = append(s.closed.segments, segment)
	}
}

// setAsideLater puts aside the files of closed days that tell of commits which are
// lost: how much of such a day is in what was kept cannot be told.
func (s *salvage) setAsideLater(files contents) {
	for _, path := range files.segments {
		segment, _ := parseSegmentName(path)
		listed, found := s.closed.find(segment.day)
		if segment.generation <= s.reached+1 || (found && listed.generation == segment.generation) || slices.Contains(s.badSegments, path) {
			continue
		}
		s.drop("what is new in day %s of generation %d: the commits before it are lost", segment.day, segment.generation)
		s.badSegments = append(s.badSegments, path)
	}
}

// adoptSegments makes do without a snapshot: the newest files of closed days
// that one has counted on say what there was until then.
func (s *salvage) adoptSegments(files contents) error {
	s.closed = &manifest{}
	names := map[uint64]string{}
	newest := map[counters.Day]segment{}
	s.highest = s.lastKnown(files)
	paths := files.segments
	for _, path := range paths {
		segment, _ := parseSegmentName(path)
		if segment.generation > s.highest {
			s.drop("day %s of generation %d: nothing says that it ever counted; it may be of an import that was interrupted",
				segment.day, segment.generation)
			s.badSegments = append(s.badSegments, path)
			continue
		}
		if err := segment.readAll(path, names); err != nil {
			s.drop("%v", err)
			s.badSegments = append(s.badSegments, path)
			continue
		}
		segment.bytes = fileSize(path)
		newest[segment.day] = segment // paths are in the order of generations
	}
	for _, number := range slices.Sorted(maps.Keys(names)) {
		if err := s.fill("benefit", s.store.Benefits, number); err != nil {
			return err
		}
		if _, err := s.store.Benefits.Number([]byte(names[number])); err != nil {
			return err
		}
	}
	for _, day := range slices.Sorted(maps.Keys(newest)) {
		segment := newest[day]
		if err := segment.read(segment.path(filepath.Dir(paths[0])), segmentSink{
			events:    restoreNamesHandler(s.store.Events),
			positions: s.addToPast,
		}); err != nil {
			return err
		}
		s.closed.segments = append(s.closed.segments, segment)
	}
	if len(newest) > 0 {
		s.drop("sums of all time of what is in none of the %d closed days", len(newest))
	}
	return nil
}

func (s *salvage) addToPast(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
	return s.store.RestorePast(benefit, cells)
}

// collect takes every intact frame of a journal file, damaged header or not:
// the first frame repeats the salt.
func (s *salvage) collect(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, plain(err))
	}
	named, _ := parseName(path, journalPrefix)
	s.highest = max(s.highest, named-1)
	if len(data) < journalHeaderSize+frameHeaderSize {
		return nil
	}
	salt := binary.LittleEndian.Uint64(data[12:])
	if err := checkHeader(data[:journalHeaderSize], journalMagic); errors.Is(err, ErrVersion) {
		return fmt.Errorf("journal %q at offset 0: %w", path, err)
	} else if err != nil {
		s.drop("header of journal %q: %v", path, err)
		salt = binary.LittleEndian.Uint64(data[journalHeaderSize+8:])
	}
	end := int64(journalHeaderSize)
	for _, f := range findFrames(data, journalHeaderSize, salt) {
		if f.offset > end {
			s.drop("journal %q: %d bytes at offset %d hold no good frame", path, f.offset-end, end)
		}
		end = f.end()
		s.highest = max(s.highest, f.sequence)
		if f.sequence > s.sequence {
			s.frames[f.sequence] = f
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
func (s *salvage) lastKnown(files contents) (last uint64) {
	last = s.highest
	for _, path := range files.journals {
		first, _ := parseName(path, journalPrefix)
		last = max(last, first-1)
	}
	for _, path := range files.segments {
		segment, _ := parseSegmentName(path)
		last = max(last, segment.generation-1)
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
		if err := readPayload(s.frames[sequence].payload, s.sink()); err != nil {
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
func (s *salvage) sink() frameSink {
	strict := replaySink(s.store)
	names := func(kind string, directory *counters.Directory) func(*cursor) error {
		return func(c *cursor) error {
			peek := *c
			if err := s.fill(kind, directory, peek.uvarint()); err != nil {
				return err
			}
			return restoreNames(c, directory)
		}
	}
	return frameSink{
		benefits: names("benefit", s.store.Benefits),
		events:   names("event", s.store.Events),
		counts: func(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
			if s.Snapshot == "" {
				if day, adopted := s.closed.find(hour.Day()); adopted && s.reached <= day.generation {
					return nil // the day's file has it
				}
			}
			err := s.fill("benefit", s.store.Benefits, uint64(benefit)+1)
			for _, cell := range cells {
				err = errors.Join(err, s.fill("event", s.store.Events, uint64(cell.Key.Event())))
			}
			return errors.Join(err, strict.counts(hour, benefit, cells))
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

// copyAside copies files into a new directory, durably.
func copyAside(paths []string, directory string) error {
	if err := os.Mkdir(directory, 0o750); err != nil {
		return fmt.Errorf("make directory %q: %w", directory, plain(err))
	}
	for _, path := range paths {
		if err := copyFile(path, filepath.Join(directory, filepath.Base(path))); err != nil {
			return err
		}
	}
	return errors.Join(syncDirectory(directory), syncDirectory(filepath.Dir(directory)))
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("open %q: %w", from, plain(err))
	}
	defer source.Close()
	target, err := createExclusive(to)
	if err != nil {
		return err
	}
	defer target.Close()
	if err := giveToOwner(target); err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return fmt.Errorf("copy %q to %q: %w", from, to, plain(err))
	}
	return syncFile(target, "repair")
}

// replaceFiles writes the salvaged state as the newest snapshot, and then
// removes the files that it replaces.
func (s *salvage) replaceFiles(directory string, originals []string, now time.Time) error {
	content := snapshotContent{
		header:   snapshotHeader{sequence: s.highest + 1, journaled: true, written: now},
		store:    s.store,
		frozen:   s.store.Freeze(),
		manifest: s.closed,
	}
	err := saveFile(snapshotPath(directory, content.header.sequence), "snapshot", content.write, func(temporary string) error {
		_, err := checkSnapshotContent(temporary, nil)
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range originals {
		if err := remove(path); err != nil {
			return err
		}
	}
	return syncDirectory(directory)
}
