package member

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot"
)

// foundingOrigin is under which one directory tells that its counts from before the log
// are the beginning. That all who would are one origin lets the log take only one.
var foundingOrigin = cluster.Origin([]byte("founding counts."))

// founding is the frame of a directory that founds. It is always the same, so that a
// directory that was killed after it appended it finds that it has.
func founding(identity [16]byte) cluster.Frame {
	return cluster.Frame{
		Origin: foundingOrigin, Sequence: 1, Nonce: binary.LittleEndian.Uint64(identity[:]),
		Format: 1, Payload: identity[:],
	}
}

// join does what a node does when it meets the log.
func (s *session) join(ctx context.Context) error {
	first, last, err := s.link.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	s.epoch = last.Epoch
	if err := s.askServers(ctx); err != nil {
		return err
	}
	if s.keeper.Membership() == nil {
		if err := s.enter(ctx, last); err != nil {
			return err
		}
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	if s.overtaken != nil {
		s.outbox.resume()
		s.pending, s.overtaken, s.taken = append(s.overtaken, s.pending...), nil, true
	}
	if s.taken {
		if err := s.renumber(ctx); err != nil {
			return err
		}
	}
	if err := s.resume(ctx, last); err != nil {
		return err
	}
	if s.options.Ingest {
		return nil
	}
	if err := s.checkPosition(ctx, first, last); err != nil {
		return err
	}
	return s.importWaiting(ctx)
}

// enter is for a directory that has never met a log. If its journal tells of all that it
// has counted, that becomes frames; if not, it must be the one that founds.
func (s *session) enter(ctx context.Context, last cluster.Position) error {
	if s.keeper.Left() == s.epoch {
		return fmt.Errorf("%w: it has left this log, which has its counts: start it with an empty DATA_DIR, or give it a LOG_STREAM of its own", ErrStranger)
	}
	note := cluster.Note{Origin: s.keeper.Identity(), Position: cluster.Position{Epoch: s.epoch}}
	found := s.keeper.Recovery()
	journaled, err := s.keeper.ReadJournal(1, found.Sequence, snapshot.JournalSink{})
	if err != nil {
		return err
	}
	if found.Sequence > 0 && journaled > 1 {
		if err := s.found(ctx, last); err != nil {
			return err
		}
		note.Framed = found.Sequence
		note.Merged = []cluster.FrameNumber{{Origin: foundingOrigin, Sequence: 1}}
		s.options.Logger.Info("the counts of this directory are the beginning of the log", "stream_epoch", s.epoch.String())
	}
	return s.commit(note)
}

// found appends the founding frame, or says why the directory must not found.
func (s *session) found(ctx context.Context, last cluster.Position) error {
	advice := "keep its counts by `export`, start with an empty DATA_DIR, and `import` them before others join, or give this node a LOG_STREAM of its own"
	if s.options.Ingest {
		return fmt.Errorf("%w: a node with ROLE=ingest shares no state, and its counts from before are nowhere else: start it once with ROLE=all", ErrStranger)
	}
	_, err := s.link.Log.Append(ctx, founding(s.keeper.Identity()))
	switch {
	case errors.Is(err, cluster.ErrTaken), errors.Is(err, cluster.ErrFenced):
		return fmt.Errorf("%w: its counts from before the log are not among those of the log, which has %d frames: %s", ErrStranger, last.Sequence, advice)
	case err != nil:
		return err
	}
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return err
	}
	for _, covered := range covers {
		if covered.Contains(foundingOrigin, 1) {
			return fmt.Errorf("%w: it did found the log, and has lost what it knew of it since; remove its files, or move them away, and it adopts the state of another node", ErrStranger)
		}
	}
	return nil
}

// identify makes sure that no other directory makes frames under this origin: a copy, or
// this one before a backup of it was brought back.
func (s *session) identify(ctx context.Context) error {
	known := s.keeper.Membership()
	if known.Covered.Position.Epoch != s.epoch {
		return fmt.Errorf("%w: it is %s, this directory has counted with %s: if the log was deleted, stop all nodes and run `stats-recorder cluster adopt` on each",
			cluster.ErrEpoch, s.epoch, known.Covered.Position.Epoch)
	}
	last, err := cluster.LastSequence(ctx, s.link.Log, s.link.Shared, known.Origin)
	if err != nil {
		return err
	}
	if last <= known.Sequence {
		return nil
	}
	note, err := s.restored(known)
	if err != nil {
		return err
	}
	s.options.Logger.Warn("the log has more of this directory than it has itself: it is a copy or came from a backup, and has a new origin from now on",
		"origin", known.Origin.String(), "in_log", last, "here", known.Sequence, "new_origin", note.Origin.String())
	return s.commit(note)
}

// restored is the note of a directory of which the log has more than itself. What it had not
// told when it was copied is in the frames that it lacks: to tell it again would count it
// twice. The state has it all the same, so another one must be adopted. What was counted
// since this process started is in no frame yet.
func (s *session) restored(known *cluster.Membership) (cluster.Note, error) {
	note := cluster.Note{Origin: cluster.NewOrigin()}
	if s.resumed {
		return note, nil
	}
	found, untold := s.keeper.Recovery().Sequence, false
	_, err := s.keeper.ReadJournal(known.Framed+1, found, snapshot.JournalSink{
		Counted: func(counters.Hour, counters.Benefit, []counters.Cell) error {
			untold = true
			return nil
		},
	})
	if untold {
		note.Framed, note.MustAdopt = found, !s.options.Ingest
	}
	return note, err
}

// resume finds what this directory has counted and not told: frames that were noted and
// may not be in the log, and what was counted since the last ones. It does so once.
func (s *session) resume(ctx context.Context, last cluster.Position) error {
	if s.resumed {
		return nil
	}
	found, known := s.keeper.Recovery().Sequence, s.keeper.Membership()
	var untold counters.Gathering
	first, err := s.keeper.ReadJournal(known.Framed+1, found, snapshot.JournalSink{Counted: func(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
		untold.AddCells(hour, benefit, cells)
		return nil
	}, Marked: func(mark counters.Mark) error {
		untold.AddMark(mark)
		return nil
	}})
	if err != nil {
		return err
	}
	if known.Framed < found && first > known.Framed+1 && !known.MustAdopt {
		return fmt.Errorf("%w: commits %d to %d were made without LOG_URL and are in no journal any more: "+
			"run it without LOG_URL, or export it, remove its files, and import what was counted meanwhile", ErrStranger, known.Framed+1, first-1)
	}
	if err := s.resumeFrames(ctx, found, last); err != nil {
		return err
	}
	s.outbox.restore(&untold, found)
	s.resumed = true
	// Now, because the directory may be replaced by a state that lacks what is untold.
	_, err = s.makeFrames()
	return err
}

// resumeFrames finds the frames that the journal has. The log may lack those that no
// shared state has; to append them again finds out.
func (s *session) resumeFrames(ctx context.Context, found uint64, last cluster.Position) error {
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return err
	}
	dropped := map[cluster.FrameNumber]bool{}
	var noted []ownFrame
	_, err = s.keeper.ReadJournal(1, found, snapshot.JournalSink{Noted: func(sequence uint64, note cluster.Note) error {
		for _, number := range note.Dropped {
			dropped[number] = true
		}
		for _, frame := range note.Own {
			noted = append(noted, ownFrame{frame: frame, upTo: sequence - 1})
		}
		return nil
	}})
	if err != nil {
		return err
	}
	var pending []ownFrame
	for _, own := range noted {
		switch number := numberOf(own.frame); {
		case dropped[number]:
		case coveredByAny(covers, number):
			s.published.add(own, max(1, last.Sequence))
		default:
			s.published.add(own, 0)
			pending = append(pending, own)
		}
	}
	if len(pending) > 0 {
		pending[len(pending)-1].isLast = true
		s.outbox.resume()
	}
	s.pending = append(pending, s.pending...)
	return nil
}

func coveredByAny(covers map[cluster.Origin]*cluster.Covered, number cluster.FrameNumber) bool {
	for _, covered := range covers {
		if covered.Contains(number.Origin, number.Sequence) {
			return true
		}
	}
	return false
}

// checkPosition says whether the node may read on from where it is.
func (s *session) checkPosition(ctx context.Context, first, last cluster.Position) error {
	known := s.keeper.Membership()
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return err
	}
	furthest := uint64(0)
	for _, covered := range covers {
		if covered.Position.Epoch != s.epoch {
			continue
		}
		furthest = max(furthest, covered.Position.Sequence)
		if known.Covered.Position.Sequence < covered.Position.Sequence && known.Covered.Includes(covered) {
			// It has all that is up to there, if not by reading.
			known.Covered.Position = covered.Position
			s.keeper.Advance(covered.Position)
		}
	}
	position := known.Covered.Position
	switch {
	case known.MustAdopt:
		return fmt.Errorf("%w: it was repaired, or came from a backup, and its counts are not those that others have; "+
			"if no other node is left, run `stats-recorder cluster leave`", ErrAdopt)
	case position.Sequence+1 < first.Sequence && furthest > position.Sequence:
		return fmt.Errorf("%w: it has read the log up to %d, which begins at %d", ErrAdopt, position.Sequence, first.Sequence)
	case position.Sequence+1 < first.Sequence:
		// No state is further, so nothing was trimmed: the log has lost it. Whoever has it
		// appends it again.
		s.keeper.Advance(cluster.Position{Epoch: s.epoch, Sequence: first.Sequence - 1})
	case !known.Covered.Contains(foundingOrigin, 1) && coveredByAny(covers, cluster.FrameNumber{Origin: foundingOrigin, Sequence: 1}):
		return fmt.Errorf("%w: it lacks what was counted before there was a log", ErrAdopt)
	case position.Sequence > last.Sequence:
		return s.stepBack(position, last)
	}
	return nil
}

// stepBack is for a log that ends before what was read of it. A server that is cut off
// may say so; if it lasts, the log has lost its end.
func (s *session) stepBack(position, last cluster.Position) error {
	s.stepsBack++
	if s.stepsBack < patienceWithLog {
		return fmt.Errorf("%w: the log ends at %d, this node has read up to %d", cluster.ErrBehind, last.Sequence, position.Sequence)
	}
	s.options.Logger.Error("the log has lost its end; what nodes keep of that is appended again", "ends_at", last.Sequence, "read_to", position.Sequence)
	s.keeper.Advance(last)
	s.stepsBack = 0
	return nil
}

// patienceWithLog is how often a log may say that it ends early before it is believed.
const patienceWithLog = 60
