package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/visitors"
)

// ErrNoVisitors is returned while nobody counts visitors.
var ErrNoVisitors = errors.New("visitors are not counted")

// ErrVisitorStep is returned for a step in which visitors are not told apart.
var ErrVisitorStep = errors.New("step: visitors are those of whole days: use day, week or month")

// A VisitorSource gives sums over visitors, those of earlier days included.
type VisitorSource interface {
	// Sums are those of the days from one up to but without another, together.
	Sums(from, to counters.Day) (visitors.Sums, error)
	// Daily are those over all visitors of each day that has any, oldest first.
	Daily(from, to counters.Day) ([]visitors.Sums, error)
	// KeptFrom is the first day whose sums are kept; 0 for all.
	KeptFrom() counters.Day
}

// Visitors are the visitors of a window. All versions of records are together.
type Visitors struct {
	Window VisitorWindow `json:"window"`
	// Step is the length of the steps.
	Step Step `json:"step"`
	VisitorSums
	// Steps are those that have visitors.
	Steps []VisitorStep `json:"steps"`
}

// VisitorWindow is what an answer about visitors is of.
type VisitorWindow struct {
	// StartAt and EndAt are midnights of UTC, the latter not included; null if there
	// is nothing and no end was asked for.
	StartAt *time.Time `json:"start_at"`
	EndAt   *time.Time `json:"end_at"`
	// Cut says that what came before StartAt was asked for, and is not kept.
	Cut bool `json:"cut"`
}

// VisitorStep is a step of a window.
type VisitorStep struct {
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	VisitorSums
}

// VisitorSums are sums over visitors. Who comes on two days counts twice.
type VisitorSums struct {
	// VisitorDays is an estimate where Sampled is below 1; null for few.
	VisitorDays *uint64 `json:"visitor_days"`
	// Days is how many days have visitors.
	Days int `json:"days"`
	// Sampled is the lowest rate of the days: 1 where all visitors were counted.
	Sampled float64 `json:"sampled"`
	// NoOpening is the share of the visitors who were shown something that opened
	// nothing.
	NoOpening         insight.Number   `json:"no_opening"`
	NoOpeningInterval insight.Interval `json:"no_opening_interval"`
	PagesPerVisitor   insight.Number   `json:"pages_per_visitor"`
	// AnonymousRecords are those of nobody who can be told apart.
	AnonymousRecords uint64 `json:"anonymous_records"`
	// Few says that there are too few visitors for their numbers to be told.
	Few bool `json:"few"`
}

// Visitors is the table of the visitors of a window, in all and by steps of a day or
// more. It returns ErrNoVisitors while nobody counts them, ErrVisitorStep for hours, and
// ErrTooManySteps for a window that is too long.
func (r *Reporter) Visitors(_ context.Context, q Query) (Visitors, error) {
	switch q.Step {
	case StepHour:
		return Visitors{}, ErrVisitorStep
	case "":
		q.Step = StepDay
	}
	from, to, window, err := r.visitorDays(q)
	if err != nil {
		return Visitors{}, err
	}
	if to > from+visitors.MaxDays {
		return Visitors{}, fmt.Errorf("%w: it has more than %d days", ErrTooManySteps, visitors.MaxDays)
	}
	days, err := r.visitors.Daily(from, to)
	if err != nil {
		return Visitors{}, fmt.Errorf("read visitors: %w", err)
	}
	made, groups := Visitors{Window: window, Step: q.Step, Steps: []VisitorStep{}}, []visitors.Group{}
	made.VisitorSums, _ = visitorSums(days)
	bounds := q.Step.cut(from, to)
	for i := 0; i+1 < len(bounds); i++ {
		n := 0
		for n < len(days) && days[n].Day < bounds[i+1].Day() {
			n++
		}
		if n > 0 {
			sums, group := visitorSums(days[:n])
			made.Steps, groups = append(made.Steps, VisitorStep{bounds[i].Time(), bounds[i+1].Time(), sums}), append(groups, group)
		}
		days = days[n:]
	}
	made.hideWhatFollows(groups)
	return made, nil
}

// visitorDays are the days of a query whose visitors are kept. Ends that are open are
// where the counts begin and end.
func (r *Reporter) visitorDays(q Query) (from, to counters.Day, window VisitorWindow, err error) {
	if r.visitors == nil {
		return 0, 0, window, ErrNoVisitors
	}
	first, last, any := r.source.Span()
	from, to = q.From, q.To
	if to == 0 || to > counters.MaxDay {
		if to = last + 1; !any {
			to = max(from, 1)
		}
	}
	open := from == 0
	if open && any {
		from = first
		if to > visitors.MaxDays { // a record of 1970 must not be all that there is
			from = max(from, to-visitors.MaxDays)
		}
	}
	kept := r.visitors.KeptFrom()
	window.Cut = from < kept && !open
	from = max(from, kept, 1)
	to = max(to, from)
	window.StartAt, window.EndAt = midnight(from), midnight(to)
	return from, to, window, nil
}

// VisitorsKeptFrom is the first day whose visitors are kept, and whether those of earlier
// days are not.
func (r *Reporter) VisitorsKeptFrom() (day counters.Day, any bool) {
	if r.visitors == nil {
		return 0, false
	}
	day = r.visitors.KeptFrom()
	return day, day > 0
}

// visitorSums add up days. They are told of the group that is returned with them.
func visitorSums(days []visitors.Sums) (VisitorSums, visitors.Group) {
	var all visitors.Sums
	estimate, sums := uint64(0), VisitorSums{Sampled: 1}
	for _, day := range days {
		estimate += day.All.Visitors() << day.Halvings
		sums.Sampled = min(sums.Sampled, rateOf(day.Halvings))
		if day.All.Visitors() > 0 {
			sums.Days++
		}
		all = all.Merge(day, 0)
	}
	sums.AnonymousRecords = all.AnonymousRecords
	funnel := insight.NewVisitorFunnel(all.All.ByStages)
	sums.VisitorDays, sums.Few = told(estimate, all.All.Visitors())
	sums.NoOpening, sums.NoOpeningInterval, sums.PagesPerVisitor = insight.Unknown(), insight.UnknownInterval(), insight.Unknown()
	if !sums.Few {
		sums.PagesPerVisitor = insight.Rate(all.All.Pages, all.All.Visitors())
	}
	if step := funnel.NoOpening; !hidden(step.From, step.To, step.From-step.To) {
		sums.NoOpening, sums.NoOpeningInterval = funnel.NoOpening.Rate, funnel.NoOpening.Interval
	}
	return sums, all.All
}

func rateOf(halvings uint8) float64 { return visitors.Estimate(1, 0) / visitors.Estimate(1, halvings) }

// hidden says whether one of some groups is of few visitors, who must not be told apart.
func hidden(groups ...uint64) bool {
	for _, n := range groups {
		if n > 0 && visitors.Few(n) {
			return true
		}
	}
	return false
}

// atLeastFew is a number of visitors, or the largest that is not told where that is less: what
// is made of it for whoever asks with weights of his own tells no other.
func atLeastFew(visitors uint64) uint64 {
	for hidden(visitors) && hidden(visitors+1) {
		visitors++
	}
	return visitors
}

// told is a number of so many counted visitors, null for few of them.
func told(number, counted uint64) (*uint64, bool) {
	if hidden(counted) {
		return nil, true
	}
	return &number, false
}
