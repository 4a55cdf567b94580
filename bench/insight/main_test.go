package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestARunPrintsItsTables(t *testing.T) {
	t.Parallel()
	var output bytes.Buffer
	if err := run([]string{"-pages", "20", "-experiments", "2", "-seed", "3"}, &output); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-pages 20 -runs 1 -experiments 2 -seed 3", "Kendall's τ", "| 20 | cascade, best last |", "Intervals of 95 %", "| +20 % | 2 |"} {
		if !strings.Contains(output.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, &output)
		}
	}
}

func TestTheSameSeedFindsTheSame(t *testing.T) {
	t.Parallel()
	asked := &options{runs: 1, seed: 3}
	for i, b := range behaviours() {
		first, second := asked.find(i, b, 100, 1), asked.find(i, b, 100, 1)
		if !slices.Equal(first.agreement, second.agreement) || first.coverage != second.coverage {
			t.Errorf("%s: %+v and then %+v", b.name, first.coverage, second.coverage)
		}
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"-runs", "0"}, {"-experiments", "-1"}, {"more"}} {
		if err := run(arguments, &bytes.Buffer{}); !errors.Is(err, errBadOption) {
			t.Errorf("%q gives %v, want errBadOption", arguments, err)
		}
	}
	for _, pages := range []string{"0", "", "1,x"} {
		if err := run([]string{"-pages", pages}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q are taken for numbers of pages", pages)
		}
	}
}

func TestAgreementCountsPairsAndLeavesTiesOpen(t *testing.T) {
	t.Parallel()
	w := simulate(rand.New(rand.NewPCG(1, 2)), behaviours()[0], 200)
	opposite, nothing := make([]float64, benefits), make([]float64, benefits)
	for benefit, merit := range w.world.merit {
		opposite[benefit] = -merit
	}
	for _, c := range []struct {
		scores []float64
		want   float64
	}{{w.world.merit, 1}, {opposite, -1}, {nothing, 0}} {
		if have := w.agreement(c.scores); have != c.want {
			t.Errorf("agreement is %v, want %v", have, c.want)
		}
	}
}

// The claims that the statistics are chosen for, with room for chance.
func TestMeritIsNearerToTheTruthThanItsRivalsAndItsIntervalsHoldIt(t *testing.T) {
	t.Parallel()
	asked := &options{runs: 1, seed: 1}
	const raw, coec, merit = 0, 2, 5
	for i, b := range behaviours() {
		if b.cascades() {
			continue
		}
		f := asked.find(i, b, 5000, 2)
		if f.agreement[merit] < 0.7 || f.agreement[merit] < f.agreement[coec]-0.02 || b.order <= 0 && f.agreement[merit] < f.agreement[raw]-0.02 {
			t.Errorf("%s: merit agrees with the truth by %.2f, COEC by %.2f, raw rates by %.2f", b.name, f.agreement[merit], f.agreement[coec], f.agreement[raw])
		}
		c := f.coverage
		if c.identified != c.runs || share(c.inside, c.benefits) < 0.93 || share(c.ranks, c.benefits) < 0.98 || share(c.wrong, c.benefits) > 0.01 {
			t.Errorf("%s: %+v", b.name, c)
		}
	}
}
