package insight_test

import (
	"math"
	"slices"
	"testing"

	"stats-recorder/insight"
)

func TestWilsonIntervalsAreThoseOfTheLiterature(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hits, trials uint64
		want         []float64
	}{
		{0, 0, nil}, {5, 4, nil},
		// Newcombe, Statistics in Medicine 1998, table I, to its four digits.
		{81, 263, []float64{0.2553, 0.3662}},
		{15, 148, []float64{0.0624, 0.1605}},
		{0, 20, []float64{0, 0.1611}},
		{1, 29, []float64{0.0061, 0.1718}},
		{20, 20, []float64{1 - 0.1611, 1}},
	} {
		have := insight.Wilson(c.hits, c.trials)
		if have.Known() != (c.want != nil) {
			t.Errorf("%d of %d is %v", c.hits, c.trials, have)
		} else if c.want != nil && (!near(float64(have.Lower), c.want[0], 5e-5) || !near(float64(have.Upper), c.want[1], 5e-5)) {
			t.Errorf("%d of %d is %v, want %v", c.hits, c.trials, have, c.want)
		}
	}
}

func TestAnIntervalExcludesAverageExactlyIfItsDeviateIsLarge(t *testing.T) {
	t.Parallel()
	for _, clicks := range []float64{0, 1, 2, 10, 100} {
		for _, expected := range []float64{0.01, 0.5, 3, 20, 1000} {
			for _, more := range []float64{0, 0.01, 1, 8, 9, 100, 1e4, 1e12} {
				e := insight.Evidence{Clicks: clicks, Expected: expected, Dispersion: 1.5, Variance: 1.5/math.Max(clicks, 1) + more}
				interval, z := e.Interval(), e.Deviate()
				outside := interval.Lower > 1 || interval.Upper < 1
				if outside != (math.Abs(z) > 1.959963984540054) || interval.Lower > 1 != (z > 1.959963984540054) {
					t.Errorf("%+v has interval %v and deviate %v", e, interval, z)
				}
				if !interval.Known() || interval.Lower > interval.Upper {
					t.Errorf("%+v has interval %v", e, interval)
				}
			}
		}
	}
}

func TestLessKnowledgeNeverMakesAnIntervalNarrower(t *testing.T) {
	t.Parallel()
	before := insight.Interval{Lower: 1, Upper: 1}
	for variance := 0.11; variance < 1e5; variance *= 1.1 {
		now := insight.Evidence{Clicks: 10, Expected: 10, Dispersion: 1, Variance: variance}.Interval()
		if now.Lower > before.Lower || now.Upper < before.Upper {
			t.Fatalf("with variance %v the interval is %v, before it was %v", variance, now, before)
		}
		before = now
	}
}

func TestABenefitThatIsNearlyAllThereIsHasNoCertainty(t *testing.T) {
	t.Parallel()
	e := insight.Evidence{Clicks: 1, Expected: 1.8, Dispersion: 1, Variance: 0.02}
	if e.WidthVariance() <= 0 || e.Interval().Lower >= e.Interval().Upper {
		t.Errorf("one click is certainty: %v, %v", e.WidthVariance(), e.Interval())
	}
	if nothing := (insight.Evidence{Dispersion: 1}); nothing.Interval().Known() || nothing.Deviate() != 0 || nothing.P() != 1 {
		t.Errorf("nothing expected is %v, %v, %v", nothing.Interval(), nothing.Deviate(), nothing.P())
	}
}

func TestShrinkingDrawsToTheMeanByLackOfEvidence(t *testing.T) {
	t.Parallel()
	evidence := []insight.Evidence{
		{Clicks: 200, Expected: 100, Dispersion: 1}, {Clicks: 2, Expected: 1, Dispersion: 1}, {Clicks: 0, Expected: 1, Dispersion: 1},
		{Clicks: 50, Expected: 100, Dispersion: 1}, {Clicks: 150, Expected: 100, Dispersion: 1},
	}
	prior := insight.Shrink(evidence)
	scores := make([]float64, len(evidence))
	for i, e := range evidence {
		scores[i] = float64(prior.Score(e))
	}
	if !(scores[0] > scores[1] && scores[1] > scores[2] && scores[2] > scores[3]) {
		t.Errorf("scores are %v", scores)
	}
	same := make([]insight.Evidence, 20)
	for i := range same {
		same[i] = insight.Evidence{Clicks: 10, Expected: 10, Dispersion: 1}
	}
	prior = insight.Shrink(same)
	if !near(float64(prior.Shape), 1e4, 1e-9) || !near(float64(prior.Rate), 1e4, 1e-9) {
		t.Errorf("merits that are all the same have prior %+v, want the narrowest there is", prior)
	}
	for name, few := range map[string][]insight.Evidence{"none": nil, "one": evidence[:1], "no clicks": {evidence[2], evidence[2]}} {
		if prior := insight.Shrink(few); prior.Shape.Known() || prior.Score(evidence[0]).Known() {
			t.Errorf("of %s the prior is %+v", name, prior)
		}
	}
}

func TestRanksKeepTheOrderOfEquals(t *testing.T) {
	t.Parallel()
	if have := insight.Ranks([]insight.Number{1, 3, 1, 2}); !slices.Equal(have, []int{3, 1, 4, 2}) {
		t.Errorf("ranks are %v", have)
	}
	if have := insight.Ranks(nil); len(have) != 0 {
		t.Errorf("ranks of nothing are %v", have)
	}
}

func TestRankIntervalsLeaveOpenWhatIntervalsDo(t *testing.T) {
	t.Parallel()
	have := insight.RankIntervals([]insight.Interval{{Lower: 5, Upper: 6}, {Lower: 3, Upper: 5}, {Lower: 1, Upper: 2}, {Lower: 0, Upper: 9}})
	want := []insight.RankInterval{{First: 1, Last: 3}, {First: 1, Last: 3}, {First: 3, Last: 4}, {First: 1, Last: 4}}
	if !slices.Equal(have, want) {
		t.Errorf("rank intervals are %v, want %v", have, want)
	}
}

func TestDiscoveriesAreThoseOfBenjaminiAndHochberg(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		probabilities []float64
		want          []bool
	}{
		{nil, nil},
		{[]float64{0.05}, []bool{true}},
		{[]float64{0.051}, []bool{false}},
		{[]float64{0.04, 0.9, 0.049}, []bool{false, false, false}},
		{[]float64{0.05, 0.03, 0.04}, []bool{true, true, true}}, // the largest carries the others
		{[]float64{0.5, 0.001, 0.02, 0.9}, []bool{false, true, true, false}},
		{[]float64{1, 1, 0}, []bool{false, false, true}},
	} {
		if have := insight.Discoveries(c.probabilities, 0.05); !slices.Equal(have, c.want) {
			t.Errorf("of %v the discoveries are %v, want %v", c.probabilities, have, c.want)
		}
	}
}

func TestDispersionIsOneWithoutFreedomAndLargeForClusteredCounts(t *testing.T) {
	t.Parallel()
	if have := insight.Dispersion([]float64{10, 0}, []float64{5, 5}, 2); have != 1 {
		t.Errorf("without freedom it is %v", have)
	}
	if have := insight.Dispersion([]float64{5, 5, 5}, []float64{5, 5, 5}, 1); have != 1 {
		t.Errorf("of counts that are exact it is %v", have)
	}
	if have := insight.Dispersion([]float64{20, 0, 20, 0}, []float64{10, 10, 10, 10}, 1); !near(have, 40./3, 1e-12) {
		t.Errorf("of clustered counts it is %v, want 40/3", have)
	}
}
