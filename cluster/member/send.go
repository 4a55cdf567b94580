package member

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/format"
)

// An ownFrame is a frame that was made here.
type ownFrame struct {
	frame cluster.Frame
	// upTo is a commit up to which the frame tells what was counted here. Its note is in
	// a later commit.
	upTo uint64
	// isLast is set for the last one of a parcel.
	isLast bool
	// isExpiry is set for one that tells nothing that was counted, and isImport for one of an
	// import: what it tells is counted with the note, and not before.
	isExpiry, isImport bool
}

// publishedFrame is what is kept of a frame until most nodes have it.
type publishedFrame struct {
	number cluster.FrameNumber
	upTo   uint64
	at     uint64 // where it is in the log; 0 as long as it is not known to be there
	// isInNote is set where a state has the frame only if its own vector says so.
	isInNote bool
}

// published are the frames of this node that others may lack.
type published struct {
	mu     sync.Mutex
	frames []publishedFrame
	// pinned says that none must be forgotten: a state is being shared.
	pinned bool
}

// add adds a frame that is in the log at a place or before, 0 for none that is known.
func (p *published) add(frame ownFrame, at uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, publishedFrame{number: numberOf(frame.frame), upTo: frame.upTo, at: at, isInNote: frame.isExpiry || frame.isImport})
}

func (p *published) pin(pinned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pinned = pinned
}

func (p *published) remove(number cluster.FrameNumber) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = slices.DeleteFunc(p.frames, func(f publishedFrame) bool { return f.number == number })
}

func (p *published) isAt(number cluster.FrameNumber, at uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.frames) - 1; i >= 0; i-- {
		if p.frames[i].number == number {
			p.frames[i].at = at
			return
		}
	}
}

func (p *published) list() []publishedFrame {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.frames)
}

func numberOf(frame cluster.Frame) cluster.FrameNumber {
	return cluster.FrameNumber{Origin: frame.Origin, Sequence: frame.Sequence}
}

// send appends what was noted and is not known to be in the log, in order, then makes
// frames of what gathered, a window after the last ones, and so on.
func (s *session) send(ctx context.Context) error {
	for {
		if err := s.appendPending(ctx); err != nil {
			return err
		}
		last := time.Now()
		for {
			made, err := s.makeExpiry()
			if err == nil && !made {
				made, err = s.makeFrames()
			}
			if err != nil {
				return err
			}
			if made {
				break
			}
			if err := s.outbox.awaitWork(ctx); err != nil {
				return err
			}
		}
		if err := s.appendPending(ctx); err != nil {
			return err
		}
		if err := pause(ctx, s.options.Window-time.Since(last)); err != nil {
			return err
		}
	}
}

// appendPending appends the frames that are noted. The first failure is returned; all
// but those that call for a decision are tried again.
func (s *session) appendPending(ctx context.Context) error {
	for len(s.pending) > 0 {
		next := s.pending[0]
		at, err := s.link.Log.Append(ctx, next.frame)
		s.figures.noteAppend(err, len(next.frame.Payload))
		s.taken = errors.Is(err, cluster.ErrTaken)
		if err != nil {
			return err
		}
		s.published.isAt(numberOf(next.frame), at.Sequence)
		s.pending = s.pending[1:]
		switch {
		case next.isExpiry, next.isImport && next.isLast:
			s.outbox.done(0)
		case next.isLast:
			s.outbox.done(next.upTo)
		}
	}
	return nil
}

// makeFrames makes frames of the next parcel and notes them. It says whether there was one.
func (s *session) makeFrames() (made bool, err error) {
	parcel := s.outbox.take()
	if parcel == nil {
		return false, nil
	}
	frames, err := s.framesOf(parcel)
	if err == nil {
		err = s.note(frames, parcel.upTo)
	}
	if err != nil {
		s.outbox.putBack(parcel)
		return false, err
	}
	parcel.counted.Release()
	return true, nil
}

// note makes frames durable, before the log may get them.
func (s *session) note(frames []ownFrame, upTo uint64) error {
	note := cluster.Note{Framed: upTo}
	for _, own := range frames {
		note.Own = append(note.Own, own.frame)
	}
	if err := s.commit(note); err != nil {
		return err
	}
	s.noted(frames...)
	return nil
}

// noted takes frames that are durable, to be appended.
func (s *session) noted(frames ...ownFrame) {
	for _, own := range frames {
		s.published.add(own, 0)
	}
	s.pending = append(s.pending, frames...)
}

// commit makes a note durable, with counts of others. It waits until it is known
// whether it is, even if the session ends meanwhile: the next one must find all that
// this one has done. Only the end of the member ends it.
func (s *session) commit(note cluster.Note, portable ...[]byte) error {
	ticket, err := s.keeper.Merge(note, portable...)
	if err != nil {
		return err
	}
	select {
	case <-ticket.Done():
		return ticket.Wait()
	case <-s.life.Done(): // the disk may have failed: then nobody is told any more
		return s.life.Err()
	}
}

// framesOf makes frames of a parcel, as few as it fits into.
func (s *session) framesOf(p *parcel) ([]ownFrame, error) {
	known, store := s.keeper.Membership(), s.keeper.Store()
	room := s.payload
	if len(s.pending) > 0 { // one of these may have it
		room = nil
	}
	payloads, err := format.Portables(room, &p.counted, store.Benefits.Names(), store.Events.Names())
	if err != nil {
		return nil, err
	}
	s.payload = payloads[0]
	frames := make([]ownFrame, len(payloads))
	for i, payload := range payloads {
		frames[i] = ownFrame{upTo: p.upTo, isLast: i == len(payloads)-1, frame: cluster.Frame{
			Origin: known.Origin, Sequence: known.Sequence + uint64(i) + 1, Nonce: rand.Uint64(),
			Format: cluster.NewestFormat, Clock: now(), Payload: payload,
		}}
	}
	return frames, nil
}

// renumber is for a frame under whose number the log has another one. The state has
// the counts of this one and lacks those of the other: all of the log is read again, or
// the state of a node is adopted that has it. What is counted from now on has a new
// origin, unless it is an import that two nodes have announced. Nothing may be merged
// meanwhile, so a session begins with it.
func (s *session) renumber(ctx context.Context) error {
	own := s.pending[0]
	renumbered, err := own.frame.Renumbered()
	if err != nil {
		return err
	}
	note := cluster.Note{
		Position: cluster.Position{Epoch: s.epoch}, // all is read again
		Dropped:  []cluster.FrameNumber{numberOf(own.frame)},
		Own:      []cluster.Frame{renumbered},
	}
	why := "the log lost the announcement of an import, and took another one under its number: this one is announced anew"
	if own.frame.Origin != cluster.ImportsOrigin {
		why = "a copy of this directory has counted: what this one counts has a new origin from now on"
		note.Origin = cluster.NewOrigin()
	}
	first, _, err := s.link.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	note.Position.Sequence = first.Sequence - 1
	if err := s.commit(note); err != nil {
		return err
	}
	s.published.remove(numberOf(own.frame))
	own.frame = renumbered
	s.pending[0] = own
	s.published.add(own, 0)
	s.outbox.takeCandidate()
	s.options.Logger.Warn(why, "frame", fmt.Sprintf("%s/%d", note.Dropped[0].Origin, note.Dropped[0].Sequence), "origin", s.keeper.Membership().Origin.String())
	s.taken = false
	return nil
}
