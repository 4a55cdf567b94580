package salvage

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// Repaired says what Repair did.
type Repaired struct {
	// Originals is the directory that holds every file as it was, empty when there is
	// none.
	Originals string
	// Snapshot is what the repair started from, empty for none.
	Snapshot string
	// Frames is how many commits were taken from the journal.
	Frames int
	// Rebuilt says which days were made again from older files, and Dropped what could
	// not be kept, one sentence each.
	Rebuilt, Dropped []string
	// MustAdopt is set for a directory of a cluster in which counts may be missing that other
	// nodes have: with LOG_URL it adopts the state of one of them.
	MustAdopt bool
}

// Repair makes a directory that a start refuses usable again. It takes the newest good
// snapshot, or none; every intact frame after it, wherever that lies; the files of closed
// days that are good; and makes those again that are not, from what is older. It writes
// all that as a new snapshot, and puts the originals into a directory of their own. It
// does without what the disk cannot read. A number's name is one that a good file gives
// it, or a placeholder.
//
// It returns disk.ErrLocked while a server runs on the directory, and format.ErrVersion
// where a newer program wrote. On error the directory is as it was, unless the error says
// that the originals could not be moved.
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
	s := newSalvage(directory, files, kinds, builtInEvents)
	s.leaveForeign()
	for _, step := range []func() error{s.readSnapshots, s.readJournals, s.chooseDays, s.count} {
		if err := step(); err != nil {
			return Repaired{}, fmt.Errorf("%w; nothing was changed", err)
		}
	}
	return s.Repaired, s.write(now)
}

// salvage gathers what is good.
type salvage struct {
	Repaired
	directory string
	// files are those of the directory, foreign those of another one that lie in it.
	files         disk.Contents
	foreign       []string
	identity      format.Identity // of the directory; the zero one when no file tells it
	kinds         counters.Kinds
	builtInEvents []string

	// base is the newest good snapshot; its sequence number is 0 for none.
	base                    recovery.Snapshot
	benefits, events, words *names
	// journals are the files whose frames count, seen the commits in them, and followed the
	// last one after which all that event types were called is known.
	journals []string
	seen     map[uint64]bool
	followed uint64
	// whole are those of them in which nothing is damaged.
	whole map[string]bool
	// membership is what is known of the log of a cluster, nil for nothing. lossy says
	// whether counts may be missing.
	membership *cluster.Membership
	lossy      bool
	// last is the last commit that any file tells of, if only by its name.
	last uint64

	// listed are the closed days whose files the base lists and that are good; lost
	// those that are not. adopted are days with a later file than the base knows.
	listed, lost []format.ClosedDay
	adopted      map[counters.Day]format.ClosedDay
	rebuilt      []rebuiltDay

	// store is what is kept. covered has what adopted days have in their files too. keys
	// are the keys of batches.
	store, covered *counters.Store
	keys           *idempotency.Window
}

// A rebuiltDay is one whose file could not be read and is written again.
type rebuiltDay struct {
	day    counters.Day
	tables map[counters.Kind]*counters.Table
}

func newSalvage(directory string, files disk.Contents, kinds counters.Kinds, builtInEvents []string) *salvage {
	return &salvage{
		directory:     directory,
		files:         files,
		kinds:         kinds,
		builtInEvents: builtInEvents,
		base:          recovery.Snapshot{Manifest: &format.Manifest{}},
		benefits:      newNames("benefit"),
		events:        newNames("event"),
		words:         newNames("word"),
		seen:          map[uint64]bool{},
		whole:         map[string]bool{},
		adopted:       map[counters.Day]format.ClosedDay{},
		store:         counters.NewStoreOf(kinds, counters.WhenDurable),
		covered:       counters.NewStoreOf(kinds, counters.WhenDurable),
		keys:          idempotency.NewWindow(),
	}
}

// lastNamed is the last commit that names of files tell of. A journal file is begun after
// the commits before it; the file of a closed day may be of a snapshot, or of an import,
// the next commit, that never came to be.
func lastNamed(files disk.Contents) (last uint64) {
	for _, path := range files.Snapshots {
		last = max(last, disk.SnapshotSequence(path))
	}
	for _, path := range files.Journals {
		last = max(last+1, disk.JournalSequence(path)) - 1
	}
	for _, path := range files.Days {
		switch generation := recovery.DayOf(path).Generation; {
		case recovery.IsMarked(files, path):
		case recovery.MayBeUnmarked(path):
			last = max(last+1, generation) - 1
		default:
			last = max(last, generation)
		}
	}
	return last
}

// leaveForeign leaves out the files of another directory. They are put aside.
func (s *salvage) leaveForeign() {
	s.identity = recovery.IdentityOf(s.files)
	isForeign := func(path string) bool {
		err := recovery.CheckOwner(path, s.identity)
		if err != nil {
			s.drop("%v", err)
			s.foreign = append(s.foreign, path)
		}
		return err != nil
	}
	for _, paths := range []*[]string{&s.files.Snapshots, &s.files.Journals, &s.files.Days} {
		*paths = slices.DeleteFunc(*paths, isForeign)
	}
	s.last = lastNamed(s.files)
}

func (s *salvage) drop(format string, arguments ...any) {
	s.Dropped = append(s.Dropped, fmt.Sprintf(format, arguments...))
}

// lose is drop for what may have been counted.
func (s *salvage) lose(format string, arguments ...any) {
	s.lossy = true
	s.drop(format, arguments...)
}

// readSnapshots finds the newest good one. What a newer program wrote is not damaged: it
// is refused, as is what cannot be read at this moment only.
func (s *salvage) readSnapshots() error {
	for i := len(s.files.Snapshots) - 1; i >= 0; i-- {
		path := s.files.Snapshots[i]
		store := counters.NewStoreOf(s.kinds, counters.WhenDurable)
		loaded, err := recovery.LoadSnapshot(path, store, idempotency.NewWindow())
		if err == nil {
			s.base, s.Snapshot, s.followed = loaded, path, loaded.Header.Sequence
			return s.learn(namesOf(store))
		}
		if !recovery.IsDamage(err) {
			return err
		}
		s.drop("%v", err)
	}
	return nil
}

// namesOf are all names of a store.
func namesOf(store *counters.Store) *found {
	all := newFound()
	for number, name := range store.Benefits.Names() {
		all.benefits[uint64(number)] = name
	}
	events := numbering{sequence: ofFile, defined: map[uint64]string{}, counted: map[uint64]bool{}}
	counted := store.CountedEventTypes()
	for number, name := range store.Events.Names() {
		events.defined[uint64(number)] = name
		if counted[number] == name {
			events.counted[uint64(number)] = true
		}
	}
	all.events = append(all.events, events)
	for number, name := range store.Words.Names() {
		all.words[uint64(number)] = name
	}
	return all
}

// readJournals takes the names in the journals, and notes which commits they hold. A
// journal that contradicts the names of what was read before is of another directory.
func (s *salvage) readJournals() error {
	for _, path := range s.files.Journals {
		intact, err := recovery.ReadIntact(path)
		if recovery.IsDamage(err) {
			s.lose("%v", err)
			continue
		} else if err != nil {
			return err
		}
		s.Dropped = append(s.Dropped, intact.Damage...)
		s.lossy = s.lossy || len(intact.Damage) > 0
		s.whole[path] = len(intact.Damage) == 0
		names, err := namesIn(intact.Frames)
		if err != nil {
			return fmt.Errorf("journal %q: %w", path, err)
		}
		if err := s.learn(names); err != nil {
			s.lose("the %d commits of journal %q, which is of another directory: %v", len(intact.Frames), path, err)
			continue
		}
		s.journals = append(s.journals, path)
		for _, frame := range intact.Frames {
			s.last = max(s.last, frame.Sequence)
			s.seen[frame.Sequence] = true
		}
	}
	return nil
}

// namesIn are the names in frames, and the numbers that they count for. The error is
// format.ErrVersion; what else is wrong with a frame is said when it is counted.
func namesIn(frames []format.Frame) (*found, error) {
	all := newFound()
	for _, frame := range frames {
		said := numbering{sequence: frame.Sequence, defined: map[uint64]string{}, counted: map[uint64]bool{}}
		err := format.ReadPayload(frame.Payload, format.FrameSink{
			Benefits: into(all.benefits),
			Events:   into(said.defined),
			Renamed: func(names map[uint64]string) error {
				said.renamed = names
				return nil
			},
			Counts: func(_ counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
				all.benefitsEnd = max(all.benefitsEnd, uint64(benefit)+1)
				said.note(cells)
				return nil
			},
		})
		all.events = append(all.events, said)
		if errors.Is(err, format.ErrVersion) {
			return nil, fmt.Errorf("frame %d at offset %d: %w", frame.Sequence, frame.Offset, err)
		}
	}
	return all, nil
}

// note notes the event types of what is counted.
func (n *numbering) note(cells []counters.Cell) {
	for _, cell := range cells {
		n.counted[uint64(cell.Key.Event())-1] = true
	}
}
