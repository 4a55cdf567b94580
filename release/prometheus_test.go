package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPrometheusAnswersEveryPanel has one scrape a server that counts, and asks it what
// each panel of the dashboard does.
func TestPrometheusAnswersEveryPanel(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("needs prometheus, of the Debian package prometheus")
	}
	s := serve(t, exec.Command(filepath.Join(unpackRelease(t, "linux_amd64"), program)), "DATA_DIR="+t.TempDir())
	s.post(t)
	s.request(t, http.MethodPost, s.url+"/benefits", "[{}]")
	ask := s.scrapedBy(t, prometheus)
	for deadline := time.Now().Add(patience); len(ask(`count_over_time(up{job="stats-recorder"}[1m]) > 3`)) == 0; <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never scrapes the server")
		}
	}
	var shown classic
	if err := json.Unmarshal(read(t, "../deploy/grafana/stats-recorder.json"), &shown); err != nil {
		t.Fatal(err)
	}
	_, metrics := s.request(t, http.MethodGet, s.admin+"/metrics", "")
	asked := 0
	for _, panel := range shown.Panels {
		for _, target := range panel.Panel.Targets {
			text, err := json.Marshal(target)
			if err != nil {
				t.Fatal(err)
			}
			var query struct{ Expr string }
			if err := json.Unmarshal(text, &query); err != nil {
				t.Fatal(err)
			}
			asked++
			if isCounted(query.Expr, metrics) != (len(ask(strings.NewReplacer("$job", program, "$instance", ".*").Replace(query.Expr))) > 0) {
				t.Errorf("%s: it is answered with nothing though the server shows it, or with something though it does not: %s", *panel.Panel.Title, query.Expr)
			}
		}
	}
	t.Logf("%d queries were answered", asked)
}

// isCounted says whether a server shows all that a query asks for: some metrics have a
// sample only once something went wrong.
func isCounted(query, metrics string) bool {
	for _, name := range regexp.MustCompile(`(?:stats_recorder|process|go)_\w+`).FindAllString(query, -1) {
		if !regexp.MustCompile(`(?m)^` + name + `[ {]`).MatchString(metrics) {
			return false
		}
	}
	for _, label := range regexp.MustCompile(`\w+="[^"$]+"`).FindAllString(query, -1) {
		if !strings.Contains(metrics, label) {
			return false
		}
	}
	return true
}

// scrapedBy starts a Prometheus for the server, and returns what asks it; a warning is an
// error.
func (s *server) scrapedBy(t *testing.T, prometheus string) (ask func(query string) []any) {
	t.Helper()
	directory, address := t.TempDir(), freeAddress(t)
	settings := fmt.Sprintf("scrape_configs: [{job_name: stats-recorder, scrape_interval: 250ms, static_configs: [{targets: [%q]}]}]\n",
		strings.TrimPrefix(s.admin, "http://"))
	path := filepath.Join(directory, "prometheus.yml")
	if err := os.WriteFile(path, []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(prometheus, "--config.file="+path, "--storage.tsdb.path="+directory, "--web.listen-address="+address)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return func(query string) []any {
		t.Helper()
		_, body := s.request(t, http.MethodGet, "http://"+address+"/api/v1/query?query="+url.QueryEscape(query), "")
		var answer struct {
			Status, Error string
			Warnings      []string
			Data          struct{ Result []any }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return nil // it is not ready yet
		}
		if answer.Status != "success" || len(answer.Warnings) > 0 {
			t.Errorf("%s: %s %q", query, answer.Error, answer.Warnings)
		}
		return answer.Data.Result
	}
}
