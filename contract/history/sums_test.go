package history

import (
	"os"
	"path/filepath"
	"testing"

	"stats-recorder/contract/blackbox"
)

// Answers of a replaced server, which keeps the order of fields as the database has it.
const (
	oldStatistics = `[{"events_count":5,"events":{"show":{"10":{"4":3,"1":1},"2":{"1.5":1}}},"benefit":"RSA"}]`
	oldBenefits   = `[{"events":{"show":7,"link":2},"id":"RSA"},{"events":{"show":1},"id":"APL"}]`
)

// savedAnswers are files with the answers of a replaced server.
func savedAnswers(t *testing.T) (statistics, benefits string) {
	t.Helper()
	directory := t.TempDir()
	statistics, benefits = filepath.Join(directory, "statistics.json"), filepath.Join(directory, "benefits.json")
	for path, content := range map[string]string{statistics: oldStatistics, benefits: oldBenefits} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return statistics, benefits
}

// TestAnswersOfAReplacedServerAreImported is for teams without access to the database.
func TestAnswersOfAReplacedServerAreImported(t *testing.T) {
	t.Parallel()
	statistics, benefits := savedAnswers(t)
	directory := filepath.Join(t.TempDir(), "data")
	importOf(t, directory, "--dry-run", statistics, benefits).ExpectReport(t, 0, "nothing was changed")
	importOf(t, directory, statistics, benefits).ExpectReport(t, 0,
		"skipped 1: benefit_index is not an integer", "sums of all time alone", "5 events with a position, and 5 of other versions")
	p := blackbox.StartProgram(t, directory, nil)
	p.Get(t, "/statistics").ExpectJSON(t, 200, `[{"benefit":"RSA","events_count":4,"events":{"show":{"10":{"1":1,"4":3}}}}]`)
	p.Get(t, "/benefits").ExpectJSON(t, 200, `[{"id":"APL","events":{"show":1}},{"id":"RSA","events":{"link":2,"show":6}}]`)
	p.Get(t, "/benefits?start_at=1970-01-01").ExpectJSON(t, 200, `[]`)

	url := "http://" + p.Address
	importOf(t, directory, "--compare", url).ExpectReport(t, 0, "the same: 3 sums of /benefits, 2 counts of /statistics; different: 0 numbers")
	importOf(t, directory, "--compare", url, statistics, benefits).ExpectReport(t, 0, "different: 0 numbers")
	elsewhere := filepath.Join(t.TempDir(), "data")
	importOf(t, elsewhere, url).ExpectReport(t, 0, "4 events with a position, and 5 of other versions")
	importOf(t, elsewhere, "--compare", url).ExpectReport(t, 0, "different: 0 numbers")
	p.Terminate(t)
}

// TestSumsAreNotCountedTwice imports answers beside answers, a dump beside answers, and
// the other way round.
func TestSumsAreNotCountedTwice(t *testing.T) {
	t.Parallel()
	statistics, benefits := savedAnswers(t)
	past := someMonths(t)
	dump := dumped(t, past.documents(past.events(20)))
	answered, dumpImported := imported(t, statistics), imported(t, dump)
	importOf(t, answered, statistics).ExpectRefusal(t, "imported before")
	importOf(t, answered, benefits).ExpectRefusal(t, "sums of all time cannot be told", "import --undo")
	importOf(t, answered, "--continue", benefits).ExpectRefusal(t, "sums of all time cannot be told")
	importOf(t, answered, dump).ExpectRefusal(t, "sums of all time cannot be told")
	importOf(t, dumpImported, statistics, benefits).ExpectRefusal(t, "sums of all time cannot be told")
	importOf(t, dumpImported, "--source", "another", statistics, benefits).ExpectReport(t, 0, "imported into")
	importOf(t, answered, "--force", dump).ExpectReport(t, 0, "imported into")
}

func TestAnswersThatDoNotBelongTogetherLeaveNoTrace(t *testing.T) {
	t.Parallel()
	statistics, benefits := savedAnswers(t)
	other := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(other, []byte(`{"x":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, arguments := range map[string][]string{
		"an answer twice":            {statistics, benefits, statistics},
		"an answer and another file": {statistics, other},
		"nobody answers":             {"http://127.0.0.1:1"},
		"a server and a file":        {"http://127.0.0.1:1", statistics},
	} {
		directory := filepath.Join(t.TempDir(), "data")
		if got := importOf(t, directory, arguments...); got.Code != 1 {
			t.Errorf("%s: it ends with %d:\n%s%s", name, got.Code, got.Stdout, got.Stderr)
		}
		if _, err := os.Stat(directory); err == nil {
			t.Errorf("%s: there is a directory", name)
		}
	}
}
