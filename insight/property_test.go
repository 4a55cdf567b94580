package insight_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestRenamingBenefitsChangesNothingButTheirNames(t *testing.T) {
	t.Parallel()
	const benefits = 30
	random := rand.New(rand.NewPCG(5, 6))
	before := simulated(t, 11, benefits, 2000)
	renamed, newName := byName{}, map[string]string{}
	for b, other := range random.Perm(benefits) {
		newName[benefitName(b)] = "other " + benefitName(other)
		renamed[newName[benefitName(b)]] = before[benefitName(b)]
	}
	a, c := insight.Analyse(before.counts()), insight.Analyse(renamed.counts())
	for _, old := range a.Benefits {
		now := row(t, c, newName[old.Name])
		if now.Rank != old.Rank || now.RankInterval != old.RankInterval || now.Verdict != old.Verdict || now.UnderExposed != old.UnderExposed {
			t.Errorf("%s was %+v and is %+v", old.Name, old, now)
		}
		for i, have := range numbers(now) {
			if want := float64(numbers(old)[i]); !near(float64(have), want, 1e-9) {
				t.Errorf("number %d of %s was %v and is %v", i, old.Name, want, have)
			}
		}
	}
}

// numbers are those of a benefit that was compared.
func numbers(b insight.Benefit) []insight.Number {
	return []insight.Number{
		b.CTR, b.COEC, insight.Number(b.Expected), b.Merit, b.Score, b.Variance, b.P, b.Exposure,
		b.MeritInterval.Lower, b.MeritInterval.Upper,
	}
}

func TestTheOrderInWhichBenefitsComeChangesNotOneDigit(t *testing.T) {
	t.Parallel()
	all := simulated(t, 12, 40, 1000)
	want := text(t, insight.Analyse(all.counts()))
	names := all.counts().Benefits()
	random := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		counts := insight.NewCounts(fixtureVersion, openedRoles())
		for _, name := range names {
			counts.Add(name, all[name])
		}
		if have := text(t, insight.Analyse(counts)); have != want {
			t.Fatal("another order gives another answer")
		}
	}
}

func TestAnAnalysisInPiecesIsTheSameAndPausesAgainAndAgain(t *testing.T) {
	t.Parallel()
	const benefits = 40
	counts := simulated(t, 13, benefits, 1000).counts()
	pauses := 0
	have := text(t, insight.AnalyseInPieces(counts, func() { pauses++ }))
	if have != text(t, insight.Analyse(counts)) {
		t.Error("it gives another answer")
	}
	// Pooling, the sums of places and rows, and each of at least two rounds and two steps of
	// the fit, go over all benefits.
	if pauses < 7*benefits {
		t.Errorf("%d pauses of %d benefits", pauses, benefits)
	}
}

func TestAWindowInPartsIsTheWindow(t *testing.T) {
	t.Parallel()
	whole := simulated(t, 13, 40, 1000)
	random := rand.New(rand.NewPCG(9, 10))
	parts := insight.NewCounts(fixtureVersion, openedRoles())
	days := make([]byName, 5)
	for day := range days {
		days[day] = byName{}
	}
	for name, cells := range whole {
		for _, c := range cells {
			for left := c.Count; left > 0; {
				some := 1 + random.Uint64N(left)
				day := days[random.IntN(len(days))]
				day[name] = append(day[name], counters.Cell{Key: c.Key, Count: some})
				left -= some
			}
		}
	}
	for _, day := range days {
		for name, cells := range day {
			sortCells(cells)
			parts.Add(name, mergeCells(cells))
		}
	}
	if have, want := text(t, insight.Analyse(parts)), text(t, insight.Analyse(whole.counts())); have != want {
		t.Error("the parts of a window give another answer than the window")
	}
}

func mergeCells(sorted []counters.Cell) []counters.Cell {
	var merged []counters.Cell
	for _, c := range sorted {
		if last := len(merged) - 1; last >= 0 && merged[last].Key == c.Key {
			merged[last].Count += c.Count
			continue
		}
		merged = append(merged, c)
	}
	return merged
}

func TestTenTimesTheTrafficIsTheSameWithATenthOfTheVariance(t *testing.T) {
	t.Parallel()
	once, tenfold := insight.Analyse(confounded(t, 1).counts()), insight.Analyse(confounded(t, 10).counts())
	for i, small := range once.Benefits {
		large := tenfold.Benefits[i]
		for name, pair := range map[string][2]insight.Number{
			"merit":    {small.Merit, large.Merit},
			"COEC":     {small.COEC, large.COEC},
			"CTR":      {small.CTR, large.CTR},
			"exposure": {small.Exposure, large.Exposure},
			"expected": {insight.Number(10 * small.Expected), insight.Number(large.Expected)},
		} {
			if !near(float64(pair[1]), float64(pair[0]), 1e-12) {
				t.Errorf("%s of %s is %v, want %v", name, small.Name, pair[1], pair[0])
			}
		}
	}
	have, want := tenfold.Model, once.Model
	if !near(float64(have.VisibilityVariance[2])*10, float64(want.VisibilityVariance[2]), 1e-12) ||
		!near(have.Visibility[2], want.Visibility[2], 1e-12) || !near(have.Level[2], want.Level[2], 1e-12) {
		t.Errorf("places are %v ± %v at %v, want %v ± a tenth of %v at %v", have.Visibility[2], have.VisibilityVariance[2],
			have.Level[2], want.Visibility[2], want.VisibilityVariance[2], want.Level[2])
	}
}

func TestCountsThatAreExactlyTheModelGiveItBack(t *testing.T) {
	t.Parallel()
	merits, visibility, level := []uint64{1, 2, 3, 5, 8}, []uint64{12, 6, 4, 3}, []uint64{4, 3, 2, 1}
	random := rand.New(rand.NewPCG(1, 1))
	all := byName{}
	for b, merit := range merits {
		var cells events
		for total := range level {
			for index := range total + 1 {
				shows := 500 * (1 + random.Uint64N(100))
				cells = cells.at(t, uint16(total+1), uint16(index+1), shows, shows/500*merit*visibility[index]*level[total])
			}
		}
		all[fmt.Sprint(b)] = cells
	}
	a := insight.Analyse(all.counts())
	for b, merit := range merits {
		if have := a.Benefits[b].Merit / a.Benefits[0].Merit; !near(float64(have), float64(merit), 1e-11) {
			t.Errorf("merit of %d to the first is %v, want %d", b, have, merit)
		}
	}
	for i := range visibility {
		if want := float64(visibility[i]) / float64(visibility[0]); !near(a.Model.Visibility[i+1], want, 1e-11) {
			t.Errorf("visibility of %d is %v, want %v", i+1, a.Model.Visibility[i+1], want)
		}
		if want := float64(level[i]) / float64(level[0]); !near(a.Model.Level[i+1]/a.Model.Level[1], want, 1e-11) {
			t.Errorf("level of %d to the first is %v, want %v", i+1, a.Model.Level[i+1]/a.Model.Level[1], want)
		}
	}
}

func TestABenefitThatNobodySawChangesNothing(t *testing.T) {
	t.Parallel()
	all := simulated(t, 14, 30, 1000)
	want := insight.Analyse(all.counts())
	for name, cells := range map[string]events{
		"no cells":                   {},
		"clicks of another page":     events{}.at(t, 9, 3, 0, 5),
		"events without a role":      {cell(t, link, 5, 5, 3)},
		"clicks where nobody goes":   events{}.at(t, 1000, 900, 0, 5),
		counters.OtherBenefit:        events{}.at(t, 5, 1, 1000, 900).at(t, 5, 2, 0, 7),
		"shows where nobody clicked": events{}.at(t, 999, 998, 50, 0),
	} {
		have := insight.Analyse(all.with(name, cells).counts())
		unseen := row(t, have, name)
		if unseen.Merit.Known() || unseen.Expected != 0 || unseen.Rank != 0 || unseen.Verdict != insight.NoVerdict {
			t.Errorf("%s was compared: %+v", name, unseen)
		}
		have.Model.Cells = want.Model.Cells
		if text(t, withoutRow(have, name)) != text(t, want) {
			t.Errorf("%s changes the others", name)
		}
	}
}

func TestSmallWindowsObeyTheRules(t *testing.T) {
	t.Parallel()
	identified := 0
	for seed := range uint64(1000) {
		counts := smallWindow(t, seed).counts()
		a := insight.Analyse(counts)
		checkRules(t, a, counts)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
		if a.Model.Identified {
			identified++
		}
	}
	if identified < 100 || identified > 900 {
		t.Errorf("%d of 1000 windows are identified: they do not try both", identified)
	}
}

// smallWindow is a few benefits at a few places, many of them odd.
func smallWindow(t testing.TB, seed uint64) byName {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 99))
	places := []uint16{0, 1, 2, 3, 5, 32, 33, 40, 999, 1000, 1023}
	most := 2 + random.IntN(len(places)-1)
	all := byName{}
	for b := range random.IntN(7) {
		var cells events
		for range random.IntN(8) {
			total, index := places[random.IntN(most)], places[random.IntN(most)]
			if index > total && random.IntN(5) > 0 {
				total, index = index, total
			}
			shows := random.Uint64N(50) * uint64(random.IntN(4))
			cells = cells.at(t, total, index, shows, random.Uint64N(4)*uint64(random.IntN(3)))
		}
		all[strings.Repeat("x", b+1)] = mergedEvents(cells)
	}
	return all
}

func mergedEvents(cells events) events {
	sortCells(cells)
	return mergeCells(slices.Clone(cells))
}

func TestLargerWindowsObeyTheRules(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		pages := []int{20, 100, 500, 3000, 10_000}[seed%5]
		counts := simulated(t, seed, 10+int(seed)*3, pages).counts()
		checkRules(t, insight.Analyse(counts), counts)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}
