package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"sync"

	"stats-recorder/cluster"
	"stats-recorder/cluster/fence"
)

// A Session is a Broker's log and shared states as one process has them.
type Session struct {
	broker *Broker
	epoch  cluster.Epoch
	fence  *fence.Fence

	mu      sync.Mutex
	answers chan struct{} // closed while answers come
}

var (
	_ cluster.Log    = (*Session)(nil)
	_ cluster.Shared = (*Session)(nil)
)

// Hold keeps the answers to appends from coming until Release.
func (s *Session) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = make(chan struct{})
}

// Release lets answers come again, those that were held too.
func (s *Session) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.answers)
}

func (s *Session) answer(ctx context.Context) error {
	s.mu.Lock()
	answers := s.answers
	s.mu.Unlock()
	return wait(ctx, answers)
}

// Append is described at cluster.Log.
func (s *Session) Append(ctx context.Context, frame cluster.Frame) (cluster.Position, error) {
	at, err := s.fence.Append(ctx, frame)
	if err != nil {
		return cluster.Position{}, err
	}
	return s.position(at), nil
}

// Read is described at cluster.Log.
func (s *Session) Read(ctx context.Context, after cluster.Position, visit func(cluster.Position, cluster.Frame) error) error {
	if after != (cluster.Position{}) && after.Epoch != s.epoch {
		return fmt.Errorf("%w: it is %s, the position is of %s", cluster.ErrEpoch, s.epoch, after.Epoch)
	}
	previous := after.Sequence
	for ctx.Err() == nil {
		next, changed, err := s.broker.after(s.epoch, previous)
		if err != nil {
			return err
		}
		if changed != nil {
			if err := wait(ctx, changed); err != nil {
				return err
			}
			continue
		}
		frame, err := cluster.DecodeFrame(bytes.Clone(next.encoded))
		if err != nil {
			return fmt.Errorf("log at %d: %w", next.at, err)
		}
		if err := visit(s.position(next.at), frame); err != nil {
			return err
		}
		previous = next.at
	}
	return ctx.Err()
}

// Bounds is described at cluster.Log.
func (s *Session) Bounds(ctx context.Context) (first, last cluster.Position, err error) {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.check(ctx); err != nil {
		return first, last, err
	}
	return s.position(b.first()), s.position(b.last), nil
}

// LastOf is described at cluster.Log.
func (s *Session) LastOf(ctx context.Context, origin cluster.Origin) (uint64, cluster.Position, error) {
	tail, err := sessionEngine{s}.Tail(ctx, origin)
	if err != nil || tail.At == 0 {
		return 0, cluster.Position{}, err
	}
	return tail.Highest, s.position(tail.At), nil
}

// Trim is described at cluster.Log.
func (s *Session) Trim(ctx context.Context, below cluster.Position) error {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.check(ctx); err != nil || below == (cluster.Position{}) {
		return err
	}
	if err := b.check(below.Epoch); err != nil {
		return err
	}
	b.remove(func(e entry) bool { return e.at < below.Sequence })
	return nil
}

func (s *Session) position(sequence uint64) cluster.Position {
	return cluster.Position{Epoch: s.epoch, Sequence: sequence}
}

// check fails if ctx has ended or the log is another one. The caller holds the
// broker's lock.
func (s *Session) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.broker.check(s.epoch)
}

// sessionEngine is a session as package fence wants it.
type sessionEngine struct{ *Session }

// Tail is described at fence.Engine.
func (e sessionEngine) Tail(ctx context.Context, origin cluster.Origin) (fence.Tail, error) {
	b := e.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := e.check(ctx); err != nil {
		return fence.Tail{}, err
	}
	return b.tail(origin), nil
}

// Frames is described at fence.Engine.
func (e sessionEngine) Frames(ctx context.Context, origin cluster.Origin, visit func(at uint64, id cluster.FrameID)) error {
	b := e.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := e.check(ctx); err != nil {
		return err
	}
	for _, entry := range b.entries {
		if entry.id.Origin == origin {
			visit(entry.at, entry.id)
		}
	}
	return nil
}

// Add is described at fence.Engine. It never recognises an ID.
func (e sessionEngine) Add(ctx context.Context, entry fence.Entry) (uint64, bool, error) {
	at, err := e.add(ctx, entry)
	if lost := e.answer(ctx); lost != nil {
		return 0, false, lost
	}
	return at, false, err
}

func (e sessionEngine) add(ctx context.Context, entry fence.Entry) (uint64, error) {
	b := e.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := e.check(ctx); err != nil {
		return 0, err
	}
	return b.addWithFaults(entry)
}

// sharedState is the state of a node, and how many were put before it.
type sharedState struct {
	covered *cluster.Covered
	content []byte
	put     uint64
}

// Put is described at cluster.Shared.
func (s *Session) Put(ctx context.Context, node cluster.Origin, covers *cluster.Covered, state io.Reader) error {
	content, err := io.ReadAll(state)
	if err != nil {
		return err
	}
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if before, found := b.states[node]; found && covers.Behind(before.covered) {
		return fmt.Errorf("%w: %s shared a state that has more", cluster.ErrBehind, node)
	}
	b.puts++
	b.states[node] = sharedState{covers.Clone(), content, b.puts}
	return ctx.Err()
}

// Newest is described at cluster.Shared.
func (s *Session) Newest(ctx context.Context, epoch cluster.Epoch, other *cluster.Covered) (*cluster.Covered, io.ReadCloser, error) {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	var newest sharedState
	for _, state := range b.states {
		if state.covered.Position.Epoch == epoch && state.covered.HasBeyond(other) && (newest.put == 0 || newest.before(state)) {
			newest = state
		}
	}
	if newest.put == 0 {
		return nil, nil, fmt.Errorf("%w for log %s", cluster.ErrNoState, epoch)
	}
	return newest.covered.Clone(), io.NopCloser(bytes.NewReader(newest.content)), ctx.Err()
}

func (s sharedState) before(other sharedState) bool {
	mine, theirs := s.covered.Position.Sequence, other.covered.Position.Sequence
	return mine < theirs || mine == theirs && s.put < other.put
}

// Covers is described at cluster.Shared.
func (s *Session) Covers(ctx context.Context) (map[cluster.Origin]*cluster.Covered, error) {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	covers := map[cluster.Origin]*cluster.Covered{}
	for node, state := range maps.All(b.states) {
		covers[node] = state.covered.Clone()
	}
	return covers, ctx.Err()
}
