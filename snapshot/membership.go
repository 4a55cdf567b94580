package snapshot

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// membership is what a keeper knows of the log of a cluster. The committing goroutine
// changes it with each commit.
type membership struct {
	mu    sync.Mutex
	known *cluster.Membership // nil for nothing
	// sum is that of the events in the snapshot of the commit summed.
	sum, summed uint64

	// unneeded is a commit up to which nobody but a start needs the journal.
	unneeded atomic.Uint64
}

func newMembership(found *cluster.Membership, follower Follower) *membership {
	m := &membership{known: found}
	if follower == nil {
		m.unneeded.Store(math.MaxUint64)
	}
	return m
}

// apply takes the notes of a commit, which were encoded by this process.
func (m *membership) apply(notes [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, encoded := range notes {
		note, err := cluster.DecodeNote(encoded)
		if err != nil {
			return fmt.Errorf("a note that was committed: %w", err)
		}
		if m.known == nil {
			m.known = &cluster.Membership{}
		}
		m.known.Apply(note)
	}
	return nil
}

// noteSum takes the digest of the events in a snapshot.
func (m *membership) noteSum(sequence, sum uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.summed, m.sum = sequence, sum
}

// sumAt is that digest, 0 where it is of another snapshot.
func (m *membership) sumAt(sequence uint64) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.summed != sequence {
		return 0
	}
	return m.sum
}

func (m *membership) clone() *cluster.Membership {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known.Clone()
}

// Membership is what the directory knows of the log of a cluster, as of the last
// commit; nil if it never joined one.
func (k *Keeper) Membership() *cluster.Membership { return k.membership.clone() }

// Advance notes that the log was merged up to a position without anything new in it. It
// is not durable before the next snapshot, and need not be: what is read again is
// known.
func (k *Keeper) Advance(position cluster.Position) {
	k.membership.mu.Lock()
	defer k.membership.mu.Unlock()
	if k.membership.known != nil {
		k.membership.known.Covered.Position = position
	}
}

// ExpiredBefore is the first day that this node's RETENTION keeps, by a time that was
// reached for certain; 0 for all.
func (k *Keeper) ExpiredBefore() counters.Day { return k.almanac.rule().expireBefore }

// expired is the first day that the nodes of a cluster keep, 0 for all.
func (m *membership) expired() counters.Day {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		return 0
	}
	return m.known.Expired.Before()
}

// Release says that the Follower does not need the journal up to a commit any more.
// Until it says so, none is removed.
func (k *Keeper) Release(sequence uint64) { k.membership.unneeded.Store(sequence) }

// Sequence is the last commit. It has it before those who wait for the commit are woken.
func (k *Keeper) Sequence() uint64 { return k.pulse.sequence.Load() }

// Identity is that of the directory: no other has it, but a copy.
func (k *Keeper) Identity() [16]byte { return k.committer.snapshots.identity }

// Merge adds what other keepers' Followers were told, of any names and numbers, as
// Record adds a batch, and the note in the same commit, with what those say of RETENTION
// and announce.
// That each is merged once is up to the caller. It returns an error of format.ReadPortable
// for what cannot be read, of which nothing counts, and counters.ErrDirectoryFull for more
// names than a store can number.
func (k *Keeper) Merge(note cluster.Note, portable ...[]byte) (*counters.Ticket, error) {
	var foreign []*counters.Foreign
	for _, one := range portable {
		told, err := format.ReadPortable(one)
		if err != nil {
			return nil, err
		}
		foreign = append(foreign, told.Counts)
		note.Expiries, note.Imports = append(note.Expiries, told.Expiries...), append(note.Imports, told.Imports...)
	}
	encoded, err := note.AppendTo(nil)
	if err != nil {
		return nil, err
	}
	return k.acknowledgement(k.store.Merge(encoded, foreign...))
}

// A JournalSink takes what commits have for a Follower. The bytes and cells are valid
// during the call; what is nil is passed over.
type JournalSink struct {
	// Counted gets what was counted here.
	Counted func(counters.Hour, counters.Benefit, []counters.Cell) error
	// Marked gets the marks of batches that came here.
	Marked func(counters.Mark) error
	// Noted gets the notes of Merge.
	Noted func(sequence uint64, note cluster.Note) error
}

// ReadJournal reads the commits from one to another, which must be no later than the
// last: those that the journal still has, which Release allows to be fewer. It returns
// the first of them, which is above the last if there is none.
func (k *Keeper) ReadJournal(from, to uint64, sink JournalSink) (first uint64, err error) {
	first = to + 1
	files, err := disk.List(k.options.Directory)
	if err != nil {
		return first, err
	}
	for i, path := range files.Journals {
		if i+1 < len(files.Journals) && disk.JournalSequence(files.Journals[i+1]) <= from || disk.JournalSequence(path) > to {
			continue
		}
		scan, err := recovery.ScanJournal(path)
		if err != nil {
			return first, err
		}
		for _, frame := range scan.Frames {
			if frame.Sequence < from || frame.Sequence > to {
				continue
			}
			first = min(first, frame.Sequence)
			if err := format.ReadPayload(frame.Payload, sink.of(frame.Sequence)); err != nil {
				return first, fmt.Errorf("journal %q at offset %d, frame %d: %w", path, frame.Offset, frame.Sequence, err)
			}
		}
	}
	return first, nil
}

func (s JournalSink) of(sequence uint64) format.FrameSink {
	pass := func(counters.Hour, counters.Benefit, []counters.Cell) error { return nil }
	known := func(uint64, []byte) error { return nil }
	passMark := func(counters.Mark, time.Duration) error { return nil }
	sink := format.FrameSink{Benefits: known, Events: known, Counts: s.Counted, Merged: pass, MergedMarks: passMark}
	if s.Counted == nil {
		sink.Counts = pass
	}
	if s.Marked != nil {
		sink.Marks = func(mark counters.Mark, _ time.Duration) error { return s.Marked(mark) }
	}
	if s.Noted != nil {
		sink.Note = func(note cluster.Note) error { return s.Noted(sequence, note) }
	}
	return sink
}
