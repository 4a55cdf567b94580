package contract

import (
	"testing"

	"stats-recorder/contract/blackbox"
)

// clusterSettings are the rows of allSettings about counting with others. No log is
// there: the server says how it would, and counts.
func clusterSettings(t *testing.T) []setting {
	t.Helper()
	pair := newPair(t, t.TempDir(), "log")
	says := func(attribute, value string) func(*testing.T, *blackbox.Program) {
		return func(t *testing.T, p *blackbox.Program) {
			if have := p.Await(t, "counting with others").Text(t, attribute); have != value {
				t.Errorf("%s is %q, want %q", attribute, have, value)
			}
		}
	}
	with := []string{"LOG_URL=127.0.0.1:1"}
	notThere := []string{"/nowhere", "/"}
	return []setting{
		{variable: "LOG_URL", preset: "none: the server counts alone", value: "127.0.0.1:1,nats://127.0.0.2:1", other: "127.0.0.1:1",
			shows: says("log_servers", "2"), bad: []string{"http://127.0.0.1:4222", "10.0.0.1:4222/path", "nats://"}},
		{variable: "LOG_STREAM", preset: `"stats-recorder"`, value: "counts", other: "others", with: with, shows: says("log_stream", "counts"),
			bad: []string{"", "two words", "a.b", "*"}},
		{variable: "LOG_REPLICAS", preset: "3", value: "5", other: "3", with: with, shows: says("log_replicas", "5"), bad: []string{"0", "2", "4", "7", "three"}},
		{variable: "LOG_WINDOW", preset: "100ms", value: "20ms", other: "1s", with: with, shows: says("log_window", "20ms"), bad: []string{"0s", "-1s", "100"}},
		{variable: "LOG_BACKLOG", preset: "268435456", value: "1000", other: "2000", with: with, shows: says("log_backlog", "1000"), bad: []string{"0", "-1", "1GB"}},
		{variable: "LOG_CREDENTIALS", preset: "none", value: pair.key, other: "/nowhere", with: with, shows: says("log_credentials", pair.key), bad: notThere},
		{variable: "LOG_CA", preset: "none", value: pair.cert, other: "/nowhere", with: with, shows: says("log_ca", pair.cert), bad: notThere},
		{variable: "LOG_CERT", preset: "none", value: pair.cert, other: "/nowhere", with: append(with, "LOG_KEY="+pair.key), shows: says("log_cert", pair.cert), bad: notThere},
		{variable: "LOG_KEY", preset: "none", value: pair.key, other: "/nowhere", with: append(with, "LOG_CERT="+pair.cert), shows: says("log_cert", pair.cert), bad: notThere},
		{variable: "ACK", preset: `"disk"`, value: "cluster", other: "disk", with: with, shows: says("ack", "cluster"), bad: []string{"all", "Disk", "none"}},
		{variable: "ROLE", preset: `"all"`, value: "ingest", other: "all", with: with, shows: sendsReadersElsewhere, bad: []string{"read", "All"}},
		{variable: "READ_AT", preset: "none", value: "https://stats.example", other: "https://other.example", with: append(with, "ROLE=ingest"), shows: sendsReadersElsewhere},
		{variable: "READ_STALE", preset: `"serve"`, value: "refuse", other: "serve", with: with, shows: refusesStaleReads, bad: []string{"never", "Serve"}},
	}
}

func sendsReadersElsewhere(t *testing.T, p *blackbox.Program) {
	p.Get(t, "/statistics").ExpectStatus(t, 421)
}

func refusesStaleReads(t *testing.T, p *blackbox.Program) {
	response, err := p.Client.Get(p.URL + "/statistics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q, want 503 and some seconds", response.StatusCode, response.Header.Get("Retry-After"))
	}
}
