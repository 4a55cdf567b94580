package report

import (
	"context"
	"fmt"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// examined is a window that was read and fitted. It does not change.
type examined struct {
	key windowKey
	// edition is at most that of what was read.
	edition uint64
	counts  *insight.Counts
	// events are the records of each benefit by event type, of the version.
	events map[string]eventCounts

	analysis  *insight.Analysis
	positions func() insight.PositionRows
	quality   func() insight.Quality
}

// eventCounts are records by event type number.
type eventCounts []uint64

// examine is the query's window, read and fitted, or what was kept of it.
func (r *Reporter) examine(ctx context.Context, q Query) (e *examined, w Window, err error) {
	key, cut := q.window(r.source)
	w = key.window(cut)
	asked := r.source.Edition()
	isKept := func() bool { // and has all that there was when it was asked for
		e = r.keptWindow(key)
		return e != nil && e.edition >= asked
	}
	if isKept() {
		return e, w, nil
	}
	err = r.alone(ctx, r.source.Edition, isKept, func(edition uint64) error {
		e, err = r.examineAlone(key, edition, e)
		return err
	})
	return e, w, err
}

func (r *Reporter) keptWindow(key windowKey) *examined {
	value, found := r.kept.get(key)
	if !found {
		return nil
	}
	return value.(*examined)
}

// examineAlone reads a window and fits it, unless the counts are those of the fit
// before, which may be nil: posts change the edition of all windows, but the counts of few.
// The edition is that from before it is read.
func (r *Reporter) examineAlone(key windowKey, edition uint64, before *examined) (*examined, error) {
	now, err := r.read(key, edition, before)
	if err != nil {
		return nil, err
	}
	if before != nil && before.counts.Equal(now.counts) {
		now.counts, now.analysis, now.positions, now.quality = before.counts, before.analysis, before.positions, before.quality
	} else {
		began := time.Now()
		now.analyse(r.courtesy.pause)
		r.fits.Add(1)
		r.fitTime.Add(int64(time.Since(began)))
	}
	r.kept.put(key, now, now.size())
	return now, nil
}

func (e *examined) analyse(pause func()) {
	counts := e.counts
	analysis := insight.AnalyseInPieces(counts, pause)
	e.analysis = analysis
	e.positions = sync.OnceValue(func() insight.PositionRows { return insight.Positions(counts, analysis.Model) })
	e.quality = sync.OnceValue(func() insight.Quality { return insight.Examine(counts) })
}

// read reads a window, of which something else may have been read before. The edition is
// that from before it is read.
func (r *Reporter) read(key windowKey, edition uint64, before *examined) (*examined, error) {
	e := &examined{key: key, edition: edition, counts: insight.NewCounts(key.version, r.roles(key.stage))}
	var earlier *insight.Counts
	if before != nil {
		earlier = before.counts
		e.events = make(map[string]eventCounts, len(before.events))
	} else {
		e.events = make(map[string]eventCounts)
	}
	err := r.source.Read(counters.PositionsOf(key.version, key.bounds()), func(benefit counters.Benefit, cells []counters.Cell) {
		name := r.source.BenefitNames()[benefit]
		e.counts.AddSince(earlier, name, cells)
		e.events[name] = countEvents(cells)
		r.courtesy.pause()
	})
	if err != nil {
		return nil, fmt.Errorf("read a window of counts: %w", err)
	}
	return e, nil
}

// roles are those of the event types for clicks of one stage.
func (r *Reporter) roles(clicks insight.Stage) (roles insight.Roles) {
	for i, name := range r.source.EventNames() {
		roles[i+1] = r.stages.Role(name, clicks)
	}
	return roles
}

// countEvents adds up sorted cells by event type.
func countEvents(cells []counters.Cell) eventCounts {
	counts := make(eventCounts, cells[len(cells)-1].Key.Event()+1)
	for _, cell := range cells {
		counts[cell.Key.Event()] += cell.Count
	}
	return counts
}

const (
	// placeBytes is what a place of a benefit takes while it is kept, benefitBytes
	// what a benefit does beside: its rows and event counts.
	placeBytes   = 24
	benefitBytes = 1024
	// baseBytes is what any window takes: its model, and rows of places.
	baseBytes = 128 << 10
)

// size is about how many bytes it takes.
func (e *examined) size() int {
	return baseBytes + placeBytes*e.counts.Len() + benefitBytes*len(e.events)
}
