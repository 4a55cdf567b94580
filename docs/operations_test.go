package docs

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"stats-recorder/service"
)

// TestMetricsAreAsDocumented compares the metrics of a server with the table of
// operations.md, both ways.
func TestMetricsAreAsDocumented(t *testing.T) {
	t.Parallel()
	served := firsts(regexp.MustCompile(`(?m)^# TYPE (stats_recorder_\w+) `), servedMetrics(t))
	documented := firsts(regexp.MustCompile("(?m)^\\| `(stats_recorder_\\w+)` \\|"), readDocument(t, "docs/operations.md"))
	for _, name := range served {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/operations.md does not have the metric %s", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(served, name) {
			t.Errorf("docs/operations.md has the metric %s, which there is not", name)
		}
	}
}

// servedMetrics is what a server with an admin address shows.
func servedMetrics(t *testing.T) string {
	t.Helper()
	admin := freeAddress(t)
	startServer(t, func(c *service.Config) { c.AdminAddr = admin })
	response, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// firsts are the first groups of all matches.
func firsts(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
