package contract

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// skewedClock is right but for what a test has it be ahead.
type skewedClock struct{ ahead atomic.Int64 }

func (c *skewedClock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *skewedClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }
func days(n int) time.Duration                 { return time.Duration(n) * 24 * time.Hour }
func dateOf(at time.Time) string               { return at.UTC().Format(time.DateOnly) }

// since is the answer about a window from a day on.
func since(t *testing.T, s *blackbox.Server, at time.Time) blackbox.Reply {
	t.Helper()
	return s.Get(t, "/benefits?start_at="+dateOf(at))
}

// startSkewed starts a server with a retention, an operator's page, and a closed day of
// five days ago that has counts of "before".
func startSkewed(t *testing.T, retention time.Duration) (s *blackbox.Server, clock *skewedClock, admin string) {
	t.Helper()
	clock, address := &skewedClock{}, freeAddress(t)
	s = blackbox.StartServer(t, func(config *service.Config) {
		config.Now, config.Retention, config.SnapshotInterval = clock.now, retention, 5*time.Millisecond
		config.AdminAddr, config.MaxEventAge = address, 0
	})
	admin = "http://" + address
	s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"before"`, "created_at": blackbox.Quote(time.Now().Add(-days(5)).Format(time.RFC3339))}))
	awaitMetric(t, admin, "stats_recorder_closed_days", 1)
	return s, clock, admin
}

// freeAddress is one that nobody listens at, and that a server has again after a restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestRetentionSurvivesAClockThatJumps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ahead     time.Duration
		retention time.Duration
	}{
		"ten years ahead":               {days(3650), days(1095)},
		"a month ahead":                 {days(31), days(30)},
		"in 2100":                       {time.Until(blackbox.MustTime(t, "2100-01-01T00:00:00Z")), days(1095)},
		"in 1970":                       {time.Until(blackbox.MustTime(t, "1970-01-02T00:00:00Z")), days(30)},
		"two years behind":              {-days(730), days(30)},
		"beyond what a counter can say": {days(100 * 1000), days(30)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock, admin := startSkewed(t, test.retention)
			expectShown := func(benefit, when string) {
				t.Helper()
				if got := since(t, s, time.Now().Add(-days(20))); !strings.Contains(got.Body, blackbox.Quote(benefit)) {
					t.Errorf("%s: the window has %s (Retention-Start-At %q), want %q in it", when, got.Body, got.Header.Get("Retention-Start-At"), benefit)
				}
			}
			wrong := func() {
				t.Helper()
				written := scrape(t, admin)["stats_recorder_snapshots_total"]
				for n := range 3 { // each with a snapshot, so that files that nobody lists would go
					s.Created(t, blackbox.RecordOf("while the clock is wrong"))
					awaitMetric(t, admin, "stats_recorder_snapshots_total", written+1+float64(n))
				}
			}
			clock.set(test.ahead)
			wrong()
			s.Restart(t) // at boot too
			wrong()
			expectShown("before", "while the clock is wrong")
			clock.set(0)
			s.Created(t, blackbox.RecordOf("after"))
			s.Restart(t)
			expectShown("before", "once it is right")
			expectShown("after", "once it is right")
		})
	}
}

// TestARecordThatSaysTheRightTimeCountsWhileTheClockIsWrong has the clock go wrong while the
// server runs, and be so at boot.
func TestARecordThatSaysTheRightTimeCountsWhileTheClockIsWrong(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{
		"ten years ahead": days(3650), "a month ahead": days(31), "in 1970": time.Until(blackbox.MustTime(t, "1970-01-02T00:00:00Z")), "a week behind": -days(7),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &skewedClock{}
			s := blackbox.StartServer(t, func(c *service.Config) {
				c.Now, c.Retention, c.SnapshotInterval = clock.now, days(1095), 5*time.Millisecond
			})
			of := func(benefit string, at time.Time) string {
				return blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote(benefit), "created_at": blackbox.Quote(at.Format(time.RFC3339))})
			}
			s.Created(t, of("before", time.Now()))
			clock.set(ahead)
			s.AlsoAfterRestart(t, func(t *testing.T) {
				s.Created(t, of("right", time.Now().Add(-time.Hour)))
				s.Created(t, of("by the clock", clock.now()))
				for _, wrong := range []time.Time{time.Now().Add(time.Hour), time.Now().Add(-days(3)), clock.now().Add(time.Hour), clock.now().Add(-days(3))} {
					if wrong.Unix() > 0 {
						s.Post(t, of("wrong", wrong)).ExpectSingleRejected(t, "created_at")
					}
				}
			})
			clock.set(0)
			s.Created(t, of("after", time.Now()))
			for benefit, want := range map[string]int{"before": 1, "right": 2, "after": 1} {
				if got := s.Total(t, benefit, "?start_at="+dateOf(time.Now().Add(-2*time.Hour))); got != want {
					t.Errorf("%q has %d events in the window of today, want %d", benefit, got, want)
				}
			}
		})
	}
}

// TestADoubtedExpiryWaitsForAPerson has the clock a year ahead: as an operator sees it,
// and as the operator ends it.
func TestADoubtedExpiryWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s, clock, admin := startSkewed(t, days(30))
	values := scrape(t, admin)
	if values["stats_recorder_retention_held_days"] != 0 || values["stats_recorder_clock_doubted"] != 0 {
		t.Errorf("before the jump, %v days are held", values["stats_recorder_retention_held_days"])
	}
	clock.set(days(365))
	awaitMetric(t, admin, "stats_recorder_clock_doubted", 1)
	values = awaitMetric(t, admin, "stats_recorder_retention_held_days", 1)
	if values["stats_recorder_closed_days"] != 1 {
		t.Errorf("%v days are closed, want the one that waits", values["stats_recorder_closed_days"])
	}
	if _, page := fetch(t, admin+"/clock"); !strings.Contains(page, dateOf(clock.now())) || !strings.Contains(page, dateOf(time.Now())) {
		t.Errorf("/clock says %q, want both days", page)
	}
	for _, refused := range []struct {
		query  string
		header string
		status int
	}{
		{"", "", http.StatusBadRequest},
		{"?today=soon", "", http.StatusBadRequest},
		{"?today=" + dateOf(time.Now()), "", http.StatusConflict},
		{"?today=" + dateOf(clock.now()), "Origin", http.StatusForbidden},
		{"?today=" + dateOf(clock.now()), "Sec-Fetch-Site", http.StatusForbidden},
	} {
		if status, body := confirmClock(t, admin, refused.query, refused.header); status != refused.status {
			t.Errorf("confirming %q with %q: %d %q, want %d", refused.query, refused.header, status, body, refused.status)
		}
	}
	if got := scrape(t, admin)["stats_recorder_closed_days"]; got != 1 {
		t.Fatalf("%v days are closed after what was refused, want 1", got)
	}
	if status, body := confirmClock(t, admin, "?today="+dateOf(clock.now()), ""); status != http.StatusOK {
		t.Errorf("confirming: %d %q", status, body)
	}
	values = scrape(t, admin)
	for _, name := range []string{"closed_days", "retention_held_days", "clock_doubted"} {
		if got := values["stats_recorder_"+name]; got != 0 {
			t.Errorf("%s is %v once the clock is confirmed, want 0", name, got)
		}
	}
	s.ExpectTotal(t, "before", 1) // of all time
}

func confirmClock(t *testing.T, admin, query, header string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, admin+"/clock"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		request.Header.Set(header, "https://page.example")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	got := blackbox.ReadReply(t, response)
	return got.Status, got.Body
}
