package member

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// ErrUnreadable means that a frame of the log cannot be merged. Nothing after it is: a
// frame that is skipped is never counted.
var ErrUnreadable = errors.New("a frame of the log cannot be merged")

// inboxBytes is how much may be read ahead of what is merged.
const inboxBytes = 32 << 20

// A located frame is one at its place in the log.
type located struct {
	at    cluster.Position
	frame cluster.Frame
}

// An inbox is what was read and is not merged yet.
type inbox struct {
	mu      sync.Mutex
	changed chan struct{}
	frames  []located
	bytes   int
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{})} }

func (i *inbox) notify() {
	close(i.changed)
	i.changed = make(chan struct{})
}

// put waits until there is room.
func (i *inbox) put(ctx context.Context, one located) error {
	for {
		i.mu.Lock()
		if i.bytes < inboxBytes {
			i.frames, i.bytes = append(i.frames, one), i.bytes+len(one.frame.Payload)
			i.notify()
			i.mu.Unlock()
			return nil
		}
		changed := i.changed
		i.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take waits until there is something.
func (i *inbox) take(ctx context.Context) ([]located, error) {
	for {
		i.mu.Lock()
		taken, changed := i.frames, i.changed
		i.frames, i.bytes = nil, 0
		if len(taken) > 0 {
			i.notify()
		}
		i.mu.Unlock()
		if len(taken) > 0 {
			return taken, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// merge reads on from where the directory is and merges what comes: at once after a
// time without frames, and else what came within Gather, added up.
func (s *session) merge(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inbox, ended := newInbox(), make(chan error, 1)
	position := s.keeper.Membership().Covered.Position
	go func() {
		err := s.link.Log.Read(ctx, position, func(at cluster.Position, frame cluster.Frame) error {
			return inbox.put(ctx, located{at, frame})
		})
		ended <- err
		cancel()
	}()
	err := s.mergeFrom(ctx, inbox)
	cancel()
	if read := <-ended; errors.Is(err, context.Canceled) {
		return ofRead(read)
	}
	return err
}

// ofRead is why the log cannot be read on. A frame that a newer program wrote, or that is
// damaged, is there at the next attempt, too.
func ofRead(err error) error {
	if errors.Is(err, cluster.ErrFormat) || errors.Is(err, cluster.ErrMalformed) {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

func (s *session) mergeFrom(ctx context.Context, inbox *inbox) error {
	for {
		began := time.Now()
		frames, err := inbox.take(ctx)
		if err != nil {
			return err
		}
		if err := s.mergeFrames(ctx, frames); err != nil {
			return err
		}
		if err := pause(ctx, s.options.Gather-time.Since(began)); err != nil {
			return err
		}
	}
}

// mergeFrames merges those that the directory lacks, in one commit.
func (s *session) mergeFrames(ctx context.Context, frames []located) error {
	known := s.keeper.Membership()
	covered := known.Covered
	note := cluster.Note{Position: frames[len(frames)-1].at, Framed: s.outbox.idleAt()}
	var payloads [][]byte
	for _, one := range frames {
		number := numberOf(one.frame)
		if number.Origin == foundingOrigin && !covered.Contains(number.Origin, number.Sequence) {
			return s.awaitFounding(ctx, one.at)
		}
		if number.Origin == known.Origin && number.Sequence > known.Sequence {
			// It may be about to give the number to a frame of its own. A new session gives
			// it another origin first. A lower number it has given, and lacks the frame if it
			// has adopted a state from before that: then it is merged as any other.
			return fmt.Errorf("%w: frame %d of %s at %d is not of this directory", cluster.ErrFenced, number.Sequence, number.Origin, one.at.Sequence)
		}
		if !covered.Add(number.Origin, number.Sequence) {
			s.figures.skipped.Add(1)
			isNews, err := s.takeAnnouncement(known, one.frame)
			if err != nil {
				return err
			}
			if isNews {
				payloads = append(payloads, one.frame.Payload)
			}
			continue
		}
		note.Merged = append(note.Merged, number)
		payloads = append(payloads, one.frame.Payload)
	}
	if len(payloads) == 0 {
		s.keeper.Advance(note.Position)
		s.figures.see(note.Position)
		return nil
	}
	err := s.commit(note, payloads...)
	switch {
	case err == nil:
		s.figures.merged.Add(uint64(len(payloads)))
		s.figures.see(note.Position)
		if covered.Contains(cluster.ImportsOrigin, s.announcement.Sequence) {
			return errAnnounced
		}
		return nil
	case !isUnreadable(err):
		return err
	case len(frames) > 1: // those before it can be merged
		for i := range frames {
			if err := s.mergeFrames(ctx, frames[i:i+1]); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("%w: frame %d of %s at %d: %w", ErrUnreadable, frames[0].frame.Sequence, frames[0].frame.Origin, frames[0].at.Sequence, err)
}

// isUnreadable says whether to merge the same again would fail again.
func isUnreadable(err error) bool {
	for _, final := range []error{format.ErrVersion, format.ErrMalformed, format.ErrChecksum, format.ErrTruncated, counters.ErrDirectoryFull, counters.ErrImpossibleCounts} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// awaitFounding is for a node that lacks what was counted before there was a log.
func (s *session) awaitFounding(ctx context.Context, at cluster.Position) error {
	covers, err := s.link.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return err
	}
	if coveredByAny(covers, cluster.FrameNumber{Origin: foundingOrigin, Sequence: 1}) {
		return fmt.Errorf("%w: it lacks what was counted before there was a log", ErrAdopt)
	}
	return fmt.Errorf("what was counted before there was a log, at %d, is not shared yet", at.Sequence)
}
