package insight_test

import (
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestCountsAddUpTheEventsThatHaveARoleInTheirVersion(t *testing.T) {
	t.Parallel()
	other, err := counters.NewKey(show, fixtureVersion+1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	cells := []counters.Cell{
		cell(t, show, 2, 1, 5), cell(t, show, 2, 2, 6),
		cell(t, showDetails, 2, 1, 1), cell(t, showDetails, 3, 3, 2),
		cell(t, showDetailsFromGroupPage, 1, 1, 3), cell(t, showDetailsFromGroupPage, 2, 1, 4),
		cell(t, link, 2, 1, 100), {Key: other, Count: 1000},
	}
	sortCells(cells)
	counts := insight.NewCounts(fixtureVersion, openedRoles())
	counts.Add("A", cells)
	counts.Add("A", []counters.Cell{cell(t, show, 1, 1, 7), cell(t, show, 2, 1, 8)})
	counts.Add("nothing", nil)
	type sum struct {
		total, index  uint16
		shows, clicks uint64
	}
	var have []sum
	for _, place := range counts.Places("A") {
		total, index := place.Position()
		have = append(have, sum{total, index, place.Shows, place.Clicks})
	}
	if want := []sum{{1, 1, 7, 3}, {2, 1, 13, 5}, {2, 2, 6, 0}, {3, 3, 0, 2}}; !slices.Equal(have, want) {
		t.Errorf("there are %v, want %v", have, want)
	}
	if names := counts.Benefits(); !slices.Equal(names, []string{"A", "nothing"}) {
		t.Errorf("the benefits are %q", names)
	}
	if counts.Places("nobody") != nil {
		t.Error("a benefit that was not added has places")
	}
}

func TestCountsBeyond32BitsStayWhole(t *testing.T) {
	t.Parallel()
	const many = 1 << 50
	counts := insight.NewCounts(fixtureVersion, openedRoles())
	counts.Add("A", []counters.Cell{cell(t, show, 1, 1, many), cell(t, showDetails, 1, 1, many/4)})
	counts.Add("B", []counters.Cell{cell(t, show, 1, 1, many), cell(t, showDetails, 1, 1, 3*many/4)})
	a := insight.Analyse(counts)
	if first := a.Benefits[0]; first.Shows != many || first.Merit != 0.5 || first.CTR != 0.25 {
		t.Errorf("A is %+v", first)
	}
	checkRules(t, a, counts)
}

func TestCountsAreEqualInWhateverOrderTheyCame(t *testing.T) {
	t.Parallel()
	a, b := cell(t, show, 2, 1, 3), cell(t, showDetails, 2, 1, 1)
	first, second := insight.NewCounts(fixtureVersion, openedRoles()), insight.NewCounts(fixtureVersion, openedRoles())
	first.Add("x", []counters.Cell{a, b})
	first.Add("y", []counters.Cell{a})
	second.Add("y", []counters.Cell{a})
	second.Add("x", []counters.Cell{b})
	if first.Equal(second) || second.Len() != 2 {
		t.Errorf("they are equal with and without the shows of x, or %d places are not 2", second.Len())
	}
	second.Add("x", []counters.Cell{a})
	if !first.Equal(second) || !second.Equal(first) {
		t.Error("the same counts are not equal")
	}
	if first.Equal(insight.NewCounts(fixtureVersion, openedRoles())) {
		t.Error("counts equal no counts")
	}
}

func TestPlacesThatAreAsBeforeAreHeldOnce(t *testing.T) {
	t.Parallel()
	a, more := []counters.Cell{cell(t, show, 2, 1, 3)}, []counters.Cell{cell(t, show, 2, 1, 4)}
	before, now := insight.NewCounts(fixtureVersion, openedRoles()), insight.NewCounts(fixtureVersion, openedRoles())
	for _, name := range []string{"x", "y"} {
		before.Add(name, a)
	}
	now.AddSince(before, "x", a)
	now.AddSince(before, "y", more)
	now.AddSince(before, "z", a)
	if &now.Places("x")[0] != &before.Places("x")[0] {
		t.Error("those of x are held twice")
	}
	if before.Places("y")[0].Shows != 3 || now.Places("y")[0].Shows != 4 || now.Places("z")[0].Shows != 3 {
		t.Errorf("y was %v and is %v, z is %v", before.Places("y"), now.Places("y"), now.Places("z"))
	}
	now.AddSince(before, "x", a)
	if before.Places("x")[0].Shows != 3 || now.Places("x")[0].Shows != 6 {
		t.Errorf("x was %v and is %v when it has come again", before.Places("x"), now.Places("x"))
	}
}
