package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	contentTypeJSON = "application/json; charset=utf-8"
	bodyCreated     = `{"response":"Record created"}`
)

// checkEverywhere holds a reply to what the contract promises of every one.
func (s *testServer) checkEverywhere(t testing.TB, method string, got reply) {
	t.Helper()
	if s.config.CORSDomain == "*" {
		got.expectHeader(t, "Access-Control-Allow-Origin", "*")
	} else if !got.varies("Origin") {
		t.Errorf("Vary is %q, want Origin in it", got.header.Values("Vary"))
	}
	got.expectHeader(t, "Access-Control-Allow-Credentials", "")
	if got.status == http.StatusOK || got.status >= 400 {
		got.expectHeader(t, "Content-Type", contentTypeJSON)
	}
	if method == http.MethodHead && got.body != "" {
		t.Errorf("the reply to HEAD has a body: %.200q", got.body)
	}
	if method == http.MethodGet && got.status == http.StatusOK && got.header.Get("ETag") == "" {
		t.Errorf("the reply to GET has no ETag")
	}
	if got.status >= 500 {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func (r reply) expectStatus(t testing.TB, status int) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d; body %.300q", r.status, status, r.body)
	}
}

func (r reply) expect(t testing.TB, status int, body string) {
	t.Helper()
	r.expectStatus(t, status)
	if r.body != body {
		t.Errorf("body\n got %.600s\nwant %.600s", r.body, body)
	}
}

// expectJSON is expect for a body whose contract leaves the order of keys open.
func (r reply) expectJSON(t testing.TB, status int, body string) {
	t.Helper()
	r.body = sortedJSON(t, r.body)
	r.expect(t, status, sortedJSON(t, body))
}

// sortedJSON is a JSON text without white space and with its keys in order.
func sortedJSON(t testing.TB, text string) string {
	t.Helper()
	var value any
	strictDecode(t, text, &value)
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

func (r reply) expectCreated(t testing.TB) {
	t.Helper()
	r.expect(t, http.StatusOK, bodyCreated)
}

func (r reply) expectHeader(t testing.TB, name, want string) {
	t.Helper()
	if got := strings.Join(r.header.Values(name), ", "); got != want {
		t.Errorf("%s is %q, want %q (status %d)", name, got, want, r.status)
	}
}

// expectMessage requires an error whose body is a message and nothing else.
func (r reply) expectMessage(t testing.TB, status int) string {
	t.Helper()
	r.expectStatus(t, status)
	var failure map[string]string
	if err := json.Unmarshal([]byte(r.body), &failure); err != nil {
		t.Errorf("the error is not an object of strings: %.300q: %v", r.body, err)
		return ""
	}
	if len(failure) != 1 || failure["message"] == "" {
		t.Errorf("the error is %.300s, want one message", r.body)
	}
	return failure["message"]
}

// varies tells whether the Vary header names the given request header.
func (r reply) varies(name string) bool {
	return slices.Contains(r.list("Vary"), strings.ToLower(name))
}

// list is the lower-case elements of a header that is a comma-separated list.
func (r reply) list(name string) []string {
	elements := strings.Split(strings.ToLower(strings.Join(r.header.Values(name), ",")), ",")
	for i, element := range elements {
		elements[i] = strings.TrimSpace(element)
	}
	return elements
}

// rejection is the body of a partly or wholly rejected batch.
type rejection struct {
	Message  string `json:"message"`
	Recorded int    `json:"recorded"`
	Errors   []struct {
		Index   int    `json:"index"`
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

func (r reply) rejection(t testing.TB) rejection {
	t.Helper()
	r.expectStatus(t, http.StatusUnprocessableEntity)
	var got rejection
	strictDecode(t, r.body, &got)
	return got
}

// expectRejected requires that one record of a batch was refused for one field:
// record index of an array of count records.
func (r reply) expectRejected(t testing.TB, index, count int, field string) {
	t.Helper()
	text := `(?:[^"\\]|\\.)+`
	at := fmt.Sprintf(`\[%d\]`, index)
	if field != "" {
		at += `\.` + field
	}
	r.expectMatch(t, fmt.Sprintf(`^\{"message":"1 of %d records rejected: %s: %s","recorded":%d,`+
		`"errors":\[\{"index":%d,"field":"%s","message":"%s"\}\]\}$`, count, at, text, count-1, index, field, text))
}

// expectSingleRejected requires that a body of one record was refused for one field.
func (r reply) expectSingleRejected(t testing.TB, field string) {
	t.Helper()
	text := `(?:[^"\\]|\\.)+`
	r.expectMatch(t, fmt.Sprintf(`^\{"message":"(?:1 of 1 records? rejected: )?%s: %s","recorded":0,`+
		`"errors":\[\{"index":0,"field":"%s","message":"%s"\}\]\}$`, field, text, field, text))
}

func (r reply) expectMatch(t testing.TB, pattern string) {
	t.Helper()
	r.expectStatus(t, http.StatusUnprocessableEntity)
	if !regexp.MustCompile(pattern).MatchString(r.body) {
		t.Errorf("body\n got %.600s\nwant %s", r.body, pattern)
	}
}

func strictDecode(t testing.TB, text string, into any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("decode %.300q: %v", text, err)
	}
	if decoder.More() {
		t.Fatalf("more than one value in %.300q", text)
	}
}

// fields are raw JSON values by field name; an empty one leaves the field out.
type fields map[string]string

// record is one good record with some fields replaced.
func record(replaced fields) string {
	all := fields{
		"benefit_id": `"RSA"`, "hash_id": `"visitor"`, "benefit_index": "1", "page_total": "2",
		"event_type": `"show"`, "version": "2",
	}
	maps.Copy(all, replaced)
	var members []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			members = append(members, quote(name)+":"+all[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// recordOf is one good record of a benefit.
func recordOf(benefit string) string { return record(fields{"benefit_id": quote(benefit)}) }

func array(records ...string) string { return "[" + strings.Join(records, ",") + "]" }

// times is an array of one record, n times.
func times(n int, record string) string { return array(slices.Repeat([]string{record}, n)...) }

// quote is a text as a JSON string.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// totals is GET /benefits as benefit → event type → count. It requires the
// order, the shape and that each benefit has an event.
func (s *testServer) totals(t testing.TB, query string) map[string]map[string]int {
	t.Helper()
	got := s.get(t, "/benefits"+query)
	got.expectStatus(t, http.StatusOK)
	var entries []struct {
		ID     string         `json:"id"`
		Events map[string]int `json:"events"`
	}
	strictDecode(t, got.body, &entries)
	totals := make(map[string]map[string]int)
	for i, entry := range entries {
		if i > 0 && entries[i-1].ID >= entry.ID {
			t.Errorf("%q comes before %q", entries[i-1].ID, entry.ID)
		}
		if len(entry.Events) == 0 {
			t.Errorf("%q has no events", entry.ID)
		}
		for event, count := range entry.Events {
			if count < 1 {
				t.Errorf("%q has %d events %q", entry.ID, count, event)
			}
		}
		totals[entry.ID] = entry.Events
	}
	return totals
}

// total is how many events of one benefit GET /benefits counts.
func (s *testServer) total(t testing.TB, benefit, query string) int {
	t.Helper()
	sum := 0
	for _, count := range s.totals(t, query)[benefit] {
		sum += count
	}
	return sum
}

func (s *testServer) expectTotal(t testing.TB, benefit string, want int) {
	t.Helper()
	if got := s.total(t, benefit, ""); got != want {
		t.Errorf("%q has %d events, want %d", benefit, got, want)
	}
}

// expectNothing requires that nothing at all has been counted.
func (s *testServer) expectNothing(t testing.TB) {
	t.Helper()
	s.get(t, "/benefits").expect(t, http.StatusOK, "[]")
	s.get(t, "/statistics").expect(t, http.StatusOK, "[]")
}

// startAt is the query that asks for events since an instant.
func startAt(instant string) string { return "?start_at=" + url.QueryEscape(instant) }
