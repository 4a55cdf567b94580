package report_test

import (
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/report"
)

func benefitsOf(t testing.TB, r *report.Reporter, q report.Query) report.Benefits {
	t.Helper()
	q.Version = version
	table, err := r.Benefits(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ids are those of the rows in their order.
func ids(table report.Benefits) string {
	var ids []string
	for _, row := range table.Benefits {
		ids = append(ids, row.ID)
	}
	return strings.Join(ids, " ")
}

func TestMeritIsTheTruthWhereTheRateIsNot(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	rows := benefitsOf(t, reporterOf(s), report.Query{}).Benefits
	if len(rows) != 2 || rows[0].ID != "A" || rows[0].Rank != 1 {
		t.Fatalf("rows are %+v, want A first of two", rows)
	}
	if ratio := float64(rows[0].Merit / rows[1].Merit); math.Abs(ratio-2) > 1e-9 {
		t.Errorf("A has %v times the merit of B, want 2", ratio)
	}
	if ratio := float64(rows[0].CTR / rows[1].CTR); math.Abs(ratio-0.19/0.055) > 1e-9 {
		t.Errorf("A has %v times the rate of B, want 3.45", ratio)
	}
}

func TestTheTableHasTheNumbersOfEveryFixture(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../insight/testdata/[01]*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			var fixture struct {
				Statistics map[string]map[string]places
				Expected   struct {
					Identified bool
					Benefits   []struct {
						Benefit       string
						Shows, Clicks uint64
						Merit, Score  *float64
						Rank          report.Rank
						Verdict       insight.Verdict
					}
				}
			}
			readFixture(t, path, &fixture)
			s := newSource()
			s.record(t, hour, fixture.Statistics)
			table := benefitsOf(t, reporterOf(s), report.Query{Order: report.OrderID})
			if table.Model.Identified != fixture.Expected.Identified {
				t.Errorf("identified: %t, want %t", table.Model.Identified, fixture.Expected.Identified)
			}
			rows := map[string]report.Benefit{}
			for _, row := range table.Benefits {
				rows[row.ID] = row
			}
			for _, want := range fixture.Expected.Benefits {
				row := rows[want.Benefit]
				if row.Shows != want.Shows || row.Clicks != want.Clicks || row.Rank != want.Rank || row.Verdict != want.Verdict {
					t.Errorf("%+v, want %+v", row, want)
				}
				if !same(row.Merit, want.Merit) || !same(row.Score, want.Score) {
					t.Errorf("%s has merit %v and score %v, want %v and %v", want.Benefit, row.Merit, row.Score, want.Merit, want.Score)
				}
			}
		})
	}
}

func same(have insight.Number, want *float64) bool {
	if want == nil {
		return !have.Known()
	}
	return math.Abs(float64(have)-*want) <= 1e-9*max(1, math.Abs(*want))
}

func TestABenefitThatWasNotComparedIsNullAndNotZero(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, map[string]map[string]places{"A": {"show": {"1": {"1": 3}}}})
	got := asJSON(t, benefitsOf(t, reporterOf(s), report.Query{}).Benefits)
	want := `[{"id":"A","label":null,"group":null,"type":null,"shows":3,"clicks":0,"ctr":0,"ctr_interval":[0,0.5614970317550454],"expected":0,` +
		`"merit":null,"merit_interval":null,"score":null,"rank":null,"rank_interval":null,"verdict":null,"exposure":null,"under_exposed":false,"coec":null,"orphan_clicks":0}]`
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestAGroupChoosesRowsAndSumsThemUp(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	r := reporterOf(s)
	all := benefitsOf(t, r, report.Query{})
	r.SetLabels(report.Labels{"A": {Label: "Aide A", Group: "caf"}, "B": {Group: "other"}, "C": {Label: "Aide C", Group: "caf"}})
	table := benefitsOf(t, r, report.Query{Group: "caf"})
	if ids(table) != "A" || table.Benefits[0].Label != "Aide A" || table.Benefits[0].Merit != all.Benefits[0].Merit {
		t.Errorf("rows are %+v, want A with its label and the merit that it has among all", table.Benefits)
	}
	if len(table.Groups) != 1 || table.Groups[0].Shows != 1000 || table.Groups[0].Clicks != 190 || table.Groups[0].Merit != table.Benefits[0].Merit {
		t.Errorf("groups are %+v, want one with what A has", table.Groups)
	}
	if len(table.Never) != 1 || table.Never[0].ID != "C" {
		t.Errorf("never shown are %+v, want C", table.Never)
	}
}

func TestOrdersBeginWithTheLargestAndEndWithTheUnknown(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	s.record(t, hour, map[string]map[string]places{
		"0": {"show": {"7": {"7": 5000}}},
		"Z": {"showDetails": {"2": {"1": 300}}},
	})
	for order, want := range map[report.Order]string{
		"": "A B 0 Z", report.OrderScore: "A B 0 Z", report.OrderMerit: "A B 0 Z", report.OrderClicks: "A B 0 Z",
		report.OrderShows: "0 A B Z", report.OrderCTR: "A B 0 Z", report.OrderID: "0 A B Z",
	} {
		if got := ids(benefitsOf(t, reporterOf(s), report.Query{Order: order})); got != want {
			t.Errorf("by %q they are %s, want %s", order, got, want)
		}
	}
	if got := ids(benefitsOf(t, reporterOf(s), report.Query{Limit: 1, Order: report.OrderShows})); got != "0" {
		t.Errorf("the first by shows is %s, want 0", got)
	}
}

func TestAWindowHasItsDaysOnly(t *testing.T) {
	t.Parallel()
	s := newSource()
	day := hour.Day()
	for i, name := range []string{"before", "first", "last", "after"} {
		s.record(t, (day + counters.Day(i)).FirstHour(), map[string]map[string]places{name: {"show": {"1": {"1": 1}}}})
	}
	r := reporterOf(s)
	table := benefitsOf(t, r, report.Query{From: day + 1, To: day + 3})
	if ids(table) != "first last" || table.Window.StartAt.Format("2006-01-02") != (day+1).String() || table.Window.EndAt.Format("2006-01-02") != (day+3).String() {
		t.Errorf("%s in %+v", ids(table), table.Window)
	}
	s.kept = day + 2
	if table := benefitsOf(t, r, report.Query{From: day}); ids(table) != "after last" || !table.Window.Cut {
		t.Errorf("%s in %+v, want what retention left, and that it took some", ids(table), table.Window)
	}
	if table := benefitsOf(t, r, report.Query{}); ids(table) != "after before first last" || table.Window.Cut || table.Window.StartAt != nil {
		t.Errorf("%s in %+v, want all of time", ids(table), table.Window)
	}
}

func TestWhatWasReadIsKeptUntilTheCountsChange(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	r := reporterOf(s)
	benefitsOf(t, r, report.Query{})
	benefitsOf(t, r, report.Query{Order: report.OrderID, Limit: 1})
	if s.reads != 1 {
		t.Errorf("two tables of one window took %d reads, want 1", s.reads)
	}
	s.record(t, hour, map[string]map[string]places{"C": {"show": {"1": {"1": 1}}}})
	if got := ids(benefitsOf(t, r, report.Query{Order: report.OrderID})); got != "A B C" || s.reads != 2 {
		t.Errorf("after a post there are %s by %d reads, want A B C by 2", got, s.reads)
	}
}

func TestARecordOfAnotherWindowFitsNothingAnew(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	r := reporterOf(s)
	day := report.Query{From: hour.Day(), To: hour.Day() + 1}
	before := benefitsOf(t, r, day)
	s.record(t, hour+24, confounded())
	if after := benefitsOf(t, r, day); !reflect.DeepEqual(after, before) || r.Stats().Fits != 1 {
		t.Errorf("after a record of the next day %d fits gave %+v, want what one fit had given: %+v", r.Stats().Fits, after, before)
	}
	s.record(t, hour, confounded())
	if benefitsOf(t, r, day); r.Stats().Fits != 2 {
		t.Errorf("after a record of the day there were %d fits, want 2", r.Stats().Fits)
	}
}

func TestPositionsAreThoseOfTheFit(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, confounded())
	r := reporterOf(s)
	table, err := r.Positions(t.Context(), report.Query{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Ranks) != 2 || math.Abs(float64(table.Ranks[1].Visibility)-0.5) > 1e-9 || len(table.Cells) != 2 || len(table.Lengths) != 1 {
		t.Errorf("%+v, want the second place seen half as often as the first", table)
	}
	table, err = r.Positions(t.Context(), report.Query{Version: version, Benefit: "B"})
	if err != nil {
		t.Fatal(err)
	}
	if table.Cells[1].Shows != 900 || table.Cells[1].Clicks != 45 || math.Abs(float64(table.Cells[1].Expected)-45) > 1e-9 {
		t.Errorf("cells of B are %+v, want 45 clicks of 900 shows in the second, as expected", table.Cells)
	}
}

func TestATextIsKeptWhileNeitherCountsNorLabelsChange(t *testing.T) {
	t.Parallel()
	s := newSource()
	r := reporterOf(s)
	made := 0
	kept := func(key any) {
		t.Helper()
		if _, err := r.Kept(key, func() ([]byte, error) { made++; return []byte("x"), nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		change func()
		want   int
	}{
		{func() {}, 1}, {func() {}, 1}, {func() { s.record(t, hour, confounded()) }, 2}, {func() { r.SetLabels(report.Labels{"A": {}}) }, 3}, {func() {}, 3},
	} {
		step.change()
		kept("key")
		if made != step.want {
			t.Errorf("it was made %d times, want %d", made, step.want)
		}
	}
	kept("another key")
	if made != 4 {
		t.Errorf("another was made %d times, want 4", made)
	}
}

func TestAFitGivesWayInTheCourseOfItsWork(t *testing.T) {
	t.Parallel()
	s := newSource()
	statistics := map[string]map[string]places{}
	for benefit := range 60 {
		shows := places{"30": {}}
		for index := range 30 {
			shows["30"][strconv.Itoa(index+1)] = uint64(1 + (benefit+index)%7)
		}
		statistics[strconv.Itoa(benefit)] = map[string]places{"show": shows, "showDetails": shows}
	}
	s.record(t, hour, statistics)
	gaveWay := 0
	r := report.New(report.Options{Source: s, CacheBytes: 1 << 20, GiveWay: func() { gaveWay++ }})
	if _, err := r.Benefits(t.Context(), report.Query{Version: version}); err != nil {
		t.Fatal(err)
	}
	if gaveWay == 0 {
		t.Error("it never did")
	}
	fit := gaveWay
	if _, err := r.Benefits(t.Context(), report.Query{Version: version}); err != nil || gaveWay != fit {
		t.Errorf("%v; what was kept gave way %d times", err, gaveWay-fit)
	}
}

// slowSource is one that reads when it may.
type slowSource struct {
	*source
	may chan struct{}
}

func (s slowSource) Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	<-s.may
	return s.source.Read(query, visit)
}

func TestWhoWaitsForAWindowSharesItThoughRecordsCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := slowSource{newSource(), make(chan struct{})}
		s.record(t, hour, map[string]map[string]places{"x": {"show": {"2": {"1": 3}}}})
		r := report.New(report.Options{Source: s, CacheBytes: 1 << 20})
		ask := func() uint64 {
			benefits, err := r.Benefits(t.Context(), report.Query{Version: version})
			if err != nil || len(benefits.Benefits) != 1 {
				t.Errorf("%d benefits, %v", len(benefits.Benefits), err)
				return 0
			}
			return benefits.Benefits[0].Shows
		}
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() { ask() })
		}
		synctest.Wait() // one reads, the others wait for it
		s.record(t, hour, map[string]map[string]places{"x": {"show": {"2": {"1": 1}}}})
		close(s.may)
		asking.Wait()
		if s.reads != 1 {
			t.Errorf("%d reads, want 1", s.reads)
		}
		if shows := ask(); shows != 4 || s.reads != 2 {
			t.Errorf("who asks after the record sees %d shows, want 4, by %d reads, want 2", shows, s.reads)
		}
	})
}
