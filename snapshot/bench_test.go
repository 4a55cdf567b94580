package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

// delta is what gathers of so many pages of thirty records.
func delta(b *testing.B, store *counters.Store, pages int) *counters.Delta {
	b.Helper()
	const benefits, size = 600, 30
	random := rand.New(rand.NewPCG(1, 2))
	for range pages {
		records := make([]storetest.Record, size)
		shuffled := random.Perm(benefits)
		for i := range records {
			records[i] = storetest.Shown(fmt.Sprintf("benefit-%d", shuffled[i]), size, uint16(i+1), storetest.Noon())
		}
		store.Add(storetest.Batch(b, store, records))
	}
	return store.Seal()
}

// entries is how many counters a delta touches.
func entries(delta *counters.Delta) (count int) {
	for _, span := range delta.Spans {
		count += len(span.Entries)
	}
	return count
}

func BenchmarkEncodeFrame(b *testing.B) {
	for _, pages := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batches=%d", pages), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			delta := delta(b, store, pages)
			b.ReportAllocs()
			var payload []byte
			frames := 0
			for b.Loop() {
				payload = snapshot.EncodeFrame(payload[:0], store, delta, delta.Benefits, delta.Events)
				frames++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames*delta.Records), "ns/record")
			b.ReportMetric(float64(len(payload))/float64(entries(delta)), "bytes/counter")
			b.ReportMetric(float64(len(payload))/float64(delta.Records), "bytes/record")
			expectDecoded(b, store, payload, 1, delta.Records)
		})
	}
}

// expectDecoded requires that a payload counts what it should when it is
// decoded that many times.
func expectDecoded(b *testing.B, names *counters.Store, payload []byte, times, records int) {
	b.Helper()
	store := storeNaming(b, names)
	for range times {
		if err := snapshot.DecodeFrame(payload, store); err != nil {
			b.Fatal(err)
		}
	}
	if got := storetest.Events(store); got != uint64(times*records) {
		b.Errorf("%d events, want %d", got, times*records)
	}
}

// storeNaming is an empty store with the names of another.
func storeNaming(b *testing.B, names *counters.Store) *counters.Store {
	b.Helper()
	store := counters.NewStore(counters.WhenDurable)
	for _, name := range names.Benefits.Names() {
		storetest.Number(b, store, storetest.Record{Benefit: name, Event: "show"})
	}
	return store
}

func BenchmarkDecodeFrame(b *testing.B) {
	for _, pages := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batches=%d", pages), func(b *testing.B) {
			names := counters.NewStore(counters.WhenDurable)
			delta := delta(b, names, pages)
			payload := snapshot.EncodeFrame(nil, names, delta, delta.Benefits, delta.Events)
			store := storeNaming(b, names)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			frames := 0
			for b.Loop() {
				if err := snapshot.DecodeFrame(payload, store); err != nil {
					b.Fatal(err)
				}
				frames++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames*entries(delta)), "ns/counter")
			if got := storetest.Events(store); got != uint64(frames*delta.Records) {
				b.Errorf("%d events, want %d", got, frames*delta.Records)
			}
		})
	}
}

// BenchmarkCommit makes one page after another durable, with its sync.
func BenchmarkCommit(b *testing.B) {
	keeper := opened(b, options(b.TempDir()))
	page := storetest.Page(30, storetest.Noon())
	batch := storetest.Batch(b, keeper.Store(), page)
	b.ReportAllocs()
	commits := 0
	for b.Loop() {
		if err := recorded(keeper, batch); err != nil {
			b.Fatal(err)
		}
		commits++
	}
	if got := storetest.Events(keeper.Store()); got != uint64(commits*len(page)) {
		b.Errorf("%d events, want %d", got, commits*len(page))
	}
	closed(b, keeper)
}

const manyCounters = 1_000_000

func BenchmarkEncodeSnapshot(b *testing.B) {
	store := counters.NewStore(counters.WhenDurable)
	events := storetest.Grow(b, store, manyCounters)
	path := filepath.Join(b.TempDir(), "snapshot-0000000000000001")
	b.ReportAllocs()
	saves := 0
	for b.Loop() {
		save(b, path, store)
		saves++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(saves*manyCounters), "ns/counter")
	b.ReportMetric(float64(len(read(b, path)))/manyCounters, "bytes/counter")
	expectLoaded(b, path, store, events)
}

func save(b *testing.B, path string, store *counters.Store) {
	b.Helper()
	if err := snapshot.SaveSnapshot(path, store); err != nil {
		b.Fatal(err)
	}
}

func expectLoaded(b *testing.B, path string, saved *counters.Store, events uint64) {
	b.Helper()
	store := counters.NewStore(counters.WhenDurable)
	if err := snapshot.DecodeSnapshot(path, store); err != nil {
		b.Fatal(err)
	}
	if got := storetest.Events(store); got != events || store.Counters() != saved.Counters() {
		b.Errorf("%d events in %d counters, want %d in %d", got, store.Counters(), events, saved.Counters())
	}
}

func BenchmarkDecodeSnapshot(b *testing.B) {
	store := counters.NewStore(counters.WhenDurable)
	events := storetest.Grow(b, store, manyCounters)
	path := filepath.Join(b.TempDir(), "snapshot-0000000000000001")
	save(b, path, store)
	size := len(read(b, path))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	loads := 0
	for b.Loop() {
		if err := snapshot.DecodeSnapshot(path, counters.NewStore(counters.WhenDurable)); err != nil {
			b.Fatal(err)
		}
		loads++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(loads*manyCounters), "ns/counter")
	b.ReportMetric(float64(size)/manyCounters, "bytes/counter")
	expectLoaded(b, path, store, events)
}

// BenchmarkMerge has a delta told by names and counted by another store, whose numbers
// are others, up to and with its fold.
func BenchmarkMerge(b *testing.B) {
	for _, pages := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batches=%d", pages), func(b *testing.B) {
			source := counters.NewStore(counters.WhenDurable)
			delta := delta(b, source, pages)
			store := counters.NewStore(counters.WhenDurable)
			for _, name := range slices.Backward(source.Benefits.Names()) {
				storetest.Number(b, store, storetest.Record{Benefit: name, Event: "show"})
			}
			counted := entries(delta)
			b.ReportAllocs()
			var portable []byte
			var encoding, decoding, merging, folding time.Duration
			merges := 0
			for b.Loop() {
				began := time.Now()
				var counted counters.Gathering
				counted.Add(delta)
				portable = format.AppendPortable(portable[:0], &counted, source.Benefits.Names(), source.Events.Names())
				encoded := time.Now()
				told, err := format.ReadPortable(portable)
				decoded := time.Now()
				if err == nil {
					_, err = store.Merge(nil, told.Counts)
				}
				if err != nil {
					b.Fatal(err)
				}
				merged := time.Now()
				storetest.Commit(store)
				encoding, decoding = encoding+encoded.Sub(began), decoding+decoded.Sub(encoded)
				merging, folding = merging+merged.Sub(decoded), folding+time.Since(merged)
				merges++
			}
			for unit, took := range map[string]time.Duration{
				"encode-ns/counter": encoding, "decode-ns/counter": decoding, "merge-ns/counter": merging, "fold-ns/counter": folding,
			} {
				b.ReportMetric(float64(took.Nanoseconds())/float64(merges*counted), unit)
			}
			b.ReportMetric(float64(len(portable))/float64(counted), "bytes/counter")
			if got := storetest.Events(store); got != uint64(merges*delta.Records) {
				b.Errorf("%d events, want %d", got, merges*delta.Records)
			}
		})
	}
}
