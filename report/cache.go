package report

import (
	"slices"
	"sync"
)

// A cache keeps values by key within a number of bytes, and drops those that were
// not used for longest. Any number of goroutines may use it.
type cache struct {
	limit int

	mu     sync.Mutex
	size   int          // of all values, guarded by mu
	found  uint64       // how often a value was, guarded by mu
	values []cachedItem // the last used is the last; guarded by mu
}

// cachedItem is a value with the bytes that it takes.
type cachedItem struct {
	key   any
	value any
	size  int
}

// get returns the value of a key and makes it the last used.
func (c *cache) get(key any) (value any, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.values, func(item cachedItem) bool { return item.key == key })
	if i < 0 {
		return nil, false
	}
	c.found++
	item := c.values[i]
	c.values = append(slices.Delete(c.values, i, i+1), item)
	return item.value, true
}

// figures are how many bytes the values take, and how often one was found.
func (c *cache) figures() (size int, found uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size, c.found
}

// put keeps a value in place of the one before. One that is larger than the cache is
// not kept.
func (c *cache) put(key, value any, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values = slices.DeleteFunc(c.values, func(item cachedItem) bool {
		if item.key == key {
			c.size -= item.size
		}
		return item.key == key
	})
	if size > c.limit {
		return
	}
	c.values = append(c.values, cachedItem{key, value, size})
	c.size += size
	for c.size > c.limit {
		c.size -= c.values[0].size
		c.values = slices.Delete(c.values, 0, 1)
	}
}
