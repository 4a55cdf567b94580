package contract

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestOnlyUTF8IsTaken(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	taken := []string{
		"application/json", "application/json;charset=utf-8", "application/json; charset=UTF-8", `application/json; charset="utf-8"`,
		"text/plain;charset=UTF-8", "APPLICATION/JSON ; Charset=Utf-8", "application/json; version=1", "application/json;",
		"application/json; version=1; charset=utf-8",
	}
	for _, contentType := range taken {
		s.Created(t, blackbox.RecordOf("RSA"), "Content-Type", contentType)
	}
	for _, contentType := range []string{
		"application/json; charset=iso-8859-1", "application/json;charset=latin1", "application/json; charset=utf-16", "application/json; charset=UTF-16LE",
		"text/plain; charset=windows-1252", `application/json; charset="iso-8859-15"`, "application/json; version=1; charset=us-ascii",
		"application/json; charset=utf-8; charset=utf-16", "application/json; CHARSET=koi8-r", "application/json; charset=utf-8x",
	} {
		s.Post(t, "{\"benefit_id\":\"activit\xe9\",\"hash_id\":\"h\",\"benefit_index\":1,\"page_total\":2}", "Content-Type", contentType).
			ExpectMessage(t, http.StatusUnsupportedMediaType)
	}
	s.ExpectTotal(t, "RSA", len(taken))
	if got := s.Totals(t, ""); len(got) != 1 {
		t.Errorf("the counts are %v", got)
	}
}

func TestOddExperimentsAreCountedByTheirReason(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t)
	for value, times := range map[string]int{`{"a":1}`: 3, `{"a":null,"b":[]}`: 1, `"A"`: 2, `{"":"A"}`: 1} {
		p.Created(t, blackbox.Times(times, blackbox.Record(blackbox.Fields{"abtesting": value})))
	}
	got := scrape(t, admin)
	for reason, want := range map[string]float64{"wrong type": 3 + 2 + 2, "wrong length": 1} {
		if name := `stats_recorder_ignored_fields_total{field="abtesting",reason="` + reason + `"}`; got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

// TestAMaximalPartOfACutCharacterIsOneReplacement takes texts apart as the WHATWG's
// decoder does, which browsers and the replaced server have.
func TestAMaximalPartOfACutCharacterIsOneReplacement(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for sent, want := range map[string]string{
		"\xe2\x82":         "\ufffd",
		"a\xe2\x82b":       "a\ufffdb",
		"\xe2\x82\xe2\x82": "\ufffd\ufffd",
		"\xf0\x9f\x98":     "\ufffd",
		"\xf0\x90\x80A":    "\ufffdA",
		"\xc0\x80":         "\ufffd\ufffd",
		"\xed\xa0\x80":     "\ufffd\ufffd\ufffd",
		"\xf5\x80":         "\ufffd\ufffd",
		"\xe2\x82\\u0041":  "\ufffdA",
		"é\xff😀":           "é\ufffd😀",
	} {
		before := s.Total(t, want, "")
		s.Created(t, `{"benefit_id":"`+sent+`","hash_id":"h","benefit_index":1,"page_total":2}`)
		s.Created(t, blackbox.Array(blackbox.RecordOf("usual"), `{"benefit_id":"`+sent+`","hash_id":"h","benefit_index":1,"page_total":2}`))
		if got := s.Total(t, want, "") - before; got != 2 {
			t.Errorf("%q counts %d times under %q, want 2: %v", sent, got, want, s.Totals(t, ""))
		}
	}
}

func TestAnUnknownParameterIsIgnoredAndNamed(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t)
	p.Created(t, blackbox.RecordOf("RSA"))
	for path, want := range map[string]string{
		"/benefits?startAt=2026-01-01":                        "startAt",
		"/benefits?start=2026-01-01&end=x":                    "start, end",
		"/statistics?stat_at=2026-01-01&version=2":            "stat_at",
		"/statistics?START_AT=2026-01-01":                     "START_AT",
		"/statistics?step=day":                                "step",
		"/benefits/timeline?steps=day&step=day&group=total":   "steps",
		"/benefits?a%0d%0aSet-Cookie:x=1":                     "a%0D%0ASet-Cookie%3Ax",
		"/benefits?x&x&x":                                     "x",
		"/benefits?" + strings.Repeat("n", 100) + "=1":        strings.Repeat("n", 64) + "%E2%80%A6",
		"/benefits?start_at=2020-01-01&end_at=":               "",
		"/benefits/timeline?benefit=RSA&event_type=show":      "",
		"/benefits/timeline?time_zone=Europe/Paris&step=week": "",
	} {
		got := p.Get(t, path, "Origin", "https://page.example")
		got.ExpectStatus(t, http.StatusOK)
		got.ExpectHeader(t, "Ignored-Parameters", want)
		if want != "" && !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "Ignored-Parameters") {
			t.Errorf("%s: pages may not read the header: %v", path, got.Header)
		}
	}
	for i := range 100 { // names that strangers choose do not grow the metrics
		p.Get(t, "/benefits?name"+strings.Repeat("x", i)+"=1")
	}
	metrics, names := scrape(t, admin), 0
	for name := range metrics {
		if strings.HasPrefix(name, "stats_recorder_ignored_parameters_total{") {
			names++
		}
	}
	if got := metrics[`stats_recorder_ignored_parameters_total{name="startAt"}`]; got != 1 || names > 33 {
		t.Errorf("startAt was ignored %v times, want 1; there are %d names", got, names)
	}
}

func TestTheSameCountsHaveTheSameTagAfterARestartAndElsewhere(t *testing.T) {
	t.Parallel()
	s, elsewhere := blackbox.StartServer(t, nil), blackbox.StartServer(t, nil)
	for _, server := range []*blackbox.Server{s, elsewhere} {
		server.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("APL")))
	}
	tags := map[string]string{}
	for _, path := range []string{"/statistics", "/benefits", "/benefits/timeline?group=total"} {
		tags[path] = s.Get(t, path).Header.Get("ETag")
		if path != "/benefits/timeline?group=total" { // which begins at midnight, that may be between the two
			elsewhere.Get(t, path, "If-None-Match", tags[path]).ExpectStatus(t, http.StatusNotModified)
		}
	}
	s.Restart(t)
	for path, tag := range tags {
		s.Get(t, path, "If-None-Match", tag).ExpectStatus(t, http.StatusNotModified)
	}
}

// TestATimelineIsAnsweredThoughRecordsAreFarAway has records of 1970 and of 2100
// beside those of today, and asks as a reader does who does not know.
func TestATimelineIsAnsweredThoughRecordsAreFarAway(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2026-11-26T10:30:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now, c.MaxEventAge = clock.Now, 0 })
	at := func(instant string) string {
		return blackbox.Record(blackbox.Fields{"created_at": blackbox.Quote(instant)})
	}
	s.Created(t, blackbox.Array(at("1970-01-02T00:00:00Z"), at("2026-11-26T10:00:00Z"), at("2026-11-25T10:00:00Z")))
	clock.Set(t, "2100-01-01T00:00:00Z")
	s.Created(t, at("2100-01-01T00:00:00Z"))
	clock.Set(t, "2026-11-26T10:40:00Z")
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for _, step := range []string{"hour", "day", "week", "month"} {
			for _, zone := range []string{"UTC", "Europe/Paris", "Asia/Kathmandu"} {
				got := s.Get(t, "/benefits/timeline?group=total&step="+step+"&time_zone="+url.QueryEscape(zone))
				got.ExpectStatus(t, http.StatusOK)
				if count := strings.Count(got.Body, `"events":{"show":`); count < 1 {
					t.Errorf("%s in %s: today's records are missing", step, zone)
				}
				if cut := got.Header.Get("Effective-End-At"); step == "day" && !strings.HasPrefix(cut, "2026-11-2") {
					t.Errorf("%s in %s: Effective-End-At is %q, want the end of today", step, zone, cut)
				}
				if cut := got.Header.Get("Effective-Start-At"); (step == "hour" || step == "day") && cut == "" {
					t.Errorf("%s in %s: nothing says where it begins", step, zone)
				}
			}
		}
		// Who asks gets all, or is told why not.
		s.Get(t, "/benefits/timeline?step=month&start_at=1970&end_at=2101&group=total").ExpectStatus(t, http.StatusOK)
		s.Get(t, "/benefits/timeline?step=day&start_at=1970&end_at=2101").ExpectMessage(t, http.StatusUnprocessableEntity)
	})
}

func TestADayBeginsWhenItsDateDoesThoughMidnightComesTwice(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, "2023-12-18T12:00:00Z")
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	s.Created(t, blackbox.Record(blackbox.Fields{"created_at": `"2023-12-17T17:30:00Z"`}))
	s.Get(t, "/benefits/timeline?group=total&time_zone=Antarctica/Vostok&step=day").Expect(t, http.StatusOK,
		`[{"start_at":"2023-12-17T00:00:00+07:00","end_at":"2023-12-18T00:00:00+07:00","events":{}},`+
			`{"start_at":"2023-12-18T00:00:00+07:00","end_at":"2023-12-19T00:00:00+05:00","events":{"show":1}}]`)
}
