package insight_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestWholePagesAreInBalance(t *testing.T) {
	t.Parallel()
	have := insight.Examine(simulated(t, 31, 40, 500).counts())
	if have.Pages != 500 || have.Balance != 0 || have.WorstTotal != 0 || have.Orphans != 0 || have.Misplaced != 0 {
		t.Errorf("500 pages are %+v", have)
	}
}

func TestQualityNamesWhatIsOdd(t *testing.T) {
	t.Parallel()
	have := insight.Examine(byName{
		"A":                   events{}.at(t, 3, 1, 10, 4).at(t, 3, 2, 4, 0).at(t, 2, 1, 10, 13).at(t, 2, 2, 0, 6),
		"B":                   events{}.at(t, 3, 2, 5, 7).at(t, 3, 3, 10, 0).at(t, 2, 2, 10, 0).at(t, 2, 3, 2, 1).at(t, 2, 0, 3, 0),
		counters.OtherBenefit: events{}.at(t, 1, 1, 8, 2).at(t, 2, 1, 0, 1),
	}.counts())
	want := insight.Quality{
		Pages: 28, Balance: insight.Number(1. / 28), WorstTotal: 3, WorstIndex: 2, Misplaced: 5,
		Orphans: 6, Repeated: 3 + 2, RepeatedPlaces: 2, OtherShows: 8, OtherClicks: 3,
	}
	if have != want {
		t.Errorf("quality is %+v, want %+v", have, want)
	}
}

func TestAPlaceWithoutAnyShowIsOutOfBalance(t *testing.T) {
	t.Parallel()
	have := insight.Examine(byName{"A": events{}.at(t, 1000, 1, 7, 0)}.counts())
	if have.Balance != 1 || have.WorstTotal != 1000 || have.WorstIndex != 2 || have.Pages != 7 {
		t.Errorf("seven pages of 1000 with one entry are %+v", have)
	}
	if none := insight.Examine(byName{}.counts()); none.Balance.Known() || none.Pages != 0 {
		t.Errorf("nothing is %+v", none)
	}
	if headless := insight.Examine(byName{"A": events{}.at(t, 2, 2, 7, 0)}.counts()); headless.Balance.Known() || headless.WorstIndex != 2 {
		t.Errorf("pages without a first entry are %+v", headless)
	}
}
