package report_test

import (
	"testing"

	"stats-recorder/insight"
	"stats-recorder/report"
)

func TestAFunnelCountsStagesAndShowsWhatIsOutside(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, map[string]map[string]places{
		"A": {"show": {"1": {"1": 4}}, "showDetails": {"1": {"1": 2}}, "showDetailsFromGroupPage": {"1": {"1": 1}}, "link": {"1": {"1": 6}}, "close": {"1": {"1": 5}}},
		"B": {"show": {"1": {"1": 8}}},
	})
	r := reporterOf(s)
	table, err := r.Funnel(t.Context(), report.Query{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"shown":12,"opened":3,"acted":6,"open_rate":0.25,"act_rate":2,"outside":{"close":5}}`
	if got := asJSON(t, table.Records); got != want {
		t.Errorf("in total %s, want %s", got, want)
	}
	if len(table.Benefits) != 2 || table.Benefits[0].ID != "B" || table.Benefits[1].Records.OpenRate != 0.75 || table.Benefits[0].Records.ActRate.Known() {
		t.Errorf("by benefit %+v, want B, then A", table.Benefits)
	}
	if table.Visitors != nil || table.VisitorsMissing == "" {
		t.Error("visitors are there, or it is not said why not")
	}
	totals, err := r.Funnel(t.Context(), report.Query{Version: version, Totals: true, Benefit: "A"})
	if err != nil || totals.Benefits != nil || totals.Records.Shown != 4 {
		t.Errorf("totals of A are %+v, %v", totals, err)
	}
}

func TestStagesCanBeOthers(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, map[string]map[string]places{"A": {"show": {"1": {"1": 4}}, "peek": {"1": {"1": 2}}, "buy": {"1": {"1": 1}}, "link": {"1": {"1": 9}}}})
	stages, err := insight.ParseStages("opened:peek;acted:buy")
	if err != nil {
		t.Fatal(err)
	}
	r := report.New(report.Options{Source: s, Stages: stages})
	table, err := r.Funnel(t.Context(), report.Query{Version: version})
	if err != nil || table.Records.Opened != 2 || table.Records.Acted != 1 || table.Records.Outside["link"] != 9 {
		t.Errorf("%+v, %v", table.Records, err)
	}
	for stage, clicks := range map[insight.Stage]uint64{insight.StageOpened: 2, insight.StageActed: 1} {
		if rows := benefitsOf(t, r, report.Query{Stage: stage}).Benefits; rows[0].Clicks != clicks {
			t.Errorf("%s: %d clicks, want %d", stage, rows[0].Clicks, clicks)
		}
	}
}

func TestQualityFindsWhatIsOdd(t *testing.T) {
	t.Parallel()
	s := newSource()
	s.record(t, hour, map[string]map[string]places{
		"A":         {"show": {"2": {"1": 10}}, "showDetails": {"2": {"1": 13}, "3": {"1": 2}}},
		"B":         {"show": {"2": {"2": 8}}},
		"__other__": {"show": {"2": {"2": 1}}, "showDetails": {"2": {"2": 1}}},
	})
	s.kept = hour.Day() - 1
	q, err := reporterOf(s).Quality(t.Context(), report.Query{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	if q.Pages != 10 || q.Balance != 0.1 || q.WorstTotal != 2 || q.WorstIndex != 2 || q.Orphans != 2 || q.Repeated != 3 ||
		q.RepeatedPlaces != 1 || q.OtherShows != 1 || q.OtherClicks != 1 || q.Model.Identified {
		t.Errorf("%+v", q)
	}
	if string(q.FirstDay) != hour.Day().String() || q.LastDay != q.FirstDay || string(q.KeptFrom) != s.kept.String() {
		t.Errorf("days from %s to %s, kept from %s", q.FirstDay, q.LastDay, q.KeptFrom)
	}
}
