package importer_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"stats-recorder/exchange/importer"
)

// BenchmarkRead reads files of documents of the old service and counts them,
// without a store behind the sink.
func BenchmarkRead(b *testing.B) {
	const rounds, perRound = 20, 10_000
	documents := oldDocuments(1, perRound)
	repeated := func(content []byte) []byte { return bytes.Repeat(content, rounds) }
	files := map[string][]byte{
		"bson":           repeated(dump(b, documents...)),
		"bson.gz":        gzipped(b, repeated(dump(b, documents...))),
		"relaxed.json":   repeated(export(b, false, false, documents...)),
		"canonical.json": repeated(export(b, true, false, documents...)),
	}
	for name, content := range files {
		path := write(b, content, b.TempDir(), filepath.Base(name))
		b.Run(fmt.Sprintf("format=%s", name), func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				summary, err := importer.Read(b.Context(), importer.Options{Paths: []string{path}}, func([]importer.Document) error { return nil })
				if err != nil || summary.Counted != rounds*perRound {
					b.Fatalf("%d counted, error %v", summary.Counted, err)
				}
			}
			b.ReportMetric(float64(b.N)*rounds*perRound/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
