package history

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/contract/blackbox"
)

// monday has a hundred documents, friday the same and fifty more.
const (
	monday = "testdata/mon.json"
	friday = "testdata/fri.json"
)

// dumpOf is the path of a dump in the tree, for a program that runs elsewhere.
func dumpOf(t testing.TB, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// expectSuccess requires that a command ends well and says so.
func expectSuccess(t testing.TB, o blackbox.Outcome, says ...string) {
	t.Helper()
	for _, part := range append(says, "") {
		if o.Code != 0 || !strings.Contains(o.Stdout, part) {
			t.Errorf("exit code %d, want 0 and %q:\n%s%s", o.Code, part, o.Stdout, o.Stderr)
		}
	}
}

// expectEvents requires how many events of a benefit a server that is started for it
// counts, and that verify finds nothing wrong.
func expectEvents(t *testing.T, directory, benefit string, count int) {
	t.Helper()
	p := blackbox.StartProgram(t, directory, nil)
	p.ExpectTotal(t, benefit, count)
	p.Terminate(t)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
}

func TestADumpThatHoldsAnEarlierOneIsRefusedAndGoesOnFromThere(t *testing.T) {
	t.Parallel()
	mon, fri, directory := dumpOf(t, monday), dumpOf(t, friday), t.TempDir()
	expectSuccess(t, importOf(t, directory, mon), "counted 100 +")
	before := countsOf(t, directory)
	for range 2 { // nothing of the refused import stays
		expectImportRefused(t, importOf(t, directory, fri), "imported before", "100 of 150 documents", "--continue", "--dry-run", "--force")
	}
	expectSuccess(t, importOf(t, directory, "--dry-run", "--continue", fri), "counted 50 + skipped 0 + imported before 100", "nothing was changed")
	if after := countsOf(t, directory); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("what was refused, or only tried, has changed the directory")
	}
	expectEvents(t, directory, "RSA", 100)
	expectSuccess(t, importOf(t, directory, "--continue", fri), "counted 50 + skipped 0 + imported before 100")
	expectEvents(t, directory, "RSA", 150)
	expectSuccess(t, importOf(t, directory, "--continue", fri), "nothing is new")
	expectImportRefused(t, importOf(t, directory, fri), "imported before")
	expectImportRefused(t, importOf(t, directory, mon), "imported before")
	expectEvents(t, directory, "RSA", 150)
	expectSuccess(t, importOf(t, directory, "--force", fri), "counted 150 +")
	expectEvents(t, directory, "RSA", 300)
	expectSuccess(t, importOf(t, directory, "--continue", fri), "nothing is new")
}

func TestARehearsalMakesNoDirectoryAndNeedsNoStop(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	expectSuccess(t, importOf(t, missing, "--dry-run", dumpOf(t, monday)), "counted 100 +", "nothing was changed")
	if _, err := os.Stat(missing); err == nil {
		t.Error("the rehearsal has made the directory")
	}
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	blackbox.Unchanged(t, directory, func() {
		expectSuccess(t, importOf(t, directory, "--dry-run", dumpOf(t, monday)), "counted 100 +", "nothing was changed")
	})
	p.ExpectTotal(t, "RSA", 1)
}

// someOf are documents with the numbers from first to last as ids.
func someOf(p past, first, last int) (documents []bson.D) {
	for number := first; number <= last; number++ {
		e := p.event()
		e.benefit = "RSA"
		documents = append(documents, p.document(uint64(number)<<32, e))
	}
	return documents
}

// TestEveryDocumentIsImportedOnce gives dumps one after the other, each with what is
// to come of it with and without --continue: how many count, or why none does.
func TestEveryDocumentIsImportedOnce(t *testing.T) {
	t.Parallel()
	const refused, unclear = "imported before", "cannot be told"
	p := someMonths(t)
	first, second := someOf(p, 100, 199), someOf(p, 300, 319)
	all := slices.Concat(first, second)
	without := func(documents []bson.D, at int) []bson.D { return slices.Delete(slices.Clone(documents), at, at+1) }
	noIDs := slices.Clone(second)
	for i := range noIDs {
		noIDs[i] = noIDs[i][1:]
	}
	for name, test := range map[string]struct {
		then             []bson.D
		plain, continued string
	}{
		"only newer ones":                             {second, "20", "20"},
		"all and newer ones":                          {all, refused, "20"},
		"newer ones first":                            {slices.Concat(second, first), refused, "20"},
		"all and older ones":                          {slices.Concat(someOf(p, 1, 5), all), refused, "25"},
		"one of them":                                 {first[7:8], unclear, unclear},
		"the same but one":                            {without(all, 50), unclear, unclear},
		"one that came late":                          {append(slices.Clone(all), p.document(150<<32+1, p.event())), unclear, unclear},
		"one in the place of another":                 {append(without(all, 50), p.document(150<<32+1, p.event())), unclear, unclear},
		"one of them with other content":              {append(without(all, 50), p.document(150<<32, p.event())), refused, "20"},
		"without ids":                                 {noIDs, "20", unclear},
		"all, and some without ids":                   {slices.Concat(first, noIDs), refused, unclear},
		"one of them that cannot be counted any more": {append(without(all, 50), first[50][:1]), refused, "20"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, flags := range [][]string{nil, {"--continue"}} {
				want := test.plain
				if flags != nil {
					want = test.continued
				}
				directory := t.TempDir()
				expectSuccess(t, importOf(t, directory, dumped(t, first)), "counted 100 +")
				got := importOf(t, directory, append(flags, exported(t, test.then, true))...)
				if want == refused || want == unclear {
					expectImportRefused(t, got, want, "--force")
				} else {
					expectSuccess(t, got, "counted "+want+" +")
				}
			}
		})
	}
}

func TestTwoDatabasesAreImportedBesideOneAnother(t *testing.T) {
	t.Parallel()
	p := someMonths(t)
	lyon, paris := someOf(p, 100, 150), someOf(p, 120, 170)
	for i := range paris { // other documents of the same time
		paris[i][0].Value = objectID(uint64(120+i)<<32 + 7)
	}
	directory := t.TempDir()
	expectSuccess(t, importOf(t, directory, dumped(t, lyon)))
	expectImportRefused(t, importOf(t, directory, dumped(t, paris)), "cannot be told", "--source")
	expectSuccess(t, importOf(t, directory, "--source", "paris", dumped(t, paris)), "counted 51 +")
	expectSuccess(t, importOf(t, directory, "--source", "paris", "--continue", dumped(t, append(paris, someOf(p, 200, 201)...))), "counted 2 +")
	expectSuccess(t, importOf(t, directory, "--continue", dumped(t, append(lyon, someOf(p, 200, 202)...))), "counted 3 +")
	expectEvents(t, directory, "RSA", 51+51+2+3)
}

func TestDocumentsThatAreThereTwiceInOneImportAreRefused(t *testing.T) {
	t.Parallel()
	mon, fri := dumpOf(t, monday), dumpOf(t, friday)
	joined := savedAs(t, "joined.json", slices.Concat(contentOf(t, mon), contentOf(t, fri)))
	for _, paths := range [][]string{{joined}, {mon, fri}, {fri, mon}} {
		directory := t.TempDir()
		for _, flag := range []string{"--dry-run", "--continue"} {
			expectImportRefused(t, importOf(t, directory, append([]string{flag}, paths...)...), "twice", "100 of the 250", "--force")
		}
		expectSuccess(t, importOf(t, directory, append([]string{"--force"}, paths...)...), "counted 250 +")
	}
}

// TestNothingIsImportedThatCouldNotBeReadBack gives rows whose sums are too large for a
// count, each of which is not.
func TestNothingIsImportedThatCouldNotBeReadBack(t *testing.T) {
	t.Parallel()
	const most = 1<<53 - 1
	rows := func(counts ...uint64) string {
		var content strings.Builder
		for i, count := range counts {
			fmt.Fprintf(&content, `{"day":"2024-03-%02d","benefit":"RSA","event_type":"show","version":2,"page_total":1000,"benefit_index":%d,"count":%d}`+"\n", i/1000+1, i%1000+1, count)
		}
		return savedAs(t, "rows.jsonl", []byte(content.String()))
	}
	for name, counts := range map[string][]uint64{
		"nine of the largest": slices.Repeat([]uint64{most}, 9),
		"two of the largest":  {most, most},
		"one more":            {most, 1},
		"two halves and one":  {most / 2, most / 2, 2},
		"enough to overflow":  slices.Repeat([]uint64{most}, 2049),
	} {
		missing := filepath.Join(t.TempDir(), "missing")
		expectImportRefused(t, importOf(t, missing, rows(counts...)), "more than 9007199254740991")
		if _, err := os.Stat(missing); err == nil {
			t.Errorf("%s: the refused import has made the directory", name)
		}
	}
	directory := t.TempDir()
	expectSuccess(t, importOf(t, directory, rows(most)))
	expectImportRefused(t, importOf(t, directory, "--source", "another", rows(1)), "more than 9007199254740991")
	expectEvents(t, directory, "RSA", most)
	if got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl"); got.Code != 0 || !strings.Contains(got.Stdout, "9007199254740991") {
		t.Errorf("the export ends with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
}

// goldenDirectory is a copy of one of testdata/directories.
func goldenDirectory(t *testing.T, name string) string {
	t.Helper()
	return blackbox.CopyOf(t, filepath.Join("../../testdata/directories", name, "data"))
}

// TestDocumentsOfTheTimeBeforeRangesWereRememberedAreDoubted has an import by 1.0, which
// remembered its content as a whole alone.
func TestDocumentsOfTheTimeBeforeRangesWereRememberedAreDoubted(t *testing.T) {
	t.Parallel()
	directory, benefit := goldenDirectory(t, "1.0/imported"), "RSA"
	before := sortedLines(string(contentOf(t, exportOf(t, directory))))
	p := blackbox.StartProgram(t, directory, nil)
	counted := p.Total(t, benefit, "")
	p.Terminate(t)
	for _, flags := range [][]string{nil, {"--continue"}, {"--dry-run"}} {
		expectImportRefused(t, importOf(t, directory, append(flags, dumpOf(t, monday))...), "cannot be told", "an earlier version", "--source", "--force")
	}
	expectNotUndone(t, undoOf(t, directory), "no import to undo")
	expectSuccess(t, importOf(t, directory, "--source", "another", dumpOf(t, monday)), "counted 100 +")
	expectEvents(t, directory, benefit, counted+100)
	expectSuccess(t, undoOf(t, directory), "with 100 events")
	if after := sortedLines(string(contentOf(t, exportOf(t, directory)))); !slices.Equal(after, before) {
		t.Errorf("the export was\n%s\nand is\n%s", strings.Join(before, ""), strings.Join(after, ""))
	}
	for range 2 {
		expectEvents(t, directory, benefit, counted)
	}
}

// TestAnImportOfTheLastReleaseGoesOn has an import that remembers ranges, and what it has
// replaced.
func TestAnImportOfTheLastReleaseGoesOn(t *testing.T) {
	t.Parallel()
	directory := goldenDirectory(t, "1.1/imported-dump")
	expectSuccess(t, undoOf(t, directory, "--dry-run"), "12 documents", "with 12 events")
	again := goldenDirectory(t, "1.1/imported-dump")
	var documents strings.Builder
	for number := range 14 {
		fmt.Fprintf(&documents, `{"_id":{"$oid":"695b8a00%016x"},"benefit_id":"RSA","benefit_index":1,"page_total":12,"event_type":"show"}`+"\n", number)
	}
	dump := savedAs(t, "records.json", []byte(documents.String()))
	expectImportRefused(t, importOf(t, again, "--source", "old", dump), "12 of 14")
	expectSuccess(t, importOf(t, again, "--source", "old", "--continue", dump), "counted 2 +")
	expectSuccess(t, undoOf(t, directory), "with 12 events")
	expectEvents(t, directory, "RSA", 0)
}

// TestAVersionThatIsNotKnownIsNamedByExportAndImport has files of a later version.
func TestAVersionThatIsNotKnownIsNamedByExportAndImport(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"snapshot-*", "journal-*"} {
		directory := goldenDirectory(t, "1.1/plain")
		paths, err := filepath.Glob(filepath.Join(directory, kind))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%q, %v", paths, err)
		}
		for _, path := range paths {
			blackbox.Rewrite(t, path, func(content []byte) []byte {
				content[8] = 77 // the version
				return content
			})
		}
		for _, command := range [][]string{
			{"export"}, {"import", dumpOf(t, monday)}, {"import", "--dry-run", dumpOf(t, monday)}, {"import", "--undo"}, {"import", "--undo", "--dry-run"},
		} {
			blackbox.Unchanged(t, directory, func() {
				got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, command...)
				got.ExpectRefusal(t, "unknown format version", "have 77", "use the program that wrote it")
				if strings.Contains(got.Stderr, "repair") || strings.Contains(got.Stderr, "damaged") {
					t.Errorf("%q of an unknown version advises %q", command, got.Stderr)
				}
			})
		}
	}
}
