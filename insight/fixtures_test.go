package insight_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// fixtureVersion is the record version of all counts in these tests.
const fixtureVersion = 2

// The event types of these tests.
const (
	show counters.EventType = iota + 1
	showDetails
	showDetailsFromGroupPage
	link
)

// eventNames are the names of the event types by number, from 1.
var eventNames = []string{"show", "showDetails", "showDetailsFromGroupPage", "link"}

// fixture is a file of testdata, which README.md beside it explains.
type fixture struct {
	ClickEvents []string `json:"click_events"`
	// Statistics are counts by benefit, event type, page total, index.
	Statistics map[string]map[string]map[string]map[string]uint64
	Expected   struct {
		OrphanClicks uint64 `json:"orphan_clicks"`
		Identified   bool
		Dispersion   float64
		Prior        struct{ Shape, Rate *float64 }
		Ranks        []struct {
			RankClass  int `json:"rank_class"`
			Visibility float64
			Variance   *float64
		}
		Lengths []struct {
			LengthClass int `json:"length_class"`
			Level       float64
		}
		Benefits []fixtureBenefit
	}
}

type fixtureBenefit struct {
	Benefit       string
	Shows, Clicks uint64
	CTR           *float64
	CTRInterval   []float64 `json:"ctr_interval"`
	COEC          *float64
	Expected      float64
	Merit         *float64
	MeritInterval []float64 `json:"merit_interval"`
	Score         *float64
	Variance      *float64
	P             *float64
	Rank          int
	RankInterval  [2]int `json:"rank_interval"`
	Verdict       insight.Verdict
}

func readFixture(t testing.TB, path string) fixture {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := json.Unmarshal(content, &f); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	return f
}

// openedRoles are the roles of the event types for clicks of the stage opened.
func openedRoles() insight.Roles {
	var roles insight.Roles
	for i, name := range eventNames {
		roles[i+1] = insight.DefaultStages().Role(name, insight.StageOpened)
	}
	return roles
}

// countsOf makes counts of statistics as the server answers them.
func countsOf(t testing.TB, statistics map[string]map[string]map[string]map[string]uint64) *insight.Counts {
	t.Helper()
	counts := insight.NewCounts(fixtureVersion, openedRoles())
	for benefit, events := range statistics {
		var cells []counters.Cell
		for event, totals := range events {
			for total, indexes := range totals {
				for index, count := range indexes {
					number := counters.EventType(slices.Index(eventNames, event) + 1)
					cells = append(cells, cell(t, number, place(t, total), place(t, index), count))
				}
			}
		}
		sortCells(cells)
		counts.Add(benefit, cells)
	}
	return counts
}

func cell(t testing.TB, event counters.EventType, pageTotal, index uint16, count uint64) counters.Cell {
	t.Helper()
	key, err := counters.NewKey(event, fixtureVersion, pageTotal, index)
	if err != nil {
		t.Fatal(err)
	}
	return counters.Cell{Key: key, Count: count}
}

func sortCells(cells []counters.Cell) {
	slices.SortFunc(cells, func(a, b counters.Cell) int { return int(int64(a.Key) - int64(b.Key)) })
}

func place(t testing.TB, text string) uint16 {
	t.Helper()
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(number)
}

func TestEveryFixtureHoldsToNineDigits(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/[01]*.json")
	if err != nil || len(paths) != 8 {
		t.Fatalf("want 8 fixtures, have %q, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			f := readFixture(t, path)
			counts := countsOf(t, f.Statistics)
			compareModel(t, insight.Analyse(counts), counts, f)
		})
	}
}

func compareModel(t *testing.T, have *insight.Analysis, counts *insight.Counts, f fixture) {
	t.Helper()
	want, model := f.Expected, have.Model
	if model.Identified != want.Identified {
		t.Errorf("identified is %t, want %t", model.Identified, want.Identified)
	}
	if orphans := insight.Examine(counts).Orphans; orphans != want.OrphanClicks {
		t.Errorf("there are %d orphan clicks, want %d", orphans, want.OrphanClicks)
	}
	same(t, "dispersion", insight.Number(model.Dispersion), &want.Dispersion)
	same(t, "shape of the prior", model.Prior.Shape, want.Prior.Shape)
	same(t, "rate of the prior", model.Prior.Rate, want.Prior.Rate)
	positions := insight.Positions(counts, model)
	if len(positions.Ranks) != len(want.Ranks) || len(positions.Lengths) != len(want.Lengths) {
		t.Fatalf("there are %d rank and %d length classes, want %d and %d",
			len(positions.Ranks), len(positions.Lengths), len(want.Ranks), len(want.Lengths))
	}
	for i, rank := range want.Ranks {
		if class := positions.Ranks[i].Class; class != rank.RankClass {
			t.Fatalf("rank class %d, want %d", class, rank.RankClass)
		}
		name := fmt.Sprintf("rank class %d: ", rank.RankClass)
		same(t, name+"visibility", insight.Number(model.Visibility[rank.RankClass]), &rank.Visibility)
		same(t, name+"variance", model.VisibilityVariance[rank.RankClass], rank.Variance)
	}
	for i, length := range want.Lengths {
		if class := positions.Lengths[i].Class; class != length.LengthClass {
			t.Fatalf("length class %d, want %d", class, length.LengthClass)
		}
		same(t, fmt.Sprintf("level of length class %d", length.LengthClass),
			insight.Number(model.Level[length.LengthClass]), &length.Level)
	}
	compareBenefits(t, have.Benefits, want.Benefits)
}

func compareBenefits(t *testing.T, have []insight.Benefit, want []fixtureBenefit) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("there are %d benefits, want %d", len(have), len(want))
	}
	for i, b := range want {
		row := have[i]
		name := b.Benefit + ": "
		if row.Name != b.Benefit || row.Shows != b.Shows || row.Clicks != b.Clicks {
			t.Errorf("%s has %d shows and %d clicks, want %s, %d, %d", row.Name, row.Shows, row.Clicks, b.Benefit, b.Shows, b.Clicks)
		}
		same(t, name+"CTR", row.CTR, b.CTR)
		sameInterval(t, name+"interval of CTR", row.CTRInterval, b.CTRInterval)
		same(t, name+"COEC", row.COEC, b.COEC)
		same(t, name+"expected", insight.Number(row.Expected), &b.Expected)
		same(t, name+"merit", row.Merit, b.Merit)
		sameInterval(t, name+"interval of merit", row.MeritInterval, b.MeritInterval)
		same(t, name+"score", row.Score, b.Score)
		same(t, name+"variance", row.Variance, b.Variance)
		same(t, name+"p", row.P, b.P)
		if row.Rank != b.Rank || row.RankInterval != (insight.RankInterval{First: b.RankInterval[0], Last: b.RankInterval[1]}) || row.Verdict != b.Verdict {
			t.Errorf("%srank %d in %v, %q, want %d in %v, %q", name, row.Rank, row.RankInterval, row.Verdict, b.Rank, b.RankInterval, b.Verdict)
		}
	}
}

// same compares to 1e-9, relative, or absolute below 1.
func same(t *testing.T, name string, have insight.Number, want *float64) {
	t.Helper()
	if have.Known() != (want != nil) {
		t.Errorf("%s is %v, want %v", name, have, want)
		return
	}
	if want != nil && !near(float64(have), *want, 1e-9) {
		t.Errorf("%s is %v, want %v", name, have, *want)
	}
}

func near(have, want, tolerance float64) bool {
	return math.Abs(have-want) <= tolerance*max(1, math.Abs(want))
}

func sameInterval(t *testing.T, name string, have insight.Interval, want []float64) {
	t.Helper()
	if have.Known() != (want != nil) {
		t.Errorf("%s is %v, want %v", name, have, want)
		return
	}
	if want != nil {
		same(t, "lower end of "+name, have.Lower, &want[0])
		same(t, "upper end of "+name, have.Upper, &want[1])
	}
}
