package importer_test

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

// fuzzSeeds are documents with every kind of value.
func fuzzSeeds() []bson.D {
	regular := oldDocuments(1, 2)
	decimal, _ := bson.ParseDecimal128("12.50")
	return append(regular,
		with(regular[0], "version", decimal), with(regular[0], "page_total", 1.5),
		with(regular[0], "_id", bson.D{{Key: "a", Value: bson.A{int32(1), "x"}}}),
		with(regular[0], "x", bson.Regex{Pattern: "a", Options: "i"}),
		with(regular[0], "x", bson.CodeWithScope{Code: "f()", Scope: bson.D{}}),
		without(regular[0], "created_at"), bson.D{})
}

// mustStayBounded reads an input that may be anything: it is read or refused,
// and each Document that is handed over keeps to its limits.
func mustStayBounded(t *testing.T, content []byte) {
	options := importer.Options{Paths: []string{"-"}, Stdin: bytes.NewReader(content), Workers: 1}
	summary, err := importer.Read(t.Context(), options, func(batch []importer.Document) error {
		for i := range batch {
			d := &batch[i]
			if len(d.Benefit) == 0 || len(d.Benefit) > 256 || len(d.EventType) == 0 || len(d.EventType) > 64 ||
				d.PageTotal > 1023 || d.Index > 1023 || d.Count == 0 || d.Count > importer.MaxCount ||
				(d.Precision == importer.AllTime) != d.CreatedAt.IsZero() {
				t.Errorf("document %+v", d)
			}
			if len(d.ID()) > 200 {
				t.Errorf("the _id is written as %q", d.ID())
			}
		}
		return nil
	})
	mustAddUp(t, summary)
	if err != nil && summary.Read != 0 {
		t.Errorf("error %v with a summary", err)
	}
	if summary.Read > uint64(len(content)) {
		t.Errorf("%d documents in %d bytes", summary.Read, len(content))
	}
}

func FuzzBSON(f *testing.F) {
	f.Add(dump(f, fuzzSeeds()...))
	for _, seed := range fuzzSeeds() {
		f.Add(marshal(f, seed))
	}
	for _, damage := range damages {
		f.Add(damage.change(dump(f, oldDocuments(1, 3)...), len(dump(f, oldDocuments(1, 1)...))))
	}
	f.Fuzz(mustStayBounded)
}

func FuzzJSON(f *testing.F) {
	for _, canonical := range []bool{false, true} {
		f.Add(export(f, canonical, false, fuzzSeeds()...))
		f.Add(export(f, canonical, true, fuzzSeeds()...))
	}
	f.Add([]byte(`{"day":"2024-02-29","benefit":"rsa","event_type":"show","version":2,"page_total":10,"benefit_index":4,"count":12}`))
	f.Add([]byte(`[{"_id":{"$binary":{"base64":"AA==","subType":"04"}}}, null, 3, [[]], "x"]`))
	f.Fuzz(mustStayBounded)
}

func FuzzArchive(f *testing.F) {
	f.Add(archive(f, namespace{"a", "b", fuzzSeeds()}))
	f.Add(archive(f, namespace{"a", "b", fuzzSeeds()}, namespace{"a", "system.views", oldDocuments(3, 3)}))
	f.Add(archive(f))
	f.Fuzz(mustStayBounded)
}

func FuzzGzip(f *testing.F) {
	f.Add(gzipped(f, dump(f, fuzzSeeds()...)))
	f.Add(gzipped(f, export(f, true, false, fuzzSeeds()...)))
	f.Fuzz(mustStayBounded)
}
