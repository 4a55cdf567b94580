package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// Timeline is the table of the steps of a window.
type Timeline struct {
	// Window is from the first to the last step: a timeline has no open ends, unless
	// there is nothing at all.
	Window Window `json:"window"`
	Model  Model  `json:"model"`
	// Step is the length of the steps. Hours are of all versions together.
	Step  Step       `json:"step"`
	Steps []StepSums `json:"steps"`
}

// StepSums are the sums of a step. All steps are there, also empty ones.
type StepSums struct {
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	// Shows and Clicks are without clicks at places where a benefit was not shown in
	// the window; those of hours are with them.
	Shows       uint64           `json:"shows"`
	Clicks      uint64           `json:"clicks"`
	CTR         insight.Number   `json:"ctr"`
	CTRInterval insight.Interval `json:"ctr_interval"`
	// Expected are the clicks that the window's model gives to what the step has
	// shown, OOverE those of the same benefits that there were ÷ Expected. Null for
	// hours, whose places are not known.
	Expected       insight.Number   `json:"expected"`
	OOverE         insight.Number   `json:"o_over_e"`
	OOverEInterval insight.Interval `json:"o_over_e_interval"`
	// VisitorDays is null while nobody counts visitors.
	VisitorDays *uint64 `json:"visitor_days"`
}

// MaxSteps bounds a timeline.
const MaxSteps = 10_000

// ErrTooManySteps is returned for a timeline of more than MaxSteps.
var ErrTooManySteps = errors.New("the timeline has too many steps: ask for a shorter window or longer steps")

// timelineKey is what a kept timeline is known by.
type timelineKey struct {
	window         windowKey
	step           Step
	benefit, group string
}

// keptTimeline is what was made at an edition with certain labels.
type keptTimeline struct {
	edition  uint64
	labels   *Labels
	timeline Timeline
}

// Timeline is the table of the steps of a window, of all benefits, of the query's
// one or of its group. An end that is open is where the counts begin or end. It
// returns ErrTooManySteps, but for an open beginning, which comes later instead.
func (r *Reporter) Timeline(ctx context.Context, q Query) (Timeline, error) {
	if q.Step == "" {
		q.Step = StepDay
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	bounds, err := r.stepBounds(&q)
	if err != nil {
		return Timeline{}, err
	}
	e, window, err := r.examine(ctx, q)
	if err != nil {
		return Timeline{}, err
	}
	key := timelineKey{e.key, q.Step, q.Benefit, q.Group}
	timeline, err := r.keptTimeline(ctx, key, e, func() (Timeline, error) {
		t := Timeline{Window: window, Model: modelOf(e.analysis.Model), Step: q.Step}
		if q.Step == StepHour {
			t.Steps, err = r.hours(q, bounds)
		} else {
			t.Steps, err = r.withDays(q, e, bounds)
		}
		return t, err
	})
	if err != nil {
		return Timeline{}, err
	}
	timeline = timeline.in(q.Zone)
	return timeline, r.addVisitorDays(&timeline, q)
}

// addVisitorDays tells of the steps of days, of all benefits, how many visitors there
// were. It is done anew each time: visitors are counted a little later than records.
func (r *Reporter) addVisitorDays(t *Timeline, q Query) error {
	if r.visitors == nil || q.Step == StepHour || q.Benefit != "" || q.Group != "" || len(t.Steps) == 0 {
		return nil
	}
	counted, err := r.Visitors(context.Background(), Query{
		From: counters.HourOf(t.Steps[0].StartAt).Day(), To: counters.HourOf(t.Steps[len(t.Steps)-1].EndAt).Day(), Step: q.Step,
	})
	if errors.Is(err, ErrTooManySteps) {
		return nil // years of days without visitors
	}
	if err != nil {
		return err
	}
	for i := range t.Steps {
		step := &t.Steps[i]
		for len(counted.Steps) > 0 && !counted.Steps[0].EndAt.After(step.StartAt) {
			counted.Steps = counted.Steps[1:]
		}
		if len(counted.Steps) > 0 && counted.Steps[0].StartAt.Before(step.EndAt) {
			step.VisitorDays = counted.Steps[0].VisitorDays
		}
	}
	return nil
}

// keptTimeline is what was kept, or what is made now and kept.
func (r *Reporter) keptTimeline(ctx context.Context, key timelineKey, e *examined, make func() (Timeline, error)) (Timeline, error) {
	labels := r.labels.Load()
	var t Timeline
	isKept := func() bool {
		value, found := r.kept.get(key)
		if !found {
			return false
		}
		kept := value.(keptTimeline)
		t = kept.timeline
		return kept.edition == e.edition && kept.labels == labels
	}
	if isKept() {
		return t, nil
	}
	fitted := func() uint64 { return e.edition } // no rest follows a fit of the same request
	err := r.alone(ctx, fitted, isKept, func(uint64) (err error) {
		if t, err = make(); err != nil {
			return err
		}
		const stepBytes = 256
		r.kept.put(key, keptTimeline{e.edition, labels, t}, stepBytes*(len(t.Steps)+1))
		return nil
	})
	return t, err
}

// in is the timeline with the times of a zone.
func (t Timeline) in(zone *time.Location) Timeline {
	steps := make([]StepSums, len(t.Steps))
	for i, step := range t.Steps {
		step.StartAt, step.EndAt = step.StartAt.In(zone), step.EndAt.In(zone)
		steps[i] = step
	}
	t.Steps = steps
	return t
}

// hours sums up the events of each hour, which have neither places nor versions.
func (r *Reporter) hours(q Query, bounds []counters.Hour) ([]StepSums, error) {
	steps := newSteps(bounds)
	if len(steps) == 0 {
		return steps, nil
	}
	labels, roles := r.Labels(), r.roles(q.clicks())
	err := r.source.Read(counters.EventTotals(bounds), func(benefit counters.Benefit, cells []counters.Cell) {
		if !q.chooses(labels.identity(r.source.BenefitNames()[benefit])) {
			return
		}
		for _, cell := range cells {
			step := &steps[cell.Key.Place()]
			switch roles[cell.Key.Event()] {
			case insight.RoleShow:
				step.Shows += cell.Count
			case insight.RoleClick:
				step.Clicks += cell.Count
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read hours: %w", err)
	}
	for i := range steps {
		steps[i].rate()
	}
	return steps, nil
}

// withDays holds each step of UTC days against the window's model.
func (r *Reporter) withDays(q Query, e *examined, bounds []counters.Hour) ([]StepSums, error) {
	steps, labels := newSteps(bounds), r.Labels()
	if len(steps) == 0 {
		return steps, nil
	}
	from, to := bounds[0].Day(), bounds[len(bounds)-1].Day()
	days, err := r.days(e, from, to, func(name string) bool { return q.chooses(labels.identity(name)) })
	if err != nil {
		return nil, err
	}
	for i := range steps {
		var sum insight.DaySum
		for day := bounds[i].Day(); day < bounds[i+1].Day(); day++ {
			sum = sum.Add(days[day-from])
		}
		steps[i].set(sum, e.analysis.Model)
	}
	return steps, nil
}

func newSteps(bounds []counters.Hour) []StepSums {
	steps := make([]StepSums, max(0, len(bounds)-1))
	for i := range steps {
		steps[i] = StepSums{
			StartAt: bounds[i].Time(), EndAt: bounds[i+1].Time(), CTR: insight.Unknown(), CTRInterval: insight.UnknownInterval(),
			Expected: insight.Unknown(), OOverE: insight.Unknown(), OOverEInterval: insight.UnknownInterval(),
		}
	}
	return steps
}

func (s *StepSums) set(sum insight.DaySum, model *insight.Model) {
	s.Shows, s.Clicks = sum.Shows, sum.Clicks
	s.rate()
	if model.Identified {
		s.Expected = insight.Number(sum.Expected)
		s.OOverE, s.OOverEInterval = sum.Ratio(model.Dispersion)
	}
}

func (s *StepSums) rate() {
	s.CTR, s.CTRInterval = insight.Rate(s.Clicks, s.Shows), insight.Wilson(s.Clicks, s.Shows)
}
