package member

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot"
)

const (
	// shareRate bounds how many bytes a second of states go to the log's servers, on
	// average: years of closed days are many.
	shareRate = 1 << 20
	// sharePatience is how long a state may wait for what is counted in it to be told.
	sharePatience = time.Minute
	// lackingPatience is how many times the state may be shared while another node has
	// frames that this one lacks: their origin may append them again.
	lackingPatience = 3
)

// share puts the state where others find it, again and again.
func (s *session) share(ctx context.Context) error {
	for {
		if err := pause(ctx, time.Until(s.shareAgain)); err != nil {
			return err
		}
		size, err := s.shareOnce(ctx)
		s.shareAgain = time.Now().Add(restAfter(size))
		if err != nil && !errors.Is(err, cluster.ErrBehind) {
			return err
		}
		if err := pause(ctx, s.options.Share); err != nil {
			return err
		}
	}
}

// restAfter is how long to rest after a state of so many bytes, at shareRate.
func restAfter(size int64) time.Duration {
	return time.Duration(size) * (time.Second / shareRate) // a product of size and a second is too large from 9 GB on
}

// shareOnce has a snapshot written, waits until the log has all that was counted here
// in it, and shares it. It returns how many bytes that were, or would have been if it had not
// failed: a snapshot of them was written. They are 0 where nothing is new.
func (s *session) shareOnce(ctx context.Context) (size int64, err error) {
	if s.isLacking() {
		return 0, nil // the state of a node that has more must stay the furthest
	}
	s.published.pin(true)
	defer s.published.pin(false)
	candidate, err := s.candidate(ctx)
	if err != nil || candidate == nil {
		return 0, err
	}
	state, err := s.keeper.SavedState(candidate.sequence)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // a newer snapshot has taken its place
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	size = state.Size()
	patience, cancel := context.WithTimeout(ctx, sharePatience)
	defer cancel()
	if err := s.outbox.flush(patience, candidate.sequence); err != nil {
		return size, err
	}
	covers := candidate.known.Clone()
	for _, own := range s.published.list() {
		if own.upTo <= candidate.sequence && !own.isInNote {
			covers.Covered.Add(own.number.Origin, own.number.Sequence)
		}
	}
	covers.Covered.Sum = state.Sum()
	err = s.put(ctx, covers.Origin, &covers.Covered, state)
	if err == nil || errors.Is(err, cluster.ErrBehind) {
		s.sharedUpTo, s.unshared = candidate.sequence, nil
	}
	if err != nil {
		return size, err
	}
	s.figures.mu.Lock()
	s.figures.sharedAt = time.Now()
	s.figures.mu.Unlock()
	return size, nil
}

// candidate is a snapshot that may be shared; nil where nothing is new. One that could not be
// shared is, as long as nothing follows it.
func (s *session) candidate(ctx context.Context) (*candidate, error) {
	found, err := s.nextCandidate(ctx)
	if found != nil {
		s.unshared = found
	}
	return found, err
}

func (s *session) nextCandidate(ctx context.Context) (*candidate, error) {
	found, err := s.snapshot(ctx)
	sequence := s.keeper.Sequence()
	if found != nil || err != nil || s.sharedUpTo >= sequence {
		return found, err
	}
	if s.unshared != nil && s.unshared.sequence == sequence {
		return s.unshared, nil
	}
	// A snapshot that was not made to be shared has what is new, and for as long as nothing is
	// counted there would be no other one.
	known := s.keeper.Membership()
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return nil, err
	}
	if shared := covers[known.Origin]; shared != nil && !known.Covered.Behind(shared) && !shared.Behind(&known.Covered) {
		return nil, nil
	}
	if err := s.commit(cluster.Note{}); err != nil {
		return nil, err
	}
	return s.snapshot(ctx)
}

// snapshot has a snapshot written that may be shared; nil where one has all that is new.
func (s *session) snapshot(ctx context.Context) (*candidate, error) {
	s.outbox.takeCandidate()
	s.outbox.setCut(true)
	err := s.keeper.SnapshotNow(ctx)
	s.outbox.setCut(false)
	if err != nil {
		return nil, err
	}
	return s.outbox.takeCandidate(), nil
}

func (s *session) put(ctx context.Context, node cluster.Origin, covers *cluster.Covered, state *snapshot.SavedState) error {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := state.Write(writer)
		written <- err
		writer.CloseWithError(err) // nil is the end
	}()
	err := s.link.Shared.Put(ctx, node, covers, reader)
	reader.CloseWithError(context.Canceled)
	if failed := <-written; err == nil {
		err = failed
	}
	return err
}

// A timedPosition is where the log ended at a time.
type timedPosition struct {
	at       time.Time
	position cluster.Position
}

// tend looks after what is kept for others, again and again.
func (s *session) tend(ctx context.Context) error {
	for {
		if err := s.tendOnce(ctx); err != nil {
			return err
		}
		if err := pause(ctx, s.options.Share/4); err != nil {
			return err
		}
	}
}

func (s *session) tendOnce(ctx context.Context) error {
	first, last, err := s.link.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	s.ends = append(s.ends, timedPosition{time.Now(), last})
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return err
	}
	states := statesIn(covers, first)
	s.figures.mu.Lock()
	s.figures.nodes, s.figures.apart = len(states), comeApart(states)
	s.figures.mu.Unlock()
	s.release(states)
	s.considerExpiry()
	if err := s.repair(ctx, states, last); err != nil {
		return err
	}
	if !s.options.Ingest {
		if err := s.checkLacking(states); err != nil {
			return err
		}
	}
	return s.trim(ctx, states, first)
}

// statesIn are the states of nodes that can still read on in the log. Others are of nodes
// that are gone, or will adopt a state if they come back.
func statesIn(covers map[cluster.Origin]*cluster.Covered, first cluster.Position) []*cluster.Covered {
	return slices.DeleteFunc(slices.Collect(maps.Values(covers)), func(c *cluster.Covered) bool {
		return c.Position.Epoch != first.Epoch || c.Position.Sequence+1 < first.Sequence
	})
}

// comeApart says whether states with the same frames have other counts.
func comeApart(states []*cluster.Covered) bool {
	for i, one := range states {
		for _, other := range states[:i] {
			if one.Sum != other.Sum && one.Sum != 0 && other.Sum != 0 && one.Equal(other) {
				return true
			}
		}
	}
	return false
}

// release lets the keeper remove the journal of frames that most nodes have.
func (s *session) release(states []*cluster.Covered) {
	known := s.keeper.Membership()
	needed := known.Framed
	p := &s.published
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pinned {
		return
	}
	p.frames = slices.DeleteFunc(p.frames, func(f publishedFrame) bool { return isCovered(states, f.number) })
	for _, frame := range p.frames {
		needed = min(needed, frame.upTo)
	}
	s.keeper.Release(needed)
}

// isCovered says whether most states have a frame.
func isCovered(states []*cluster.Covered, number cluster.FrameNumber) bool {
	have := 0
	for _, covered := range states {
		if covered.Contains(number.Origin, number.Sequence) {
			have++
		}
	}
	return 2*have > len(states)
}

// repair appends again what a state lacks that has read the log beyond where it was: the
// log has lost it.
func (s *session) repair(ctx context.Context, states []*cluster.Covered, last cluster.Position) error {
	lost := map[cluster.FrameNumber]bool{}
	for _, frame := range s.published.list() {
		for _, covered := range states {
			if frame.at > 0 && covered.Position.Sequence >= frame.at && !covered.Contains(frame.number.Origin, frame.number.Sequence) {
				lost[frame.number] = true
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	frames, err := s.journaled(func(number cluster.FrameNumber) bool { return lost[number] })
	if err != nil {
		return err
	}
	for _, frame := range frames {
		at, err := s.link.Log.Append(ctx, frame)
		if err != nil {
			return err
		}
		s.published.isAt(numberOf(frame), at.Sequence)
		if at.Sequence > last.Sequence {
			s.figures.repeated.Add(1)
			s.options.Logger.Warn("the log had lost a frame; it was appended again", "frame", frame.Sequence, "origin", frame.Origin.String(), "at", at.Sequence)
		}
	}
	return nil
}

// journaled are frames that were made here, as far as they are chosen and the journal has them.
func (s *session) journaled(isChosen func(cluster.FrameNumber) bool) (frames []cluster.Frame, err error) {
	_, err = s.keeper.ReadJournal(1, s.keeper.Sequence(), snapshot.JournalSink{Noted: func(_ uint64, note cluster.Note) error {
		for _, frame := range note.Own {
			if isChosen(numberOf(frame)) {
				frames = append(frames, frame)
			}
		}
		return nil
	}})
	return frames, err
}

// checkLacking says that the node must adopt a state if others have had frames for long
// that this one lacks though it has read the log beyond where they were.
func (s *session) checkLacking(states []*cluster.Covered) error {
	known := s.keeper.Membership()
	lacks := slices.ContainsFunc(states, func(c *cluster.Covered) bool {
		return c.Position.Sequence <= known.Covered.Position.Sequence && !known.Covered.Includes(c)
	})
	since := s.lackingSince.Load()
	switch {
	case !lacks:
		s.lackingSince.Store(0)
	case since == 0:
		s.lackingSince.Store(time.Now().UnixNano())
	case time.Since(time.Unix(0, since)) > lackingPatience*s.options.Share:
		return errAdoptLacking
	}
	return nil
}

func (s *session) isLacking() bool { return s.lackingSince.Load() != 0 }

// trim removes from the log what most nodes' states have, but what is young.
func (s *session) trim(ctx context.Context, states []*cluster.Covered, first cluster.Position) error {
	old := cluster.Position{}
	for len(s.ends) > 0 && time.Since(s.ends[0].at) > s.options.KeepInLog {
		old, s.ends = s.ends[0].position, s.ends[1:]
	}
	if old == (cluster.Position{}) || len(states) == 0 {
		return nil
	}
	s.ends = append([]timedPosition{{time.Now().Add(-s.options.KeepInLog), old}}, s.ends...)
	positions := make([]uint64, len(states))
	for i, covered := range states {
		positions[i] = covered.Position.Sequence
	}
	slices.Sort(positions)
	slices.Reverse(positions)
	below := min(positions[len(positions)/2], old.Sequence)
	if below <= first.Sequence {
		return nil
	}
	return s.link.Log.Trim(ctx, cluster.Position{Epoch: s.epoch, Sequence: below})
}
