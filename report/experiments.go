package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stats-recorder/insight"
	"stats-recorder/visitors"
)

// A Metric is what the variants of an experiment are compared by.
type Metric string

// The metrics.
const (
	// MetricClicksPerPage is clicks ÷ pages.
	MetricClicksPerPage Metric = "clicks_per_page"
	// MetricConversion is the share of visitors who opened something.
	MetricConversion Metric = "conversion"
)

// Metrics are all that there are.
func Metrics() []Metric { return []Metric{MetricClicksPerPage, MetricConversion} }

// ErrPlan is returned for a plan that does not fit the experiment. Its text is for who
// asks.
var ErrPlan = errors.New("experiment cannot be compared like this")

// Plan says how experiments are to be compared. It must not depend on what they
// showed.
type Plan struct {
	// Experiment is the only one that is asked for, with its benefits; empty for all,
	// without.
	Experiment string
	// Control is the variant that the others are held against; empty for the first one
	// by name that is not visitors.Other.
	Control string
	// Metric is empty for clicks per page.
	Metric Metric
	// Effect is the relative change that intervals are to be narrow for; 0 is
	// insight.DefaultEffect.
	Effect float64
	// Weights are those that visitors were drawn with, in the order of the variants'
	// names, 0 for what was not drawn; nil for equal ones of all but visitors.Other.
	Weights []float64
}

// Experiments are the experiments of a window, by name.
type Experiments struct {
	Window VisitorWindow `json:"window"`
	Metric Metric        `json:"metric"`
	// Effect is the change that intervals are made to be narrow for.
	Effect float64 `json:"mde"`
	// Sampled is the rate of the visitors that all numbers are of: 1 where that is all.
	Sampled     float64      `json:"sampled"`
	Experiments []Experiment `json:"experiments"`
}

// Experiment is one experiment. Visitors who were in two variants are in none.
type Experiment struct {
	Name    string `json:"name"`
	Control string `json:"control"`
	// Crossed is how many visitors were in two variants; null for few.
	Crossed  *uint64   `json:"crossed"`
	Variants []Variant `json:"variants"`
	// SRM is null where there are less than two variants.
	SRM *SampleRatio `json:"srm"`
	// Benefits are those of the experiment if only that was asked for, by id; else none.
	Benefits []BenefitVariants `json:"by_benefit"`
}

// SampleRatio says whether visitors were drawn as they should have been.
type SampleRatio struct {
	// P is unknown where a variant is of few visitors, whose number would follow.
	P insight.Number `json:"p"`
	// Verdict is "ok", or "broken": do not trust the experiment.
	Verdict string `json:"verdict"`
}

// Variant is one variant, over visitor-days.
type Variant struct {
	Name          string         `json:"name"`
	Visitors      *uint64        `json:"visitors"`
	Pages         *uint64        `json:"pages"`
	Clicks        *uint64        `json:"clicks"`
	Conversion    insight.Number `json:"conversion"`
	ClicksPerPage insight.Number `json:"clicks_per_page"`
	Lift
	// Few says that there are too few visitors for their numbers to be told.
	Few bool `json:"few"`
}

// Lift is how a variant compares with the control, whose own is null.
type Lift struct {
	// Lift is variant ÷ control − 1. Interval may be looked at every day, IntervalFixed
	// once, on a day that was chosen beforehand. Verdict is of Interval alone.
	Lift          insight.Number   `json:"lift"`
	Interval      insight.Interval `json:"interval"`
	IntervalFixed insight.Interval `json:"interval_fixed"`
	Verdict       insight.Verdict  `json:"verdict"`
}

func noLift() Lift {
	return Lift{Lift: insight.Unknown(), Interval: insight.UnknownInterval(), IntervalFixed: insight.UnknownInterval()}
}

// BenefitVariants is one benefit in an experiment.
type BenefitVariants struct {
	Identity
	Variants []BenefitVariant `json:"variants"`
}

// BenefitVariant is one benefit in a variant: visitors who were shown it, opened it, and
// acted. Conversion is the share of the first who did the second.
type BenefitVariant struct {
	Name       string         `json:"name"`
	Shown      *uint64        `json:"shown"`
	Opened     *uint64        `json:"opened"`
	Acted      *uint64        `json:"acted"`
	Conversion insight.Number `json:"conversion"`
	Lift
	Few bool `json:"few"`
}

// Experiments is the table of the experiments of a window. It returns ErrNoVisitors while
// nobody counts visitors, and ErrPlan for a plan that does not fit.
func (r *Reporter) Experiments(_ context.Context, q Query) (Experiments, error) {
	plan := q.Plan
	from, to, window, err := r.visitorDays(q)
	if err != nil {
		return Experiments{}, err
	}
	if plan.Metric == "" {
		plan.Metric = MetricClicksPerPage
	}
	if plan.Effect == 0 {
		plan.Effect = insight.DefaultEffect
	}
	sums, err := r.visitors.Sums(from, to)
	if err != nil {
		return Experiments{}, fmt.Errorf("read visitors: %w", err)
	}
	made := Experiments{Window: window, Metric: plan.Metric, Effect: plan.Effect, Sampled: rateOf(sums.Halvings), Experiments: []Experiment{}}
	for variants := sums.Variants; len(variants) > 0; {
		n := 1
		for n < len(variants) && variants[n].Experiment == variants[0].Experiment {
			n++
		}
		if plan.Experiment == "" || plan.Experiment == variants[0].Experiment {
			experiment, err := r.experiment(variants[:n], plan)
			if err != nil {
				return Experiments{}, err
			}
			made.Experiments = append(made.Experiments, experiment)
		}
		variants = variants[n:]
	}
	return made, nil
}

// comparison is an experiment on its way to an answer.
type comparison struct {
	plan     Plan
	variants []visitors.Variant
	control  int
	weights  []float64 // of the draw
	ratio    insight.SampleRatio
}

func (r *Reporter) experiment(variants []visitors.Variant, plan Plan) (Experiment, error) {
	c, err := newComparison(variants, plan)
	if err != nil {
		return Experiment{}, err
	}
	made := Experiment{Name: variants[0].Experiment, Control: variants[c.control].Name, Benefits: []BenefitVariants{}}
	crossed := uint64(0)
	for i := range variants {
		crossed += variants[i].Crossed
		made.Variants = append(made.Variants, c.variant(i))
	}
	made.Crossed, _ = told(crossed, crossed)
	if len(variants) > 1 {
		made.SRM = c.sampleRatio()
	}
	if plan.Experiment != "" {
		made.Benefits = r.byBenefit(c)
	}
	return made, nil
}

func (c *comparison) sampleRatio() *SampleRatio {
	ratio := &SampleRatio{P: c.ratio.P, Verdict: "ok"}
	if c.ratio.Broken {
		ratio.Verdict = "broken"
	}
	for i := range c.variants {
		if c.weights[i] > 0 && hidden(c.variants[i].Visitors()) {
			ratio.P = insight.Unknown()
		}
	}
	return ratio
}

func newComparison(variants []visitors.Variant, plan Plan) (*comparison, error) {
	c := &comparison{plan: plan, variants: variants}
	isControl := func(v visitors.Variant) bool { return v.Name == plan.Control }
	if plan.Control != "" && plan.Experiment != "" && !slices.ContainsFunc(variants, isControl) {
		return nil, fmt.Errorf("%w: control: %q is no variant of %q: want %s", ErrPlan, plan.Control, plan.Experiment, namesOf(variants))
	}
	if !slices.ContainsFunc(variants, isControl) { // it is of another experiment, or nobody's choice
		isControl = func(v visitors.Variant) bool { return v.Name != visitors.Other }
	}
	c.control = max(0, slices.IndexFunc(variants, isControl))
	if len(variants) < 2 {
		return c, nil
	}
	counts := make([]uint64, len(variants))
	for i := range variants {
		counts[i] = atLeastFew(variants[i].Visitors())
	}
	c.weights = plan.Weights
	if plan.Experiment == "" || plan.Weights == nil {
		c.weights = usualWeights(variants)
	}
	ratio, err := insight.CheckSampleRatio(counts, c.weights)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), insight.ErrExperiment.Error()+": ") // which ErrPlan says
		return nil, fmt.Errorf("%w: weights: %s, in the order %s", ErrPlan, reason, namesOf(variants))
	}
	c.ratio = ratio
	return c, nil
}

// usualWeights are equal ones. visitors.Other is no variant that anybody draws, but values
// that a site does not use any more, or that a stranger made up: one such visitor would
// break every draw. It is part of it only where fewer than two variants have a name.
func usualWeights(variants []visitors.Variant) []float64 {
	weights := make([]float64, len(variants))
	for i := range variants {
		weights[i] = 1
	}
	other := slices.IndexFunc(variants, func(v visitors.Variant) bool { return v.Name == visitors.Other })
	if other >= 0 && len(variants) > 2 {
		weights[other] = 0
	}
	return weights
}

func namesOf(variants []visitors.Variant) string {
	names := make([]string, len(variants))
	for i := range variants {
		names[i] = variants[i].Name
	}
	return strings.Join(names, ", ")
}

// sumsOf are the sums of a group as insight compares them.
func sumsOf(g *visitors.Group) insight.VisitorSums {
	return insight.VisitorSums{
		Visitors: g.Visitors(), Clickers: g.Reached(visitors.Opened),
		Pages: g.Pages, Clicks: g.Clicks,
		PagesSquared: g.PagesSquared, ClicksSquared: g.ClicksSquared, PagesClicks: g.PagesClicks,
	}
}

func (c *comparison) variant(i int) Variant {
	sums, control := sumsOf(&c.variants[i].Group), sumsOf(&c.variants[c.control].Group)
	v := Variant{
		Name:       c.variants[i].Name,
		Conversion: insight.Unknown(), ClicksPerPage: insight.Unknown(), Lift: noLift(),
	}
	if v.Visitors, v.Few = told(sums.Visitors, sums.Visitors); v.Few {
		return v
	}
	v.Pages = &sums.Pages
	if v.Few = hidden(sums.Clickers, sums.Visitors-sums.Clickers); v.Few {
		return v
	}
	v.Clicks = &sums.Clicks
	v.Conversion, v.ClicksPerPage = sums.Conversion().Value, sums.ClicksPerPage().Value
	if i == c.control || hidden(control.Visitors, control.Clickers, control.Visitors-control.Clickers) {
		return v
	}
	compare := insight.CompareClicksPerPage
	if c.plan.Metric == MetricConversion {
		compare = insight.CompareConversion
	}
	v.Lift = c.lift(compare, control, sums)
	return v
}

// lift compares a variant with the control. Without a verdict where visitors were not
// drawn as they should have been.
func (c *comparison) lift(compare func(control, variant insight.VisitorSums, plan insight.Plan) (insight.Comparison, error), control, variant insight.VisitorSums) Lift {
	compared, err := compare(control, variant, insight.Plan{Variants: len(c.variants), Effect: c.plan.Effect})
	if err != nil {
		return noLift() // not reached: there are two variants, and the effect is checked
	}
	compared = compared.Under(c.ratio)
	return Lift{compared.Lift, compared.Interval, compared.Fixed, compared.Verdict}
}

// byBenefit compares the variants of an experiment for each benefit.
func (r *Reporter) byBenefit(c *comparison) []BenefitVariants {
	labels, names := r.Labels(), r.source.BenefitNames()
	rows := map[string][]insight.VisitorSums{} // by benefit, then variant
	acted := map[string][]uint64{}
	for i := range c.variants {
		for _, b := range c.variants[i].Benefits {
			if int(b.Benefit) >= len(names) {
				continue
			}
			name := names[b.Benefit]
			if rows[name] == nil {
				rows[name], acted[name] = make([]insight.VisitorSums, len(c.variants)), make([]uint64, len(c.variants))
			}
			rows[name][i] = insight.VisitorSums{Visitors: b.Shown, Clickers: min(b.Opened, b.Shown)}
			acted[name][i] = b.Acted
		}
	}
	made := []BenefitVariants{}
	for name, sums := range rows {
		row := BenefitVariants{Identity: labels.identity(name)}
		for i := range sums {
			row.Variants = append(row.Variants, c.ofBenefit(i, sums, acted[name][i]))
		}
		made = append(made, row)
	}
	slices.SortFunc(made, func(a, b BenefitVariants) int { return strings.Compare(a.ID, b.ID) })
	return made
}

func (c *comparison) ofBenefit(i int, sums []insight.VisitorSums, acted uint64) BenefitVariant {
	own, control := sums[i], sums[c.control]
	v := BenefitVariant{Name: c.variants[i].Name, Conversion: insight.Unknown(), Lift: noLift()}
	if v.Shown, v.Few = told(own.Visitors, own.Visitors); v.Few {
		return v
	}
	if !hidden(own.Clickers, own.Visitors-own.Clickers) {
		v.Opened = &own.Clickers
	}
	// Who acted need not have opened.
	if !hidden(acted, own.Visitors-min(acted, own.Visitors), own.Clickers-min(acted, own.Clickers)) {
		v.Acted = &acted
	}
	if v.Few = v.Opened == nil || v.Acted == nil; v.Opened == nil {
		return v
	}
	v.Conversion = own.Conversion().Value
	if i != c.control && !hidden(control.Visitors, control.Clickers, control.Visitors-control.Clickers) {
		v.Lift = c.lift(insight.CompareConversion, control, own)
	}
	return v
}
