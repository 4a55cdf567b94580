package importer_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

// containers are all ways in which the same documents can come.
func containers(t testing.TB, documents []bson.D) map[string][]byte {
	t.Helper()
	other := namespace{"prod", "system.views", oldDocuments(99, 20)}
	return map[string][]byte{
		"mongodump .bson":           dump(t, documents...),
		"mongodump --archive":       archive(t, namespace{"prod", "benefits", documents}),
		"mongodump of everything":   archive(t, other, namespace{"prod", "benefits", documents}, namespace{"admin", "users", oldDocuments(98, 9)}),
		"mongoexport":               export(t, false, false, documents...),
		"mongoexport canonical":     export(t, true, false, documents...),
		"mongoexport --jsonArray":   export(t, false, true, documents...),
		"canonical array":           export(t, true, true, documents...),
		"JSON with byte order mark": append([]byte("\xef\xbb\xbf"), export(t, false, false, documents...)...),
		"JSON with Windows lines":   bytes.ReplaceAll(export(t, false, false, documents...), []byte("\n"), []byte("\r\n")),
		"pretty JSON":               pretty(t, documents),
	}
}

func pretty(t testing.TB, documents []bson.D) []byte {
	t.Helper()
	var out []byte
	for _, document := range documents {
		text, err := bson.MarshalExtJSONIndent(document, true, false, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, text...), '\n')
	}
	return out
}

func TestEveryFormatGivesTheSameDocumentsAndTheSameFingerprint(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 1500)
	want := expected(documents)
	_, first := read(t, dump(t, documents...))
	if first.Fingerprint == (importer.Fingerprint{}) {
		t.Fatal("the fingerprint is zero")
	}
	all := containers(t, documents)
	for name, content := range maps.Clone(all) {
		all[name+" gzipped"] = gzipped(t, content)
	}
	for name, content := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken, summary := read(t, content)
			taken.mustBe(t, want)
			if summary.Counted != 1500 || summary.Events != 1500 || summary.Skipped != 0 {
				t.Errorf("summary is %+v", summary)
			}
			if summary.Fingerprint != first.Fingerprint {
				t.Errorf("fingerprint is %v, want %v", summary.Fingerprint, first.Fingerprint)
			}
			if !summary.Earliest.Equal(first.Earliest) || !summary.Latest.Equal(first.Latest) {
				t.Errorf("from %v to %v, want %v to %v", summary.Earliest, summary.Latest, first.Earliest, first.Latest)
			}
		})
	}
}

func TestNumbersAndDatesOfEveryTypeMeanTheSame(t *testing.T) {
	t.Parallel()
	document := oldDocuments(2, 1)[0]
	decimal := func(text string) bson.Decimal128 {
		number, err := bson.ParseDecimal128(text)
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	want, wanted := read(t, dump(t, with(document, "page_total", int32(40))))
	for _, same := range []any{int32(40), int64(40), 40.0, decimal("40"), decimal("40.00"), decimal("4E+1"), decimal("400E-1")} {
		changed := with(document, "page_total", same)
		for name, content := range containers(t, []bson.D{changed}) {
			taken, summary := read(t, content)
			taken.mustBe(t, want.counts)
			if summary.Fingerprint != wanted.Fingerprint {
				t.Errorf("%s: the fingerprint with %v (%T) is another", name, same, same)
			}
		}
	}
}

func TestDatesAsOldToolsWroteThemAreRead(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		`{"$date":"2023-11-14T22:13:20.123Z"}`, `{"$date":"2023-11-14T23:13:20.123+01:00"}`,
		`{"$date":"2023-11-14T22:13:20.123+0000"}`, `{"$date":1700000000123}`,
		`{"$date":{"$numberLong":"1700000000123"}}`, `{ "$date" : { "$numberLong" : "1700000000123" } }`,
	} {
		taken, _ := read(t, []byte(`{"benefit_id":"a","event_type":"show","page_total":1,"benefit_index":1,"created_at":`+written+`}`))
		for e := range taken.counts {
			if e.createdAt.UnixMilli() != 1700000000123 || e.precision != importer.Instant {
				t.Errorf("%s was read as %v", written, e.createdAt)
			}
		}
		if len(taken.counts) != 1 {
			t.Errorf("%s was not counted", written)
		}
	}
}

func TestAnIDOfAnyTypeCountsInTheFingerprintAndIsTheSameInEveryFormat(t *testing.T) {
	t.Parallel()
	document := oldDocuments(3, 1)[0]
	seen := make(map[importer.Fingerprint]any)
	for _, id := range []any{
		"text", int32(7), int64(8), 1.5, true, bson.DateTime(1_700_000_000_000), bson.NewObjectID(),
		bson.Binary{Subtype: 4, Data: make([]byte, 16)}, bson.D{{Key: "a", Value: int32(1)}}, bson.D{{Key: "a", Value: int32(2)}},
	} {
		_, want := read(t, dump(t, with(document, "_id", id)))
		if before, taken := seen[want.Fingerprint]; taken {
			t.Errorf("the fingerprints of %v and %v are the same", before, id)
		}
		seen[want.Fingerprint] = id
		for name, content := range containers(t, []bson.D{with(document, "_id", id)}) {
			if _, summary := read(t, content); summary.Fingerprint != want.Fingerprint {
				t.Errorf("%s: the fingerprint with %v (%T) is another", name, id, id)
			}
		}
	}
}

func TestTextIsReadWhateverItHolds(t *testing.T) {
	t.Parallel()
	document := oldDocuments(4, 1)[0]
	for _, name := range []string{"Livret d’épargne populaire", `with "quotes" and \`, "line\nbreak", "\x00", "}]{[\"", "emoji 🎓", "\u2028"} {
		for container, content := range containers(t, []bson.D{with(document, "benefit_id", name)}) {
			taken, _ := read(t, content)
			for e := range taken.counts {
				if e.benefit != name {
					t.Errorf("%s: %q came back as %q", container, name, e.benefit)
				}
			}
		}
	}
}

func TestInvalidUTF8BecomesReplacementCharacters(t *testing.T) {
	t.Parallel()
	document := with(oldDocuments(5, 1)[0], "benefit_id", "ab?cd")
	stored := bytes.Replace(dump(t, document), []byte("ab?cd"), []byte("ab\xffcd"), 1)
	exported := bytes.Replace(export(t, false, false, document), []byte("ab?cd"), []byte("ab\xffcd"), 1)
	for _, content := range [][]byte{stored, exported} {
		taken, _ := read(t, content)
		for e := range taken.counts {
			if e.benefit != "ab\ufffdcd" {
				t.Errorf("it is %q", e.benefit)
			}
		}
	}
}

func TestADocumentLongerThanAChunkIsRead(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(6, 50)
	long := bytes.Repeat([]byte(`"\`), 200_000)
	documents[20] = with(documents[20], "abtesting", bson.D{{Key: "long", Value: string(long)}})
	for name, content := range map[string][]byte{
		"bson":    dump(t, documents...),
		"archive": archive(t, namespace{"prod", "benefits", documents}),
		"lines":   export(t, false, false, documents...),
		"array":   export(t, true, true, documents...),
	} {
		taken, summary := read(t, content)
		if summary.Counted != 50 {
			t.Errorf("%s: summary is %+v", name, summary)
		}
		taken.mustBe(t, expected(documents))
	}
}

func TestFieldsOutsideTheSchemaAreIgnored(t *testing.T) {
	t.Parallel()
	document := oldDocuments(7, 1)[0]
	crowded := slices.Clone(document)
	for key, other := range map[string]any{
		"Benefit_ID": "other case", "nested": bson.D{{Key: "benefit_id", Value: "inner"}}, "list": bson.A{"benefit_id", int32(1)},
		"regex": bson.Regex{Pattern: "a", Options: "i"}, "code": bson.JavaScript("f()"), "time": bson.Timestamp{T: 1, I: 2},
		"min": bson.MinKey{}, "max": bson.MaxKey{}, "symbol": bson.Symbol("s"), "binary": bson.Binary{Data: []byte("benefit_id")},
		"scope": bson.CodeWithScope{Code: "f()", Scope: bson.D{}}, "pointer": bson.DBPointer{DB: "a"}, "undefined": bson.Undefined{},
		"count": int32(5), "day": "2020-01-01",
	} {
		crowded = append(crowded, bson.E{Key: key, Value: other})
	}
	for name, content := range containers(t, []bson.D{crowded}) {
		taken, _ := read(t, content)
		if !t.Run(name, func(t *testing.T) { taken.mustBe(t, expected([]bson.D{document})) }) {
			return
		}
	}
}

func TestWhatIsEmptyHasNoDocuments(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "\n\n", "[]", " [ ] \n", "\xef\xbb\xbf", string(gzipped(t, nil)), string(archive(t, namespace{"a", "b", nil}))} {
		_, summary := read(t, []byte(content))
		if summary.Read != 0 || summary.Fingerprint != (importer.Fingerprint{}) {
			t.Errorf("%q: summary is %+v", content, summary)
		}
	}
}
