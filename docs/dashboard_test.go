package docs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what matters of the dashboard for Grafana.
type dashboard struct {
	Panels []struct {
		Title, Description string
		Targets            []struct{ Expr string }
	}
}

var (
	// metricName is a name that Prometheus has from a server or of it.
	metricName = regexp.MustCompile(`\b(?:stats_recorder|process|go)_\w+\b`)
	alertName  = regexp.MustCompile(`\bStatsRecorder\w+\b`)
	// quotedLabel is a value of a label, such as that of the job.
	quotedLabel = regexp.MustCompile(`"[^"]*"`)
)

// expressions are the panels' queries.
func (d dashboard) expressions() (all []string) {
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, quotedLabel.ReplaceAllString(target.Expr, ""))
		}
	}
	return all
}

// TestTheDashboardShowsTheMetricsThatThereAre looks each metric of the dashboard and of
// the alerts up among those of a server.
func TestTheDashboardShowsTheMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	served := servedSamples(t)
	names := metricName.FindAllString(strings.Join(readDashboard(t).expressions(), "\n"), -1)
	names = append(names, metricName.FindAllString(quotedLabel.ReplaceAllString(alertExpressions(t), ""), -1)...)
	if len(names) < 40 {
		t.Errorf("only %d metrics are shown: %q", len(names), names)
	}
	for _, name := range names {
		if !served[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// TestEveryAlertHasAPanel holds that whoever is paged finds what it is about: a panel
// names the alert, some panel shows each metric of its rule, and status warns of it.
func TestEveryAlertHasAPanel(t *testing.T) {
	t.Parallel()
	shown := readDashboard(t)
	var named []string
	for _, panel := range shown.Panels {
		named = append(named, alertName.FindAllString(panel.Description, -1)...)
	}
	rules := firsts(regexp.MustCompile(`alert: (\w+)`), readDocument(t, "deploy/alerts.yml"))
	tried := readDocument(t, "status/status_test.go")
	for _, rule := range rules {
		if isState := regexp.MustCompile(`Down$|NotReady$|Restarts$`); !isState.MatchString(rule) && !strings.Contains(tried, `"`+rule+`"`) {
			t.Errorf("status has no warning like the alert %s: add one to status/warnings.go and to its test", rule)
		}
		if !slices.Contains(named, rule) {
			t.Errorf("no panel names the alert %s", rule)
		}
	}
	for _, name := range named {
		if !slices.Contains(rules, name) {
			t.Errorf("a panel names the alert %s, which there is not", name)
		}
	}
	expressions := strings.Join(shown.expressions(), "\n")
	for _, name := range metricName.FindAllString(quotedLabel.ReplaceAllString(alertExpressions(t), ""), -1) {
		if !strings.Contains(expressions, name) {
			t.Errorf("an alert is about %s, which no panel shows", name)
		}
	}
}

func readDashboard(t *testing.T) (read dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(readDocument(t, "deploy/grafana/stats-recorder.json")), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// alertExpressions are the rules' conditions, one after the other.
func alertExpressions(t *testing.T) string {
	t.Helper()
	conditions := regexp.MustCompile(`(?ms)^\s+expr: (.*?)^\s+(?:for|labels):`)
	return strings.Join(firsts(conditions, readDocument(t, "deploy/alerts.yml")), "\n")
}

// servedSamples are the names that a server that has counted has samples of, and those
// that its help names: some have a sample only once something went wrong.
func servedSamples(t *testing.T) map[string]bool {
	t.Helper()
	answer := servedMetrics(t)
	served := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^(?:# TYPE )?(\w+)`).FindAllStringSubmatch(answer, -1) {
		served[found[1]] = true
	}
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (\w+) histogram`).FindAllStringSubmatch(answer, -1) {
		served[found[1]+"_bucket"] = true
	}
	return served
}
