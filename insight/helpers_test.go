package insight_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// events are the cells of one benefit, before they are sorted.
type events []counters.Cell

// at adds shows and clicks at a place.
func (e events) at(t testing.TB, pageTotal, index uint16, shows, clicks uint64) events {
	t.Helper()
	if shows > 0 {
		e = append(e, cell(t, show, pageTotal, index, shows))
	}
	if clicks > 0 {
		e = append(e, cell(t, showDetails, pageTotal, index, clicks))
	}
	return e
}

// byName are the cells of benefits.
type byName map[string]events

func (b byName) counts() *insight.Counts {
	counts := insight.NewCounts(fixtureVersion, openedRoles())
	for _, name := range slices.Sorted(maps.Keys(b)) {
		cells := slices.Clone(b[name])
		sortCells(cells)
		counts.Add(name, cells)
	}
	return counts
}

// with is a copy with one benefit more, or another in its stead.
func (b byName) with(name string, cells events) byName {
	more := maps.Clone(b)
	more[name] = cells
	return more
}

// confounded is fixture 03, in which everything is known exactly.
func confounded(t testing.TB, scale uint64) byName {
	t.Helper()
	return byName{
		"A": events{}.at(t, 2, 1, 900*scale, 180*scale).at(t, 2, 2, 100*scale, 10*scale),
		"B": events{}.at(t, 2, 1, 100*scale, 10*scale).at(t, 2, 2, 900*scale, 45*scale),
	}
}

// simulated is some traffic by name.
func simulated(t testing.TB, seed uint64, benefits, pages int) byName {
	t.Helper()
	all := byName{}
	for b, cells := range traffic(t, seed, benefits, pages, 60) {
		all[benefitName(b)] = cells
	}
	return all
}

// row is that of a benefit.
func row(t testing.TB, a *insight.Analysis, name string) insight.Benefit {
	t.Helper()
	for _, b := range a.Benefits {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("there is no row of %q", name)
	return insight.Benefit{}
}

// text is everything that an answer says, to the last digit.
func text(t testing.TB, of any) string {
	t.Helper()
	written, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// withoutRow is the analysis without a benefit's row.
func withoutRow(a *insight.Analysis, name string) *insight.Analysis {
	kept := slices.DeleteFunc(slices.Clone(a.Benefits), func(b insight.Benefit) bool { return b.Name == name })
	return &insight.Analysis{Model: a.Model, Benefits: kept}
}

// checkRules holds an analysis against what is true of every one.
func checkRules(t *testing.T, a *insight.Analysis, counts *insight.Counts) {
	t.Helper()
	text(t, a) // fails if there is a NaN outside of a Number
	expected, compared, ranks := 0.0, 0.0, map[int]bool{}
	for _, b := range a.Benefits {
		if b.Merit.Known() != (b.Expected > 0) || b.Merit.Known() != b.Score.Known() || b.Merit.Known() != (b.Rank > 0) {
			t.Errorf("%s is known in part: %+v", b.Name, b)
		}
		if !b.Merit.Known() {
			continue
		}
		expected += b.Expected
		compared += float64(b.Compared)
		if ranks[b.Rank] || b.Rank < b.RankInterval.First || b.Rank > b.RankInterval.Last {
			t.Logf("%s has rank %d, taken or outside of %v", b.Name, b.Rank, b.RankInterval)
		}
		if ranks[b.Rank] {
			t.Errorf("rank %d comes twice", b.Rank)
		}
		ranks[b.Rank] = true
		if i := b.MeritInterval; !(0 <= i.Lower && i.Lower < i.Upper) || !i.Known() {
			t.Errorf("%s has interval %v", b.Name, i)
		}
		if b.Compared > b.Clicks || !(b.P >= 0 && b.P <= 1) || b.Verdict == insight.NoVerdict {
			t.Errorf("%s makes no sense: %+v", b.Name, b)
		}
	}
	if a.Model.Identified != (len(ranks) >= 2) || len(ranks) > 0 && (!ranks[1] || !ranks[len(ranks)]) {
		t.Errorf("identified is %t with ranks %v", a.Model.Identified, ranks)
	}
	if !near(expected, compared, 1e-9) {
		t.Errorf("%v clicks are expected in all, but there are %v", expected, compared)
	}
	checkMargins(t, a, counts)
}

// checkMargins holds that the expected clicks of each class are those that there
// were: that is what makes the fit one of maximum likelihood.
func checkMargins(t *testing.T, a *insight.Analysis, counts *insight.Counts) {
	t.Helper()
	var byRank, byLength [insight.Classes][2]float64
	for _, place := range insight.Positions(counts, a.Model).Cells {
		for _, sum := range []*[2]float64{&byRank[insight.Class(place.Index)], &byLength[insight.Class(place.PageTotal)]} {
			sum[0] += place.Expected
			sum[1] += float64(place.Compared)
		}
	}
	for class := range insight.Classes {
		for _, sum := range [][2]float64{byRank[class], byLength[class]} {
			if !near(sum[0], sum[1], 1e-7) {
				t.Errorf("class %d is expected to have %v clicks, but has %v", class, sum[0], sum[1])
			}
		}
	}
}
