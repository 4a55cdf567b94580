package insight

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestEveryParameterChoosesWhatItSays(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, confounded())
	post(t, s, statistics{"C": {"show": {"3": {"3": 5000}}, "link": {"3": {"3": 60}}}})
	post(t, s, statistics{"old": {"show": {"1": {"1": 1}}}}, blackbox.Fields{"version": "1"})
	for path, want := range map[string]string{
		"benefits": "A B C", "benefits?order=score": "A B C", "benefits?order=merit": "A B C", "benefits?order=clicks": "A B C",
		"benefits?order=shows": "C A B", "benefits?order=ctr": "A B C", "benefits?order=id": "A B C",
		"benefits?limit=1": "A", "benefits?order=shows&limit=2": "C A", "benefits?limit=1000000": "A B C",
		"benefits?benefit=B": "B", "benefits?benefit=nobody": "", "benefits?group=nobody": "", "benefits?benefit=": "A B C",
		"benefits?version=1": "old", "benefits?version=7": "", "benefits?version=": "A B C",
		"benefits?stage=acted&order=clicks": "C A B", "benefits?start_at=2020": "A B C", "benefits?end_at=2020": "", "benefits?start_at=1970-01-01": "A B C",
		"benefits?end_at=1970-01-01": "", "benefits?start_at=2020&end_at=2020": "",
		"funnel": "C A B", "funnel?limit=1": "C", "funnel?benefit=A": "A", "funnel?group_by=benefit": "C A B", "funnel?group_by=total": "",
	} {
		expectIDs(t, s, path, want)
	}
	if a, _ := get(t, s, "benefits?benefit=C&stage=acted"); a.Benefits[0].Clicks != 60 || *a.Window.Stage != "acted" {
		t.Errorf("acted: %+v", a)
	}
	if a, _ := get(t, s, "positions"); len(a.Ranks) != 3 || len(a.Cells) != 3 || show(a.Cells[0].Expected) == "null" {
		t.Errorf("positions are %+v", a)
	}
	if a, _ := get(t, s, "positions?benefit=C"); len(a.Cells) != 1 || a.Cells[0].Shows != 5000 {
		t.Errorf("positions of C are %+v", a.Cells)
	}
	if a, _ := get(t, s, "funnel?group_by=total"); a.Records.Shown != 7000 || a.Records.Opened != 245 || a.Records.Acted != 60 || show(a.Records.OpenRate) != "0.035" {
		t.Errorf("the funnel is %+v", a.Records)
	}
	if a, _ := get(t, s, "quality"); a.Pages != 1000 || show(a.Balance) != "5" { // no page of three has a first place
		t.Errorf("quality is %+v", a)
	}
}

func TestABadValueIsRefusedWithWhatIsAllowed(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, test := range []struct{ path, says string }{
		{"benefits?order=best", "order: "}, {"benefits?stage=shown", "stage: "}, {"benefits?limit=0", "limit: "}, {"benefits?limit=many", "limit: "},
		{"benefits?limit=1000001", "limit: "}, {"benefits?version=two", "version: "}, {"benefits?version=65536", "version: "},
		{"benefits?start_at=yesterday", "start_at: "}, {"benefits?end_at=x", "end_at: "}, {"benefits?start_at=2026&end_at=2025", "end_at: "},
		{"benefits?format=xml", "format: "}, {"benefits?lang=de", "lang: "}, {"benefits?time_zone=Mars", "time_zone: "},
		{"positions?table=rows", "table: "}, {"funnel?group_by=day", "group_by: "}, {"timeline?step=year", "step: "},
		{"timeline?step=hour&version=2", "version: "},
	} {
		if message := s.Get(t, "/insight/"+test.path).ExpectMessage(t, http.StatusUnprocessableEntity); !strings.HasPrefix(message, test.says) {
			t.Errorf("%s: %q, want it to begin with %q", test.path, message, test.says)
		}
	}
	for _, path := range []string{"/nothing", "/benefits/more", "benefits"} {
		s.Get(t, "/insight"+path).ExpectMessage(t, http.StatusNotFound)
	}
	post(t, s, statistics{"A": {"show": {"1": {"1": 1}}}})
	message := s.Get(t, "/insight/timeline?start_at=1980").ExpectMessage(t, http.StatusUnprocessableEntity)
	if !strings.Contains(message, "too many steps") {
		t.Errorf("a timeline of 40 years of days: %q", message)
	}
}

func TestAParameterOfAnotherTableIsIgnoredAndNamed(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, confounded())
	for path, ignored := range map[string]string{
		"benefits?step=hour&colour=red": "step, colour", "positions?order=x": "order", "funnel?stage=x": "stage", "timeline?limit=x": "limit",
		"quality?benefit=A&group=b": "benefit, group", "benefits?share=x": "", "benefits?start_at=&foo=": "foo",
	} {
		_, reply := get(t, s, path)
		reply.ExpectHeader(t, "Ignored-Parameters", ignored)
	}
}

func TestAWindowIsWidenedToDaysAndSaysSo(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-11-26T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	at := func(instant string) blackbox.Fields { return blackbox.Fields{"created_at": blackbox.Quote(instant)} }
	post(t, s, statistics{"before": {"show": {"1": {"1": 1}}}}, at("2026-11-24T23:59:59Z"))
	post(t, s, statistics{"first": {"show": {"1": {"1": 1}}}}, at("2026-11-25T00:00:00Z"))
	post(t, s, statistics{"last": {"show": {"1": {"1": 1}}}}, at("2026-11-25T23:59:59Z"))
	post(t, s, statistics{"after": {"show": {"1": {"1": 1}}}}, at("2026-11-26T00:00:00Z"))
	for _, table := range tables {
		_, reply := get(t, s, table+"?start_at=2026-11-25T07:00:00Z&end_at=2026-11-25T08:00:00Z")
		reply.ExpectHeader(t, "Effective-Start-At", "2026-11-25T00:00:00Z")
		reply.ExpectHeader(t, "Effective-End-At", "2026-11-26T00:00:00Z")
		if want := `"window":{"start_at":"2026-11-25T00:00:00Z","end_at":"2026-11-26T00:00:00Z","version":2,`; !strings.Contains(reply.Body, want) {
			t.Errorf("%s is of %.200s, want %s", table, reply.Body, want)
		}
	}
	expectIDs(t, s, "benefits?order=id&start_at=2026-11-25&end_at=2026-11-26", "first last")
	expectIDs(t, s, "benefits?order=id", "after before first last")
	timeline, reply := get(t, s, "timeline")
	if len(timeline.Steps) != 3 || timeline.Steps[1].Shows != 2 || timeline.Steps[0].StartAt != "2026-11-24T00:00:00Z" {
		t.Errorf("the days are %+v", timeline.Steps)
	}
	reply.ExpectHeader(t, "Effective-Start-At", "2026-11-24T00:00:00Z")
	reply.ExpectHeader(t, "Effective-End-At", "2026-11-27T00:00:00Z")
	hours, _ := get(t, s, "timeline?step=hour&time_zone=Europe/Paris&start_at=2026-11-25&end_at=2026-11-26")
	if len(hours.Steps) != 24 || hours.Steps[0].Shows != 1 || hours.Steps[23].Shows != 1 || hours.Steps[0].StartAt != "2026-11-25T01:00:00+01:00" {
		t.Errorf("the hours are %+v", hours.Steps)
	}
	weeks, _ := get(t, s, "timeline?step=week")
	months, _ := get(t, s, "timeline?step=month&benefit=last")
	if len(weeks.Steps) != 1 || weeks.Steps[0].Shows != 4 || len(months.Steps) != 1 || months.Steps[0].Shows != 1 {
		t.Errorf("weeks are %+v, months of one benefit %+v", weeks.Steps, months.Steps)
	}
}

func TestCSVIsWhatASpreadsheetOpens(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, confounded())
	post(t, s, statistics{"=cmd": {"show": {"2": {"1": 1}}}})
	csv := func(path string, headers ...string) string {
		t.Helper()
		reply := s.Get(t, "/insight/"+path, headers...)
		reply.ExpectStatus(t, http.StatusOK)
		if kind := reply.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv; charset=utf-8") {
			t.Errorf("%s %q is %s", path, headers, kind)
		}
		if !reply.Varies("Accept") || !strings.HasPrefix(reply.Header.Get("Content-Disposition"), "attachment; filename=") {
			t.Errorf("%s has the headers %v", path, reply.Header)
		}
		return reply.Body
	}
	plain := csv("benefits?format=csv&start_at=2020&order=id")
	if !strings.HasPrefix(plain, "\ufeffid,label,group,type,shows,clicks,ctr,") || !strings.Contains(plain, "\n'=cmd,,,,1,0,0,") || !strings.Contains(plain, "\nA,,,,1000,190,0.19,") {
		t.Errorf("CSV is %s", plain)
	}
	french := csv("benefits?lang=fr&benefit=A", "Accept", "text/csv")
	if !strings.HasPrefix(french, "\ufeffid;label;") || !strings.Contains(french, "\nA;;;;1000;190;0,19;") {
		t.Errorf("French CSV is %s", french)
	}
	for _, table := range tables {
		if lines := strings.Count(csv(table+"?format=csv"), "\n"); lines < 2 {
			t.Errorf("%s has %d lines", table, lines)
		}
	}
	for table, header := range map[string]string{"cells": "page_total,benefit_index,", "ranks": "from,to,", "lengths": "from,to,"} {
		if got := csv("positions?format=csv&table=" + table); !strings.HasPrefix(got, "\ufeff"+header) {
			t.Errorf("%s are %.100s", table, got)
		}
	}
	for accept, isCSV := range map[string]bool{
		"text/csv": true, "text/csv, */*;q=0.1": true, "TEXT/CSV;q=0.9, application/json;q=0.5": true, "*/*": false, "text/html": false,
		"application/json, text/csv": false, "text/csv;q=0": false, "text/csv;q=x": false, "": false,
	} {
		reply := s.Get(t, "/insight/quality", "Accept", accept)
		if got := strings.HasPrefix(reply.Header.Get("Content-Type"), "text/csv"); got != isCSV {
			t.Errorf("Accept: %s is answered as %s", accept, reply.Header.Get("Content-Type"))
		}
	}
	if reply := s.Get(t, "/insight/quality?format=json", "Accept", "text/csv"); !strings.HasPrefix(reply.Body, "{") {
		t.Errorf("format=json is %s", reply.Body)
	}
	day := time.Now().UTC().Format(time.DateOnly)
	reply := s.Get(t, fmt.Sprintf("/insight/benefits?format=csv&start_at=%s", day))
	reply.ExpectHeader(t, "Content-Disposition", `attachment; filename="benefits-`+day+`.csv"`)
}
