package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stats-recorder/counters"
)

// What makes Open refuse a directory.
var (
	// ErrNoGoodSnapshot means that there are snapshots, but none can be read and
	// the journal does not go back to the beginning.
	ErrNoGoodSnapshot = errors.New("no snapshot can be read")
	// ErrJournalGap means that acknowledged commits are missing from the journal.
	ErrJournalGap = errors.New("acknowledged commits are missing")
)

// refusalAdvice ends every refusal to start.
const refusalAdvice = "nothing was changed; bring the files back from a backup, " +
	"or run `stats-recorder verify --repair` to keep all that can be read"

// Recovery says what Open found and did.
type Recovery struct {
	// Snapshot is the path of the snapshot that was loaded, empty for none, and
	// Written when it was written.
	Snapshot string
	Written  time.Time
	// Sequence is the last commit that was recovered.
	Sequence uint64
	// Frames is how many commits came from the journal.
	Frames int
	// TornBytes is how much of an unacknowledged last write was cut off.
	TornBytes int64
	// Warnings tell of damage that cost nothing, or that DURABILITY=snapshot
	// allows for, one sentence each.
	Warnings []string
}

// recoverer finds the newest state that a directory holds. It changes nothing.
type recoverer struct {
	directory  string
	visibility counters.Visibility
	files      contents

	store *counters.Store
	loadedSnapshot
	damaged  []string // snapshots that cannot be read
	newest   *journalScan
	lost     error // what DURABILITY=snapshot allows to be missing
	Recovery Recovery
}

func (r *recoverer) run() error {
	files, err := list(r.directory)
	if err != nil {
		return err
	}
	r.files = files
	if err := r.loadSnapshot(); err != nil {
		return err
	}
	r.Recovery.Sequence = r.header.sequence
	if err := r.replayJournals(); err != nil {
		return fmt.Errorf("%w; %s", err, refusalAdvice)
	}
	if err := r.checkReach(); err != nil {
		return err
	}
	return r.checkDays()
}

// loadSnapshot loads the newest snapshot that can be read, or none at all if
// there is none, or if the journal may go back to the beginning.
func (r *recoverer) loadSnapshot() error {
	var failures []error
	for _, path := range slices.Backward(r.files.snapshots) {
		r.store = counters.NewStore(r.visibility)
		loaded, err := readSnapshot(path, r.store)
		if err == nil {
			err = r.checkSegments(loaded.manifest)
		}
		if err == nil {
			r.loadedSnapshot = loaded
			r.Recovery.Snapshot, r.Recovery.Written = path, loaded.header.written
			return nil
		}
		if errors.Is(err, ErrVersion) {
			return fmt.Errorf("%w; nothing was changed", err)
		}
		failures = append(failures, err)
		r.damaged = append(r.damaged, path)
		r.Recovery.Warnings = append(r.Recovery.Warnings, fmt.Sprintf("fell back from a damaged snapshot: %v", err))
	}
	r.store = counters.NewStore(r.visibility)
	r.loadedSnapshot = loadedSnapshot{header: snapshotHeader{journaled: true}, manifest: &manifest{}}
	if len(failures) > 0 && !r.journalFromStart() {
		return fmt.Errorf("%w: %w; %s", ErrNoGoodSnapshot, errors.Join(failures...), refusalAdvice)
	}
	return nil
}

// checkSegments makes sure that the closed days are there. Their content is
// checked when it is read; to read years of it here would take too long.
func (r *recoverer) checkSegments(m *manifest) error {
	for _, s := range m.segments {
		if err := s.checkSize(s.path(r.directory)); err != nil {
			return fmt.Errorf("closed day %s: %w", s.day, err)
		}
	}
	return nil
}

func nameMatches(path string, header snapshotHeader) error {
	if named, _ := parseName(path, snapshotPrefix); named != header.sequence {
		return fmt.Errorf("snapshot %q at offset 16: %w: sequence number %d, the name says %d; was it renamed?",
			path, ErrMalformed, header.sequence, named)
	}
	return nil
}

func (r *recoverer) journalFromStart() bool {
	if len(r.files.journals) == 0 {
		return false
	}
	first, _ := parseName(r.files.journals[0], journalPrefix)
	return first == 1
}

// replayJournals adds the frames after the snapshot, each once, in order.
// Files whose frames are all in the snapshot are not even opened.
func (r *recoverer) replayJournals() error {
	for i, path := range r.files.journals {
		if i+1 < len(r.files.journals) {
			if next, _ := parseName(r.files.journals[i+1], journalPrefix); next <= r.header.sequence+1 {
				continue
			}
		}
		scan, err := scanJournal(path)
		if err != nil {
			return err
		}
		if err := r.replayJournal(scan); err != nil {
			return err
		}
		r.newest = scan
	}
	if r.newest != nil {
		r.Recovery.TornBytes = r.newest.tail
	}
	return nil
}

func (r *recoverer) replayJournal(scan *journalScan) error {
	sequence := r.Recovery.Sequence
	// A file is begun once all before its first frame is durable, so that even one
	// without frames tells of a loss, unless no journal was kept then.
	if scan.first > sequence+1 && (len(scan.frames) > 0 || r.header.journaled) {
		return fmt.Errorf("journal %q: %w: it begins with %d, want %d%s",
			scan.path, ErrJournalGap, scan.first, sequence+1, r.endOfNewest())
	}
	if r.newest != nil && len(scan.frames) > 0 && scan.first <= r.newest.last() {
		return fmt.Errorf("journal %q: %w: it begins with %d, the file before it ends with %d",
			scan.path, ErrMalformed, scan.first, r.newest.last())
	}
	for _, frame := range scan.frames {
		if frame.sequence <= sequence {
			continue
		}
		if err := readPayload(frame.payload, replaySink(r.store)); err != nil {
			return fmt.Errorf("journal %q at offset %d, frame %d: %w", scan.path, frame.offset, frame.sequence, err)
		}
		r.Recovery.Frames++
		r.Recovery.Sequence = frame.sequence
	}
	return scan.damage
}

// endOfNewest says where the file ends that was read before a gap.
func (r *recoverer) endOfNewest() string {
	if r.newest == nil {
		return ""
	}
	return fmt.Sprintf(", but journal %q at offset %d has no good frame after %d", r.newest.path, r.newest.end, r.newest.last())
}

// checkDays makes sure that the commits are there which the files of closed days
// tell of: all up to the one before their generation, which may be an import that
// never came to be a commit. Where no journal was kept, a crash may have cost them.
func (r *recoverer) checkDays() error {
	for _, path := range r.files.segments {
		s, _ := parseSegmentName(path)
		if s.generation > r.Recovery.Sequence+1 && wasJournaled(path) {
			return fmt.Errorf("%w: the file of a closed day %q tells of commits up to %d, and all else ends with %d; %s",
				ErrJournalGap, path, s.generation-1, r.Recovery.Sequence, refusalAdvice)
		}
	}
	return nil
}

// checkReach makes sure that falling back to an older snapshot lost nothing:
// the journal must reach what the newer one held. Without a journal there was
// nothing to lose that DURABILITY=snapshot does not allow for.
func (r *recoverer) checkReach() error {
	for _, path := range r.damaged {
		sequence, _ := parseName(path, snapshotPrefix)
		if sequence <= r.Recovery.Sequence {
			continue
		}
		if r.header.journaled || r.Recovery.Frames > 0 {
			return fmt.Errorf("%w: snapshot %q cannot be read, and the journal ends with %d, want %d; %s",
				ErrJournalGap, path, r.Recovery.Sequence, sequence, refusalAdvice)
		}
		r.lost = fmt.Errorf("%w: %d to %d went with %q, and DURABILITY=snapshot keeps no journal",
			ErrJournalGap, r.Recovery.Sequence+1, sequence, path)
		r.Recovery.Warnings = append(r.Recovery.Warnings, r.lost.Error())
	}
	return nil
}
