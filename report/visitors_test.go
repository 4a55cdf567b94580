package report_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/report"
	"stats-recorder/visitors"
)

// counted are days of visitors.
type counted struct {
	days []visitors.Sums
	kept counters.Day
}

func (c counted) KeptFrom() counters.Day { return c.kept }

func (c counted) Daily(from, to counters.Day) (days []visitors.Sums, err error) {
	for _, day := range c.days {
		if day.Day >= from && day.Day < to {
			days = append(days, day)
		}
	}
	return days, nil
}

func (c counted) Sums(from, to counters.Day) (all visitors.Sums, err error) {
	days, _ := c.Daily(from, to)
	for _, day := range days {
		all = all.Merge(day, 64)
	}
	return all, nil
}

// group are visitors of whom some opened something, each with two pages and a click if so.
func group(visited, opened uint64) visitors.Group {
	g := visitors.Group{Pages: 2 * visited, PagesSquared: 4 * visited, Clicks: opened, ClicksSquared: opened, PagesClicks: 2 * opened}
	g.ByStages[visitors.Shown] = visited - opened
	g.ByStages[visitors.Shown|visitors.Opened] = opened
	return g
}

func variant(experiment, name string, visited, opened uint64) visitors.Variant {
	return visitors.Variant{Experiment: experiment, Name: name, Group: group(visited, opened)}
}

// reporterOf reports days of which the first is that of the source's one record.
func reporterOfVisitors(t *testing.T, kept counters.Day, days ...visitors.Sums) *report.Reporter {
	t.Helper()
	s := newSource()
	s.record(t, hour, map[string]map[string]places{"rsa": {"show": {"1": {"1": 1}}}, "apl": {"show": {"1": {"1": 1}}}})
	for i := range days {
		days[i].Day = hour.Day() + counters.Day(i)
	}
	return report.New(report.Options{Source: s, Visitors: counted{days, kept}})
}

// part is a part of an answer's JSON, by the names that lead to it.
func part(t *testing.T, answer any, err error, path ...any) any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			if _, there := object[step]; !there {
				t.Fatalf("%s has no %v of %v", text, step, path)
			}
			value = object[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

func TestVisitorsAreAddedUpByStep(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, 0, visitors.Sums{All: group(100, 24), AnonymousRecords: 7}, visitors.Sums{All: group(50, 10), Halvings: 1})
	all := report.Query{From: hour.Day(), To: hour.Day() + 30}
	answer, err := r.Visitors(t.Context(), all)
	for name, want := range map[string]any{
		"visitor_days": 200.0, "days": 2.0, "sampled": 0.5, "anonymous_records": 7.0, "pages_per_visitor": 2.0, "few": false,
	} {
		if got := part(t, answer, err, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := part(t, answer, err, "no_opening").(float64); got < 0.75 || got > 0.78 {
		t.Errorf("no_opening is %v", got)
	}
	if got := part(t, answer, err, "steps", 1, "visitor_days"); got != 100.0 {
		t.Errorf("the second day has %v", got)
	}
	all.Step = report.StepMonth
	answer, err = r.Visitors(t.Context(), all)
	if got := part(t, answer, err, "steps", 0, "visitor_days"); got != 200.0 {
		t.Errorf("the month has %v", got)
	}
	if got := part(t, answer, err, "steps"); len(got.([]any)) != 1 {
		t.Errorf("months are %v", got)
	}
}

func TestFewVisitorsAreNotTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		visited, opened uint64
		visitorDays     any
		noOpening       bool
		few             bool
	}{
		"nobody":                   {0, 0, 0.0, false, false},
		"four":                     {4, 0, nil, false, true},
		"five":                     {5, 0, 5.0, true, false},
		"few who opened":           {100, 4, 100.0, false, false},
		"few who opened nothing":   {100, 97, 100.0, false, false},
		"enough of both":           {100, 50, 100.0, true, false},
		"all who opened something": {100, 100, 100.0, true, false},
	} {
		answer, err := reporterOfVisitors(t, 0, visitors.Sums{All: group(test.visited, test.opened)}).Visitors(t.Context(), report.Query{})
		if got := part(t, answer, err, "visitor_days"); got != test.visitorDays {
			t.Errorf("%s: there are %v, want %v", name, got, test.visitorDays)
		}
		if got := part(t, answer, err, "no_opening") != nil; got != test.noOpening {
			t.Errorf("%s: no_opening is told: %v, want %v", name, got, test.noOpening)
		}
		if got := part(t, answer, err, "few"); got != test.few {
			t.Errorf("%s: few is %v", name, got)
		}
	}
}

func TestVisitorsThatAreNotKeptAreNotShown(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, hour.Day()+1, visitors.Sums{All: group(100, 25)}, visitors.Sums{All: group(50, 10)})
	answer, err := r.Visitors(t.Context(), report.Query{From: hour.Day(), To: hour.Day() + 2})
	if got := part(t, answer, err, "visitor_days"); got != 50.0 {
		t.Errorf("there are %v", got)
	}
	if got := part(t, answer, err, "window", "cut"); got != true {
		t.Errorf("cut is %v", got)
	}
}

func TestWithoutALedgerThereAreNoVisitors(t *testing.T) {
	t.Parallel()
	r := report.New(report.Options{Source: newSource()})
	if _, err := r.Visitors(t.Context(), report.Query{}); !errors.Is(err, report.ErrNoVisitors) {
		t.Errorf("visitors: %v", err)
	}
	if _, err := r.Experiments(t.Context(), report.Query{}); !errors.Is(err, report.ErrNoVisitors) {
		t.Errorf("experiments: %v", err)
	}
	funnel, err := r.Funnel(t.Context(), report.Query{})
	if got := part(t, funnel, err, "visitors_missing"); got != "visitors are not counted" {
		t.Errorf("the funnel says %v", got)
	}
}

func TestTheFunnelHasVisitors(t *testing.T) {
	t.Parallel()
	day := visitors.Sums{All: group(100, 25), Benefits: []visitors.Benefit{{Benefit: 0}, {Benefit: 1}}}
	day.Benefits[0].ByStages[visitors.Shown] = 40
	day.Benefits[1].ByStages[visitors.Shown] = 4
	r := reporterOfVisitors(t, 0, day)
	funnel, err := r.Funnel(t.Context(), report.Query{Version: version})
	if got := part(t, funnel, err, "visitors", "open_rate"); got != 0.25 {
		t.Errorf("open_rate is %v", got)
	}
	told := 0
	for i := range 2 {
		if part(t, funnel, err, "benefits", i, "visitors", "few") == false {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d benefits of two are told, want that which 40 were shown", told)
	}
	grouped, err := r.Funnel(t.Context(), report.Query{Version: version, Group: "CAF"})
	if got := part(t, grouped, err, "visitors"); got != nil {
		t.Errorf("a group has visitors %v", got)
	}
}

func TestTheTimelineHasVisitorDays(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, 0, visitors.Sums{All: group(100, 25)})
	timeline, err := r.Timeline(t.Context(), report.Query{Version: version, From: hour.Day() - 1, To: hour.Day() + 1})
	if got := part(t, timeline, err, "steps", 1, "visitor_days"); got != 100.0 {
		t.Errorf("the day has %v", got)
	}
	if got := part(t, timeline, err, "steps", 0, "visitor_days"); got != nil {
		t.Errorf("the day before has %v", got)
	}
}

func TestVariantsAreHeldAgainstTheControl(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{
		variant("broken", "A", 5000, 500), variant("broken", "B", 4000, 600),
		variant("place", "A", 5000, 500), variant("place", "B", 5020, 900), variant("place", "C", 4, 1),
		variant("same", "A", 5000, 500), variant("same", "B", 5010, 505),
		variant("single", "A", 50, 20),
	}})
	all, err := r.Experiments(t.Context(), report.Query{})
	for _, test := range []struct {
		want any
		path []any
	}{
		{4, nil},
		{"withheld", []any{"experiments", 0, "variants", 1, "verdict"}},
		{"broken", []any{"experiments", 0, "srm", "verdict"}},
		{"A", []any{"experiments", 1, "control"}},
		{nil, []any{"experiments", 1, "variants", 0, "verdict"}},
		{true, []any{"experiments", 1, "variants", 2, "few"}},
		{nil, []any{"experiments", 1, "variants", 2, "visitors"}},
		{nil, []any{"experiments", 1, "variants", 2, "clicks_per_page"}},
		{"undecided", []any{"experiments", 2, "variants", 1, "verdict"}},
		{"broken", []any{"experiments", 1, "srm", "verdict"}},
		{nil, []any{"experiments", 1, "srm", "p"}}, // from which the four would follow
		{"ok", []any{"experiments", 2, "srm", "verdict"}},
		{nil, []any{"experiments", 3, "srm"}},
		{0.05, []any{"experiments", 2, "variants", 0, "clicks_per_page"}},
		{0.1, []any{"experiments", 2, "variants", 0, "conversion"}},
	} {
		if test.path == nil {
			if got := len(part(t, all, err, "experiments").([]any)); got != test.want {
				t.Errorf("there are %d experiments", got)
			}
			continue
		}
		if got := part(t, all, err, test.path...); got != test.want {
			t.Errorf("%v is %v, want %v", test.path, got, test.want)
		}
	}
	for _, metric := range report.Metrics() {
		one, err := r.Experiments(t.Context(), report.Query{Plan: report.Plan{Experiment: "same", Control: "B", Metric: metric, Effect: 0.2}})
		if got := part(t, one, err, "experiments", 0, "control"); got != "B" {
			t.Errorf("%s: the control is %v", metric, got)
		}
		if got := part(t, one, err, "experiments", 0, "variants", 0, "interval"); got == nil {
			t.Errorf("%s: no interval", metric)
		}
	}
}

// TestNamesThatAreMadeUpAreNotTheControl has visitors of other variants, who come first by name.
func TestNamesThatAreMadeUpAreNotTheControl(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{
		variant(visitors.Other, visitors.Other, 50, 20),
		variant("place", visitors.Other, 90, 20), variant("place", "bottom", 100, 20), variant("place", "top", 100, 40),
	}})
	for asked, want := range map[string]string{"": "bottom", "top": "top", "none": "bottom", visitors.Other: visitors.Other} {
		all, err := r.Experiments(t.Context(), report.Query{Plan: report.Plan{Control: asked}})
		if got := part(t, all, err, "experiments", 1, "control"); got != want {
			t.Errorf("asked for %q the control is %v, want %q", asked, got, want)
		}
	}
}

func TestVisitorsOfNamesThatAreMadeUpBreakNoDraw(t *testing.T) {
	t.Parallel()
	other := func(count uint64) visitors.Variant { return variant("place", visitors.Other, count, 0) }
	bottom, top := variant("place", "bottom", 1000, 20), variant("place", "top", 1000, 20)
	for name, test := range map[string]struct {
		variants []visitors.Variant
		weights  []float64
		verdict  string
	}{
		"a few made-up names":           {[]visitors.Variant{other(1), bottom, top}, nil, "ok"},
		"many":                          {[]visitors.Variant{other(90), bottom, top}, nil, "ok"},
		"they are said to be drawn":     {[]visitors.Variant{other(1), bottom, top}, []float64{1, 1, 1}, "broken"},
		"they are said not to be drawn": {[]visitors.Variant{other(1), bottom, top}, []float64{0, 1, 1}, "ok"},
		"a variant is not drawn":        {[]visitors.Variant{bottom, variant("place", "old", 7, 0), top}, []float64{1, 0, 1}, "ok"},
		"the draw is broken beside":     {[]visitors.Variant{other(1), bottom, variant("place", "top", 600, 20)}, nil, "broken"},
		"one variant has a name":        {[]visitors.Variant{other(4), bottom}, nil, "broken"},
	} {
		r := reporterOfVisitors(t, 0, visitors.Sums{Variants: test.variants})
		one, err := r.Experiments(t.Context(), report.Query{Plan: report.Plan{Experiment: "place", Weights: test.weights}})
		if got := part(t, one, err, "experiments", 0, "srm", "verdict"); got != test.verdict {
			t.Errorf("%s: the draw is %v, want %s", name, got, test.verdict)
		}
	}
}

// TestNoWeightsTellHowManyAVariantOfFewHas asks with any weights: from which on the ratio is
// broken would say how many there are.
func TestNoWeightsTellHowManyAVariantOfFewHas(t *testing.T) {
	t.Parallel()
	answers := map[string][]uint64{}
	for few := uint64(1); few <= 4; few++ {
		r := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{variant("place", "A", 40, 20), variant("place", "B", 45, 20), variant("place", "C", few, 0)}})
		text := ""
		for weight := 0.001; weight < 100; weight *= 1.05 {
			one, err := r.Experiments(t.Context(), report.Query{Plan: report.Plan{Experiment: "place", Weights: []float64{1, 1, weight}}})
			if err != nil {
				t.Fatal(err)
			}
			text += asJSON(t, one)
		}
		if !strings.Contains(text, `"broken"`) || !strings.Contains(text, `"ok"`) {
			t.Fatal("no weight makes a difference")
		}
		answers[text] = append(answers[text], few)
	}
	if len(answers) != 1 {
		t.Errorf("a variant of 1 to 4 visitors is told in %d ways", len(answers))
	}
}

func TestBenefitsAreComparedInOneExperiment(t *testing.T) {
	t.Parallel()
	a, b := variant("place", "A", 5000, 500), variant("place", "B", 5020, 900)
	a.Benefits = []visitors.VariantBenefit{{Benefit: 0, Shown: 1000, Opened: 50, Acted: 2}, {Benefit: 1, Shown: 3}}
	b.Benefits = []visitors.VariantBenefit{{Benefit: 0, Shown: 1000, Opened: 150, Acted: 20}}
	one, err := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{a, b}}).
		Experiments(t.Context(), report.Query{Plan: report.Plan{Experiment: "place"}})
	rows := part(t, one, err, "experiments", 0, "by_benefit").([]any)
	if len(rows) != 2 {
		t.Fatalf("benefits are %v", rows)
	}
	for i, row := range rows {
		if row.(map[string]any)["id"] != "apl" && row.(map[string]any)["id"] != "rsa" {
			t.Errorf("benefit %v", row)
		}
		variants := row.(map[string]any)["variants"].([]any)
		if first := variants[0].(map[string]any); first["shown"] == nil && first["few"] != true {
			t.Errorf("benefit %d: %v", i, first)
		} else if first["shown"] == 1000.0 && (first["acted"] != nil || variants[1].(map[string]any)["verdict"] != "above") {
			t.Errorf("benefit %d: %v", i, variants)
		}
	}
}

func TestAPlanThatDoesNotFitSaysWhatWould(t *testing.T) {
	t.Parallel()
	r := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{variant("place", "A", 50, 20), variant("place", "B", 50, 20)}})
	for name, plan := range map[string]report.Plan{
		"control": {Experiment: "place", Control: "C"},
		"weights": {Experiment: "place", Weights: []float64{1, 2, 3}},
	} {
		_, err := r.Experiments(t.Context(), report.Query{Plan: plan})
		if !errors.Is(err, report.ErrPlan) || !strings.Contains(err.Error(), "A, B") || strings.Count(err.Error(), "cannot be compared") != 1 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoActedIsNotToldWhereAFewWhoDidNotWouldFollow(t *testing.T) {
	t.Parallel()
	day := visitors.Sums{}
	day.All.ByStages[visitors.Shown] = 2
	day.All.ByStages[visitors.Shown|visitors.Opened|visitors.Acted] = 18
	funnel, err := reporterOfVisitors(t, 0, day).Funnel(t.Context(), report.Query{Version: version})
	if got := part(t, funnel, err, "visitors", "acted"); got != nil {
		t.Errorf("18 of 20 are told, who acted: %v", got)
	}
	a, b := variant("place", "A", 5000, 500), variant("place", "B", 5020, 900)
	a.Benefits = []visitors.VariantBenefit{{Benefit: 0, Shown: 40, Opened: 20, Acted: 18}}
	b.Benefits = []visitors.VariantBenefit{{Benefit: 0, Shown: 40, Opened: 20, Acted: 30}}
	one, err := reporterOfVisitors(t, 0, visitors.Sums{Variants: []visitors.Variant{a, b}}).
		Experiments(t.Context(), report.Query{Plan: report.Plan{Experiment: "place"}})
	for i, want := range []any{nil, 30.0} {
		if got := part(t, one, err, "experiments", 0, "by_benefit", 0, "variants", i, "acted"); got != want {
			t.Errorf("variant %d: %v acted, want %v", i, got, want)
		}
	}
}
