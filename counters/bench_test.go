package counters_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// pages are batches of so many records as a site would send them: each of one
// length of page, and of the site's benefits in a random order.
func pages(b *testing.B, store *counters.Store, size int) []*counters.Batch {
	b.Helper()
	const benefits = 600
	random := rand.New(rand.NewPCG(1, 2))
	batches := make([]*counters.Batch, 256)
	for i := range batches {
		records := make([]storetest.Record, size)
		shuffled := random.Perm(benefits)
		for j := range records {
			records[j] = storetest.Shown(fmt.Sprintf("benefit-%d", shuffled[j]), uint16(size), uint16(j+1), storetest.Noon())
		}
		batches[i] = storetest.Batch(b, store, records)
	}
	return batches
}

// expectEvents ends a benchmark: what was measured must have counted.
func expectEvents(b *testing.B, store *counters.Store, want int) {
	b.Helper()
	if got := storetest.Events(store); got != uint64(want) {
		b.Errorf("%d events are counted, want %d", got, want)
	}
}

func perRecord(b *testing.B, records int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}

// commitEvery is how many batches a benchmark lets gather in one delta.
const commitEvery = 256

func BenchmarkAdd(b *testing.B) {
	for _, size := range []int{1, 30, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			batches := pages(b, store, size)
			b.ReportAllocs()
			added := 0
			for b.Loop() {
				store.Add(batches[added%len(batches)])
				if added++; added%commitEvery == 0 {
					b.StopTimer()
					storetest.Commit(store)
					b.StartTimer()
				}
			}
			perRecord(b, added*size)
			storetest.Commit(store)
			expectEvents(b, store, added*size)
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	benchmarkCommit(b, func(store *counters.Store) (took time.Duration) {
		began := time.Now()
		delta := store.Seal()
		took = time.Since(began)
		delta.Commit()
		return took
	})
}

func BenchmarkFold(b *testing.B) {
	benchmarkCommit(b, func(store *counters.Store) (took time.Duration) {
		delta := store.Seal()
		began := time.Now()
		delta.Commit()
		return time.Since(began)
	})
}

// BenchmarkFoldBesideRequests is BenchmarkFold where what is done for requests displaces
// counters from the near caches between two commits, as it does in a server.
func BenchmarkFoldBesideRequests(b *testing.B) {
	elsewhere := make([]uint64, 2<<20/8)
	benchmarkCommit(b, func(store *counters.Store) (took time.Duration) {
		delta := store.Seal()
		for i := 0; i < len(elsewhere); i += 8 {
			elsewhere[i]++
		}
		began := time.Now()
		delta.Commit()
		return time.Since(began)
	})
}

// benchmarkCommit measures a part of the commits of pages of thirty. It takes
// the time by itself, because stopping the benchmark's timer costs far more
// than a small commit does.
func benchmarkCommit(b *testing.B, commit func(*counters.Store) (took time.Duration)) {
	const size = 30
	for _, gathered := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("batches=%d", gathered), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			batches := pages(b, store, size)
			b.ReportAllocs()
			commits, took := 0, time.Duration(0)
			for b.Loop() {
				for i := range gathered {
					store.Add(batches[(commits*gathered+i)%len(batches)])
				}
				took += commit(store)
				commits++
			}
			b.ReportMetric(float64(took.Nanoseconds())/float64(commits), "ns/op")
			b.ReportMetric(float64(took.Nanoseconds())/float64(commits*gathered*size), "ns/record")
			expectEvents(b, store, commits*gathered*size)
		})
	}
}

// table is one with many counters of a hundred benefits.
func table(b *testing.B, size int) (full *counters.Table, events uint64) {
	b.Helper()
	full = counters.NewTable(1)
	for i := range size {
		benefit, position := counters.Benefit(i%100), i/100
		key := mustKey(b, 1, 2, uint16(position/1000+1), uint16(position%1000+1))
		count := uint64(i%7 + 1)
		full.Add(benefit, key, count)
		events += count
	}
	return full, events
}

func BenchmarkMerge(b *testing.B) {
	const size = 100_000
	from, events := table(b, size)
	for _, into := range []struct {
		name string
		make func() *counters.Table
	}{
		{"empty", func() *counters.Table { return counters.NewTable(2) }},
		{"full", func() *counters.Table { full, _ := table(b, size); return full }},
	} {
		b.Run("into="+into.name, func(b *testing.B) {
			b.ReportAllocs()
			merges, sum := 0, into.make()
			want := tableEvents(sum) + events
			for b.Loop() {
				b.StopTimer()
				sum = into.make()
				b.StartTimer()
				sum.Merge(from)
				merges++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(merges*size), "ns/counter")
			if got := tableEvents(sum); got != want || sum.Len() != size {
				b.Errorf("%d events in %d counters, want %d in %d", got, sum.Len(), want, size)
			}
		})
	}
}

func tableEvents(table *counters.Table) (events uint64) {
	for benefit := range counters.Benefit(100) {
		for _, cell := range table.Cells(benefit, nil) {
			events += cell.Count
		}
	}
	return events
}

func BenchmarkStatistics(b *testing.B) {
	for _, size := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("counters=%d", size), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			want := storetest.Grow(b, store, size)
			b.ReportAllocs()
			reads := 0
			for b.Loop() {
				cells, events := 0, uint64(0)
				store.Read(counters.PositionsOf(2, nil), nil, func(_ counters.Benefit, read []counters.Cell) {
					cells += len(read)
					for _, cell := range read {
						events += cell.Count
					}
				})
				if cells != size || events != want {
					b.Fatalf("%d events in %d counters, want %d in %d", events, cells, want, size)
				}
				reads++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(reads*size), "ns/counter")
		})
	}
}

// BenchmarkMergeOfVersions merges what ten frames tell of one benefit, in one hour and at one
// position, of so many versions.
func BenchmarkMergeOfVersions(b *testing.B) {
	const frames = 10
	for _, versions := range []int{2, 16, 1000, 20_000} {
		b.Run(fmt.Sprint("versions=", versions), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			for b.Loop() {
				b.StopTimer()
				foreign := make([]*counters.Foreign, frames)
				for i := range foreign {
					foreign[i] = &counters.Foreign{Benefits: [][]byte{[]byte("a benefit")}, Events: [][]byte{[]byte("show")}}
					for version := range versions {
						if err := foreign[i].Add(1, 0, []counters.Cell{{Key: mustKey(b, 1, uint16(version), 3, 2), Count: 1}}); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.StartTimer()
				if _, err := store.Merge(nil, foreign...); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				storetest.Commit(store)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames*versions), "ns/counter")
		})
	}
}
