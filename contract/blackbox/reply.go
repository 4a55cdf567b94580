package blackbox

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
	BodyCreated     = `{"response":"Record created"}`
)

// checkEverywhere holds a reply to what the contract promises of every one.
func (s *Server) checkEverywhere(t testing.TB, method string, got Reply) {
	t.Helper()
	if s.Config.CORSDomain == "*" {
		got.ExpectHeader(t, "Access-Control-Allow-Origin", "*")
	} else if !got.Varies("Origin") {
		t.Errorf("Vary is %q, want Origin in it", got.Header.Values("Vary"))
	}
	got.ExpectHeader(t, "Access-Control-Allow-Credentials", "")
	if table := strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv;"); got.Status >= 400 || got.Status == http.StatusOK && !table {
		got.ExpectHeader(t, "Content-Type", contentTypeJSON)
	}
	if method == http.MethodHead && got.Body != "" {
		t.Errorf("the reply to HEAD has a body: %.200q", got.Body)
	}
	if method == http.MethodGet && got.Status == http.StatusOK && got.Header.Get("ETag") == "" {
		t.Errorf("the reply to GET has no ETag")
	}
	if got.Status >= 500 {
		t.Errorf("status %d: %s", got.Status, got.Body)
	}
}

// ExpectStatus requires a status.
func (r Reply) ExpectStatus(t testing.TB, status int) {
	t.Helper()
	if r.Status != status {
		t.Errorf("status %d, want %d; body %.300q", r.Status, status, r.Body)
	}
}

// Expect requires a status and a body, to the byte.
func (r Reply) Expect(t testing.TB, status int, body string) {
	t.Helper()
	r.ExpectStatus(t, status)
	if r.Body != body {
		t.Errorf("body\n got %.600s\nwant %.600s", r.Body, body)
	}
}

// ExpectJSON is expect for a body whose contract leaves the order of keys open.
func (r Reply) ExpectJSON(t testing.TB, status int, body string) {
	t.Helper()
	r.Body = sortedJSON(t, r.Body)
	r.Expect(t, status, sortedJSON(t, body))
}

// sortedJSON is a JSON text without white space and with its keys in order.
func sortedJSON(t testing.TB, text string) string {
	t.Helper()
	var value any
	StrictDecode(t, text, &value)
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

// ExpectCreated requires the acknowledgement of a post.
func (r Reply) ExpectCreated(t testing.TB) {
	t.Helper()
	r.Expect(t, http.StatusOK, BodyCreated)
}

// ExpectHeader requires the value of a header, "" if it must not be there.
func (r Reply) ExpectHeader(t testing.TB, name, want string) {
	t.Helper()
	if got := strings.Join(r.Header.Values(name), ", "); got != want {
		t.Errorf("%s is %q, want %q (status %d)", name, got, want, r.Status)
	}
}

// ExpectMessage requires an error whose body is a message and nothing else.
func (r Reply) ExpectMessage(t testing.TB, status int) string {
	t.Helper()
	r.ExpectStatus(t, status)
	var failure map[string]string
	if err := json.Unmarshal([]byte(r.Body), &failure); err != nil {
		t.Errorf("the error is not an object of strings: %.300q: %v", r.Body, err)
		return ""
	}
	if len(failure) != 1 || failure["message"] == "" {
		t.Errorf("the error is %.300s, want one message", r.Body)
	}
	return failure["message"]
}

// Varies tells whether the Vary header names the given request header.
func (r Reply) Varies(name string) bool {
	return slices.Contains(r.List("Vary"), strings.ToLower(name))
}

// List is the lower-case elements of a header that is a comma-separated list.
func (r Reply) List(name string) []string {
	elements := strings.Split(strings.ToLower(strings.Join(r.Header.Values(name), ",")), ",")
	for i, element := range elements {
		elements[i] = strings.TrimSpace(element)
	}
	return elements
}

// Rejection is the body of a partly or wholly rejected batch.
type Rejection struct {
	// Message says it for people.
	Message string `json:"message"`
	// Recorded is how many records of the batch count.
	Recorded int `json:"recorded"`
	// Errors are the first of the rejected records.
	Errors []struct {
		Index   int    `json:"index"`
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// Rejection requires a 422 and returns its body.
func (r Reply) Rejection(t testing.TB) Rejection {
	t.Helper()
	r.ExpectStatus(t, http.StatusUnprocessableEntity)
	var got Rejection
	StrictDecode(t, r.Body, &got)
	return got
}

// ExpectRejected requires that one record of a batch was refused for one field:
// record index of an array of count records.
func (r Reply) ExpectRejected(t testing.TB, index, count int, field string) {
	t.Helper()
	text := `(?:[^"\\]|\\.)+`
	at := fmt.Sprintf(`\[%d\]`, index)
	if field != "" {
		at += `\.` + field
	}
	r.ExpectMatch(t, fmt.Sprintf(`^\{"message":"1 of %d records rejected: %s: %s","recorded":%d,`+
		`"errors":\[\{"index":%d,"field":"%s","message":"%s"\}\]\}$`, count, at, text, count-1, index, field, text))
}

// ExpectSingleRejected requires that a body of one record was refused for one field.
func (r Reply) ExpectSingleRejected(t testing.TB, field string) {
	t.Helper()
	text := `(?:[^"\\]|\\.)+`
	r.ExpectMatch(t, fmt.Sprintf(`^\{"message":"(?:1 of 1 records? rejected: )?%s: %s","recorded":0,`+
		`"errors":\[\{"index":0,"field":"%s","message":"%s"\}\]\}$`, field, text, field, text))
}

// ExpectMatch requires a 422 with a body that matches a pattern.
func (r Reply) ExpectMatch(t testing.TB, pattern string) {
	t.Helper()
	r.ExpectStatus(t, http.StatusUnprocessableEntity)
	if !regexp.MustCompile(pattern).MatchString(r.Body) {
		t.Errorf("body\n got %.600s\nwant %s", r.Body, pattern)
	}
}

// StrictDecode decodes JSON that must have no other fields than the value.
func StrictDecode(t testing.TB, text string, into any) {
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

// Fields are raw JSON values by field name; an empty one leaves the field out.
type Fields map[string]string

// Record is one good record with some fields replaced.
func Record(replaced Fields) string {
	all := Fields{
		"benefit_id": `"RSA"`, "hash_id": `"visitor"`, "benefit_index": "1", "page_total": "2",
		"event_type": `"show"`, "version": "2",
	}
	maps.Copy(all, replaced)
	var members []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			members = append(members, Quote(name)+":"+all[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// RecordOf is one good record of a benefit.
func RecordOf(benefit string) string { return Record(Fields{"benefit_id": Quote(benefit)}) }

// Array is a JSON array of records.
func Array(records ...string) string { return "[" + strings.Join(records, ",") + "]" }

// Times is an array of one record, n times.
func Times(n int, record string) string { return Array(slices.Repeat([]string{record}, n)...) }

// Quote is a text as a JSON string.
func Quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// Totals is GET /benefits as benefit → event type → count. It requires the
// order, the shape and that each benefit has an event.
func (s *Server) Totals(t testing.TB, query string) map[string]map[string]int {
	t.Helper()
	got := s.Get(t, "/benefits"+query)
	got.ExpectStatus(t, http.StatusOK)
	var entries []struct {
		ID     string         `json:"id"`
		Events map[string]int `json:"events"`
	}
	StrictDecode(t, got.Body, &entries)
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

// Total is how many events of one benefit GET /benefits counts.
func (s *Server) Total(t testing.TB, benefit, query string) int {
	t.Helper()
	sum := 0
	for _, count := range s.Totals(t, query)[benefit] {
		sum += count
	}
	return sum
}

// ExpectTotal requires how many events of a benefit the server has counted.
func (s *Server) ExpectTotal(t testing.TB, benefit string, want int) {
	t.Helper()
	if got := s.Total(t, benefit, ""); got != want {
		t.Errorf("%q has %d events, want %d", benefit, got, want)
	}
}

// ExpectNothing requires that nothing at all has been counted.
func (s *Server) ExpectNothing(t testing.TB) {
	t.Helper()
	s.Get(t, "/benefits").Expect(t, http.StatusOK, "[]")
	s.Get(t, "/statistics").Expect(t, http.StatusOK, "[]")
}

// StartAt is the query that asks for events since an instant.
func StartAt(instant string) string { return "?start_at=" + url.QueryEscape(instant) }
