package contract

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// startOperated starts the binary with an admin address of its own.
func startOperated(t testing.TB, environment ...string) (p *blackbox.Program, admin string) {
	t.Helper()
	p = blackbox.StartProgram(t, t.TempDir(), append([]string{"ADMIN_ADDR=127.0.0.1:0"}, environment...))
	line := p.Await(t, "listening")
	return p, "http://" + line.Text(t, "admin")
}

// fetch gets an admin page.
func fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), blackbox.Patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// scrape reads the metrics by name and labels.
func scrape(t testing.TB, admin string) map[string]float64 {
	t.Helper()
	status, text := fetch(t, admin+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics answers %d:\n%s", status, text)
	}
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		name, number, found := cutLast(strings.TrimSpace(line), " ")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Errorf("not a metric: %q", line)
		}
		values[name] = value
	}
	return values
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

func servesTheOperator(t *testing.T, p *blackbox.Program) {
	line := p.Await(t, "listening")
	if status, body := fetch(t, "http://"+line.Text(t, "admin")+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz answers %d %q", status, body)
	}
}

func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t, "SNAPSHOT_INTERVAL=20ms", "MAX_BENEFITS=1")
	p.Created(t, blackbox.Times(3, blackbox.RecordOf("RSA")))
	p.Created(t, blackbox.RecordOf("no room"))
	p.Post(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.Record(blackbox.Fields{"page_total": "0"}), blackbox.Record(blackbox.Fields{"event_type": `"x"`}))).ExpectStatus(t, 422)
	p.Get(t, "/statistics").ExpectStatus(t, 200)
	p.Get(t, "/benefits/").ExpectStatus(t, 200)
	p.Get(t, "/nowhere").ExpectStatus(t, 404)
	want := map[string]float64{
		`stats_recorder_ready`: 1,
		`stats_recorder_http_requests_total{method="POST",path="/benefits",status="200"}`:               2,
		`stats_recorder_http_requests_total{method="POST",path="/benefits",status="422"}`:               1,
		`stats_recorder_http_requests_total{method="GET",path="/statistics",status="200"}`:              1,
		`stats_recorder_http_requests_total{method="GET",path="/benefits",status="200"}`:                1,
		`stats_recorder_http_requests_total{method="any",path="unknown",status="404"}`:                  1,
		`stats_recorder_http_request_duration_seconds_count{method="POST",path="/benefits"}`:            3,
		`stats_recorder_http_request_duration_seconds_bucket{method="POST",path="/benefits",le="+Inf"}`: 3,
		`stats_recorder_records_accepted_total`:                                                         5,
		`stats_recorder_records_rejected_total{field="page_total",reason="not in range"}`:               1,
		`stats_recorder_records_rejected_total{field="event_type",reason="unknown"}`:                    1,
		`stats_recorder_records_overflowed_total`:                                                       1,
		`stats_recorder_commits_total`:                                                                  3,
		`stats_recorder_commits_refused_total`:                                                          0,
		`stats_recorder_journal_frame_bytes_count`:                                                      3,
		`stats_recorder_benefits`:                                                                       2,
		`stats_recorder_counters`:                                                                       4, // two of positions, two of hours
		`stats_recorder_open_days`:                                                                      1,
		`stats_recorder_closed_days`:                                                                    0,
		`stats_recorder_snapshot_failures_total`:                                                        0,
		`stats_recorder_recovery_commits`:                                                               0,
	}
	values := awaitMetric(t, admin, "stats_recorder_snapshots_total", 1)
	for name, value := range want {
		if got, there := values[name]; !there || got != value {
			t.Errorf("%s is %v (%t), want %v", name, got, there, value)
		}
	}
	for _, name := range []string{
		"stats_recorder_journal_bytes", "stats_recorder_journal_sync_seconds_sum", "stats_recorder_snapshot_age_seconds",
		"stats_recorder_snapshot_bytes", "stats_recorder_snapshot_duration_seconds_sum", "stats_recorder_recovery_seconds",
		"process_resident_memory_bytes", "process_start_time_seconds", "go_goroutines",
	} {
		if values[name] <= 0 {
			t.Errorf("%s is %v, want something", name, values[name])
		}
	}
}

// awaitMetric waits until a metric has at least a value and returns all.
func awaitMetric(t testing.TB, admin, name string, least float64) map[string]float64 {
	t.Helper()
	var values map[string]float64
	harnesstest.Until(t, fmt.Sprintf("%s is at least %v", name, least), func() bool {
		values = scrape(t, admin)
		return values[name] >= least
	})
	return values
}

func TestTheAdminPagesAreNotOnThePublicPort(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/clock", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		p.Get(t, path).ExpectMessage(t, http.StatusNotFound)
		if status, body := fetch(t, admin+path); status != http.StatusOK || body == "" {
			t.Errorf("%s answers %d %q at the admin address", path, status, body)
		}
	}
	if status, _ := fetch(t, admin+"/benefits"); status != http.StatusNotFound {
		t.Errorf("/benefits answers %d at the admin address", status)
	}
}

func TestRunWithoutAnAdminAddressHasNone(t *testing.T) {
	t.Parallel()
	if config := service.DefaultConfig(); config.AdminAddr != "" {
		t.Errorf("the default of a Config is %q", config.AdminAddr)
	}
	p := blackbox.StartProgram(t, t.TempDir(), []string{"ADMIN_ADDR=off"})
	line := p.Await(t, "listening")
	if admin, there := line["admin"]; there {
		t.Errorf("the admin address is %v", admin)
	}
}

func TestATakenAdminAddressIsRefusedByName(t *testing.T) {
	t.Parallel()
	blackbox.Run(t, []string{"ADMIN_ADDR=" + takenAddress(t)}).ExpectRefusal(t, "ADMIN_ADDR", "in use")
}

func TestHealthAsksTheServer(t *testing.T) {
	t.Parallel()
	_, admin := startOperated(t)
	address := "ADMIN_ADDR=" + strings.TrimPrefix(admin, "http://")
	for _, arguments := range [][]string{{"health"}, {"health", "--ready"}} {
		if got := blackbox.Run(t, []string{address}, arguments...); got.Code != 0 || got.Stderr != "" || got.Stdout == "" {
			t.Errorf("%q: got %+v", arguments, got)
		}
	}
	blackbox.Run(t, []string{"ADMIN_ADDR=127.0.0.1:1"}, "health").ExpectRefusal(t, "127.0.0.1:1")
	blackbox.Run(t, nil, "health").ExpectRefusal(t, "ADMIN_ADDR")
}

func TestVersionSaysWhatItIs(t *testing.T) {
	t.Parallel()
	got := blackbox.Run(t, nil, "version")
	if got.Code != 0 || got.Stderr != "" || !strings.HasPrefix(got.Stdout, "stats-recorder ") ||
		!strings.Contains(got.Stdout, "\nrevision ") || !strings.Contains(got.Stdout, "\ndate ") || !strings.Contains(got.Stdout, "\ngo1.") {
		t.Errorf("got %+v", got)
	}
	blackbox.Run(t, nil, "version", "please").ExpectRefusal(t, "please")
}
