package contract

import (
	"encoding/json"
	"fmt"
	"maps"
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
	dump := dumpOf(t, namesOfTypes("imported-", 70))
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

// TestNumbersThatAnEarlierReleaseGaveToUnusedTypesAreGivenAgain starts on a directory of 1.0 in
// which all 63 numbers are taken, most by names of two settings that nothing was counted under.
func TestNumbersThatAnEarlierReleaseGaveToUnusedTypesAreGivenAgain(t *testing.T) {
	t.Parallel()
	directory := blackbox.CopyOf(t, "../testdata/directories/1.0/unused-types/data")
	names := namesOfTypes("further-", 80)
	environment := []string{"MAX_EVENT_AGE=0", "SNAPSHOT_INTERVAL=1h", "EVENT_TYPES=" + strings.Join(names, ",")}
	want := map[string]int{"show": 3, "link": 1, "first-3": 2, "second-7": 2, "second-23": 1}
	count := func(p *blackbox.Program, types ...string) {
		t.Helper()
		for _, name := range types {
			p.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"RSA"`, "event_type": fmt.Sprintf("%q", name)}))
			want[name]++
		}
	}
	expect := func(directory string) {
		t.Helper()
		blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
		sums := map[string]int{}
		exported := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl")
		for _, line := range rowsOf(t, exported.Stdout) {
			var row struct {
				EventType string `json:"event_type"`
				Count     int
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			sums[row.EventType] += row.Count
		}
		if !maps.Equal(sums, want) {
			t.Errorf("it exports %v, want %v", sums, want)
		}
		p := blackbox.StartProgram(t, blackbox.CopyOf(t, directory), environment)
		got := string(p.Get(t, "/benefits").Body)
		for name, sum := range want {
			if !strings.Contains(got, fmt.Sprintf("%q:%d", name, sum)) {
				t.Errorf("%s lacks %q:%d", got, name, sum)
			}
		}
		p.Kill(t)
	}
	p := blackbox.StartProgram(t, directory, environment)
	count(p, "further-7", "further-8", "show", "further-7")
	p.Kill(t)
	expect(directory)
	p = blackbox.StartProgram(t, directory, environment)
	count(p, names[:37]...)
	p.Terminate(t)
	expect(directory)
	p = blackbox.StartProgram(t, directory, environment)
	count(p, "email", "further-8", "further-36")
	p.Kill(t)
	expect(directory)
	t.Run("when it falls back to the snapshot before", func(t *testing.T) {
		spoiled := blackbox.CopyOf(t, directory)
		snapshots, err := filepath.Glob(filepath.Join(spoiled, "snapshot-*"))
		if err != nil || len(snapshots) != 2 {
			t.Fatalf("snapshots %q, %v", snapshots, err)
		}
		if err := os.WriteFile(snapshots[1], []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		blackbox.StartProgram(t, spoiled, environment).Terminate(t)
		expect(spoiled)
	})
	t.Run("until only the others have one left", func(t *testing.T) {
		p := blackbox.StartProgram(t, directory, environment)
		count(p, names[37:42]...)
		p.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"RSA"`, "event_type": `"further-60"`}))
		p.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"RSA"`, "event_type": `"further-61"`}))
		want["__other__"] = 2
		p.Terminate(t)
		expect(directory)
	})
}

// TestADumpTakesNumbersThatAnEarlierReleaseGaveToUnusedTypes imports types for which there is
// no other number, and goes back.
func TestADumpTakesNumbersThatAnEarlierReleaseGaveToUnusedTypes(t *testing.T) {
	t.Parallel()
	directory := blackbox.CopyOf(t, "../testdata/directories/1.0/unused-types/data")
	dump := dumpOf(t, namesOfTypes("imported-", 40))
	for _, arguments := range [][]string{{"import", "--dry-run", dump}, {"import", dump}} {
		if said := blackbox.Run(t, []string{"DATA_DIR=" + directory}, arguments...); said.Code != 0 || strings.Contains(said.Stdout, "__other__") {
			t.Fatalf("%q: %d: %s%s", arguments, said.Code, said.Stdout, said.Stderr)
		}
	}
	exported := func() string {
		return blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl").Stdout
	}
	for _, name := range append(namesOfTypes("imported-", 40), "first-3", "second-7", "second-23") {
		if !strings.Contains(exported(), fmt.Sprintf("%q", name)) {
			t.Errorf("%s is not in the export", name)
		}
	}
	blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", "--undo").ExpectReport(t, 0, "")
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	expectExported(t, directory, rowsOf(t, read(t, "../testdata/directories/1.0/unused-types/counts.jsonl")))
}

// dumpOf is a dump with a record of each event type.
func dumpOf(t *testing.T, types []string) string {
	t.Helper()
	dump := filepath.Join(t.TempDir(), "dump.json")
	var lines []string
	for n, name := range types {
		lines = append(lines, fmt.Sprintf(`{"_id":{"$oid":"%024x"},"benefit_id":"RSA","benefit_index":1,"page_total":2,"event_type":%q,"version":2,"created_at":{"$date":"2025-01-01T00:00:00Z"}}`, n+1, name))
	}
	if err := os.WriteFile(dump, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dump
}
