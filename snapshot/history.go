package snapshot

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"stats-recorder/counters"
)

// History answers for windows of time: from the closed days on disk and the
// open days in the store together, each count once. Any number of goroutines
// may use it.
type History struct {
	directory string
	store     *counters.Store

	// mu is held for reading while the store's open days are added to what was
	// read of the closed ones, and for writing while a day goes from the former
	// to the latter.
	mu       sync.RWMutex
	manifest *manifest
	cache    windowCache
}

func newHistory(directory string, store *counters.Store, closed *manifest) *History {
	return &History{directory: directory, store: store, manifest: closed}
}

func newTable() *counters.Table { return counters.NewTable(rand.Uint64()) }

// KeptFrom is the first day that RETENTION has left, and whether it has taken any.
func (h *History) KeptFrom() (day counters.Day, any bool) {
	kept := h.current().keptFrom
	return kept, kept > 0
}

// Span returns the first day that has counts and the last, and whether there
// are any.
func (h *History) Span() (first, last counters.Day, any bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	days := h.store.OpenDays()
	for _, s := range h.manifest.segments {
		days = append(days, s.day)
	}
	if len(days) == 0 {
		return 0, 0, false
	}
	return slices.Min(days), slices.Max(days), true
}

// Statistics is counters.Store.Statistics of the days from and later, up to but
// without to. The error is about reading the closed days.
func (h *History) Statistics(version uint16, from, to counters.Day, visit func(counters.Benefit, []counters.Cell)) error {
	return h.consistently(func(m *manifest) (*counters.Table, error) {
		return h.positions(m, from, to)
	}, func(closed *counters.Table) {
		h.store.StatisticsBetween(version, from, to, closed, visit)
	})
}

// EventTotals is counters.Store.EventTotals of the hours from and later, up to
// but without to. The error is about reading the closed days.
func (h *History) EventTotals(from, to counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) error {
	return h.consistently(func(m *manifest) (*counters.Table, error) {
		return h.gather(m, from.Day(), lastDay(to)+1, func() gatherer { return newTotalsGatherer(from, to) })
	}, func(closed *counters.Table) {
		h.store.EventTotalsBetween(from, to, closed, visit)
	})
}

// EventSteps counts the events of each benefit in steps: step n is from
// bounds[n] up to but without bounds[n+1]. Cells are keyed by counters.StepKey.
// The error is about reading the closed days.
func (h *History) EventSteps(bounds []counters.Hour, visit func(counters.Benefit, []counters.Cell)) error {
	return h.consistently(func(m *manifest) (*counters.Table, error) {
		return h.gather(m, bounds[0].Day(), lastDay(bounds[len(bounds)-1])+1, func() gatherer { return newStepsGatherer(bounds) })
	}, func(closed *counters.Table) {
		h.store.EventSteps(bounds, closed, visit)
	})
}

// lastDay is the day that contains the hour before to.
func lastDay(to counters.Hour) counters.Day { return (max(to, 1) - 1).Day() }

func (h *History) current() *manifest {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.manifest
}

// install lets a day go from the store to the closed ones, at one moment for
// all readers.
func (h *History) install(closed *manifest, move func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	move()
	h.manifest = closed
}

// consistently adds up closed days without holding up anyone, and then answers
// for them and the open days together, provided that no day was closed in
// between; else it begins again.
func (h *History) consistently(closed func(*manifest) (*counters.Table, error), answer func(*counters.Table)) error {
	for {
		m := h.current()
		table, err := closed(m)
		changed := func() bool {
			h.mu.RLock()
			defer h.mu.RUnlock()
			if h.manifest != m {
				return true
			}
			if err == nil {
				answer(table)
			}
			return false
		}()
		if !changed || (err != nil && !errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
}

// positions adds up the positions of closed days, or takes them from the cache.
func (h *History) positions(m *manifest, from, to counters.Day) (*counters.Table, error) {
	key := windowKey{m, from, to}
	if table, ok := h.cache.get(key); ok {
		return table, nil
	}
	table, err := h.gather(m, from, to, func() gatherer { return positionsGatherer{newTable()} })
	if err == nil {
		h.cache.put(key, table)
	}
	return table, err
}

// windowCache keeps the last windows that were added up, so that a dashboard
// that asks for the same one again need not wait.
type windowCache struct {
	mu      sync.Mutex
	windows []cachedWindow // the last used is the last
	size    int            // counters in all of them
}

type windowKey struct {
	manifest *manifest
	from, to counters.Day
}

type cachedWindow struct {
	key   windowKey
	table *counters.Table
}

// maxCachedCounters bounds the cache: a counter takes about 13 bytes.
const maxCachedCounters = 2_000_000

func (c *windowCache) get(key windowKey) (*counters.Table, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.windows, func(w cachedWindow) bool { return w.key == key })
	if i < 0 {
		return nil, false
	}
	window := c.windows[i]
	c.windows = append(slices.Delete(c.windows, i, i+1), window)
	return window.table, true
}

// put adds a window and drops those of an older manifest and the least used.
func (c *windowCache) put(key windowKey, table *counters.Table) {
	if table == nil || table.Len() > maxCachedCounters {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = slices.DeleteFunc(c.windows, func(w cachedWindow) bool { return w.key.manifest != key.manifest || w.key == key })
	c.windows = append(c.windows, cachedWindow{key, table})
	c.size = 0
	for _, window := range c.windows {
		c.size += window.table.Len()
	}
	for c.size > maxCachedCounters {
		c.size -= c.windows[0].table.Len()
		c.windows = slices.Delete(c.windows, 0, 1)
	}
}

// closedBefore is the first day that is still open at a time: a day is closed
// once nothing more can arrive for it.
func closedBefore(now time.Time, maxEventAge time.Duration) counters.Day {
	const (
		whenUnlimited = 48 * time.Hour // later records open a day again
		grace         = 10 * time.Minute
	)
	if maxEventAge == 0 {
		maxEventAge = whenUnlimited
	}
	return counters.HourOf(now.Add(-maxEventAge - grace)).Day()
}
