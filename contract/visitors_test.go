package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// operated makes a program tell of its visitors.
var operated = []string{"ADMIN_ADDR=127.0.0.1:0"}

// visitorSettings are the settings of the ledger of visitors.
func visitorSettings() []setting {
	return []setting{
		{variable: "VISITORS", preset: "on", value: "off", other: "on", with: operated, shows: countsNoVisitors, bad: []string{"maybe", "true"}},
		{variable: "ANONYMOUS_IDS", preset: "uid_", value: "bot-,x", other: "uid_", with: operated, shows: takesBotsForNobody,
			bad: []string{"a b", strings.Repeat("x", 257)}},
		{variable: "MAX_VISITORS", preset: "by the memory", value: "2", other: "1000", with: operated, shows: samplesVisitors,
			bad: []string{"0", "-1", "1e6"}},
		{variable: "MAX_VISITOR_PAIRS", preset: "by the memory", value: "2", other: "1000", with: operated, shows: hasRoomForTwoPairs,
			bad: []string{"0", "-1", "many"}},
		{variable: "MAX_VARIANTS", preset: "64", value: "1", other: "64", with: operated, shows: hasRoomForOneVariant,
			bad: []string{"0", "-1", "127"}},
		{variable: "VISITORS_RETENTION", preset: "760d", value: "4d", other: "1095d", with: []string{"SNAPSHOT_INTERVAL=5ms", "LOG_LEVEL=debug"},
			shows: keepsVisitorsFourDays, bad: []string{"4", "-4d", "1d", "two years"}},
		{variable: "MAX_LIVE", preset: "32", value: "1", other: "32", shows: letsOneListen, bad: []string{"0", "-1", "many"}},
	}
}

func keepsVisitorsFourDays(t *testing.T, p *blackbox.Program) {
	fourDaysAgo := func() string { return time.Now().UTC().AddDate(0, 0, -4).Format(time.DateOnly) + "T00:00:00Z" }
	before := fourDaysAgo()
	writesASnapshot(t, p)
	for path, want := range map[string]bool{"visitors": true, "experiments": true, "benefits": false} {
		kept := p.Get(t, "/insight/"+path+"?start_at=1970").Header.Get("Retention-Start-At")
		if hides := kept == before || kept == fourDaysAgo(); hides != want {
			t.Errorf("%s: Retention-Start-At is %q, that it is %q is %v, want %v", path, kept, before, hides, want)
		}
	}
}

// visit is a record of a visitor.
func visit(id, benefit string, experiments ...string) string {
	fields := blackbox.Fields{"hash_id": blackbox.Quote(id), "benefit_id": blackbox.Quote(benefit)}
	if len(experiments) > 0 {
		fields["abtesting"] = "{" + strings.Join(experiments, ",") + "}"
	}
	return blackbox.Record(fields)
}

func adminOf(t *testing.T, p *blackbox.Program) string {
	t.Helper()
	return "http://" + p.Await(t, "listening").Text(t, "admin")
}

func countsNoVisitors(t *testing.T, p *blackbox.Program) {
	p.Created(t, visit("one", "RSA"))
	if values := awaitMetric(t, adminOf(t, p), "stats_recorder_records_accepted_total", 1); len(values) > 0 {
		if got, there := values["stats_recorder_visitors"]; there {
			t.Errorf("there are %v visitors", got)
		}
	}
}

func takesBotsForNobody(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.Array(visit("bot-1", "RSA"), visit("xyz", "RSA"), visit("uid_1", "RSA")))
	values := awaitMetric(t, adminOf(t, p), "stats_recorder_visitors", 1)
	if anonymous := values["stats_recorder_anonymous_records"]; anonymous != 2 {
		t.Errorf("%v records are of nobody, want 2", anonymous)
	}
}

func samplesVisitors(t *testing.T, p *blackbox.Program) {
	for i := range 20 {
		p.Created(t, visit(fmt.Sprint(i), "RSA"))
	}
	values := awaitMetric(t, adminOf(t, p), "stats_recorder_records_accepted_total", 20)
	if kept, rate := values["stats_recorder_visitors"], values["stats_recorder_visitor_sample_rate"]; kept > 2 || rate >= 1 || rate <= 0 {
		t.Errorf("%v visitors are kept at a rate of %v, want at most 2 of a sample", kept, rate)
	}
}

func hasRoomForTwoPairs(t *testing.T, p *blackbox.Program) {
	for i := range 20 {
		p.Created(t, blackbox.Array(visit(fmt.Sprint(i), "RSA"), visit(fmt.Sprint(i), "APL")))
	}
	values := awaitMetric(t, adminOf(t, p), "stats_recorder_visitors", 20)
	if pairs := values["stats_recorder_visitor_pairs"]; pairs > 2 {
		t.Errorf("%v pairs are kept, want at most 2", pairs)
	}
}

func hasRoomForOneVariant(t *testing.T, p *blackbox.Program) {
	p.Created(t, visit("one", "RSA", `"place":"first"`))
	p.Created(t, visit("two", "RSA", `"place":"last"`))
	values := awaitMetric(t, adminOf(t, p), "stats_recorder_visitors", 2)
	if unplaced := values["stats_recorder_unplaced_assignments"]; unplaced != 1 {
		t.Errorf("%v variants have no place, want 1", unplaced)
	}
}
