package history

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// rowsOf are lines of an export of a directory, one for each of the days.
func rowsOf(origin string, holds []string, count int, days ...string) string {
	var content strings.Builder
	for _, day := range days {
		fmt.Fprintf(&content, `{"day":%q,"benefit":"RSA","event_type":"show","version":2,"page_total":2,"benefit_index":1,"count":%d`, day, count)
		if origin != "" {
			fmt.Fprintf(&content, `,"origin":%q`, origin)
		}
		if len(holds) > 0 {
			fmt.Fprintf(&content, `,"holds":["%s"]`, strings.Join(holds, `","`))
		}
		content.WriteString("}\n")
	}
	return content.String()
}

// TestAnExportIsImportedOnce gives exports one after the other, each with what becomes
// of it.
func TestAnExportIsImportedOnce(t *testing.T) {
	t.Parallel()
	type step struct {
		flag, rows string
		want       string // counted, or why not
	}
	monday, later := []string{"2026-11-16", "2026-11-17"}, []string{"2026-11-18", "2026-11-19"}
	week := append(monday, later...)
	for name, steps := range map[string][]step{
		"the days after those of the first": {
			{"", rowsOf("a/1", nil, 3, monday...), "counted 2 +"}, {"", rowsOf("a/2", nil, 3, later...), "counted 2 +"},
		},
		"the same days and more": {
			{"", rowsOf("a/1", nil, 3, monday...), "counted 2 +"}, {"", rowsOf("a/2", nil, 3, week...), "imported before"},
			{"--continue", rowsOf("a/2", nil, 3, week...), "counted 2 + skipped 0 + imported before 2"},
		},
		"the same days, which have grown": {
			{"", rowsOf("a/1", nil, 3, monday...), "counted 2 +"}, {"--continue", rowsOf("a/2", nil, 4, week...), "2026-11-16 to 2026-11-17"},
		},
		"those of an older version, that say nothing": {
			{"", rowsOf("", nil, 3, monday...), "counted 2 +"}, {"", rowsOf("", nil, 3, week...), "imported before"},
			{"", rowsOf("a/1", nil, 3, week...), "counted 4 +"}, // of whom it is, is another question
		},
		"two directories": {
			{"", rowsOf("a/1", nil, 3, monday...), "counted 2 +"}, {"", rowsOf("b/1", nil, 4, monday...), "counted 2 +"},
		},
		"what came by another way": {
			{"", rowsOf("b/1", []string{"a"}, 3, monday...), "counted 2 +"}, {"", rowsOf("a/1", nil, 4, monday...), "came here in an export of another"},
		},
		"what holds what is here": {
			{"", rowsOf("a/1", nil, 3, monday...), "counted 2 +"}, {"", rowsOf("b/1", []string{"x", "a"}, 4, monday...), "has counts that it imported"},
		},
		"what holds the same as another": {
			{"", rowsOf("a/1", []string{"x"}, 3, monday...), "counted 2 +"}, {"", rowsOf("b/1", []string{"x"}, 4, monday...), "has counts that it imported"},
			{"--continue", rowsOf("a/2", []string{"x"}, 3, week...), "counted 2 +"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			for _, step := range steps {
				arguments := []string{savedAs(t, "rows.jsonl", []byte(step.rows))}
				if step.flag != "" {
					arguments = append([]string{step.flag}, arguments...)
				}
				got := importOf(t, directory, arguments...)
				if strings.HasPrefix(step.want, "counted") {
					expectSuccess(t, got, step.want)
				} else {
					expectImportRefused(t, got, step.want, "--force")
				}
			}
		})
	}
}

// replaced is a server with the answers of the replaced one about some records, which
// leaves out of GET /benefits what has no time.
func replaced(t *testing.T, c chronicle) string {
	t.Helper()
	var dated chronicle
	for _, e := range c {
		if !e.at.IsZero() {
			dated = append(dated, e)
		}
	}
	answers := map[string]string{pathBenefits: dated.sums(), pathStatistics: c.statistics(2)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(answers[r.URL.Path])) // a test that does not read it fails
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnImportIsComparedWithTheAnswersOfTheReplacedServer(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(400) // some of which have no time
	undated := len(c) - len(c.within(window{from: p.began}))
	address, dump, directory := replaced(t, c), dumped(t, p.documents(c)), t.TempDir()
	files := importOf(t, filepath.Join(directory, "missing"), "--compare", address, dump)
	expectSuccess(t, files, "read 400 documents = counted 400 + skipped 0", "different: 0 numbers", fmt.Sprintf("%d events without a time", undated))
	if entries, err := os.ReadDir(directory); err != nil || len(entries) > 0 {
		t.Errorf("comparing has made %v, %v", entries, err)
	}
	expectSuccess(t, importOf(t, directory, dump))
	blackbox.Unchanged(t, directory, func() { expectSuccess(t, importOf(t, directory, "--compare", address), "different: 0 numbers") })
	blank := t.TempDir()
	blackbox.StartProgram(t, blank, nil).Terminate(t)
	if got := importOf(t, blank, "--compare", address); got.Code != 1 || !strings.Contains(got.Stdout, "the same: 0 sums") {
		t.Errorf("exit code %d, want 1 and the differences:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	dated := slices.IndexFunc(c, func(e pastEvent) bool { return !e.at.IsZero() })
	lost := importOf(t, directory, "--compare", address, dumped(t, p.documents(slices.Delete(slices.Clone(c), dated, dated+1))))
	if lost.Code != 1 || !strings.Contains(lost.Stdout, "there, ") || !strings.Contains(lost.Stderr, "the answers differ") {
		t.Errorf("exit code %d, want 1 and the difference:\n%s%s", lost.Code, lost.Stdout, lost.Stderr)
	}
	importOf(t, directory, "--compare", "localhost:4000").ExpectRefusal(t, "http://localhost:4000")
	importOf(t, directory, "--compare", address, "--force", dump).ExpectRefusal(t, "imports nothing")
}

// exportOf is an export of a directory, as JSON lines in a file.
func exportOf(t testing.TB, directory string, flags ...string) string {
	t.Helper()
	got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, append([]string{"export", "--format", "jsonl"}, flags...)...)
	if got.Code != 0 || got.Stdout == "" {
		t.Fatalf("the export ends with %d:\n%s", got.Code, got.Stderr)
	}
	return savedAs(t, "export.jsonl", []byte(got.Stdout))
}

func TestAnExportIsNotImportedIntoTheDirectoryThatWroteIt(t *testing.T) {
	t.Parallel()
	directory, elsewhere, third := t.TempDir(), t.TempDir(), t.TempDir()
	p := someMonths(t)
	c := p.events(50)
	expectSuccess(t, importOf(t, directory, dumped(t, p.documents(c))))
	record := func(directory, benefit string) {
		server := blackbox.StartProgram(t, directory, nil)
		server.Created(t, blackbox.RecordOf(benefit))
		server.Terminate(t)
	}
	record(directory, "own")
	whole := exportOf(t, directory)
	lines := strings.SplitAfter(string(contentOf(t, whole)), "\n")
	for _, part := range [][]string{lines, lines[1:], lines[5:6]} { // also sorted or picked out
		for _, flags := range [][]string{nil, {"--continue"}, {"--dry-run"}} {
			file := savedAs(t, "part.jsonl", []byte(strings.Join(part, "")))
			expectImportRefused(t, importOf(t, directory, append(flags, file)...), "this is an export of this data directory itself, up to its commit 2", "--force")
		}
	}
	expectSuccess(t, importOf(t, elsewhere, whole))
	expectImportRefused(t, importOf(t, elsewhere, whole), "imported before")
	record(elsewhere, "more")
	back := exportOf(t, elsewhere)
	expectImportRefused(t, importOf(t, directory, back), "counts that it imported")
	expectSuccess(t, importOf(t, third, back))
	expectImportRefused(t, importOf(t, third, whole), "came here in an export of another")
	expectImportRefused(t, importOf(t, directory, exportOf(t, third)), "counts that it imported")
	expectEvents(t, directory, "own", 1)
	expectEvents(t, third, "own", 1)
}

func TestADumpThatIsInAnExportIsNoticed(t *testing.T) {
	t.Parallel()
	one, other := t.TempDir(), t.TempDir()
	for _, directory := range []string{one, other} {
		expectSuccess(t, importOf(t, directory, dumpOf(t, monday)))
	}
	expectImportRefused(t, importOf(t, other, exportOf(t, one)), "counts that it imported", "--force")
	expectEvents(t, other, "RSA", 100)
}
