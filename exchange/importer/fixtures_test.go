package importer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

// oldDocument is a document as the old service stored it: mongoose put the
// fields in the order of its schema between _id and __v.
func oldDocument(random *rand.Rand) bson.D {
	id := bson.NewObjectIDFromTimestamp(time.Unix(int64(random.Uint32N(1<<31)), 0))
	binary.BigEndian.PutUint64(id[4:], random.Uint64())
	total := 1 + random.Int32N(60)
	return bson.D{
		{Key: "_id", Value: id},
		{Key: "benefit_id", Value: fmt.Sprintf("aide_%d_montant_maximum", random.IntN(600))},
		{Key: "hash_id", Value: strconv.FormatUint(random.Uint64(), 16)},
		{Key: "abtesting", Value: bson.D{{Key: "aides_bafa", Value: "show"}, {Key: "ppa_text", Value: "B"}}},
		{Key: "benefit_index", Value: 1 + random.Int32N(total)},
		{Key: "page_total", Value: total},
		{Key: "event_type", Value: []string{"show", "showDetails", "link"}[random.IntN(3)]},
		{Key: "version", Value: int32(2)},
		{Key: "created_at", Value: bson.DateTime(1_600_000_000_000 + random.Int64N(150_000_000_000))},
		{Key: "__v", Value: int32(0)},
	}
}

func oldDocuments(seed uint64, count int) []bson.D {
	random := rand.New(rand.NewPCG(seed, 0))
	documents := make([]bson.D, count)
	for i := range documents {
		documents[i] = oldDocument(random)
	}
	return documents
}

// with is a document with a field replaced, or added at the end.
func with(document bson.D, key string, value any) bson.D {
	changed := without(document, key)
	return append(changed, bson.E{Key: key, Value: value})
}

func without(document bson.D, key string) bson.D {
	return slices.DeleteFunc(slices.Clone(document), func(e bson.E) bool { return e.Key == key })
}

func marshal(t testing.TB, document any) []byte {
	t.Helper()
	data, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dump is what mongodump writes to a .bson file.
func dump(t testing.TB, documents ...bson.D) []byte {
	t.Helper()
	var out []byte
	for _, document := range documents {
		out = append(out, marshal(t, document)...)
	}
	return out
}

// export is what mongoexport writes; array is its --jsonArray.
func export(t testing.TB, canonical, array bool, documents ...bson.D) []byte {
	t.Helper()
	var lines [][]byte
	for _, document := range documents {
		line, err := bson.MarshalExtJSON(document, canonical, false)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if array {
		return []byte("[" + string(bytes.Join(lines, []byte(","))) + "]\n")
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// namespace is a collection of an archive.
type namespace struct {
	database, collection string
	documents            []bson.D
}

// archive is what mongodump --archive writes: the collections' documents mixed,
// a few at a time.
func archive(t testing.TB, namespaces ...namespace) []byte {
	t.Helper()
	terminator := []byte{0xff, 0xff, 0xff, 0xff}
	out := []byte{0x6d, 0xe2, 0x99, 0x81}
	out = append(out, marshal(t, bson.D{{Key: "concurrent_collections", Value: int32(4)}, {Key: "version", Value: "0.1"},
		{Key: "server_version", Value: "6.0.5"}, {Key: "tool_version", Value: "100.7.0"}})...)
	for _, n := range namespaces {
		out = append(out, marshal(t, bson.D{{Key: "db", Value: n.database}, {Key: "collection", Value: n.collection},
			{Key: "metadata", Value: `{"indexes":[]}`}, {Key: "size", Value: int32(1000)}, {Key: "type", Value: "collection"}})...)
	}
	out = append(out, terminator...)
	segment := func(n namespace, ends bool, checksum uint64) {
		out = append(out, marshal(t, bson.D{{Key: "db", Value: n.database}, {Key: "collection", Value: n.collection},
			{Key: "EOF", Value: ends}, {Key: "CRC", Value: int64(checksum)}})...)
	}
	checksums := make([]uint64, len(namespaces))
	for left := true; left; {
		left = false
		for i := range namespaces {
			n := &namespaces[i]
			some := n.documents[:min(len(n.documents), 7)]
			n.documents = n.documents[len(some):]
			if len(some) > 0 {
				body := dump(t, some...)
				checksums[i] = crc64.Update(checksums[i], crc64.MakeTable(crc64.ECMA), body)
				segment(*n, false, 0)
				out = append(append(out, body...), terminator...)
				left = true
			}
		}
	}
	for i, n := range namespaces {
		segment(n, true, checksums[i])
		out = append(out, terminator...)
	}
	return out
}

func write(t testing.TB, content []byte, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// event is what a document means, in a form that can be a map's key.
type event struct {
	benefit, eventType        string
	version, pageTotal, index uint16
	precision                 importer.Precision
	createdAt                 time.Time
}

// ledger counts what a sink is given.
type ledger struct {
	mu     sync.Mutex
	counts map[event]uint64
	ids    []string
}

func (l *ledger) take(batch []importer.Document) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[event]uint64)
	}
	for i := range batch {
		d := &batch[i]
		l.counts[event{string(d.Benefit), string(d.EventType), d.Version, d.PageTotal, d.Index, d.Precision, d.CreatedAt}] += d.Count
		l.ids = append(l.ids, d.ID())
	}
	return nil
}

// expected is what a ledger must hold after regular documents were read.
func expected(documents []bson.D) map[event]uint64 {
	counts := make(map[event]uint64)
	for _, document := range documents {
		m := make(map[string]any)
		for _, e := range document {
			m[e.Key] = e.Value
		}
		counts[event{m["benefit_id"].(string), m["event_type"].(string), uint16(m["version"].(int32)),
			uint16(m["page_total"].(int32)), uint16(m["benefit_index"].(int32)), importer.Instant,
			m["created_at"].(bson.DateTime).Time().UTC()}]++
	}
	return counts
}

func (l *ledger) mustBe(t testing.TB, want map[event]uint64) {
	t.Helper()
	if maps.Equal(l.counts, want) {
		return
	}
	for e, count := range want {
		if l.counts[e] != count {
			t.Errorf("%+v was counted %d times, want %d", e, l.counts[e], count)
			break
		}
	}
	t.Errorf("%d different events were counted, want %d", len(l.counts), len(want))
}

// read reads bytes and returns what the sink was given.
func read(t testing.TB, content []byte) (*ledger, importer.Summary) {
	t.Helper()
	var taken ledger
	summary, err := importer.Read(t.Context(), stdin(content), taken.take)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, summary)
	return &taken, summary
}

func stdin(content []byte) importer.Options {
	return importer.Options{Paths: []string{"-"}, Stdin: bytes.NewReader(content), Workers: 2}
}

func readPaths(t testing.TB, paths ...string) (*ledger, importer.Summary) {
	t.Helper()
	var taken ledger
	summary, err := importer.Read(t.Context(), importer.Options{Paths: paths, Workers: 2}, taken.take)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, summary)
	return &taken, summary
}

func readError(t testing.TB, options importer.Options) error {
	t.Helper()
	_, err := importer.Read(context.Background(), options, func([]importer.Document) error { return nil })
	return err
}

func mustAddUp(t testing.TB, summary importer.Summary) {
	t.Helper()
	var inReasons, inInputs uint64
	for _, count := range summary.Reasons {
		inReasons += count
	}
	for _, in := range summary.Inputs {
		inInputs += in.Read
	}
	if summary.Read != summary.Counted+summary.Skipped || inReasons != summary.Skipped || inInputs != summary.Read {
		t.Errorf("%d read, of which %d in the inputs; %d counted; %d skipped, of which %d with a reason: does not add up",
			summary.Read, inInputs, summary.Counted, summary.Skipped, inReasons)
	}
}
