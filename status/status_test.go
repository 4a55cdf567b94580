package status_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stats-recorder/status"
)

// healthy is what a server without any trouble shows.
const healthy = `# HELP stats_recorder_ready Whether it takes records.
stats_recorder_ready 1
stats_recorder_build_info{version="1.1.0",revision="abc",goversion="go1.26"} 1
process_start_time_seconds 1700000000
process_resident_memory_bytes 30000000
go_memlimit_bytes 1000000000
stats_recorder_records_accepted_total 900
stats_recorder_records_rejected_total{field="page_total",reason="not in range"} 3
stats_recorder_records_rejected_total{field="event_type",reason="unknown"} 7
stats_recorder_records_overflowed_total 0
stats_recorder_http_requests_total{method="POST",path="/benefits",status="200"} 90
stats_recorder_commits_refused_total 4
stats_recorder_journal_sync_seconds_bucket{le="0.001"} 98
stats_recorder_journal_sync_seconds_bucket{le="0.0025"} 100
stats_recorder_journal_sync_seconds_bucket{le="+Inf"} 100
stats_recorder_journal_sync_seconds_count 100
stats_recorder_unsynced_seconds 0
stats_recorder_last_commit_timestamp_seconds 1700000050.5
stats_recorder_snapshot_age_seconds 12
stats_recorder_snapshot_failures_total 2
stats_recorder_damaged_days_total 0
stats_recorder_recovery_warnings 0
stats_recorder_clock_doubted 0
stats_recorder_journal_bytes 1000
stats_recorder_snapshot_bytes 2000
stats_recorder_closed_days_bytes 3000
stats_recorder_closed_days 4
stats_recorder_disk_free_bytes 5000000000
stats_recorder_counters 100
stats_recorder_benefits 10
stats_recorder_limit{setting="LOG_BACKLOG"} 1000
stats_recorder_log_limit_bytes 1000
stats_recorder_log_waiting_bytes 499
stats_recorder_log_used_bytes 799
stats_recorder_log_lag_seconds 1
stats_recorder_limit{setting="MAX_COUNTERS"} 1000
stats_recorder_limit{setting="MAX_BENEFITS"} 100
stats_recorder_defences_total{kind="panics"} 0
stats_recorder_defences_total{kind="connections_refused"} 5
`

var asked = time.Unix(1700000100, 0).UTC()

func readingOf(t *testing.T, at time.Time, text string) status.Reading {
	t.Helper()
	metrics, err := status.ParseMetrics(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return status.Reading{At: at, Metrics: metrics}
}

// changed is the healthy text with the value of one metric set; a metric that is not
// there is added.
func changed(t *testing.T, metric, value string) string {
	t.Helper()
	pattern := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(metric) + " .*$")
	if !pattern.MatchString(healthy) {
		return healthy + metric + " " + value + "\n"
	}
	return pattern.ReplaceAllLiteralString(healthy, metric+" "+value)
}

// TestEveryAlertIsAStatusToo holds that what pages somebody is what a person at a
// terminal sees.
func TestEveryAlertIsAStatusToo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ metric, value, says string }{
		"StatsRecorderRefusesRecords":     {"stats_recorder_commits_refused_total", "5", "clients get 503"},
		"StatsRecorderDiskFillsUp":        {"stats_recorder_disk_free_bytes", "999000000", "only 999 MB are free"},
		"StatsRecorderSnapshotOld":        {"stats_recorder_snapshot_age_seconds", "901", "no snapshot was written for 15m1s"},
		"StatsRecorderSnapshotsFail":      {"stats_recorder_snapshot_failures_total", "3", "a snapshot could not be written"},
		"StatsRecorderBackupsFail":        {"stats_recorder_backup_failing", "1", "nothing reaches object storage"},
		"StatsRecorderDayDamaged":         {"stats_recorder_damaged_days_total", "1", "of 1 closed day a file"},
		"StatsRecorderDiskSlow":           {`stats_recorder_journal_sync_seconds_bucket{le="0.0025"}`, "98", "longer than half a second"},
		"StatsRecorderRejectionsHigh":     {`stats_recorder_records_rejected_total{field="x",reason="y"}`, "91", "10% of the records"},
		"StatsRecorderOverflows":          {"stats_recorder_records_overflowed_total", "2", "counted as __other__, because MAX_BENEFITS or MAX_COUNTERS was reached: 2 records"},
		"StatsRecorderFoundDamage":        {"stats_recorder_recovery_warnings", "1", "damaged files that cost nothing"},
		"StatsRecorderClockDoubted":       {"stats_recorder_clock_doubted", "1", "the clock is ahead"},
		"StatsRecorderKeysForgotten":      {"stats_recorder_idempotency_keys_forgotten_total", "1", "keys of batches are forgotten"},
		"StatsRecorderLogAway":            {"stats_recorder_log_trouble", "1", "cannot be used"},
		"StatsRecorderLogBehind":          {"stats_recorder_log_lag_seconds", "61", "lacks what others have told for 1m1s"},
		"StatsRecorderLogWaits":           {"stats_recorder_log_waiting_bytes", "501", "501 B wait for the log"},
		"StatsRecorderLogBacklogFull":     {"stats_recorder_log_waiting_bytes", "1001", "LOG_BACKLOG is reached"},
		"StatsRecorderLogSettingsDiffer":  {"stats_recorder_log_differing_settings", "1", "of another node differ: 1 setting;"},
		"StatsRecorderLogFillsUp":         {"stats_recorder_log_used_bytes", "801", "nearly full: 801 B of 1.0 kB"},
		"StatsRecorderLogApart":           {"stats_recorder_log_apart", "1", "have other counts"},
		"StatsRecorderErrors":             {`stats_recorder_http_requests_total{method="GET",path="/benefits",status="500"}`, "1", "failed inside"},
		"StatsRecorderPanics":             {`stats_recorder_defences_total{kind="panics"}`, "1", "has met a bug"},
		"StatsRecorderTooManyConnections": {`stats_recorder_defences_total{kind="connections_refused"}`, "6", "too many"},

		"no alert, disk behind": {"stats_recorder_unsynced_seconds", "11", "11s behind"},
		"no alert, import":      {"stats_recorder_import_waiting_seconds", "61", "an import waits for 1m1s"},
		"no alert, memory":      {"process_resident_memory_bytes", "901000000", "memory: 90% of the limit"},
		"no alert, counters":    {"stats_recorder_counters", "901", "counters: 90% of MAX_COUNTERS"},
		"no alert, benefits":    {"stats_recorder_benefits", "91", "benefits: 91% of MAX_BENEFITS"},
	}
	alerts, err := os.ReadFile("../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	// Down and NotReady are the state and not a warning; restarts show in since.
	isState := regexp.MustCompile(`Down$|NotReady$|Restarts$`)
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if _, there := tests[alert[1]]; !there && !isState.MatchString(alert[1]) {
			t.Errorf("there is an alert %s, and no warning of status is tried for it", alert[1])
		}
	}
	before := readingOf(t, asked.Add(-time.Second), healthy)
	for name, test := range tests {
		report := status.Compare(before, readingOf(t, asked, changed(t, test.metric, test.value)))
		if report.State != status.Warned || report.ExitCode() != 1 || len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], test.says) {
			t.Errorf("%s: %s %s makes it %s with warnings %q, want one that says %q", name, test.metric, test.value, report.State, report.Warnings, test.says)
		}
	}
}

func TestAReportSaysHowAServerIs(t *testing.T) {
	t.Parallel()
	before := readingOf(t, asked.Add(-2*time.Second), changed(t, "stats_recorder_records_accepted_total", "800"))
	report := status.Compare(before, readingOf(t, asked, healthy))
	if report.State != status.Well || report.ExitCode() != 0 {
		t.Errorf("the state is %s (%d), with %q", report.State, report.ExitCode(), report.Warnings)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil {
		t.Fatal(err)
	}
	const want = `state        well
version      1.1.0, revision abc
since        2023-11-14 22:13:20 UTC, for 1m40s; the start took 0s
memory       30 MB of 1.0 GB
recorded     900 since the start, 50 a second now
last event   2023-11-14 22:14:10 UTC, 50s ago
rejected     10
             event_type unknown: 7
             page_total not in range: 3
to disk      0s behind; syncs: 99 of 100 within 2.5ms
snapshot     12s old
disk         6.0 kB kept, 4 closed days; 5.0 GB free
counters     100 of MAX_COUNTERS=1000
benefits     10 of MAX_BENEFITS=100
`
	if text.String() != want {
		t.Errorf("the report is\n%swant\n%s", text.String(), want)
	}
}

func TestAReportSaysHowOldWhatObjectStorageHasIs(t *testing.T) {
	t.Parallel()
	reading := readingOf(t, asked, changed(t, "stats_recorder_backup_timestamp_seconds", "1700000058"))
	var text strings.Builder
	if err := status.Compare(reading, reading).Print(&text); err != nil {
		t.Fatal(err)
	}
	if want := "\nbackup       all that was counted 42s ago is in object storage\n"; !strings.Contains(text.String(), want) {
		t.Errorf("the report is\n%swant a line%s", text.String(), want)
	}
}

func TestAServerThatTakesNoRecordsIsDown(t *testing.T) {
	t.Parallel()
	recovering := readingOf(t, asked, "stats_recorder_ready 0\nprocess_resident_memory_bytes 5\n")
	recovering.NotReady = "recovering"
	for name, report := range map[string]status.Report{
		"recovering":  status.Compare(recovering, recovering),
		"unreachable": status.Unreachable(asked, "nobody answers"),
	} {
		var text strings.Builder
		if err := report.Print(&text); err != nil {
			t.Fatal(err)
		}
		if report.State != status.Down || report.ExitCode() != 2 || !strings.HasPrefix(text.String(), "state        down: "+report.Reason+"\n") {
			t.Errorf("%s: it is %s (%d):\n%s", name, report.State, report.ExitCode(), text.String())
		}
	}
}

func TestWhatIsNoMetricsIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<html>", "go_goroutines 5\n", "stats_recorder_ready x\n", "stats_recorder_ready{a=} 1\n", `stats_recorder_ready{a="} 1` + "\n"} {
		if _, err := status.ParseMetrics(strings.NewReader(text)); !errors.Is(err, status.ErrMetrics) {
			t.Errorf("%q: the error is %v, want ErrMetrics", text, err)
		}
	}
	metrics, err := status.ParseMetrics(strings.NewReader("stats_recorder_ready 1\nx{a=\"b \\\"c\\\" , } d\",e=\"f\"} 2.5\n"))
	if err != nil || metrics["x"][0].Labels["a"] != `b "c" , } d` || metrics["x"][0].Labels["e"] != "f" || metrics["x"][0].Value != 2.5 {
		t.Errorf("labels are read as %+v (%v)", metrics, err)
	}
}
