package insight_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestOneBenefitAloneIsNoComparison(t *testing.T) {
	t.Parallel()
	a := insight.Analyse(byName{"A": events{}.at(t, 2, 1, 100, 20).at(t, 2, 2, 100, 10)}.counts())
	if a.Model.Identified || a.Benefits[0].Merit.Known() || a.Benefits[0].Expected != 0 {
		t.Errorf("one benefit is compared with itself: %+v", a.Benefits[0])
	}
	if b := a.Benefits[0]; b.Shows != 200 || b.Clicks != 30 || !b.CTR.Known() || !b.CTRInterval.Known() || b.COEC != 1 {
		t.Errorf("what needs no comparison is not there: %+v", b)
	}
}

func TestWindowsWithoutAComparisonSaySo(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]byName{
		"nothing":                      {},
		"names only":                   {"A": nil, "B": nil},
		"shows without clicks":         {"A": events{}.at(t, 1, 1, 9, 0), "B": events{}.at(t, 1, 1, 9, 0)},
		"orphan clicks only":           {"A": events{}.at(t, 1, 1, 0, 9), "B": events{}.at(t, 1, 1, 0, 9)},
		"only the other":               {counters.OtherBenefit: events{}.at(t, 1, 1, 9, 9)},
		"one and the other":            {"A": events{}.at(t, 1, 1, 9, 3), counters.OtherBenefit: events{}.at(t, 1, 1, 9, 3)},
		"no place in common":           {"A": events{}.at(t, 2, 1, 9, 3), "B": events{}.at(t, 2, 2, 9, 3)},
		"a place in common, unclicked": {"A": events{}.at(t, 2, 1, 9, 3).at(t, 2, 2, 9, 0), "B": events{}.at(t, 2, 2, 9, 3)},
	} {
		counts := all.counts()
		a := insight.Analyse(counts)
		if a.Model.Identified {
			t.Errorf("%s is identified: %s", name, text(t, a.Benefits))
		}
		checkRules(t, a, counts)
	}
}

func TestMoreClicksThanShowsAreKept(t *testing.T) {
	t.Parallel()
	counts := byName{
		"often": events{}.at(t, 1, 1, 10, 40), "seldom": events{}.at(t, 1, 1, 10, 10),
	}.counts()
	a := insight.Analyse(counts)
	often := row(t, a, "often")
	if often.CTR != 4 || often.CTRInterval.Known() || often.Merit != 1.6 || often.Expected != 25 {
		t.Errorf("40 clicks of 10 shows beside 10 of 10 are %+v", often)
	}
	checkRules(t, a, counts)
}

func TestTheOtherIsARowOfItsOwnAndNeverFitted(t *testing.T) {
	t.Parallel()
	without := insight.Analyse(confounded(t, 1).counts())
	with := insight.Analyse(confounded(t, 1).with(counters.OtherBenefit, events{}.at(t, 2, 1, 5000, 4000).at(t, 1, 1, 0, 3)).counts())
	other := row(t, with, counters.OtherBenefit)
	if other.Shows != 5000 || other.Clicks != 4000 || other.Orphans != 3 || other.CTR != 0.8 || other.Merit.Known() || other.COEC.Known() {
		t.Errorf("the other is %+v", other)
	}
	if text(t, withoutRow(with, counters.OtherBenefit)) != text(t, without) {
		t.Error("the other changes the rest")
	}
}

func TestPagesUpToTheLongestAreFitted(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 23))
	all := byName{}
	for b := range 3 {
		var cells events
		for _, total := range []uint16{1, 40, 1000, 1001, 1023} {
			for index := uint16(1); index <= total; index++ {
				cells = cells.at(t, total, index, 100, 1+random.Uint64N(uint64(2+10*b)))
			}
		}
		all[fmt.Sprint(b)] = cells
	}
	counts := all.counts()
	a := insight.Analyse(counts)
	checkRules(t, a, counts)
	if !a.Model.Identified || a.Model.Visibility[insight.Classes-1] == 0 || a.Model.Level[insight.Classes-1] == 0 {
		t.Error("the last places are not in the model")
	}
	if a.Benefits[0].Shows != 100*(1+40+1000+1001+1023) {
		t.Errorf("there are %d shows", a.Benefits[0].Shows)
	}
}

func TestAnOddPageDoesNotTakeEverybodysMeritAway(t *testing.T) {
	t.Parallel()
	normal := simulated(t, 21, 30, 3000)
	want := insight.Analyse(normal.counts())
	for name, odd := range map[string]byName{
		"one click at the last place of the only long page": normal.with(benefitName(3),
			mergedEvents(append(events{}.at(t, 700, 650, 1, 1).at(t, 700, 3, 1, 0), normal[benefitName(3)]...))),
		"a stranger clicked where others were only shown": normal.with("stranger",
			events{}.at(t, 900, 850, 5, 5)).with(benefitName(4),
			mergedEvents(append(events{}.at(t, 900, 850, 5, 0), normal[benefitName(4)]...))),
		"two strangers on a page of their own": normal.with("stranger",
			events{}.at(t, 500, 400, 9, 2).at(t, 500, 300, 7, 1)).with("another",
			events{}.at(t, 500, 400, 8, 1).at(t, 500, 300, 9, 3)),
	} {
		counts := odd.counts()
		have := insight.Analyse(counts)
		checkRules(t, have, counts)
		if !have.Model.Identified {
			t.Errorf("%s: nothing is identified any more", name)
			continue
		}
		for _, before := range want.Benefits {
			now := row(t, have, before.Name)
			if !near(float64(now.Merit), float64(before.Merit), 0.02) || now.Verdict != before.Verdict {
				t.Errorf("%s: %s had merit %v, %s, and has %v, %s", name, before.Name, before.Merit, before.Verdict, now.Merit, now.Verdict)
			}
		}
	}
}

func TestLengthsThatCannotBeToldFromPlacesAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	all := byName{}
	for name, cells := range confounded(t, 1) {
		all[name] = slices.Clone(cells)
	}
	all["A"] = all["A"].at(t, 700, 650, 1, 1).at(t, 700, 1, 1, 0)
	a := insight.Analyse(all.counts())
	if want := []int{insight.Class(700)}; !slices.Equal(a.Model.LeftOut, want) {
		t.Fatalf("left out is %v, want %v", a.Model.LeftOut, want)
	}
	first := row(t, a, "A")
	if first.Clicks != 191 || first.Compared != 190 || !near(float64(first.Merit)/float64(row(t, a, "B").Merit), 2, 1e-12) {
		t.Errorf("the one click on the long page is compared, or others are not: %+v", first)
	}
	for _, length := range insight.Positions(all.counts(), a.Model).Lengths {
		if length.Class == insight.Class(700) && length.Level.Known() {
			t.Error("a length that was left out has a level")
		}
	}
}

// What strangers can post must not make a fit slow: here every benefit and every
// length is odd in a way of its own.
func TestOddRecordsWithoutEndAreFittedInAFewRounds(t *testing.T) {
	t.Parallel()
	all := simulated(t, 22, 40, 3000)
	for total := uint16(61); total <= 1023; total++ {
		name := benefitName(int(total) % 40)
		all[name] = all[name].at(t, total, total-30, 1, 1).at(t, total, 1, 1, 0)
	}
	for b := range uint16(500) {
		all[fmt.Sprint("stranger ", b)] = events{}.at(t, 61+b, 61+b, 2, 1).at(t, 62+b, 60+b, 1, 1)
	}
	counts := all.counts()
	a := insight.Analyse(counts)
	checkRules(t, a, counts)
	if !a.Model.Identified {
		t.Error("nothing is identified any more")
	}
}

func TestNoNumberIsWrittenAsNull(t *testing.T) {
	t.Parallel()
	for number, want := range map[insight.Number]string{0: "0", 0.1: "0.1", 1e21: "1e+21", insight.Unknown(): "null", insight.Number(math.Inf(1)): "null"} {
		if have := text(t, number); have != want {
			t.Errorf("%v is written %s, want %s", float64(number), have, want)
		}
	}
	for interval, want := range map[insight.Interval]string{
		{Lower: 0.5, Upper: 2}:                 "[0.5,2]",
		insight.UnknownInterval():              "null",
		{Lower: 0.5, Upper: insight.Unknown()}: "null",
	} {
		if have := text(t, interval); have != want {
			t.Errorf("%v is written %s, want %s", interval, have, want)
		}
	}
}
