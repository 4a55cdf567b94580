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
// are, so that nothing is copied for each commit, and the next delta goes on behind them. What is
// merged has blocks of its own, one for each merge, which no gathering keeps.
type block struct {
	memory []Entry // without length
	// users are the delta that writes or was given a merge, and gatherings as often as they hold the
	// block.
	users atomic.Int32
	free  *sync.Pool // where it goes without users
}

// freeBlocks and freeMerged have no user: those of what a store counts, and of what it merges,
// which is far more at a time.
var freeBlocks, freeMerged sync.Pool

// newBlock has one user, and room for so many entries. It may be one of the free ones.
func newBlock(free *sync.Pool, entries int) *block {
	b, _ := free.Get().(*block)
	if b == nil || cap(b.memory) < entries || b.isOversized(entries) {
		b = &block{memory: make([]Entry, 0, entries), free: free}
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
		b.free.Put(b)
	}
}
