package snapshot

import (
	"slices"
	"sync"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// windowCache keeps the last windows that were added up, so that a dashboard
// that asks for the same one again need not wait. A window is known by what it
// covers: it lives as long as no day in it is closed, or closed again.
type windowCache struct {
	mu      sync.Mutex
	windows []cachedWindow // the last used is the last
	size    int            // counters in all of them
	most    int            // that there may be
}

// window is what a table of one step was added up of.
type window struct {
	kind counters.Kind
	days []format.ClosedDay
	// first and last are the bounds of an hourly kind: it may have a part of a day.
	first, last counters.Hour
}

// newWindow is the window of a query with one step, of certain closed days.
func newWindow(q counters.Query, rule counters.KindRule, days []format.ClosedDay) window {
	w := window{kind: q.Kind, days: days}
	if rule.Hourly && q.Bounds != nil {
		w.first, w.last = q.Bounds[0], q.Bounds[1]
	}
	return w
}

func (w window) equal(other window) bool {
	return w.kind == other.kind && w.first == other.first && w.last == other.last && slices.Equal(w.days, other.days)
}

type cachedWindow struct {
	window window
	table  *counters.Table
}

func (c *windowCache) get(w window) (*counters.Table, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.windows, func(cached cachedWindow) bool { return cached.window.equal(w) })
	if i < 0 {
		return nil, false
	}
	cached := c.windows[i]
	c.windows = append(slices.Delete(c.windows, i, i+1), cached)
	return cached.table, true
}

// put adds a window and drops the least used.
func (c *windowCache) put(w window, table *counters.Table) {
	if table.Len() > c.most {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = slices.DeleteFunc(c.windows, func(cached cachedWindow) bool { return cached.window.equal(w) })
	c.windows = append(c.windows, cachedWindow{w, table})
	c.size = 0
	for _, cached := range c.windows {
		c.size += cached.table.Len()
	}
	for c.size > c.most {
		c.size -= c.windows[0].table.Len()
		c.windows = slices.Delete(c.windows, 0, 1)
	}
}
