package importer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

// inOrder are documents with the ids from first on.
func inOrder(first, count int) []bson.D {
	documents := oldDocuments(7, count)
	for i := range documents {
		id, _ := bson.ObjectIDFromHex(fmt.Sprintf("65%022x", first+i))
		documents[i] = with(documents[i], "_id", id)
	}
	return documents
}

func shuffled(documents []bson.D) []bson.D {
	mixed := slices.Clone(documents)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed
}

// readOver reads what comes after ranges that were read before.
func readOver(t testing.TB, covered map[string][]importer.Range, overlap importer.Overlap, content []byte) importer.Summary {
	t.Helper()
	var taken ledger
	options := stdin(content)
	options.Covered, options.Overlap = covered, overlap
	summary, err := importer.Read(t.Context(), options, taken.take)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Read != summary.Counted+summary.Skipped+summary.Covered {
		t.Errorf("%d read, %d counted, %d skipped, %d covered", summary.Read, summary.Counted, summary.Skipped, summary.Covered)
	}
	return summary
}

// rangesOf are the ranges of documents, all of one source.
func rangesOf(t testing.TB, content []byte) []importer.Range {
	t.Helper()
	_, summary := read(t, content)
	if len(summary.Sources) != 1 {
		t.Fatalf("%d sources, want one", len(summary.Sources))
	}
	return summary.Sources[0].New
}

func TestTheRangeOfDocumentsIsTheSameInAnyOrderAndFormat(t *testing.T) {
	t.Parallel()
	documents := inOrder(100, 3000)
	want := rangesOf(t, dump(t, documents...))
	if len(want) != 1 || want[0].Documents != 3000 ||
		fmt.Sprintf("%x-%x", want[0].First, want[0].Last) != fmt.Sprintf("65%022x-65%022x", 100, 3099) {
		t.Fatalf("the ranges are %x", want)
	}
	changed := slices.Clone(documents) // what a document says does not matter, only which it is
	changed[5] = without(with(changed[5], "benefit_id", "another"), "page_total")
	for name, content := range map[string][]byte{
		"shuffled": dump(t, shuffled(documents)...), "json": export(t, false, false, documents...), "changed": dump(t, changed...),
	} {
		if have := rangesOf(t, content); !reflect.DeepEqual(have, want) {
			t.Errorf("%s: the ranges are %x, want %x", name, have, want)
		}
	}
	other := inOrder(100, 3000)
	other[7] = with(other[7], "_id", inOrder(9000, 1)[0][0].Value)
	if have := rangesOf(t, dump(t, other...)); have[0].Sum == want[0].Sum {
		t.Error("with another document in it the sum is the same")
	}
}

func TestDocumentsInRangesThatWereReadBeforeAreLeftOut(t *testing.T) {
	t.Parallel()
	first, second := inOrder(1000, 50), inOrder(3000, 70)
	ranges := append(rangesOf(t, dump(t, first...)), rangesOf(t, dump(t, second...))...)
	covered := map[string][]importer.Range{"": ranges}
	content := dump(t, shuffled(slices.Concat(inOrder(0, 4), first, inOrder(2000, 5), second, inOrder(4000, 6)))...)
	summary := readOver(t, covered, importer.LeaveOut, content)
	if summary.Counted != 15 || summary.Covered != 120 {
		t.Errorf("%d counted and %d left out, want 15 and 120", summary.Counted, summary.Covered)
	}
	source := summary.Sources[0]
	if !reflect.DeepEqual(source.Known, ranges) {
		t.Errorf("known are %x, want %x", source.Known, ranges)
	}
	if len(source.New) != 3 || importer.Documents(source.New) != 15 {
		t.Errorf("new are %x, want three ranges", source.New)
	}
	if again := readOver(t, covered, importer.HandOver, content); again.Counted != 135 || again.Covered != 0 {
		t.Errorf("%d counted and %d left out, want all counted", again.Counted, again.Covered)
	}
}

func TestADocumentWithoutAnObjectIDHasNoPlace(t *testing.T) {
	t.Parallel()
	document := oldDocuments(1, 1)[0]
	content := dump(t, document, without(document, "_id"), with(document, "_id", "text"), with(document, "_id", int32(7)))
	if _, summary := read(t, content); summary.Unplaced != 3 || summary.Counted != 4 {
		t.Errorf("%d of %d have no place, want 3 of 4", summary.Unplaced, summary.Counted)
	}
}

func TestDocumentsThatAreThereTwiceAreNoticed(t *testing.T) {
	t.Parallel()
	documents := inOrder(0, 2500)
	again := slices.Concat(documents, documents[:30])
	rows := []byte(row("2024-03-01", "a", 1) + row("2024-03-01", "b", 2) + row("2024-03-01", "a", 5))
	for name, test := range map[string]struct {
		content []byte
		want    uint64
	}{
		"once, in order":     {dump(t, documents...), 0},
		"once, in no order":  {dump(t, shuffled(documents)...), 0},
		"two dumps in one":   {dump(t, again...), 30},
		"and in no order":    {export(t, true, false, shuffled(again)...), 30},
		"a place of a row":   {rows, 1},
		"without any _id":    {dump(t, without(documents[0], "_id"), without(documents[0], "_id")), 0},
		"of two directories": {[]byte(row("2024-03-01", "a", 1, `"origin":"x/1"`) + row("2024-03-01", "a", 1, `"origin":"y/1"`)), 0},
		"of two commits":     {[]byte(row("2024-03-01", "a", 1, `"origin":"x/1"`) + row("2024-03-01", "a", 1, `"origin":"x/2"`)), 1},
	} {
		if _, summary := read(t, test.content); summary.Again != test.want || summary.AgainUnknown {
			t.Errorf("%s: %d are there again, want %d", name, summary.Again, test.want)
		}
	}
}

func TestBeyondTheLimitTheOrderTellsWhatIsThereTwice(t *testing.T) {
	t.Parallel()
	documents := inOrder(0, 4000)
	for name, test := range map[string]struct {
		documents []bson.D
		known     bool
	}{
		"in order":         {documents, true},
		"in no order":      {shuffled(documents), false},
		"two dumps in one": {slices.Concat(documents, documents[1500:]), false},
	} {
		var taken ledger
		_, known, err := importer.CountAgain(t.Context(), stdin(dump(t, test.documents...)), 1000, taken.take)
		if err != nil || known != test.known {
			t.Errorf("%s: %v, known is %v, want %v", name, err, known, test.known)
		}
	}
}

// row is a row of our own export, with further fields.
func row(day, benefit string, count int, further ...string) string {
	quoted := `"` + day + `"`
	if day == "" {
		quoted = "null"
	}
	fields := append([]string{fmt.Sprintf(`"day":%s,"benefit":%q,"event_type":"show","version":2,"page_total":2,"benefit_index":1,"count":%d`, quoted, benefit, count)}, further...)
	return "{" + strings.Join(fields, ",") + "}\n"
}

func TestRowsOfAnExportAreOfTheDirectoryThatWroteIt(t *testing.T) {
	t.Parallel()
	lines := row("2024-03-01", "a", 1, `"origin":"abc/41"`, `"holds":["f","e"]`) + row("2024-03-03", "a", 2, `"origin":"abc/42"`, `"holds":["g"]`) +
		row("", "a", 3, `"origin":"abc/42"`) + row("2024-03-02", "a", 4) + row("no day", "a", 5, `"origin":"abc/42"`)
	_, summary := read(t, []byte(lines))
	if len(summary.Sources) != 2 || summary.Sources[0].Name != importer.ExportSource("") || summary.Sources[1].Name != importer.ExportSource("abc") {
		t.Fatalf("the sources are %+v", summary.Sources)
	}
	own := summary.Sources[1]
	if want := (importer.Origin{Directory: "abc", Commit: 42, Holds: []string{"e", "f", "g"}}); !reflect.DeepEqual(*own.Origin, want) {
		t.Errorf("the origin is %+v, want %+v", *own.Origin, want)
	}
	first, last := importer.KeyTime(own.New[0].First), own.New[0].Last
	if first.Format("2006-01-02") != "2024-03-01" || !bytes.Equal(last[8:], []byte{255, 255, 255, 255}) || own.New[0].Documents != 3 {
		t.Errorf("the range is %+v", own.New)
	}
	changed := rangesOf(t, []byte(row("2024-03-01", "a", 2)))
	if same := rangesOf(t, []byte(row("2024-03-01", "a", 1))); same[0].Sum == changed[0].Sum {
		t.Error("a row with another count has the same sum")
	}
}
