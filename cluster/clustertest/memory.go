// Package clustertest has a cluster's log and shared states in memory, with the
// faults of a network, for simulations; and the suite that every implementation of
// cluster.Log and cluster.Shared must pass. It is for tests only.
package clustertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"stats-recorder/cluster"
	"stats-recorder/cluster/fence"
)

// ErrUnanswered is a call whose answer did not come. Whether the call did what it
// should is unknown.
var ErrUnanswered = errors.New("no answer")

// Faults say how likely each fault is at an append, from 0 to 1. At most one
// happens.
type Faults struct {
	// Lost: nothing is stored, and no answer comes.
	Lost float64
	// Unanswered: the frame is stored, and no answer comes.
	Unanswered float64
	// Delayed: no answer comes, and the frame is stored at some later call, if its
	// condition then still holds.
	Delayed float64
	// Doubled: the frame is stored twice, as an engine does whose promise to
	// recognise repetitions does not hold.
	Doubled float64
}

// A Broker is the servers of a log in memory: what all sessions share.
type Broker struct {
	mu      sync.Mutex
	changed chan struct{} // closed and made anew when something is stored
	epoch   cluster.Epoch
	last    uint64
	entries []entry // ascending
	limit   int     // bytes that fit; 0 for any
	delayed []fence.Entry
	faults  Faults
	random  *rand.Rand

	states map[cluster.Origin]sharedState
	puts   uint64
}

// entry is a frame in the log.
type entry struct {
	at      uint64
	id      cluster.FrameID
	highest uint64
	encoded []byte
}

// NewBroker makes a broker without faults, with an empty log that has room for a
// number of bytes of frames, or for any number if that is 0.
func NewBroker(limit int) *Broker {
	return &Broker{
		changed: make(chan struct{}),
		epoch:   newEpoch(),
		limit:   limit,
		random:  rand.New(rand.NewPCG(0, 0)),
		states:  map[cluster.Origin]sharedState{},
	}
}

func newEpoch() cluster.Epoch { return cluster.Epoch(cluster.NewOrigin()) }

// SetFaults makes appends fail from now on, as a source of random numbers says,
// which the broker alone uses; the zero Faults stop that.
func (b *Broker) SetFaults(faults Faults, random *rand.Rand) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults, b.random = faults, random
}

// SetLimit says for how many bytes of frames there is room from now on; 0 for any.
func (b *Broker) SetLimit(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = bytes
}

// Recreate deletes the log and makes it anew. The shared states stay.
func (b *Broker) Recreate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.last, b.entries, b.delayed = newEpoch(), 0, nil, nil
	b.notify()
}

// Lose removes one frame, as a damaged engine does.
func (b *Broker) Lose(at uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(func(e entry) bool { return e.at == at })
}

// remove removes entries, and what is on its way: that arrives within seconds, long
// before anything could make its condition true again. The caller holds the lock.
func (b *Broker) remove(unwanted func(entry) bool) {
	b.delayed = nil
	b.entries = slices.DeleteFunc(b.entries, unwanted)
}

// Inject stores bytes that no session appended, under a frame's ID.
func (b *Broker) Inject(id cluster.FrameID, encoded []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tail := b.tail(id.Origin)
	b.store(fence.Entry{ID: id, Encoded: encoded, Highest: max(tail.Highest, id.Sequence)})
}

// Frames are all frames in the log that can be read, in its order.
func (b *Broker) Frames() []cluster.Frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	var frames []cluster.Frame
	for _, entry := range b.entries {
		if frame, err := cluster.DecodeFrame(entry.encoded); err == nil {
			frames = append(frames, frame)
		}
	}
	return frames
}

// notify wakes readers. The caller holds the lock, as for all that follows.
func (b *Broker) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Broker) store(e fence.Entry) uint64 {
	b.last++
	b.entries = append(b.entries, entry{at: b.last, id: e.ID, highest: e.Highest, encoded: slices.Clone(e.Encoded)})
	b.notify()
	return b.last
}

func (b *Broker) tail(origin cluster.Origin) fence.Tail {
	for _, entry := range slices.Backward(b.entries) {
		if entry.id.Origin == origin {
			return fence.Tail{At: entry.at, ID: entry.id, Highest: entry.highest}
		}
	}
	return fence.Tail{}
}

func (b *Broker) size() int {
	size := 0
	for _, entry := range b.entries {
		size += len(entry.encoded)
	}
	return size
}

// add stores an entry if its condition holds and it fits.
func (b *Broker) add(e fence.Entry) (uint64, error) {
	if have := b.tail(e.ID.Origin).At; have != e.After {
		return 0, fmt.Errorf("%w: it is at %d, want %d", fence.ErrMoved, have, e.After)
	}
	if b.limit > 0 && b.size()+len(e.Encoded) > b.limit {
		return 0, fmt.Errorf("%w: it has %d bytes, the limit is %d", cluster.ErrFull, b.size(), b.limit)
	}
	return b.store(e), nil
}

// addWithFaults is add, but that a fault may happen, and that what was delayed may
// arrive first.
func (b *Broker) addWithFaults(e fence.Entry) (uint64, error) {
	b.deliverDelayed()
	chance := b.random.Float64()
	happens := func(likely float64) bool {
		chance -= likely
		return chance < 0
	}
	switch f := b.faults; {
	case happens(f.Lost):
		return 0, ErrUnanswered
	case happens(f.Unanswered):
		b.add(e)
		return 0, ErrUnanswered
	case happens(f.Delayed):
		e.Encoded = slices.Clone(e.Encoded) // it is on its way, as what a client has sent
		b.delayed = append(b.delayed, e)
		return 0, ErrUnanswered
	case happens(f.Doubled):
		at, err := b.add(e)
		if err == nil {
			b.store(e)
		}
		return at, err
	}
	return b.add(e)
}

func (b *Broker) deliverDelayed() {
	b.delayed = slices.DeleteFunc(b.delayed, func(e fence.Entry) bool {
		if b.random.IntN(3) > 0 {
			return false
		}
		b.add(e) // nobody waits for the answer any more
		return true
	})
}

// check fails if the log is not the one of an epoch.
func (b *Broker) check(epoch cluster.Epoch) error {
	if epoch != b.epoch {
		return fmt.Errorf("%w: it is %s, want %s", cluster.ErrEpoch, b.epoch, epoch)
	}
	return nil
}

// first is the position of the first entry, one above the last if there is none.
func (b *Broker) first() uint64 {
	if len(b.entries) == 0 {
		return b.last + 1
	}
	return b.entries[0].at
}

// after finds the entry behind a position. If there is none yet it returns what to
// wait for.
func (b *Broker) after(epoch cluster.Epoch, sequence uint64) (next entry, changed <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(epoch); err != nil {
		return entry{}, nil, err
	}
	if first := b.first(); first > sequence+1 {
		return entry{}, nil, fmt.Errorf("%w: its first frame is at %d, want %d", cluster.ErrTrimmed, first, sequence+1)
	}
	if sequence > b.last {
		return entry{}, nil, fmt.Errorf("%w: its last frame is at %d, want %d", cluster.ErrBehind, b.last, sequence)
	}
	at, _ := slices.BinarySearchFunc(b.entries, sequence+1, func(e entry, s uint64) int { return cmp.Compare(e.at, s) })
	if at < len(b.entries) {
		return b.entries[at], nil, nil
	}
	return entry{}, b.changed, nil
}

// Open makes a session, as a process that starts does.
func (b *Broker) Open() *Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	session := &Session{broker: b, epoch: b.epoch, answers: make(chan struct{})}
	close(session.answers)
	session.fence = fence.New(sessionEngine{session})
	return session
}

// wait blocks until a channel is closed or ctx ends.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
