// Package fence appends frames to a log as the only writer of their origin.
//
// It needs no deduplication window of the engine, only a conditional append: a
// frame is stored if the last one of its origin is where the writer left it. A
// writer that was overtaken therefore stores nothing more, and a frame that seemed
// to fail and was stored is found at the end of its origin. It is engine-neutral:
// every implementation of cluster.Log that can append conditionally uses it, so
// that the same rules are simulated in memory and run on servers.
package fence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stats-recorder/cluster"
)

// ErrMoved is what Engine.Add wraps when the last frame of the origin is not where
// the entry expects it, so that nothing was stored.
var ErrMoved = errors.New("the last frame of the origin is another one")

// errForgotten passes when the engine forgets the ID of the frame, too.
var errForgotten = errors.New("the engine takes the frame for one that it has, but does not have it")

// retryPause is how long to wait when an engine refuses a frame though nothing has
// changed: an earlier attempt is still on its way through the engine.
const retryPause = 20 * time.Millisecond

// A Tail is the end of what a log has of one origin. The zero Tail is that of an
// origin without a frame in the log.
type Tail struct {
	// At is the log's sequence of the origin's last frame.
	At uint64
	// ID is of the last frame.
	ID cluster.FrameID
	// Highest is the highest sequence number of the origin. The last frame has a
	// lower one if it repaired a hole.
	Highest uint64
}

// An Entry is a frame on its way into the log. Its bytes are used again after Add.
type Entry struct {
	ID      cluster.FrameID
	Encoded []byte
	// After is where the last frame of the origin must be; 0 if there must be none.
	After uint64
	// Highest is to be stored beside the frame, for Tail.
	Highest uint64
}

// An Engine is a log that can append conditionally. Its methods wrap the errors of
// package cluster where those apply.
type Engine interface {
	// Tail reads the end of what the log has of an origin.
	Tail(ctx context.Context, origin cluster.Origin) (Tail, error)
	// Frames visits all frames of an origin that were in the log at the call.
	Frames(ctx context.Context, origin cluster.Origin, visit func(at uint64, id cluster.FrameID)) error
	// Add stores an entry and returns where, or wraps ErrMoved. An engine that
	// recognises the ID says that it is repeated, and stores nothing.
	Add(ctx context.Context, entry Entry) (at uint64, repeated bool, err error)
}

// A Fence is the writers of one process. Any number of goroutines may use it.
type Fence struct {
	engine  Engine
	mu      sync.Mutex
	writers map[cluster.Origin]*writer
}

// New makes a Fence over an engine.
func New(engine Engine) *Fence {
	return &Fence{engine: engine, writers: map[cluster.Origin]*writer{}}
}

// Append is cluster.Log's, but that it returns a sequence of the log for a
// position. Frames of one origin go one at a time.
func (f *Fence) Append(ctx context.Context, frame cluster.Frame) (at uint64, err error) {
	w := f.writer(frame.Origin)
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	encoded, err := frame.AppendTo(w.encoded[:0])
	if err != nil {
		return 0, err
	}
	w.encoded = encoded
	if at, err = w.append(ctx, cluster.IDOf(frame, encoded), encoded); err != nil {
		return 0, fmt.Errorf("frame %d of %s: %w", frame.Sequence, frame.Origin, err)
	}
	return at, nil
}

func (f *Fence) writer(origin cluster.Origin) *writer {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.writers[origin]
	if w == nil {
		w = &writer{engine: f.engine, origin: origin, turn: make(chan struct{}, 1), sent: map[cluster.FrameID]bool{}}
		f.writers[origin] = w
	}
	return w
}

// A writer is what this process knows of the frames of an origin in the log.
type writer struct {
	engine Engine
	origin cluster.Origin
	turn   chan struct{} // held by whoever appends
	// encoded is the memory of the last frame, for the next one.
	encoded []byte

	known bool
	tail  Tail
	// sent is all frames that were given to the engine since it last stored one for
	// certain: any of them may be stored, and be the origin's last frame.
	sent map[cluster.FrameID]bool
	// stored is all frames of the origin in the log, while holes are repaired.
	stored map[uint64]located
}

type located struct {
	at uint64
	id cluster.FrameID
}

func (w *writer) append(ctx context.Context, id cluster.FrameID, encoded []byte) (uint64, error) {
	for {
		at, err := w.try(ctx, id, encoded)
		if !errors.Is(err, ErrMoved) {
			return at, err
		}
		if err := w.follow(ctx); err != nil {
			return 0, err
		}
	}
}

// try stores a frame unless the log has it.
func (w *writer) try(ctx context.Context, id cluster.FrameID, encoded []byte) (uint64, error) {
	if err := w.learn(ctx); err != nil {
		return 0, err
	}
	if w.tail.At != 0 && w.tail.ID == id {
		return w.tail.At, nil
	}
	if id.Sequence > w.tail.Highest {
		w.stored = nil
	} else if at, err := w.find(ctx, id); at != 0 || err != nil {
		return at, err
	}
	highest := max(w.tail.Highest, id.Sequence)
	w.sent[id] = true
	at, repeated, err := w.engine.Add(ctx, Entry{ID: id, Encoded: encoded, After: w.tail.At, Highest: highest})
	if err != nil {
		return 0, err
	}
	if repeated {
		return w.confirm(ctx, id)
	}
	w.tail = Tail{At: at, ID: id, Highest: highest}
	clear(w.sent) // none can be stored any more: the origin's last frame is another one
	if w.stored != nil {
		w.stored[id.Sequence] = located{at, id}
	}
	return at, nil
}

func (w *writer) learn(ctx context.Context) error {
	if w.known {
		return nil
	}
	tail, err := w.engine.Tail(ctx, w.origin)
	if err != nil {
		return err
	}
	w.known, w.tail = true, tail
	return nil
}

// confirm is where the log has a frame that the engine says is repeated. An engine
// that remembers IDs apart from frames may remember one that it has lost.
func (w *writer) confirm(ctx context.Context, id cluster.FrameID) (uint64, error) {
	w.known, w.stored = false, nil
	if err := w.learn(ctx); err != nil {
		return 0, err
	}
	if w.tail.At != 0 && w.tail.ID == id {
		return w.tail.At, nil
	}
	at, err := w.find(ctx, id)
	if err == nil && at == 0 {
		err = errForgotten
	}
	return at, err
}

// find is where the log has a frame that is not above the highest one of its
// origin; 0 if it lacks it.
func (w *writer) find(ctx context.Context, id cluster.FrameID) (uint64, error) {
	if w.stored == nil {
		stored := map[uint64]located{}
		err := w.engine.Frames(ctx, w.origin, func(at uint64, id cluster.FrameID) {
			stored[id.Sequence] = located{at, id}
		})
		if err != nil {
			return 0, err
		}
		w.stored = stored
	}
	have, found := w.stored[id.Sequence]
	if found && have.id != id {
		return 0, fmt.Errorf("%w: at %d", cluster.ErrTaken, have.at)
	}
	return have.at, nil
}

// follow learns what moved the end of the origin, and fails if that was a number above
// what this writer knows. A lower one is no other writer's doing: it is a repetition,
// or the repair of a hole, on its way since before this process started. Nothing at
// all means that the frames were trimmed.
func (w *writer) follow(ctx context.Context) error {
	now, err := w.engine.Tail(ctx, w.origin)
	if err != nil {
		return err
	}
	if now.Highest > w.tail.Highest && !w.sent[now.ID] {
		return fmt.Errorf("%w: its last frame in the log is %s at %d, of %d; this process left it at %d, of %d",
			cluster.ErrFenced, now.ID, now.At, now.Highest, w.tail.At, w.tail.Highest)
	}
	unchanged := now.At == w.tail.At
	now.Highest = max(now.Highest, w.tail.Highest)
	w.tail, w.stored = now, nil
	if !unchanged {
		return nil
	}
	select {
	case <-time.After(retryPause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
