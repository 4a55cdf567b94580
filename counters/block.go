package counters

import (
	"sync"
	"sync/atomic"
)

const (
	// usualBlock is how many entries a block has that a Gathering keeps: those of some commits.
	usualBlock = 1 << 14
	// largestKept is how many entries a block may have and be used again for a delta of fewer.
	largestKept = 1 << 18
)

// A block is memory of entries. A delta writes its own there, once; gatherings keep them where they
// are, so that nothing is copied for each commit, and the next delta goes on behind them.
type block struct {
	memory []Entry // without length
	// users are the delta that writes, and gatherings as often as they hold the block.
	users atomic.Int32
}

// freeBlocks have no user.
var freeBlocks sync.Pool

// newBlock has one user, and room for so many entries.
func newBlock(entries int) *block {
	b, _ := freeBlocks.Get().(*block)
	if b == nil || cap(b.memory) < entries || b.isOversized(entries) {
		b = &block{memory: make([]Entry, 0, entries)}
	}
	b.users.Store(1)
	return b
}

// isOversized says whether the block, nil for none, is far too large for so many entries to be
// kept for their like.
func (b *block) isOversized(entries int) bool {
	return b != nil && cap(b.memory) > largestKept && entries <= largestKept
}

// release ends the use by one user, nil for none. The last one leaves the memory to others.
func (b *block) release() {
	if b != nil && b.users.Add(-1) == 0 {
		freeBlocks.Put(b)
	}
}
