package snapshot

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// History answers for all of time: from the closed days on disk and the open days
// in the store together, each count once. Any number of goroutines may use it.
type History struct {
	directory string
	store     *counters.Store
	adders    int // goroutines that add up the days of one window

	// mu is held for reading while the store's open days are added to what was
	// read of the closed ones, and for writing while a day goes from the former
	// to the latter.
	mu       sync.RWMutex
	manifest *format.Manifest
	cache    windowCache
	// installed is how many manifests were, beside the first.
	installed atomic.Uint64

	hidden        atomic.Uint32 // the first day that retention shows
	hiddenPassing atomic.Uint32 // the same of passing kinds
}

// readOptions are those of who only reads a directory.
func readOptions(directory string) *Options {
	options := Options{Directory: directory}.withDefaults()
	return &options
}

func newHistory(options *Options, store *counters.Store, closed *format.Manifest) *History {
	return &History{
		directory: options.Directory, store: store, manifest: closed,
		adders: options.Adders, cache: windowCache{most: options.CachedCounters},
	}
}

func newTable() *counters.Table { return counters.NewTable(rand.Uint64()) }

// Words are those of the store.
func (h *History) Words() *counters.Directory { return h.store.Words }

// hide says which is the first day that retention shows, 0 for all, and the first whose
// passing kinds it shows.
func (h *History) hide(before, passingBefore counters.Day) {
	h.hidden.Store(uint32(before))
	h.hiddenPassing.Store(uint32(passingBefore))
}

// PassingKeptFrom is the first day whose counts of passing kinds are kept; 0 for all. Those
// of earlier days are there until their files are written without them, and must not be
// shown.
func (h *History) PassingKeptFrom() counters.Day { return counters.Day(h.hiddenPassing.Load()) }

// KeptFrom is the first day of which there is something to show, as far as RETENTION
// hides days now or has taken some, and whether it does or has. Where it has taken
// more than it hides now, days that were imported since are shown.
func (h *History) KeptFrom() (day counters.Day, any bool) {
	hidden, taken := counters.Day(h.hidden.Load()), h.current().KeptFrom
	if taken <= hidden {
		return hidden, hidden > 0
	}
	for _, day := range h.days() {
		if day >= hidden {
			taken = min(taken, day)
		}
	}
	return taken, true
}

// Span returns the first day that has counts and the last, and whether there
// are any.
func (h *History) Span() (first, last counters.Day, any bool) {
	days := h.days()
	if len(days) == 0 {
		return 0, 0, false
	}
	return slices.Min(days), slices.Max(days), true
}

// days are those that have counts, in no order; one may be there twice.
func (h *History) days() []counters.Day {
	h.mu.RLock()
	defer h.mu.RUnlock()
	days := h.store.OpenDays()
	for _, closed := range h.manifest.Days {
		days = append(days, closed.Day)
	}
	return days
}

// Read calls visit once for each benefit that the query counts anything for, with what
// it counts, sorted by key and valid during the call. Benefits come in no order. The
// error is about reading the closed days; nothing was visited then.
func (h *History) Read(q counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	return h.answer(q, func(closed *counters.Table) { h.store.Read(q, closed, visit) })
}

// ReadInPieces is Read as counters.Store.ReadInPieces is that of the store.
func (h *History) ReadInPieces(q counters.Query, piece int, visit func(counters.Benefit, []counters.Cell)) error {
	return h.answer(q, func(closed *counters.Table) { h.store.ReadInPieces(q, closed, piece, visit) })
}

// answer calls read with what a query wants of the closed days, nil for nothing, while
// no day is being closed.
func (h *History) answer(q counters.Query, read func(closed *counters.Table)) error {
	for {
		m := h.current()
		closed, err := h.closed(m, q)
		if err == nil && h.whileCurrent(m, func() { read(closed) }) {
			return nil
		}
		// A file that is gone was that of an earlier generation, if there is a new list.
		if err != nil && (!errors.Is(err, os.ErrNotExist) || h.current() == m) {
			return err
		}
	}
}

// Edition grows whenever what Read says may have changed. Who asks for it before Read
// knows that what Read gave is of this edition or a later one.
func (h *History) Edition() uint64 { return h.installed.Load() + h.store.Edition() }

// BenefitNames are the names of benefits by number, EventNames those of event types
// by number less one, empty for one that was given back. Both grow, and are read only.
func (h *History) BenefitNames() []string { return h.store.Benefits.Names() }

// EventNames is described at BenefitNames.
func (h *History) EventNames() []string { return h.store.Events.Found() }

func (h *History) current() *format.Manifest {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.manifest
}

// whileCurrent answers unless a day was closed since a manifest was the current one.
func (h *History) whileCurrent(m *format.Manifest, answer func()) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.manifest != m {
		return false
	}
	answer()
	return true
}

// install lets days go from the store to the closed ones, at one moment for all
// readers.
func (h *History) install(closed *format.Manifest, move func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	move()
	h.manifest = closed
	h.installed.Add(1)
}

// closed adds up what a query wants of the closed days, or takes it from the cache. It
// holds up nobody. It returns nil when there is nothing.
func (h *History) closed(m *format.Manifest, q counters.Query) (*counters.Table, error) {
	rule, known := h.store.Kinds().Rule(q.Kind)
	if !known || (q.Bounds == nil && rule.Kept) {
		return nil, nil // the store has the past
	}
	days := m.Between(q.Days())
	if len(days) == 0 {
		return nil, nil
	}
	if !q.OneStep() {
		return h.sum(days, q, rule)
	}
	window := newWindow(q, rule, days)
	if table, ok := h.cache.get(window); ok {
		return table, nil
	}
	table, err := h.sum(days, q, rule)
	if err == nil {
		h.cache.put(window, table)
	}
	return table, err
}
