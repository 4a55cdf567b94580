package history

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/contract/blackbox"
)

// importOf runs the import command on a directory.
func importOf(t testing.TB, directory string, arguments ...string) blackbox.Outcome {
	t.Helper()
	return blackbox.Run(t, []string{"DATA_DIR=" + directory}, append([]string{"import"}, arguments...)...)
}

// someMonths draws records of a span that has a change of clocks and a leap day.
func someMonths(t testing.TB) past {
	t.Helper()
	return newPast(t, blackbox.MustTime(t, "2024-02-20T00:00:00Z"), blackbox.MustTime(t, "2024-04-10T00:00:00Z"))
}

// expectAfresh requires the answers of a server that is started for them.
func (c chronicle) expectAfresh(t *testing.T, directory string, questions []question) {
	t.Helper()
	p := blackbox.StartProgram(t, directory, nil)
	c.expect(t, p.Server, questions...)
	p.Terminate(t)
}

func TestTheSameContentIsImportedOnceWhateverItsFormat(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(300)
	documents := p.documents(c)
	reversed := slices.Clone(documents)
	slices.Reverse(reversed)
	directory, dump := t.TempDir(), dumped(t, documents)
	questions := append(always(), p.questions(t, 2)...)
	expectImported(t, importOf(t, directory, dump), len(c))
	c.expectAfresh(t, directory, questions)
	for what, path := range map[string]string{
		"the same file":     dump,
		"in another order":  dumped(t, reversed),
		"relaxed":           exported(t, documents, false),
		"canonical":         exported(t, reversed, true),
		"compressed":        compressed(t, dump),
		"a dump directory":  filepath.Dir(dump),
		"beside new things": "",
	} {
		paths := []string{path}
		if path == "" {
			paths = []string{dumped(t, p.documents(p.events(7))), dump}
		}
		t.Run(what, func(t *testing.T) {
			before := countsOf(t, directory)
			expectImportRefused(t, importOf(t, directory, paths...), "imported before", "--force")
			if !maps.Equal(before, countsOf(t, directory)) {
				t.Error("the refused import has changed the directory")
			}
		})
	}
	c.expectAfresh(t, directory, questions)
	expectImported(t, importOf(t, directory, "--force", exported(t, documents, true)), len(c))
	slices.Concat(c, c).expectAfresh(t, directory, questions)
	fresh := t.TempDir()
	expectImportRefused(t, importOf(t, fresh, dump, exported(t, documents, false)), "same content", "--force")
	chronicle(nil).expectAfresh(t, fresh, always())
}

// countsOf are the snapshots and the closed days of a directory, by name.
func countsOf(t *testing.T, directory string) map[string]string {
	t.Helper()
	contents := blackbox.ContentsOf(t, directory)
	maps.DeleteFunc(contents, func(name, _ string) bool {
		return !strings.HasPrefix(name, "day-") && !strings.HasPrefix(name, "snapshot-")
	})
	return contents
}

func compressed(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(content) // into memory
	w.Close()
	return savedAs(t, filepath.Base(path)+".gz", out.Bytes())
}

func TestImportRefusesWhileAServerRuns(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(20)
	file, directory := dumped(t, p.documents(c)), t.TempDir()
	server := blackbox.StartProgram(t, directory, nil)
	blackbox.Unchanged(t, directory, func() {
		importOf(t, directory, file).ExpectRefusal(t, directory, "stop that process")
	})
	server.ExpectNothing(t)
	server.Terminate(t)
	expectImported(t, importOf(t, directory, file), len(c))
	c.expectAfresh(t, directory, always())
}

// TestACorruptFileImportsNothing has a good file before each bad one.
func TestACorruptFileImportsNothing(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(3000) // several batches
	documents := p.documents(c)
	good := dumped(t, p.documents(p.events(10)))
	dump, export := contentOf(t, dumped(t, documents)), contentOf(t, exported(t, documents, false))
	directory := t.TempDir()
	live := some("live", blackbox.MustTime(t, "2024-03-01T12:00:00Z"), 3)
	server := blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"})
	live.postAll(t, server.Server)
	server.Terminate(t)
	for what, bad := range map[string]string{
		"a cut dump":           savedAs(t, "cut.bson", dump[:len(dump)-1]),
		"a dump with a length": savedAs(t, "length.bson", slices.Concat(dump, []byte{0xff, 0xff, 0xff, 0x7f})),
		"a cut export":         savedAs(t, "cut.json", export[:len(export)-2]),
		"a broken line":        savedAs(t, "line.json", slices.Concat(export, []byte("{\"benefit_id\":}\n"))),
		"cut compression":      savedAs(t, "cut.bson.gz", contentOf(t, compressed(t, good))[:50]),
		"no file":              filepath.Join(t.TempDir(), "nothing.bson"),
		"something else":       savedAs(t, "else.bson", []byte("%PDF-1.7")),
	} {
		before := countsOf(t, directory)
		expectImportRefused(t, importOf(t, directory, good, bad), bad)
		if !maps.Equal(before, countsOf(t, directory)) {
			t.Errorf("%s: the import has changed the directory", what)
		}
	}
	live.expectAfresh(t, directory, always())
	expectImported(t, importOf(t, directory, good), 10)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
}

func contentOf(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestTheSummaryOfAnImportAddsUp imports what can be represented and what cannot.
func TestTheSummaryOfAnImportAddsUp(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(50)
	for i := range 5 {
		c[i].at = time.Time{}
	}
	documents := p.documents(c)
	bad := map[string]bson.E{
		"page_total is not in 0 to 1023":    {Key: "page_total", Value: int32(1024)},
		"benefit_index is not in 0 to 1023": {Key: "benefit_index", Value: int64(-1)},
		"benefit_index is not an integer":   {Key: "benefit_index", Value: 1.5},
		"version is not in 0 to 65535":      {Key: "version", Value: int32(70000)},
		"benefit_id is missing":             {Key: "benefit_id", Value: nil},
		"event_type is not a string":        {Key: "event_type", Value: int32(1)},
		"created_at is not a date":          {Key: "created_at", Value: "2024-03-01"},
		"created_at is not in 1970 to 2200": {Key: "created_at", Value: bson.NewDateTimeFromTime(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC))},
	}
	id := uint64(1000)
	for _, field := range bad {
		id++
		good := p.event()
		good.version, good.at = 2, p.began
		document := p.document(id, good)
		at := slices.IndexFunc(document, func(e bson.E) bool { return e.Key == field.Key })
		document[at] = field
		documents = slices.Insert(documents, p.IntN(len(documents)), document)
	}
	undated := len(c) - len(c.within(window{from: time.Unix(0, 0)}))
	for name, path := range map[string]string{"dump": dumped(t, documents), "export": exported(t, documents, false)} {
		directory := t.TempDir()
		got := importOf(t, directory, path)
		says := []string{fmt.Sprintf("read %d documents = counted %d + skipped %d\n", len(documents), len(c), len(bad)),
			fmt.Sprintf("without a time, in the sums of all time only: %d\n", undated)}
		for reason := range bad {
			says = append(says, "skipped 1: "+reason+"\n")
		}
		for skipped := uint64(1001); skipped <= id; skipped++ {
			says = append(says, "_id "+objectID(skipped).Hex()+": ")
		}
		for _, part := range says {
			if got.Code != 0 || !strings.Contains(got.Stdout, part) {
				t.Errorf("%s: exit code %d, want 0 and %q:\n%s%s", name, got.Code, part, got.Stdout, got.Stderr)
			}
		}
		c.expectAfresh(t, directory, append(always(), p.questions(t, 1)...))
	}
}

// TestAnExportImportedElsewhereGivesTheSameAnswers compares what an export
// keeps: all time, and windows of whole days.
func TestAnExportImportedElsewhereGivesTheSameAnswers(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	c := p.events(400)
	c = append(c, c[:100]...) // so that some rows count more than one
	directory := t.TempDir()
	expectImported(t, importOf(t, directory, dumped(t, p.documents(c))), len(c))
	server := blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"}) // for a day in memory
	late := some("late", blackbox.MustTime(t, "2024-03-01T23:00:00Z"), 4)
	late.postAll(t, server.Server)
	c = append(c, late...)
	server.Kill(t)
	rows := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl")
	if rows.Code != 0 || rows.Stdout == "" {
		t.Fatalf("the export ends with %d:\n%s", rows.Code, rows.Stderr)
	}
	file, elsewhere := savedAs(t, "export.jsonl", []byte(rows.Stdout)), t.TempDir()
	if got := importOf(t, elsewhere, file); got.Code != 0 || !strings.Contains(got.Stdout, fmt.Sprintf("counted: %d\n", len(c))) {
		t.Errorf("the import ends with %d, want %d events:\n%s%s", got.Code, len(c), got.Stdout, got.Stderr)
	}
	questions := append(always(), around(blackbox.MustTime(t, "2024-03-01T00:00:00Z"))...)
	for range 10 {
		questions = append(questions, p.ofStatistics(t))
	}
	for _, version := range []string{"0", "1", "3", "65535"} {
		questions = append(questions, question{path: pathStatistics, parameters: url.Values{"version": {version}}})
	}
	c.expectAfresh(t, elsewhere, questions)
	if again := blackbox.Run(t, []string{"DATA_DIR=" + elsewhere}, "export", "--format", "jsonl"); !slices.Equal(sortedLines(again.Stdout), sortedLines(rows.Stdout)) {
		t.Error("an export of the import is not the export that was imported")
	}
	expectImportRefused(t, importOf(t, elsewhere, file), "imported before")
}

// sortedLines are the rows of an export, whose order within a day is that in
// which names were first seen, whosever they are.
func sortedLines(text string) []string {
	return slices.Sorted(strings.Lines(fromWhere.ReplaceAllString(text, "")))
}

// fromWhere is what the rows of an export say of where they come from.
var fromWhere = regexp.MustCompile(`,"origin":"[^"]*"(,"holds":\[[^]]*\])?`)

func TestWhatRootImportsBelongsToTheOwnerOfTheDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const nobody = 65534
	directory := t.TempDir()
	if err := os.Chown(directory, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	p := someMonths(t)
	c := p.events(20)
	expectImported(t, importOf(t, directory, dumped(t, p.documents(c))), len(c))
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d files, %v; want a lock, days and a snapshot", len(entries), err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != nobody || owner.Gid != nobody {
			t.Errorf("%s belongs to %d:%d, want %d", entry.Name(), owner.Uid, owner.Gid, nobody)
		}
	}
}

func TestAnEmptyFileIsNotImported(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "records.json")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	importOf(t, t.TempDir(), path).ExpectRefusal(t, "nothing was imported", path, "holds no documents")
}
