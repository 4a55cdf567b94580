package report

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stats-recorder/insight"
)

// Funnel is the way from shown to opened to acted.
type Funnel struct {
	Window  Window  `json:"window"`
	Records Records `json:"records"`
	// Visitors are the same way by visitors, null while nobody counts them, and
	// VisitorsMissing says why.
	Visitors        *VisitorFunnel `json:"visitors"`
	VisitorsMissing Text           `json:"visitors_missing"`
	// Benefits are those that were asked for, the most shown first; left out of totals.
	Benefits []BenefitFunnel `json:"benefits,omitzero"`
}

// BenefitFunnel is the way of one benefit.
type BenefitFunnel struct {
	Identity
	Records  Records        `json:"records"`
	Visitors *VisitorFunnel `json:"visitors"`
}

// Records are numbers of records by stage. The rates are ratios of sums, may exceed 1
// and are not cut.
type Records struct {
	Shown    uint64         `json:"shown"`
	Opened   uint64         `json:"opened"`
	Acted    uint64         `json:"acted"`
	OpenRate insight.Number `json:"open_rate"`
	ActRate  insight.Number `json:"act_rate"`
	// Outside are records of event types that are of no stage, by event type.
	Outside map[string]uint64 `json:"outside"`
}

// VisitorFunnel is the way of visitors. insight.VisitorFunnel says what the numbers
// are. Groups of few visitors are null.
type VisitorFunnel struct {
	Shown        *uint64          `json:"shown"`
	Opened       *uint64          `json:"opened"`
	Acted        *uint64          `json:"acted"`
	OpenRate     insight.Number   `json:"open_rate"`
	OpenInterval insight.Interval `json:"open_interval"`
	ActRate      insight.Number   `json:"act_rate"`
	ActInterval  insight.Interval `json:"act_interval"`
	Few          bool             `json:"few"`
}

// Funnel is the funnel of a window by records, in total and by benefit.
func (r *Reporter) Funnel(ctx context.Context, q Query) (Funnel, error) {
	e, window, err := r.examine(ctx, q)
	if err != nil {
		return Funnel{}, err
	}
	window.Stage = ""
	labels, total := r.Labels(), newStageCounts(r.stages, r.source.EventNames())
	rows := []BenefitFunnel{}
	for name, events := range e.events {
		identity := labels.identity(name)
		if !q.chooses(identity) {
			continue
		}
		total.add(events)
		if q.Totals {
			continue
		}
		own := newStageCounts(r.stages, total.names)
		own.add(events)
		rows = append(rows, BenefitFunnel{Identity: identity, Records: own.records()})
	}
	slices.SortFunc(rows, func(a, b BenefitFunnel) int {
		return cmp.Or(cmp.Compare(b.Records.Shown, a.Records.Shown), strings.Compare(a.ID, b.ID))
	})
	funnel := Funnel{Window: window, Records: total.records(), Benefits: rows}
	switch {
	case q.Totals:
		funnel.Benefits = nil
	case q.Limit > 0 && len(rows) > q.Limit:
		funnel.Benefits = rows[:q.Limit]
	}
	return funnel, r.addVisitors(&funnel, q)
}

// stageCounts adds up records by stage.
type stageCounts struct {
	stages  insight.Stages
	names   []string // of event types, by number less one
	counts  [insight.StageActed + 1]uint64
	outside map[string]uint64
}

func newStageCounts(stages insight.Stages, names []string) *stageCounts {
	return &stageCounts{stages: stages, names: names, outside: map[string]uint64{}}
}

func (s *stageCounts) add(events eventCounts) {
	for event, count := range events {
		if count == 0 || event > len(s.names) {
			continue // a type that came while this was at work
		}
		name := s.names[event-1]
		stage := s.stages[name]
		s.counts[stage] += count
		if stage == insight.NoStage {
			s.outside[name] += count
		}
	}
}

func (s *stageCounts) records() Records {
	funnel := insight.NewRecordFunnel(s.counts[insight.StageShown], s.counts[insight.StageOpened], s.counts[insight.StageActed])
	return Records{
		Shown: funnel.Shown, Opened: funnel.Opened, Acted: funnel.Acted,
		OpenRate: funnel.OpenRate, ActRate: funnel.ActRate, Outside: s.outside,
	}
}
