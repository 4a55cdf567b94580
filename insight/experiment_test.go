package insight_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"stats-recorder/insight"
)

type experimentFixture struct {
	Input map[string]struct {
		Visitors, Clickers, Pages, Pages2, Clicks, Clicks2 uint64
		PagesClicks                                        uint64 `json:"pages_clicks"`
	}
	Expected map[string]json.RawMessage
}

type comparisonFixture struct {
	Control, Variant, Lift float64
	Fixed                  []float64
	AlwaysValid            []float64 `json:"always_valid"`
	Ready                  bool
	Verdict                insight.Verdict
}

type ratioFixture struct {
	Chi2, P float64
	Alarm   bool
}

func readExperiment(t *testing.T) (map[string]insight.VisitorSums, experimentFixture) {
	t.Helper()
	content, err := os.ReadFile("testdata/20-experiment.json")
	if err != nil {
		t.Fatal(err)
	}
	var f experimentFixture
	if err := json.Unmarshal(content, &f); err != nil {
		t.Fatal(err)
	}
	sums := map[string]insight.VisitorSums{}
	for name, s := range f.Input {
		sums[name] = insight.VisitorSums{
			Visitors: s.Visitors, Clickers: s.Clickers, Pages: s.Pages, Clicks: s.Clicks,
			PagesSquared: s.Pages2, ClicksSquared: s.Clicks2, PagesClicks: s.PagesClicks,
		}
	}
	return sums, f
}

func (f experimentFixture) read(t *testing.T, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(f.Expected[name], into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestMeasuresOfAVariantHold(t *testing.T) {
	t.Parallel()
	sums, f := readExperiment(t)
	for name, have := range map[string]insight.Measure{
		"ratio_tiny":   sums["tiny"].ClicksPerPage(),
		"ratio_A":      sums["A"].ClicksPerPage(),
		"conversion_A": sums["A"].Conversion(),
	} {
		var want [2]float64
		f.read(t, name, &want)
		same(t, name, have.Value, &want[0])
		if !near(float64(have.Variance)/want[1], 1, 1e-9) {
			t.Errorf("variance of %s is %v, want %v", name, have.Variance, want[1])
		}
	}
}

func TestComparisonsOfVariantsHold(t *testing.T) {
	t.Parallel()
	sums, f := readExperiment(t)
	type comparison = func(control, variant insight.VisitorSums, plan insight.Plan) (insight.Comparison, error)
	for _, c := range []struct {
		name, variant string
		compare       comparison
		variants      int
	}{
		{"AB_ratio", "B", insight.CompareClicksPerPage, 2},
		{"AB_conversion", "B", insight.CompareConversion, 2},
		{"AB_of_three", "B", insight.CompareClicksPerPage, 3},
		{"AC_ratio", "C", insight.CompareClicksPerPage, 3},
	} {
		var want comparisonFixture
		f.read(t, c.name, &want)
		have, err := c.compare(sums["A"], sums[c.variant], insight.Plan{Variants: c.variants, Effect: insight.DefaultEffect})
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name+": control", have.Control.Value, &want.Control)
		same(t, c.name+": variant", have.Variant.Value, &want.Variant)
		same(t, c.name+": lift", have.Lift, &want.Lift)
		sameInterval(t, c.name+": fixed interval", have.Fixed, want.Fixed)
		sameInterval(t, c.name+": always-valid interval", have.Interval, want.AlwaysValid)
		if have.Ready != want.Ready || have.Verdict != want.Verdict {
			t.Errorf("%s is ready %t and %q, want %t and %q", c.name, have.Ready, have.Verdict, want.Ready, want.Verdict)
		}
	}
}

func TestSampleRatiosHold(t *testing.T) {
	t.Parallel()
	_, f := readExperiment(t)
	for _, c := range []struct {
		name     string
		visitors []uint64
		weights  []float64
	}{
		{"srm_AB", []uint64{4000, 4050}, nil},
		{"srm_ABC", []uint64{4000, 4050, 3500}, nil},
		// The fixture does not say its visitors; these have its χ².
		{"srm_weighted", []uint64{10_920, 1_180}, []float64{9, 1}},
	} {
		var want ratioFixture
		f.read(t, c.name, &want)
		have, err := insight.CheckSampleRatio(c.visitors, c.weights)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name+": χ²", have.ChiSquared, &want.Chi2)
		if !near(float64(have.P)/want.P, 1, 1e-9) || have.Broken != want.Alarm {
			t.Errorf("%s has p %v and alarm %t, want %v and %t", c.name, have.P, have.Broken, want.P, want.Alarm)
		}
	}
}

func TestComparisonsWithoutEnoughToGoByDecideNothing(t *testing.T) {
	t.Parallel()
	plan := insight.Plan{Variants: 2, Effect: insight.DefaultEffect}
	many := insight.VisitorSums{Visitors: 1000, Clickers: 300, Pages: 1000, PagesSquared: 1000, Clicks: 300, ClicksSquared: 300, PagesClicks: 300}
	for _, c := range []struct {
		name             string
		control, variant insight.VisitorSums
		known            bool
	}{
		{"nobody at all", insight.VisitorSums{}, insight.VisitorSums{}, false},
		{"nobody in the variant", many, insight.VisitorSums{}, false},
		{"nobody clicked the variant", many, insight.VisitorSums{Visitors: 1000, Pages: 1000, PagesSquared: 1000}, false},
		{"one visitor", many, insight.VisitorSums{Visitors: 1, Clickers: 1, Pages: 1, PagesSquared: 1, Clicks: 1, ClicksSquared: 1, PagesClicks: 1}, false},
		{"99 visitors, all of whom clicked twice", many, insight.VisitorSums{Visitors: 99, Clickers: 99, Pages: 99, PagesSquared: 99, Clicks: 198, ClicksSquared: 396, PagesClicks: 198}, true},
	} {
		have, err := insight.CompareClicksPerPage(c.control, c.variant, plan)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if have.Ready || have.Verdict != insight.VerdictUndecided || have.Interval.Known() != c.known || have.Fixed.Known() != c.known {
			t.Errorf("%s: %+v, want undecided and intervals known %t", c.name, have, c.known)
		}
	}
}

func TestALargeDifferenceIsDecidedAndABrokenAssignmentWithholdsIt(t *testing.T) {
	t.Parallel()
	plan := insight.Plan{Variants: 2, Effect: insight.DefaultEffect}
	sums := func(clickers uint64) insight.VisitorSums {
		return insight.VisitorSums{
			Visitors: 10_000, Clickers: clickers, Pages: 10_000, PagesSquared: 10_000,
			Clicks: clickers, ClicksSquared: clickers, PagesClicks: clickers,
		}
	}
	for _, c := range []struct {
		control, variant uint64
		want             insight.Verdict
	}{{3000, 3600, insight.VerdictAbove}, {3600, 3000, insight.VerdictBelow}, {3000, 3010, insight.VerdictUndecided}} {
		have, err := insight.CompareConversion(sums(c.control), sums(c.variant), plan)
		if err != nil || have.Verdict != c.want {
			t.Errorf("%d against %d of 10000 is %q, %v, want %q", c.variant, c.control, have.Verdict, err, c.want)
		}
		if withheld := have.Under(insight.SampleRatio{Broken: true}); withheld.Verdict != insight.VerdictWithheld {
			t.Errorf("under a broken assignment the verdict is %q", withheld.Verdict)
		}
		if kept := have.Under(insight.SampleRatio{}); kept.Verdict != c.want {
			t.Errorf("under a sound assignment the verdict is %q, want %q", kept.Verdict, c.want)
		}
	}
}

func TestPlansAndWeightsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, plan := range []insight.Plan{
		{}, {Variants: 1, Effect: 0.1}, {Variants: 2}, {Variants: 2, Effect: -0.1}, {Variants: 2, Effect: math.NaN()}, {Variants: 2, Effect: math.Inf(1)},
	} {
		if _, err := insight.CompareConversion(insight.VisitorSums{}, insight.VisitorSums{}, plan); !errors.Is(err, insight.ErrExperiment) {
			t.Errorf("plan %+v gives %v, want ErrExperiment", plan, err)
		}
	}
	for _, c := range []struct {
		visitors []uint64
		weights  []float64
	}{
		{nil, nil}, {[]uint64{1}, nil}, {[]uint64{1, 2}, []float64{1}}, {[]uint64{1, 2}, []float64{1, 0}}, {[]uint64{1, 2, 3}, []float64{0, 0, 0}},
		{[]uint64{1, 2}, []float64{1, -1}}, {[]uint64{1, 2}, []float64{1, math.NaN()}}, {[]uint64{1, 2}, []float64{1, math.Inf(1)}},
	} {
		if _, err := insight.CheckSampleRatio(c.visitors, c.weights); !errors.Is(err, insight.ErrExperiment) {
			t.Errorf("visitors %v with weights %v give %v, want ErrExperiment", c.visitors, c.weights, err)
		}
	}
	if ratio, err := insight.CheckSampleRatio([]uint64{0, 0}, nil); err != nil || ratio.P.Known() || ratio.Broken {
		t.Errorf("the sample ratio of nobody is %+v, %v", ratio, err)
	}
}

func TestAnExperimentWithoutEffectIsSeldomDecidedThoughLookedAtEveryDay(t *testing.T) {
	t.Parallel()
	const experiments, days, visitors = 200, 60, 60
	plan := insight.Plan{Variants: 2, Effect: insight.DefaultEffect}
	random := rand.New(rand.NewPCG(14, 1))
	alarms := 0
	for range experiments {
		var sums [2]insight.VisitorSums
		decided := false
		for range days {
			for v := range sums {
				sums[v] = sums[v].Add(fairVisitors(random, visitors))
			}
			c, err := insight.CompareClicksPerPage(sums[0], sums[1], plan)
			if err != nil {
				t.Fatal(err)
			}
			decided = decided || c.Verdict != insight.VerdictUndecided
		}
		if decided {
			alarms++
		}
	}
	if alarms > experiments/20 {
		t.Errorf("%d of %d experiments without effect were decided, want at most 5 %%", alarms, experiments)
	}
}

// fairVisitors are visitors of one to three pages; each click is likely to come
// again.
func fairVisitors(random *rand.Rand, n int) insight.VisitorSums {
	var sums insight.VisitorSums
	for range n {
		pages, clicks := uint64(1+random.IntN(3)), uint64(0)
		for range pages {
			for random.Float64() < 0.3 {
				clicks++
			}
		}
		one := insight.VisitorSums{
			Visitors: 1, Pages: pages, Clicks: clicks,
			PagesSquared: pages * pages, ClicksSquared: clicks * clicks, PagesClicks: pages * clicks,
		}
		if clicks > 0 {
			one.Clickers = 1
		}
		sums = sums.Add(one)
	}
	return sums
}
