package contract

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// namesOfTypes are that many event types that no server has built in.
func namesOfTypes(prefix string, count int) (names []string) {
	for n := range count {
		names = append(names, fmt.Sprint(prefix, n))
	}
	return names
}

// TestEventTypesThatNothingCountsTakeNoRoom changes EVENT_TYPES over and over.
func TestEventTypesThatNothingCountsTakeNoRoom(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for change := range 6 {
		p := blackbox.StartProgram(t, directory, []string{"EVENT_TYPES=" + strings.Join(namesOfTypes(fmt.Sprint("change-", change, "-"), 20), ",")})
		p.Created(t, blackbox.Record(blackbox.Fields{"event_type": fmt.Sprintf(`"change-%d-7"`, change)}))
		p.Terminate(t)
	}
	p := blackbox.StartProgram(t, directory, nil)
	got := string(p.Get(t, "/benefits").Body)
	for change := range 6 {
		if want := fmt.Sprintf(`"change-%d-7":1`, change); !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

// TestEventTypesBeyondWhatCanBeToldApartCountAsOther has more types than there are numbers.
// The built-in ones have theirs, though they come last.
func TestEventTypesBeyondWhatCanBeToldApartCountAsOther(t *testing.T) {
	t.Parallel()
	directory, names := t.TempDir(), namesOfTypes("type-", 78)
	setting := "EVENT_TYPES=" + strings.Join(names, ",")
	p, admin := startOperated(t, setting, "DATA_DIR="+directory)
	if !strings.Contains(p.Log.String(), "more event types than can be told apart") {
		t.Error("nothing is said of it at the start")
	}
	var records []string
	for _, name := range append(names, knownEventTypes()...) {
		records = append(records, blackbox.Record(blackbox.Fields{"event_type": fmt.Sprintf("%q", name)}))
	}
	p.Created(t, blackbox.Array(records...))
	expect := func() {
		t.Helper()
		got := string(p.Get(t, "/benefits").Body)
		if count := strings.Count(got, ":1,") + strings.Count(got, ":1}"); count != 62 || !strings.Contains(got, `"__other__":33`) {
			t.Errorf("%d types count by themselves in %s; want 62, and 33 records of others", count, got)
		}
		for _, name := range knownEventTypes() {
			if !strings.Contains(got, fmt.Sprintf("%q:1", name)) {
				t.Errorf("the built-in type %s has no room", name)
			}
		}
	}
	expect()
	if got := scrape(t, admin)["stats_recorder_other_events_total"]; got != 33 {
		t.Errorf("the metrics tell of %v records of other types, want 33", got)
	}
	p.Kill(t)
	p = blackbox.StartProgram(t, directory, []string{setting})
	expect()
}

// TestADumpOfManyEventTypesLeavesRoomForTheBuiltInOnes imports more types than there are
// numbers.
func TestADumpOfManyEventTypesLeavesRoomForTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	dump := filepath.Join(t.TempDir(), "dump.json")
	var lines []string
	for n, name := range namesOfTypes("imported-", 70) {
		lines = append(lines, fmt.Sprintf(`{"_id":{"$oid":"%024x"},"benefit_id":"RSA","benefit_index":1,"page_total":2,"event_type":%q,"version":2,"created_at":{"$date":"2025-01-01T00:00:00Z"}}`, n+1, name))
	}
	if err := os.WriteFile(dump, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", dump).ExpectReport(t, 0, "counted under the type __other__: 25")
	p := blackbox.StartProgram(t, directory, nil)
	for _, name := range knownEventTypes() {
		p.Created(t, blackbox.Record(blackbox.Fields{"event_type": fmt.Sprintf("%q", name)}))
	}
	got := p.Get(t, "/benefits")
	got.ExpectStatus(t, http.StatusOK)
	for _, name := range knownEventTypes() {
		if !strings.Contains(string(got.Body), fmt.Sprintf("%q:1", name)) {
			t.Errorf("the built-in type %s has no room in %s", name, got.Body)
		}
	}
}
