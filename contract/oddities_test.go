package contract

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// TestOddInputIsKeptThoughNothingElseCame is about a client of which nothing is accepted: that
// is when it matters most to see why.
func TestOddInputIsKeptThoughNothingElseCame(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.SnapshotInterval = clock.Now, time.Millisecond })
	s.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`}))
	want := "[map[field:event_type name:showDetial reason:unknown times:1]]"
	for _, when := range []string{"2026-07-01T12:00:00Z", "2026-07-09T12:00:00Z"} {
		clock.Set(t, when)
		s.Restart(t)
		if got := fmt.Sprint(at(t, answerOf(t, s, "quality?start_at=2026-07-01&end_at=2026-07-02"), "odd_input")); got != want {
			t.Errorf("after a restart on %s it is %s, want %s", when, got, want)
		}
	}
	awaitDays(t, s.Config.DataDir, 1)
	s.Restart(t)
	if got := fmt.Sprint(at(t, answerOf(t, s, "quality?start_at=2026-07-01&end_at=2026-07-02"), "odd_input")); got != want {
		t.Errorf("once its day is closed it is %s, want %s", got, want)
	}
}

func TestMetricsTellOfOddInputAndOfFits(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := blackbox.StartServer(t, func(c *service.Config) { c.AdminAddr, c.InsightCacheBytes = address, 1<<20 })
	s.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("APL")))
	s.Created(t, "[]")
	s.Post(t, "{")
	s.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`}), blackbox.Record(blackbox.Fields{"created_at": `"1999-01-01T00:00:00Z"`})))
	for range 3 {
		s.Get(t, "/insight/benefits").ExpectStatus(t, http.StatusOK)
	}
	values := scrape(t, "http://"+address)
	for name, want := range map[string]float64{
		`stats_recorder_odd_input_total{field="",reason="empty post",name=""}`:                  1,
		`stats_recorder_odd_input_total{field="",reason="unreadable body",name=""}`:             1,
		`stats_recorder_odd_input_total{field="event_type",reason="unknown",name="showDetial"}`: 1,
		`stats_recorder_odd_input_total{field="created_at",reason="too old",name=""}`:           1,
		"stats_recorder_insight_fits_total":                                                     1,
		"stats_recorder_insight_kept_found_total":                                               2,
	} {
		if got := values[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for day := range 20 { // more windows than there is room for
		s.Get(t, fmt.Sprintf("/insight/benefits?start_at=2020-01-%02d", day+1)).ExpectStatus(t, http.StatusOK)
	}
	if kept := scrape(t, "http://"+address)["stats_recorder_insight_kept_bytes"]; kept < 1<<19 || kept > 1<<20 {
		t.Errorf("%v bytes are kept, want what there is room for within the setting", kept)
	}
	if seconds := values["stats_recorder_insight_fit_seconds_total"]; seconds <= 0 {
		t.Errorf("a fit took %v s", seconds)
	}
}

func TestOddInputIsSeenByDayReasonAndName(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-07-01T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	s.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), visit("uid_1", "RSA")))
	s.Created(t, "[]")
	s.Post(t, "{")
	misspelt := blackbox.Record(blackbox.Fields{"event_type": `"showDetial"`})
	s.Post(t, blackbox.Array(misspelt, misspelt, blackbox.Record(blackbox.Fields{"event_type": `"x"`}), blackbox.Record(blackbox.Fields{"page_total": "0"})))
	clock.Set(t, "2026-07-02T12:00:00Z")
	s.Post(t, misspelt)
	want := func(misspelt int) string {
		return fmt.Sprintf(`[map[field:<nil> name:<nil> reason:empty post times:1] map[field:<nil> name:<nil> reason:unreadable body times:1] `+
			`map[field:event_type name:showDetial reason:unknown times:%d] map[field:event_type name:x reason:unknown times:1] `+
			`map[field:page_total name:<nil> reason:not in range times:1]]`, misspelt)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for query, misspelt := range map[string]int{"": 3, "?end_at=2026-07-02": 2} {
			answer := answerOf(t, s, "quality"+query)
			if got := fmt.Sprint(at(t, answer, "odd_input")); got != want(misspelt) {
				t.Errorf("%q has\n%s, want\n%s", query, got, want(misspelt))
			}
			if got := at(t, answer, "anonymous_records"); got != 1.0 {
				t.Errorf("%q has %v records of nobody", query, got)
			}
		}
	})
}
