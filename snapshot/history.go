package snapshot

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
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
		steps := newSteps([]counters.Hour{from, to})
		return h.gather(m, from.Day(), lastDay(to)+1, steps.read)
	}, func(closed *counters.Table) {
		h.store.EventTotalsBetween(from, to, closed, visit)
	})
}

// EventSteps counts the events of each benefit in steps: step n is from
// bounds[n] up to but without bounds[n+1]. Cells are keyed by counters.StepKey.
// The error is about reading the closed days.
func (h *History) EventSteps(bounds []counters.Hour, visit func(counters.Benefit, []counters.Cell)) error {
	steps := newSteps(bounds)
	return h.consistently(func(m *manifest) (*counters.Table, error) {
		return h.gather(m, bounds[0].Day(), lastDay(bounds[len(bounds)-1])+1, steps.read)
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
	table, err := h.gather(m, from, to, func(directory string, s segment, into *counters.Table) error {
		return s.read(s.path(directory), segmentSink{positions: addTo(into)})
	})
	if err == nil {
		h.cache.put(key, table)
	}
	return table, err
}

// segmentReader adds what it wants of a segment to a table.
type segmentReader func(directory string, s segment, into *counters.Table) error

// gather reads the closed days of a window, on all processors, and merges what
// read adds for each.
func (h *History) gather(m *manifest, from, to counters.Day, read segmentReader) (*counters.Table, error) {
	segments := m.between(from, to)
	if len(segments) == 0 {
		return nil, nil
	}
	workers := min(runtime.GOMAXPROCS(0), len(segments))
	tables, failures := make([]*counters.Table, workers), make([]error, workers)
	var done sync.WaitGroup
	for i := range workers {
		tables[i] = newTable()
		done.Go(func() {
			for n := i; n < len(segments) && failures[i] == nil; n += workers {
				failures[i] = read(h.directory, segments[n], tables[i])
			}
		})
	}
	done.Wait()
	for _, table := range tables[1:] {
		tables[0].Merge(table)
	}
	return tables[0], errors.Join(failures...)
}

// steps cuts time at bounds.
type steps []counters.Hour

func newSteps(bounds []counters.Hour) steps { return bounds }

// read adds what a closed day has in each step: its totals if it lies in one
// step, else its hours.
func (b steps) read(directory string, s segment, into *counters.Table) error {
	first, last := s.day.FirstHour(), s.day.FirstHour()+23
	step, inside := counters.StepOf(b, first)
	if lastStep, lastInside := counters.StepOf(b, last); step == lastStep && inside && lastInside {
		return s.read(s.path(directory), segmentSink{totals: func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
			for _, cell := range cells {
				into.Add(benefit, counters.StepKey(cell.Key.Event(), step), cell.Count)
			}
			return nil
		}})
	}
	return s.read(s.path(directory), segmentSink{hours: func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		for _, cell := range cells {
			if step, inside := counters.StepOf(b, first+counters.Hour(cell.Key.HourOfDay())); inside {
				into.Add(benefit, counters.StepKey(cell.Key.Event(), step), cell.Count)
			}
		}
		return nil
	}})
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
