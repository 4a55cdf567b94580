package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// An Origin is who makes frames: a data directory, or one import. That of a directory
// is 128 random bits that are made with the directory and never configured: a
// directory that was lost and made anew under the same name would number its
// frames from 1 again, and all nodes would skip them as ones that they have.
type Origin [16]byte

// NewOrigin makes an origin that no other directory has.
func NewOrigin() Origin {
	var origin Origin
	rand.Read(origin[:]) // never fails: see its documentation
	return origin
}

// ParseOrigin reads what String wrote. The error wraps ErrMalformed.
func ParseOrigin(text string) (Origin, error) {
	var origin Origin
	if len(text) != hex.EncodedLen(len(origin)) {
		return origin, fmt.Errorf("%w: origin %.40q has %d characters, want %d", ErrMalformed, text, len(text), hex.EncodedLen(len(origin)))
	}
	if _, err := hex.Decode(origin[:], []byte(text)); err != nil {
		return Origin{}, fmt.Errorf("%w: origin %q: %w", ErrMalformed, text, err)
	}
	return origin, nil
}

// String is the origin in 32 hexadecimal digits.
func (o Origin) String() string { return hex.EncodeToString(o[:]) }

// LastSequence is the highest sequence number that the log or a shared state
// knows of an origin, 0 if none does. A node asks at start, before it appends:
// if the number is higher than the last of its own journal, its directory is a
// copy or came from a backup, and it must go on under a new origin. The log
// alone does not know it, because frames that states cover are trimmed.
// Errors are those of Log.LastOf and Shared.Covers; the number is then not known.
func LastSequence(ctx context.Context, log Log, shared Shared, origin Origin) (uint64, error) {
	// The log comes first: a frame that is trimmed before it is asked is in a state
	// by then. The other way round it could be in neither answer.
	inLog, _, err := log.LastOf(ctx, origin)
	if err != nil {
		return 0, err
	}
	states, err := shared.Covers(ctx)
	if err != nil && !errors.Is(err, ErrNoState) {
		return 0, err
	}
	last := inLog
	for _, covered := range states {
		last = max(last, covered.Highest(origin))
	}
	return last, nil
}
