package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/format"
)

// BenchmarkMergeOfASecond has what three other nodes told in a second, ten frames each,
// merged as one commit, by the time of the processor that each step takes, so that a busy
// machine says what an idle one does. Pages are of 1 to 60 benefits, as many counters as
// there can be; hot ones are of thirty, and all counters are few. A node counts 90,000 records
// a second, and a busy one 900,000, of which more are alike.
func BenchmarkMergeOfASecond(b *testing.B) {
	const frames, benefits = 30, 600
	pages := func(random *rand.Rand) int { return 1 + random.IntN(60) }
	hot := func(*rand.Rand) int { return 30 }
	for _, traffic := range []struct {
		name            string
		size            func(*rand.Rand) int
		recordsInAFrame int
		seconds         int
	}{
		{"pages", pages, 9_000, 8},
		{"hot", hot, 9_000, 8},
		{"pages of busy nodes", pages, 90_000, 3},
		{"hot of busy nodes", hot, 90_000, 3},
	} {
		b.Run(traffic.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			source := counters.NewStore(counters.WhenDurable)
			told := make([][]byte, traffic.seconds*frames)
			counted := make([]int, len(told))
			for i := range told {
				for records := 0; records < traffic.recordsInAFrame; {
					size := traffic.size(random)
					page := make([]storetest.Record, size)
					for at, benefit := range random.Perm(benefits)[:size] {
						page[at] = storetest.Shown(fmt.Sprintf("benefit-%d", benefit), uint16(size), uint16(at+1), storetest.Noon())
					}
					source.Add(storetest.Batch(b, source, page))
					records += size
				}
				delta := source.Seal()
				var gathered counters.Gathering
				gathered.Add(delta)
				delta.Commit()
				counted[i] = gathered.Len()
				told[i] = format.AppendPortable(nil, &gathered, source.Benefits.Names(), source.Events.Names())
			}
			store := counters.NewStore(counters.WhenDurable)
			for _, i := range random.Perm(benefits) { // it numbers names otherwise
				storetest.Number(b, store, storetest.Record{Benefit: fmt.Sprint("benefit-", i), Event: "show"})
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var decoding, merging, folding time.Duration
			total, next := 0, 0
			merge := func() {
				began := processorTime(b)
				foreign := make([]*counters.Foreign, frames)
				for i := range foreign {
					read, err := format.ReadPortable(told[next])
					if err != nil {
						b.Fatal(err)
					}
					foreign[i] = read.Counts
					total += counted[next]
					next = (next + 1) % len(told)
				}
				decoded := processorTime(b)
				if _, err := store.Merge(nil, foreign...); err != nil {
					b.Fatal(err)
				}
				merged := processorTime(b)
				storetest.Commit(store)
				decoding, merging, folding = decoding+decoded-began, merging+merged-decoded, folding+processorTime(b)-merged
			}
			for range traffic.seconds {
				merge() // the counters are there
			}
			total, decoding, merging, folding = 0, 0, 0, 0
			b.ReportAllocs()
			for b.Loop() {
				merge()
			}
			perCounter := func(took time.Duration) float64 { return float64(took.Nanoseconds()) / float64(total) }
			b.ReportMetric(perCounter(decoding), "decode-ns/counter")
			b.ReportMetric(perCounter(merging), "merge-ns/counter")
			b.ReportMetric(perCounter(folding), "fold-ns/counter")
			b.ReportMetric(perCounter(decoding+merging+folding), "all-ns/counter")
			b.ReportMetric(float64(total)/float64(b.N*frames), "counters/frame")
		})
	}
}

// processorTime is what this thread has taken of the processor.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var spec unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &spec); err != nil {
		b.Fatal(err)
	}
	return time.Duration(spec.Nano())
}

// BenchmarkTellOfAWindow has what a node counts in a tenth of a second, 110 commits of 1,800
// records, gathered and made a frame, by the time of the processor that a record takes.
func BenchmarkTellOfAWindow(b *testing.B) {
	const commits, recordsInACommit, benefits = 110, 1800, 600
	for _, traffic := range []struct {
		name string
		size func(*rand.Rand) int
	}{
		{"pages", func(random *rand.Rand) int { return 1 + random.IntN(60) }},
		{"hot", func(*rand.Rand) int { return 30 }},
	} {
		b.Run(traffic.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			deltas := make([]*counters.Delta, commits)
			var names, events []string
			for i := range deltas {
				source := counters.NewStore(counters.WhenDurable)
				for number := range benefits {
					storetest.Number(b, source, storetest.Record{Benefit: fmt.Sprint("benefit-", number), Event: "show"})
				}
				for records := 0; records < recordsInACommit; {
					size := traffic.size(random)
					page := make([]storetest.Record, size)
					for at, benefit := range random.Perm(benefits)[:size] {
						page[at] = storetest.Shown(fmt.Sprint("benefit-", benefit), uint16(size), uint16(at+1), storetest.Noon())
					}
					source.Add(storetest.Batch(b, source, page))
					records += size
				}
				deltas[i] = source.Seal()
				names, events = source.Benefits.Names(), source.Events.Names()
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var gathering, encoding time.Duration
			var payload []byte
			counted := 0
			b.ReportAllocs()
			for b.Loop() {
				began := processorTime(b)
				var gathered counters.Gathering
				for _, delta := range deltas {
					gathered.Add(delta)
				}
				gathered.AtMost() // adds up what it can
				told := processorTime(b)
				payload = format.AppendPortable(payload[:0], &gathered, names, events)
				gathering, encoding = gathering+told-began, encoding+processorTime(b)-told
				counted = gathered.Len()
				gathered.Release()
			}
			perRecord := func(took time.Duration) float64 {
				return float64(took.Nanoseconds()) / float64(b.N*commits*recordsInACommit)
			}
			b.ReportMetric(perRecord(gathering), "gather-ns/record")
			b.ReportMetric(perRecord(encoding), "encode-ns/record")
			b.ReportMetric(float64(counted), "counters")
		})
	}
}
