package insight_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestTheHandExampleSaysWhatItSaysInTheDocumentation(t *testing.T) {
	t.Parallel()
	a := insight.Analyse(confounded(t, 1).counts())
	first, second := row(t, a, "A"), row(t, a, "B")
	for name, c := range map[string][2]float64{
		"raw rates":           {float64(first.CTR / second.CTR), 0.19 / 0.055},
		"COEC":                {math.Round(100*float64(first.COEC/second.COEC)) / 100, 1.34},
		"merits":              {float64(first.Merit / second.Merit), 2},
		"visibility":          {a.Model.Visibility[2], 0.5},
		"level":               {a.Model.Level[2], 0.49 / 3},
		"exposure of A":       {float64(first.Exposure), 0.95},
		"exposure of B":       {float64(second.Exposure), 0.55},
		"upper to visibility": {float64(a.Model.VisibilityInterval(2).Upper) / 0.5, math.Exp(1.959963984540054 * math.Sqrt(0.05663956639566396))},
	} {
		if !near(c[0], c[1], 1e-12) {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	if first.Verdict != insight.VerdictAbove || second.Verdict != insight.VerdictBelow {
		t.Errorf("the verdicts are %q and %q", first.Verdict, second.Verdict)
	}
}

func TestAnotherPlaceHasTheClicksThatItsVisibilityGives(t *testing.T) {
	t.Parallel()
	counts := confounded(t, 1).with("C", events{}.at(t, 1, 1, 100, 10)).with("D", events{}.at(t, 2, 1, 50, 0)).counts()
	m := insight.Analyse(counts).Model
	for _, c := range []struct {
		name  string
		index uint16
		want  insight.Number
	}{
		{"A", 1, 200}, {"A", 2, 100}, {"B", 1, 100}, {"B", 2, 50},
		{"A", 9, 100}, // pages of two have no ninth place: it is their last
		{"A", 0, insight.Unknown()}, {"nobody", 1, insight.Unknown()}, {"D", 2, 0},
	} {
		have := m.WhatIf(counts, c.name, c.index)
		if have.Known() != c.want.Known() || have.Known() && !near(float64(have), float64(c.want), 1e-9) {
			t.Errorf("%s at %d has %v clicks, want %v", c.name, c.index, have, c.want)
		}
	}
}

func TestAPlaceThatWasNeverClickedIsNotKnownForAnotherBenefit(t *testing.T) {
	t.Parallel()
	counts := byName{
		"A": events{}.at(t, 3, 1, 90, 18).at(t, 3, 3, 9, 0).at(t, 3, 2, 50, 5),
		"B": events{}.at(t, 3, 1, 10, 1).at(t, 3, 2, 90, 9),
	}.counts()
	m := insight.Analyse(counts).Model
	if have := m.WhatIf(counts, "B", 3); !m.Identified || have.Known() {
		t.Errorf("B at the third place, where nobody clicked, has %v clicks, want it not known", have)
	}
}

func TestBenefitsAreUnderExposedIfGoodAndFurtherDownThanMost(t *testing.T) {
	t.Parallel()
	all := byName{}
	for name, c := range map[string]struct{ first, second, merit uint64 }{
		"good and up": {1900, 100, 4}, "good and down": {100, 1900, 4}, "bad and down": {100, 1900, 1}, "bad and up": {1900, 100, 1},
	} {
		all[name] = events{}.at(t, 2, 1, c.first, c.first*c.merit/10).at(t, 2, 2, c.second, c.second*c.merit/20)
	}
	for _, b := range insight.Analyse(all.counts()).Benefits {
		if want := b.Name == "good and down"; b.UnderExposed != want {
			t.Errorf("%s is under-exposed %t, want %t (%+v)", b.Name, b.UnderExposed, want, b)
		}
	}
}

func TestTheDaysOfAWindowAddUpToIt(t *testing.T) {
	t.Parallel()
	window, days := insight.NewCounts(fixtureVersion, openedRoles()), make([]*insight.Counts, 7)
	random := rand.New(rand.NewPCG(41, 1))
	for i := range days {
		days[i] = insight.NewCounts(fixtureVersion, openedRoles())
	}
	for name, cells := range simulated(t, 41, 30, 3000) {
		window.Add(name, cells)
		for _, c := range cells { // clicks of a day may have their shows on another
			for range c.Count {
				days[random.IntN(len(days))].Add(name, []counters.Cell{{Key: c.Key, Count: 1}})
			}
		}
	}
	a := insight.Analyse(window)
	var sum, one insight.Outcome
	for _, day := range days {
		sum = sum.Add(a.Model.Day(day, window))
		one = one.Add(a.Model.DayOf(day, window, benefitName(3)))
	}
	observed, expected := uint64(0), 0.0
	for _, b := range a.Benefits {
		observed += b.Compared
		expected += b.Expected * float64(b.Merit)
	}
	if sum.Observed != observed || !near(sum.Expected, expected, 1e-9) {
		t.Errorf("the days are %+v, the window %d and %v", sum, observed, expected)
	}
	third := row(t, a, benefitName(3))
	if one.Observed != third.Compared || !near(one.Expected, float64(third.Compared), 1e-9) {
		t.Errorf("the days of a benefit are %+v, want %d clicks of as many", one, third.Compared)
	}
	if ratio, interval := sum.Ratio(a.Model.Dispersion); !near(float64(ratio), 1, 1e-9) || !(interval.Lower < 1 && 1 < interval.Upper) {
		t.Errorf("the window is %v %v of itself, want 1", ratio, interval)
	}
}

func TestAScaleWeighsDaysAsTheModelDoesAndCountsAllThatTheTableDoes(t *testing.T) {
	t.Parallel()
	all := simulated(t, 43, 30, 3000)
	all["nobody"] = events{}.at(t, 60, 60, 0, 7).at(t, 2, 2, 3, 5)
	all["orphan"] = events{}.at(t, 60, 60, 0, 7)
	window := all.counts()
	a := insight.Analyse(window)
	scale := a.Model.Scale(window)
	var days [3]insight.DaySum
	random := rand.New(rand.NewPCG(43, 1))
	for name, cells := range all {
		for _, c := range cells {
			for range c.Count {
				day := &days[random.IntN(len(days))]
				*day = day.Add(scale.Weigh(name, []counters.Cell{{Key: c.Key, Count: 1}}))
			}
		}
		sortCells(cells)
		if have, want := scale.Weigh(name, cells).Outcome, a.Model.DayOf(window, window, name); have.Observed != want.Observed || !near(have.Expected, want.Expected, 1e-9) {
			t.Errorf("%s weighs %+v, want %+v", name, have, want)
		}
	}
	total := days[0].Add(days[1]).Add(days[2])
	var shows, clicks uint64
	for _, b := range a.Benefits {
		shows += b.Shows
		clicks += b.Clicks
	}
	if want := a.Model.Day(window, window); total.Shows != shows || total.Clicks != clicks || total.Observed != want.Observed || !near(total.Expected, want.Expected, 1e-9) {
		t.Errorf("the days are %+v, want %d shows, %d clicks, %+v", total, shows, clicks, want)
	}
}

func TestADayTellsABetterPlaceFromABetterBehaviour(t *testing.T) {
	t.Parallel()
	window := confounded(t, 1).counts()
	m := insight.Analyse(window).Model
	moved := byName{"B": events{}.at(t, 2, 1, 1000, 100)}.counts() // first all day, clicked as ever there
	if ratio, _ := m.Day(moved, window).Ratio(1); !near(float64(ratio), 1, 1e-9) {
		t.Errorf("a day in another place is %v of what is to be expected, want 1", ratio)
	}
	changed := byName{"B": events{}.at(t, 2, 1, 1000, 200)}.counts()
	if ratio, interval := m.Day(changed, window).Ratio(1); !near(float64(ratio), 2, 1e-9) || interval.Lower < 1.5 {
		t.Errorf("a day of twice the clicks is %v %v, want 2", ratio, interval)
	}
	orphan := byName{"B": events{}.at(t, 9, 9, 0, 5), "nobody": events{}.at(t, 2, 1, 5, 5)}.counts()
	if have := m.Day(orphan, window); have != (insight.Outcome{}) {
		t.Errorf("clicks that the window cannot explain are %+v, want nothing", have)
	}
	if ratio, interval := (insight.Outcome{Observed: 3}).Ratio(1); ratio.Known() || interval.Known() {
		t.Errorf("clicks of nothing expected are %v %v", ratio, interval)
	}
}

func TestPositionsOfABenefitAreItsOwn(t *testing.T) {
	t.Parallel()
	counts := confounded(t, 1).counts()
	m := insight.Analyse(counts).Model
	have := insight.PositionsOf(counts, m, "B")
	if len(have.Cells) != 2 || have.Cells[0].Shows != 100 || !near(have.Cells[0].Expected, 10, 1e-9) || have.Cells[1].Clicks != 45 {
		t.Errorf("the places of B are %+v", have.Cells)
	}
	if len(have.Ranks) != 2 || have.Ranks[1].Visibility != insight.Number(m.Visibility[2]) || !have.Ranks[1].Interval.Known() || len(have.Lengths) != 1 {
		t.Errorf("the classes of B are %+v and %+v", have.Ranks, have.Lengths)
	}
	if none := insight.PositionsOf(counts, m, "nobody"); len(none.Cells)+len(none.Ranks)+len(none.Lengths) != 0 {
		t.Errorf("nobody has places: %+v", none)
	}
}

func TestPlacesOfWhatIsNotIdentifiedHaveRatesButNoVisibility(t *testing.T) {
	t.Parallel()
	counts := byName{"A": events{}.at(t, 2, 1, 100, 20)}.counts()
	have := insight.Positions(counts, insight.Analyse(counts).Model)
	if first := have.Ranks[0]; first.CTR != 0.2 || first.Visibility.Known() || first.Interval.Known() || have.Lengths[0].Level.Known() {
		t.Errorf("the place is %+v on %+v", first, have.Lengths[0])
	}
}
