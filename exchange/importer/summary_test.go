package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

func TestASinkRejectsSingleDocumentsAndTheSummaryAddsUp(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 3000)
	content := dump(t, documents...)
	_, all := read(t, content)
	var shows atomic.Uint64
	summary, err := importer.Read(t.Context(), stdin(content), func(batch []importer.Document) error {
		for i := range batch {
			if string(batch[i].EventType) == "show" {
				shows.Add(1)
				batch[i].Reject("no slot left for its event type")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, summary)
	rejected := shows.Load()
	if rejected == 0 || summary.Skipped != rejected || summary.Events != 3000-rejected || summary.Reasons["no slot left for its event type"] != rejected {
		t.Errorf("%d were rejected, summary is %+v", rejected, summary)
	}
	if summary.Fingerprint != all.Fingerprint {
		t.Error("the fingerprint depends on the sink")
	}
	example := summary.Examples[0]
	id := documents[slices.IndexFunc(documents, func(d bson.D) bool { return d[6].Value == "show" })][0].Value.(bson.ObjectID)
	if len(summary.Examples) != 100 || example.Path != "-" || example.ID != id.Hex() || example.Reason != "no slot left for its event type" {
		t.Errorf("%d examples, the first is %+v, want %s", len(summary.Examples), example, id.Hex())
	}
}

func TestAnErrorOfTheSinkEndsTheReading(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	var calls atomic.Int32
	summary, err := importer.Read(t.Context(), stdin(dump(t, oldDocuments(1, 20_000)...)), func([]importer.Document) error {
		calls.Add(1)
		return full
	})
	if !errors.Is(err, full) || summary.Read != 0 || calls.Load() > 2 {
		t.Errorf("error is %v after %d calls by two workers, summary is %+v", err, calls.Load(), summary)
	}
}

func TestACancelledContextEndsTheReadingEvenOfAStreamThatIsSilent(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("interrupted")
	go func() {
		_, _ = writer.Write(dump(t, oldDocuments(1, 10)...))
		cancel(stopped)
	}()
	_, err := importer.Read(ctx, importer.Options{Paths: []string{"-"}, Stdin: reader}, func([]importer.Document) error { return nil })
	if !errors.Is(err, stopped) {
		t.Errorf("error is %v", err)
	}
}

func TestBatchesAreOfAboutAThousandAndComeFromSeveralWorkers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sizes []int
	inside, most := 0, 0
	both := make(chan struct{}) // closed when two batches are inside at the same time
	options := stdin(dump(t, oldDocuments(1, 8000)...))
	_, err := importer.Read(t.Context(), options, func(batch []importer.Document) error {
		mu.Lock()
		sizes = append(sizes, len(batch))
		inside++
		if most = max(most, inside); inside == 2 && len(sizes) == 2 {
			close(both)
		}
		mu.Unlock()
		select {
		case <-both:
		case <-t.Context().Done():
		}
		mu.Lock()
		inside--
		mu.Unlock()
		return nil
	})
	if err != nil || slices.Max(sizes) > 1024 || len(sizes) > 50 || most != 2 {
		t.Errorf("%d batches of up to %d, at most %d at the same time; error %v", len(sizes), slices.Max(sizes), most, err)
	}
}

func TestTheFingerprintIsThatOfTheContent(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 300)
	fingerprint := func(documents ...bson.D) importer.Fingerprint {
		_, summary := read(t, dump(t, documents...))
		return summary.Fingerprint
	}
	whole := fingerprint(documents...)
	shuffled := slices.Clone(documents)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if fingerprint(shuffled...) != whole {
		t.Error("it depends on the order")
	}
	if fingerprint(with(documents[0], "hash_id", "another")) != fingerprint(documents[0]) {
		t.Error("it depends on a field that is not imported")
	}
	seen := map[importer.Fingerprint]string{whole: "the whole"}
	for name, content := range map[string][]bson.D{
		"one missing":            documents[1:],
		"one twice":              append(slices.Clone(documents), documents[0]),
		"one twice, one missing": append(slices.Clone(documents[1:]), documents[1]),
		"another _id":            append(slices.Clone(documents[1:]), with(documents[0], "_id", bson.NewObjectID())),
		"another benefit":        append(slices.Clone(documents[1:]), with(documents[0], "benefit_id", "x")),
		"another event type":     append(slices.Clone(documents[1:]), with(documents[0], "event_type", "x")),
		"another version":        append(slices.Clone(documents[1:]), with(documents[0], "version", int32(9))),
		"another total":          append(slices.Clone(documents[1:]), with(documents[0], "page_total", int32(999))),
		"another index":          append(slices.Clone(documents[1:]), with(documents[0], "benefit_index", int32(999))),
		"another time":           append(slices.Clone(documents[1:]), with(documents[0], "created_at", bson.DateTime(1))),
		"no time":                append(slices.Clone(documents[1:]), without(documents[0], "created_at")),
		"one skipped":            append(slices.Clone(documents[1:]), without(documents[0], "benefit_id")),
		"another skipped":        append(slices.Clone(documents[1:]), without(with(documents[0], "_id", bson.NewObjectID()), "benefit_id")),
	} {
		got := fingerprint(content...)
		if same, taken := seen[got]; taken {
			t.Errorf("%s has the fingerprint of %s", name, same)
		}
		seen[got] = name
	}
}

// Callers store fingerprints: this one must stay what it is.
func TestTheFingerprintOfADocumentNeverChanges(t *testing.T) {
	t.Parallel()
	_, summary := read(t, []byte(`{"_id":{"$oid":"65500000aabbccddeeff0011"},"benefit_id":"rsa","event_type":"show","version":2,"page_total":10,"benefit_index":4,"created_at":{"$date":"2023-11-11T22:13:20Z"}}
{"day":"2024-02-29","benefit":"rsa","event_type":"show","version":2,"page_total":10,"benefit_index":4,"count":12}
{"_id":5}`))
	if got, want := summary.Fingerprint.String(), "0000000000000001a329d44fcf70b1b6"; got != want || summary.Counted != 2 || summary.Skipped != 1 {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestProgressIsAFewLinesWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	content := dump(t, oldDocuments(1, 4000)...)
	path := write(t, content, t.TempDir(), "benefits.bson")
	for name, options := range map[string]importer.Options{
		"file":   {Paths: []string{path}},
		"stream": {Paths: []string{"-"}, Stdin: bytes.NewReader(content)},
	} {
		synctest.Test(t, func(t *testing.T) {
			var shown bytes.Buffer
			options.Progress, options.Workers = &shown, 1
			_, err := importer.Read(t.Context(), options, func([]importer.Document) error {
				time.Sleep(6 * time.Second) // of the clock of this test, which takes none
				return nil
			})
			lines := strings.Split(strings.TrimSpace(shown.String()), "\n")
			if err != nil || len(lines) < 2 || len(lines) > 6 || !strings.Contains(lines[0], "documents: ") {
				t.Errorf("%s: shown was %q; %v", name, shown.String(), err)
			}
			if hasTimeLeft := strings.Contains(lines[0], "left"); hasTimeLeft != (name == "file") {
				t.Errorf("%s: the time left is known: %v", name, hasTimeLeft)
			}
		})
	}
}

func TestManyDifferentReasonsAreBounded(t *testing.T) {
	t.Parallel()
	summary, err := importer.Read(t.Context(), stdin(dump(t, oldDocuments(1, 1000)...)), func(batch []importer.Document) error {
		for i := range batch {
			batch[i].Reject(fmt.Sprint("reason ", batch[i].ID()))
		}
		return nil
	})
	if err != nil || len(summary.Reasons) > 202 || summary.Reasons["other reasons"] < 700 {
		t.Errorf("%d reasons; %v", len(summary.Reasons), err)
	}
	mustAddUp(t, summary)
}
