package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// statusOf runs the command status against an admin address.
func statusOf(t *testing.T, admin string, arguments ...string) blackbox.Outcome {
	t.Helper()
	address := strings.TrimPrefix(admin, "http://")
	return blackbox.Run(t, []string{"ADMIN_ADDR=" + address}, append([]string{"status", "--during", "10ms"}, arguments...)...)
}

func TestStatusSaysHowAServerIs(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t, "MAX_BENEFITS=1")
	statusOf(t, admin).ExpectReport(t, 0, "state        well", "recorded     0", "none since the start", "of MAX_BENEFITS=1")

	p.Created(t, blackbox.RecordOf("RSA"))
	p.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"x"`})).ExpectStatus(t, 422)
	p.Created(t, blackbox.RecordOf("no room"))
	statusOf(t, admin).ExpectReport(t, 1, "state        warning", "recorded     2", "event_type unknown: 1", "MAX_COUNTERS was reached: 1 record")

	var report struct {
		State    string
		Warnings []string
		Records  struct{ Recorded int }
	}
	outcome := statusOf(t, admin, "--json")
	if err := json.Unmarshal([]byte(outcome.Stdout), &report); err != nil {
		t.Fatalf("%v in\n%s", err, outcome.Stdout)
	}
	if outcome.Code != 1 || report.State != "warning" || len(report.Warnings) != 2 || report.Records.Recorded != 2 {
		t.Errorf("it ends with %d and says %+v", outcome.Code, report)
	}

	p.Terminate(t)
	statusOf(t, admin).ExpectReport(t, 2, "state        down: nobody answers at 127.0.0.1:")
}

// TestAStatusThatCannotBeAskedForIsNoWarning has scripts in mind, which see the code.
func TestAStatusThatCannotBeAskedForIsNoWarning(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"--jsn"}, {"now"}, {"--admin-addr", "off"}, {"--admin-addr", "localhost"}} {
		outcome := blackbox.Run(t, nil, append([]string{"status"}, arguments...)...)
		if outcome.Code != 2 {
			t.Errorf("status %q ends with %d, want 2:\n%s", arguments, outcome.Code, outcome.Stderr)
		}
	}
}
