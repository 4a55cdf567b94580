package cluster

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// What a log or a shared store can answer that calls for a decision. All other
// errors are passing trouble: the caller tries again from where it was.
var (
	// ErrFenced means that another process appended for this origin since this one
	// did: a copy of its directory is alive, or it is itself a copy. Nothing was
	// stored, nor will anything of this origin be that this Log appends. The caller
	// opens the log anew and compares LastSequence with its journal, as at a start.
	ErrFenced = errors.New("another process writes for this origin")
	// ErrTaken means that the log has another frame under the number of this one, so
	// that a copy of the directory appended it. Nothing was stored. The caller
	// renumbers the frame and goes on under a new origin.
	ErrTaken = errors.New("the log has another frame under this number")
	// ErrFull means that the log or the store has no room. Nothing was stored; the
	// same can be tried again once there is room.
	ErrFull = errors.New("the log is full")
	// ErrTooLarge means that a frame is larger than a log takes. Nothing was stored.
	ErrTooLarge = errors.New("the frame is too large")
	// ErrTrimmed means that frames after the position are no longer in the log: load
	// a shared state and go on from there.
	ErrTrimmed = errors.New("the log was trimmed beyond this position")
	// ErrEpoch means that the log is another one under the same name: it was deleted
	// and made anew. Positions mean nothing there; somebody must say what to do.
	ErrEpoch = errors.New("the log was made anew")
	// ErrBehind means that what was asked has less than what was known before. A log
	// that ends before a position that was read from it may be a server's that is cut
	// off, and the next answer right; if it lasts longer than an election, the log has
	// lost frames. A state that lacks what the node shared before must read on first.
	ErrBehind = errors.New("behind what was there before")
	// ErrFormat means that a newer program wrote a frame or a vector. Whoever reads
	// must stop: counts that are skipped are never counted.
	ErrFormat = errors.New("unknown format")
	// ErrMalformed means that bytes are not what was written, or not of this program.
	ErrMalformed = errors.New("malformed content")
	// ErrUnsuitable means that the engine is set up in a way that could lose
	// acknowledged counts. The message names the setting.
	ErrUnsuitable = errors.New("the log is not set up as it must be")
	// ErrNoState means that nothing is shared yet.
	ErrNoState = errors.New("no state is shared")
)

// IsFinal reports whether the same call would fail again however often it is
// made, so that a decision is needed and not patience.
func IsFinal(err error) bool {
	for _, final := range []error{ErrFenced, ErrTaken, ErrTooLarge, ErrTrimmed, ErrEpoch, ErrFormat, ErrMalformed, ErrUnsuitable} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// An Epoch says which log a position belongs to: one that is deleted and made
// anew under the same name has another epoch. The zero Epoch is no log's.
type Epoch [16]byte

// String is the epoch in 32 hexadecimal digits.
func (e Epoch) String() string { return hex.EncodeToString(e[:]) }

// A Position is a place in a log: the frame there and all before it. The zero
// Position is before the first frame of any log.
type Position struct {
	Epoch Epoch
	// Sequence counts the log's frames from 1. Numbers ascend in the order of the
	// log. They may have holes where an engine lost a frame.
	Sequence uint64
}

// String is the position for messages: the sequence and the start of the epoch.
func (p Position) String() string { return fmt.Sprintf("%d of log %.8s", p.Sequence, p.Epoch) }

// A Log is a totally ordered, durable sequence of frames that all nodes share.
// Any number of goroutines may use it. The log keeps the epoch with which it was
// opened: each method fails with ErrEpoch once the log is another one. Every method
// may also fail with ErrUnsuitable, and with errors that are no sentinel of this
// package, after which the caller tries again.
type Log interface {
	// Append returns once the frame is durable in the log. After an error that is
	// not one of ErrFenced, ErrTaken, ErrFull, ErrTooLarge, ErrFormat and ErrMalformed
	// it is unknown whether it is; the caller appends the same frame again until it
	// knows, and the log should then have it once, but readers must not rely on it.
	//
	// The sequence numbers of an origin ascend. A frame that is not above the
	// highest one of its origin is stored only if the log lacks it, which is how an
	// origin repairs a hole; if the log has another frame under its number, that is
	// ErrTaken. Before the first Append of an origin the caller has compared
	// LastSequence with its journal.
	Append(ctx context.Context, frame Frame) (Position, error)

	// Read visits all frames after a position, in order, waits for more, and returns
	// when ctx ends, with its error, or visit fails, with that. The zero Position
	// reads from the very first frame on. ErrTrimmed: there were frames in between
	// that do not exist any more. ErrBehind, ErrEpoch: the position is not of this
	// log. ErrFormat, ErrMalformed: the next frame cannot be read; it is not skipped,
	// and reading again ends there again. After any other error the caller reads on
	// from the last position that was visited. A frame's payload is the visitor's.
	Read(ctx context.Context, after Position, visit func(Position, Frame) error) error

	// Bounds are the positions of the first and the last frame. If there is none,
	// first is one above last.
	Bounds(ctx context.Context) (first, last Position, err error)

	// LastOf is the highest sequence number of an origin's frames, and where its last
	// frame is. Both are 0 if the log has no frame of it, which is also the case
	// when all were trimmed: see LastSequence.
	LastOf(ctx context.Context, origin Origin) (sequence uint64, at Position, err error)

	// Trim removes all frames before a position, which stays. The caller has made
	// sure that shared states cover them, and leaves those of the last minutes: an
	// origin finds in the log whether a frame without an answer is its own, and in a
	// state only that there is one of that number.
	Trim(ctx context.Context, below Position) error
}

// Shared keeps whole states, for nodes that come new or late. Any number of
// goroutines may use it.
type Shared interface {
	// Put replaces the state of a node, and returns once it is durable. The state
	// before stays readable until the next Put, so that whoever reads it can end.
	// After an error the node's newest state is the one before or this one. ErrBehind:
	// the one before has more (Covered.Behind), and the log may have been trimmed of
	// that. One process at a time puts for a node, and only what covers no frame of
	// its own that the log has yet to take: under that number it may take another.
	Put(ctx context.Context, node Origin, covers *Covered, state io.Reader) error

	// Newest is, of the states with a position in the log of this epoch that have a frame
	// which another one lacks, the one that is furthest, to be read and closed by the caller
	// before ctx ends; of all in this epoch if there is no other one. Its end is io.EOF only
	// if all of it was read and is what was put; ErrMalformed if not. ErrNoState if there is none.
	Newest(ctx context.Context, epoch Epoch, other *Covered) (*Covered, io.ReadCloser, error)

	// Covers says of each node what its newest state covers, in whatever epoch. This is
	// what outboxes and Trim go by.
	Covers(ctx context.Context) (map[Origin]*Covered, error)
}
