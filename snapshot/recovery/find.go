package recovery

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// What makes a start refuse a directory.
var (
	// ErrNoGoodSnapshot means that there are snapshots, but none can be read and
	// the journal does not go back to the beginning.
	ErrNoGoodSnapshot = errors.New("no snapshot can be read")
	// ErrJournalGap means that acknowledged commits are missing from the journal.
	ErrJournalGap = errors.New("acknowledged commits are missing")
)

// What ends a refusal to start, by what it is about.
const (
	refusalAdvice = "nothing was changed; bring the files back from a backup, " +
		"or run `stats-recorder verify --repair` to keep all that can be read"
	foreignAdvice = "nothing was changed; move the file away if it was copied here, or bring the files of this directory back from a backup"
	versionAdvice = "nothing was changed"
)

// refused adds to an error what a person can do.
func refused(err error) error {
	switch {
	case errors.Is(err, format.ErrVersion):
		return fmt.Errorf("%w; %s", err, versionAdvice)
	case errors.Is(err, format.ErrForeign):
		return fmt.Errorf("%w; %s", err, foreignAdvice)
	default:
		return fmt.Errorf("%w; %s", err, refusalAdvice)
	}
}

// A Summary says what was found.
type Summary struct {
	// Snapshot is the path of the snapshot that was loaded, empty for none, and
	// Written when it was written.
	Snapshot string
	Written  time.Time
	// Sequence is the last commit that was recovered.
	Sequence uint64
	// Frames is how many commits came from the journal.
	Frames int
	// TornBytes is how much of an unacknowledged last write there is.
	TornBytes int64
	// Warnings tell of damage that cost nothing, or that DURABILITY=snapshot
	// allows for, one sentence each.
	Warnings []string
}

// A State is the newest state that a directory holds.
type State struct {
	Summary Summary
	Store   *counters.Store
	// Keys are the keys of batches that are remembered, without bounds.
	Keys *idempotency.Window
	// Loaded is the snapshot that it builds on; its manifest is empty for none, nil
	// before any was found good.
	Loaded Snapshot
	// Identity is that of the directory; the zero one when no file tells it.
	Identity format.Identity
	// Membership is what is known of the log of a cluster; nil for nothing.
	Membership *cluster.Membership
	// Files are those of the directory, Damaged the snapshots that cannot be read,
	// Replayed the journal files that were read, Newest the last of them, nil for none,
	// and Torn the journal files after that, of which nothing was ever durable.
	Files    disk.Contents
	Damaged  []string
	Replayed []string
	Newest   *Scan
	Torn     []string
	// Lost is what DURABILITY=snapshot allows to be missing, if something is, and
	// Orphans the files of closed days that tell of it.
	Lost    error
	Orphans []string

	directory string
	newStore  func() *counters.Store
}

// Find finds it, and fills stores as the function makes them. An error says what makes
// it impossible to go on without something that was acknowledged, and what to do; the
// state is then as far as it came.
func Find(directory string, newStore func() *counters.Store) (*State, error) {
	s := &State{directory: directory, newStore: newStore}
	return s, s.find()
}

func (s *State) find() (err error) {
	if s.Files, err = disk.List(s.directory); err != nil {
		return err
	}
	if err := s.loadSnapshot(); err != nil {
		return err
	}
	s.Summary.Sequence = s.Loaded.Header.Sequence
	if err := s.replayJournals(); err != nil {
		return refused(err)
	}
	if err := s.checkReach(); err != nil {
		return err
	}
	return s.checkDays()
}

// loadSnapshot loads the newest snapshot that can be read, or none at all if
// there is none, or if the journal may go back to the beginning.
func (s *State) loadSnapshot() error {
	var failures []error
	for _, path := range slices.Backward(s.Files.Snapshots) {
		s.Store, s.Keys = s.newStore(), idempotency.NewWindow()
		loaded, err := LoadSnapshot(path, s.Store, s.Keys)
		if err == nil {
			err = s.checkDaySizes(loaded.Manifest)
		}
		if err == nil {
			s.Loaded, s.Identity = loaded, loaded.Header.Identity
			s.Membership = loaded.Manifest.Membership.Clone()
			s.Summary.Snapshot, s.Summary.Written = path, loaded.Header.Written
			return s.checkOwner()
		}
		if !IsDamage(err) { // of a newer program, or only of this moment
			return fmt.Errorf("%w; nothing was changed", err)
		}
		failures = append(failures, err)
		s.Damaged = append(s.Damaged, path)
		s.Summary.Warnings = append(s.Summary.Warnings, fmt.Sprintf("fell back from a damaged snapshot: %v", err))
	}
	s.Store, s.Keys = s.newStore(), idempotency.NewWindow()
	s.Loaded = Snapshot{Header: format.SnapshotHeader{Journaled: true}, Manifest: &format.Manifest{}}
	if len(failures) > 0 && !s.journalFromStart() {
		return fmt.Errorf("%w: %w; %s", ErrNoGoodSnapshot, errors.Join(failures...), refusalAdvice)
	}
	return nil
}

// checkDaySizes makes sure that the closed days are there. Their content is
// checked when it is read; to read years of it here would take too long.
func (s *State) checkDaySizes(m *format.Manifest) error {
	for _, closed := range m.Days {
		if err := checkDaySize(DayPath(s.directory, closed), closed); err != nil {
			return fmt.Errorf("closed day %s: %w", closed.Day, err)
		}
	}
	return nil
}

// checkOwner makes sure that the snapshots that say whose they are say the same.
func (s *State) checkOwner() error {
	for _, path := range s.Files.Snapshots {
		if err := CheckOwner(path, s.Identity); err != nil {
			return refused(fmt.Errorf("snapshot %q was loaded, but %w", s.Summary.Snapshot, err))
		}
	}
	return nil
}

// claim makes sure that a journal file with commits that are to be replayed is of this
// directory. The first file that says whose it is decides whose that is. After it, no
// file comes that does not say so.
func (s *State) claim(scan *Scan) error {
	if s.Identity.IsZero() {
		s.Identity = scan.Identity
	}
	isNeeded := len(scan.Frames) > 0 && scan.Last() > s.Summary.Sequence
	if scan.Identity == s.Identity || (scan.Identity.IsZero() && !isNeeded) {
		return nil
	}
	return foreign(scan.Path, scan.Identity, s.Identity)
}

func (s *State) journalFromStart() bool {
	return len(s.Files.Journals) > 0 && disk.JournalSequence(s.Files.Journals[0]) == 1
}

// replayJournals adds the frames after the snapshot, each once, in order.
// Files whose frames are all in the snapshot are not even opened.
func (s *State) replayJournals() error {
	scans, err := s.scanJournals()
	if err != nil {
		return err
	}
	for i, scan := range scans {
		if NeverDurable(scans[i:], s.Summary.Sequence, s.Identity) {
			s.drop(scans[i:])
			break
		}
		if err := s.replayJournal(scan); err != nil {
			return err
		}
		s.Newest = scan
		s.Replayed = append(s.Replayed, scan.Path)
	}
	if s.Newest != nil {
		s.Summary.TornBytes += s.Newest.Tail
	}
	return nil
}

func (s *State) scanJournals() (scans []*Scan, err error) {
	for i, path := range s.Files.Journals {
		if i+1 < len(s.Files.Journals) {
			if next := disk.JournalSequence(s.Files.Journals[i+1]); next <= s.Loaded.Header.Sequence+1 {
				continue
			}
		}
		scan, err := ScanJournal(path)
		if err != nil {
			return nil, err
		}
		if scans = append(scans, scan); len(scans) > 1 {
			scans[len(scans)-2].forget()
			scan.forget()
		}
	}
	return scans, nil
}

// NeverDurable says whether commits are missing between the last that is there and the
// last files of a directory, which were never known to be durable: the power was lost
// before they were, and the disk may write what was not synced in any order. It is so if
// each of the files was made ahead, and no frame in them says otherwise. The zero
// identity is that of a directory of which none is known.
func NeverDurable(scans []*Scan, last uint64, identity format.Identity) bool {
	missing := last + 1
	return scans[0].First > missing && !slices.ContainsFunc(scans, func(scan *Scan) bool {
		return !scan.Ahead || scan.Durable >= missing || (scan.Identity != identity && !identity.IsZero())
	})
}

// drop leaves out files of which nothing was ever durable.
func (s *State) drop(scans []*Scan) {
	for _, scan := range scans {
		s.Torn = append(s.Torn, scan.Path)
		if len(scan.Frames) > 0 {
			s.Summary.TornBytes += scan.End - scan.Frames[0].Offset
		}
		s.Summary.TornBytes += scan.Tail
	}
}

func (s *State) replayJournal(scan *Scan) error {
	sequence := s.Summary.Sequence
	if err := s.claim(scan); err != nil {
		return err
	}
	// A file that was not made ahead is begun once all before its first frame is durable,
	// so that even one without frames tells of a loss, unless no journal was kept then.
	if scan.First > sequence+1 && (len(scan.Frames) > 0 || s.Loaded.Header.Journaled) {
		return fmt.Errorf("journal %q: %w: it begins with %d, want %d%s",
			scan.Path, ErrJournalGap, scan.First, sequence+1, s.endOfNewest())
	}
	if s.Newest != nil && len(scan.Frames) > 0 && scan.First <= s.Newest.Last() {
		return fmt.Errorf("journal %q: %w: it begins with %d, the file before it ends with %d",
			scan.Path, format.ErrMalformed, scan.First, s.Newest.Last())
	}
	sink := format.ReplayInto(s.Store, &s.Membership)
	sink.Marks = RestoreKeys(s.Keys)
	frames, err := scan.frames()
	if err != nil {
		return err
	}
	for _, frame := range frames {
		if frame.Sequence <= sequence {
			continue
		}
		if err := format.ReadPayload(frame.Payload, sink); err != nil {
			return fmt.Errorf("journal %q at offset %d, frame %d: %w", scan.Path, frame.Offset, frame.Sequence, err)
		}
		s.Summary.Frames++
		s.Summary.Sequence = frame.Sequence
	}
	return scan.Damage
}

// endOfNewest says where the file ends that was read before a gap.
func (s *State) endOfNewest() string {
	if s.Newest == nil {
		return ""
	}
	return fmt.Sprintf(", but journal %q at offset %d has no good frame after %d", s.Newest.Path, s.Newest.End, s.Newest.Last())
}

// checkDays makes sure that the commits are there which the files of closed days tell
// of: all up to their generation. It leaves aside the files of a snapshot, or of an
// import, that never came to be: a mark says so. A file that nobody lists is refused if it
// is of another directory, before it is taken for one that may be removed.
func (s *State) checkDays() error {
	for _, path := range s.Files.Days {
		closed := DayOf(path)
		if listed, found := s.Loaded.Manifest.Find(closed.Day); found && listed.Generation == closed.Generation {
			continue
		}
		if err := CheckOwner(path, s.Identity); err != nil {
			return refused(err)
		}
		if closed.Generation <= s.Summary.Sequence || s.neverCame(path, closed.Generation) {
			continue
		}
		if s.Lost != nil && s.isDamaged(closed.Generation) {
			s.Orphans = append(s.Orphans, path)
			continue
		}
		return fmt.Errorf("%w: the file of a closed day %q tells of commits up to %d, and all else ends with %d; %s",
			ErrJournalGap, path, closed.Generation, s.Summary.Sequence, refusalAdvice)
	}
	return nil
}

// neverCame says whether the snapshot of a closed day's file never came to be. Of those
// without a mark, only the next generation can be of an import that was interrupted.
func (s *State) neverCame(path string, generation uint64) bool {
	return IsMarked(s.Files, path) || (generation == s.Summary.Sequence+1 && wasJournaled(path) && MayBeUnmarked(path))
}

// IsMarked says whether there is a mark that a closed day's file is of a snapshot which
// did not come to be yet.
func IsMarked(files disk.Contents, path string) bool {
	return slices.Contains(files.Closing, disk.ClosingPath(filepath.Dir(path), DayOf(path).Generation))
}

// MayBeUnmarked says whether a closed day's file is one of a program that left no marks:
// one that gave files no identity.
func MayBeUnmarked(path string) bool { return identityOf(path).IsZero() }

// isDamaged says whether the snapshot of a sequence number is there and cannot be read.
func (s *State) isDamaged(sequence uint64) bool {
	return slices.Contains(s.Damaged, disk.SnapshotPath(s.directory, sequence))
}

// checkReach makes sure that falling back to an older snapshot lost nothing:
// the journal must reach what the newer one held. Without a journal there was
// nothing to lose that DURABILITY=snapshot does not allow for.
func (s *State) checkReach() error {
	for _, path := range s.Damaged {
		sequence := disk.SnapshotSequence(path)
		if sequence <= s.Summary.Sequence {
			continue
		}
		if s.Loaded.Header.Journaled || s.Summary.Frames > 0 {
			return fmt.Errorf("%w: snapshot %q cannot be read, and the journal ends with %d, want %d; %s",
				ErrJournalGap, path, s.Summary.Sequence, sequence, refusalAdvice)
		}
		s.Lost = fmt.Errorf("%w: %d to %d went with %q, and DURABILITY=snapshot keeps no journal",
			ErrJournalGap, s.Summary.Sequence+1, sequence, path)
		s.Summary.Warnings = append(s.Summary.Warnings, s.Lost.Error())
	}
	return nil
}
