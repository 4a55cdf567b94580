package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// classic is the schema of the file, which every Grafana imports. Version 2 is of newer ones.
//
//lint:ignore SA1019 the file is of this version
type classic = dashboard.Dashboard

// checkDashboard reads a dashboard by Grafana's own schema, which refuses fields that there
// are not and misses those that must be, of each kind of panel and query too.
func checkDashboard(text string) error {
	var strict classic
	err := strict.UnmarshalJSONStrict([]byte(text))
	if found, listed := errors.AsType[cog.BuildErrors](err); listed && len(found) == 0 {
		return nil // an empty list stands for no error
	}
	return err
}

// TestTheDashboardIsOneThatGrafanaReads holds the file and the schema together. Grafana
// itself is not tried.
func TestTheDashboardIsOneThatGrafanaReads(t *testing.T) {
	t.Parallel()
	plugins.RegisterDefaultPlugins()
	text := string(read(t, "../deploy/grafana/stats-recorder.json"))
	if err := checkDashboard(text); err != nil {
		t.Fatal(err)
	}
	var shown classic
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if err := shown.Validate(); err != nil {
		t.Error(err)
	}
	for _, one := range shown.Panels {
		if one.Panel == nil || len(one.Panel.Targets) == 0 {
			t.Errorf("a panel has no queries: %+v", one.Panel)
		}
	}
	for _, part := range []string{`"refresh": "30s"`, `"type": "timeseries"`, `"expr":`, `"legend": {`, `"gridPos": {`} {
		if !strings.Contains(text, part) {
			t.Fatalf("the dashboard has no %s to be spoilt", part)
		}
		spoilt := strings.Replace(text, part, `"thereIsNone": 1, `+part, 1)
		if part == `"legend": {` || part == `"gridPos": {` {
			spoilt = strings.Replace(text, part, part+`"thereIsNone": 1, `, 1)
		}
		if checkDashboard(spoilt) == nil {
			t.Errorf("a field that there is not is read beside %s", part)
		}
	}
}
