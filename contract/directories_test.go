package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// TestDirectoriesOfEveryReleaseAreRead reads small directories as each released version
// left them, see docs/formats.md: it must be done for ever. Beside each lies what that
// version exported of it.
func TestDirectoriesOfEveryReleaseAreRead(t *testing.T) {
	t.Parallel()
	originals, err := filepath.Glob("../testdata/directories/*/*")
	if err != nil || len(originals) < 7 {
		t.Fatalf("directories %q, %v", originals, err)
	}
	for _, original := range originals {
		t.Run(filepath.Base(filepath.Dir(original))+" "+filepath.Base(original), func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, filepath.Join(original, "data"))
			want := rowsOf(t, read(t, filepath.Join(original, "counts.jsonl")))
			blackbox.Unchanged(t, directory, func() {
				blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
				expectExported(t, directory, want)
			})
			for range 2 { // the second start reads what the first one wrote
				blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"}).Terminate(t)
				blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
				expectExported(t, directory, want)
			}
			p := blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"})
			expectKeys(t, p, filepath.Join(original, "keys.jsonl"))
			p.Created(t, blackbox.RecordOf("of today"))
			p.Kill(t)
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
			again := blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"})
			again.ExpectTotal(t, "of today", 1)
			again.Terminate(t)
		})
	}
}

// expectKeys requires that batches with keys which the directory knows are answered as they
// were, and counted no more.
func expectKeys(t *testing.T, p *blackbox.Program, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return // there were none
	}
	counts := p.Get(t, "/statistics").Body
	for line := range strings.Lines(read(t, path)) {
		var first keyedAnswer
		blackbox.StrictDecode(t, line, &first)
		p.Post(t, first.Body, headerKey, first.Key).Expect(t, first.Status, first.Answer)
	}
	p.Get(t, "/statistics").Expect(t, http.StatusOK, counts)
}

func expectExported(t *testing.T, directory string, want []string) {
	t.Helper()
	exported := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl")
	if got := rowsOf(t, exported.Stdout); !slices.Equal(got, want) {
		t.Errorf("it exports\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// rowsOf are the counts in an export, whosever they are.
func rowsOf(t *testing.T, export string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(export) {
		if strings.Contains(line, `"benefit":`) {
			rows = append(rows, fromWhere.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	if len(rows) == 0 {
		t.Fatal("there are no counts")
	}
	return rows
}

// fromWhere is what a row says of the directory that it comes from.
var fromWhere = regexp.MustCompile(`,"origin":"[^"]*"(,"holds":\[[^]]*\])?`)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
