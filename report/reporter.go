package report

import (
	"sync/atomic"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/oddities"
)

// Options are what a Reporter needs.
type Options struct {
	// Source has the counts.
	Source Source
	// Visitors has the sums over visitors; nil while nobody counts them.
	Visitors VisitorSource
	// Oddities reads what came that was odd on the days from one up to but without
	// another; nil while nobody counts that.
	Oddities func(from, to counters.Day) ([]oddities.Count, error)
	// Stages say of event types how far they lead; nil means insight.DefaultStages.
	Stages insight.Stages
	// CacheBytes bounds what is kept of windows; 0 keeps nothing.
	CacheBytes int
	// GiveWay lets others run who wait for the processor of its caller; it is called every
	// tenth of a millisecond of a fit. Nil does nothing.
	GiveWay func()
}

// A Reporter answers queries. Any number of goroutines may use it. Make one with
// New.
type Reporter struct {
	source   Source
	visitors VisitorSource
	oddities func(from, to counters.Day) ([]oddities.Count, error)
	stages   insight.Stages
	kept     cache
	labels   atomic.Pointer[Labels]
	// fitting has one place: only one window is read and fitted at a time, so that
	// posts keep their processor, and those who wait for the same one share it.
	// A singleflight.Group would have different windows fitted side by side.
	fitting  chan struct{}
	pace     pace         // of who has that place
	courtesy courtesy     // of who has that place
	hurried  atomic.Int64 // how many have waited for too long, see Hurry
	// fits is how many windows were fitted, fitTime how long that took, in nanoseconds.
	fits    atomic.Uint64
	fitTime atomic.Int64
}

// Stats are figures of a Reporter since it was made.
type Stats struct {
	// Fits is how many windows were fitted, FitTime how long that took on the clock, without
	// reading them.
	Fits    uint64
	FitTime time.Duration
	// KeptBytes is what windows and bodies that are kept take, KeptFound how often one was
	// found.
	KeptBytes int
	KeptFound uint64
}

// Stats are the figures at the moment. They are cheap.
func (r *Reporter) Stats() Stats {
	stats := Stats{Fits: r.fits.Load(), FitTime: time.Duration(r.fitTime.Load())}
	stats.KeptBytes, stats.KeptFound = r.kept.figures()
	return stats
}

// New returns a Reporter without labels.
func New(options Options) *Reporter {
	r := &Reporter{
		source: options.Source, visitors: options.Visitors, oddities: options.Oddities, stages: options.Stages,
		kept:    cache{limit: options.CacheBytes},
		fitting: make(chan struct{}, 1), courtesy: courtesy{giveWay: options.GiveWay},
	}
	if r.courtesy.giveWay == nil {
		r.courtesy.giveWay = func() {}
	}
	if r.stages == nil {
		r.stages = insight.DefaultStages()
	}
	r.SetLabels(nil)
	return r
}

// SetLabels makes these the labels of all answers from now on. They must not be
// changed any more. It may be called at any time.
func (r *Reporter) SetLabels(labels Labels) { r.labels.Store(&labels) }

// Labels are those of answers at the moment. They must not be changed.
func (r *Reporter) Labels() Labels { return *r.labels.Load() }

// keptBody is what was made of a table, and of what.
type keptBody struct {
	edition uint64
	labels  *Labels
	body    []byte
}

// bodyKey tells the keys of others from those of this package.
type bodyKey struct{ key any }

// Kept is a text that is made of counts and labels alone, or what was kept of it while
// neither changed. The key says what it is of; it must be comparable. The text must not
// be changed.
func (r *Reporter) Kept(key any, make func() ([]byte, error)) ([]byte, error) {
	edition, labels := r.source.Edition(), r.labels.Load()
	if value, found := r.kept.get(bodyKey{key}); found {
		if kept := value.(keptBody); kept.edition == edition && kept.labels == labels {
			return kept.body, nil
		}
	}
	body, err := make()
	if err == nil {
		const overhead = 512 // of the key, and of keeping
		r.kept.put(bodyKey{key}, keptBody{edition, labels, body}, len(body)+overhead)
	}
	return body, err
}
