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

// benefitsOfMerges is how many there are in what is told and merged here.
const benefitsOfMerges = 600

// pagesOfAnySize are of 1 to 60 benefits, so that there are as many counters as there can be; hot
// pages are of thirty, and all counters are few.
func pagesOfAnySize(random *rand.Rand) int { return 1 + random.IntN(60) }
func hotPages(*rand.Rand) int              { return 30 }

// addPages adds so many records, or a few more, on pages of some size.
func addPages(b *testing.B, store *counters.Store, random *rand.Rand, size func(*rand.Rand) int, records int) {
	b.Helper()
	for records > 0 {
		page := make([]storetest.Record, size(random))
		for at, benefit := range random.Perm(benefitsOfMerges)[:len(page)] {
			page[at] = storetest.Shown(fmt.Sprint("benefit-", benefit), uint16(len(page)), uint16(at+1), storetest.Noon())
		}
		store.Add(storetest.Batch(b, store, page))
		records -= len(page)
	}
}

// A toldFrame is what a node tells, and how many counters are in it.
type toldFrame struct {
	portable []byte
	counters int
}

// tellPages is what a node tells that counts so many records for each of some frames.
func tellPages(b *testing.B, random *rand.Rand, size func(*rand.Rand) int, frames, records int) (told []toldFrame) {
	b.Helper()
	source := counters.NewStore(counters.WhenDurable)
	for range frames {
		addPages(b, source, random, size, records)
		delta := source.Seal()
		var gathered counters.Gathering
		gathered.Add(delta)
		delta.Commit()
		told = append(told, toldFrame{format.AppendPortable(nil, &gathered, source.Benefits.Names(), source.Events.Names()), gathered.Len()})
	}
	return told
}

// A mergeOfFrames merges frames into a store, and has what its steps took of the processor.
type mergeOfFrames struct {
	store                      *counters.Store
	decoding, merging, folding time.Duration
	counters                   int
}

func (m *mergeOfFrames) merge(b *testing.B, frames []toldFrame) {
	b.Helper()
	began := processorTime(b)
	foreign := make([]*counters.Foreign, len(frames))
	for i, frame := range frames {
		read, err := format.ReadPortable(frame.portable)
		if err != nil {
			b.Fatal(err)
		}
		foreign[i] = read.Counts
		m.counters += frame.counters
	}
	decoded := processorTime(b)
	if _, err := m.store.Merge(nil, foreign...); err != nil {
		b.Fatal(err)
	}
	merged := processorTime(b)
	storetest.Commit(m.store)
	m.decoding, m.merging, m.folding = m.decoding+decoded-began, m.merging+merged-decoded, m.folding+processorTime(b)-merged
}

func (m *mergeOfFrames) report(b *testing.B) {
	b.Helper()
	perCounter := func(took time.Duration) float64 { return float64(took.Nanoseconds()) / float64(m.counters) }
	b.ReportMetric(perCounter(m.decoding), "decode-ns/counter")
	b.ReportMetric(perCounter(m.merging), "merge-ns/counter")
	b.ReportMetric(perCounter(m.folding), "fold-ns/counter")
	b.ReportMetric(perCounter(m.decoding+m.merging+m.folding), "all-ns/counter")
}

// BenchmarkMergeOfASecond has what three other nodes told in a second, ten frames each,
// merged as one commit, by the time of the processor that each step takes, so that a busy
// machine says what an idle one does. A node counts 90,000 records a second, and a busy one
// 900,000, of which more are alike.
func BenchmarkMergeOfASecond(b *testing.B) {
	const frames = 30
	for _, traffic := range []struct {
		name             string
		size             func(*rand.Rand) int
		records, seconds int
	}{
		{"pages", pagesOfAnySize, 9_000, 8},
		{"hot", hotPages, 9_000, 8},
		{"pages of busy nodes", pagesOfAnySize, 90_000, 3},
		{"hot of busy nodes", hotPages, 90_000, 3},
	} {
		b.Run(traffic.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			told := tellPages(b, random, traffic.size, traffic.seconds*frames, traffic.records)
			store := counters.NewStore(counters.WhenDurable)
			for _, i := range random.Perm(benefitsOfMerges) { // it numbers names otherwise
				storetest.Number(b, store, storetest.Record{Benefit: fmt.Sprint("benefit-", i), Event: "show"})
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			second := func(n int) []toldFrame { return told[n%traffic.seconds*frames:][:frames] }
			warming := mergeOfFrames{store: store}
			for n := range traffic.seconds {
				warming.merge(b, second(n)) // the counters are there
			}
			measured := mergeOfFrames{store: store}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				measured.merge(b, second(n))
			}
			measured.report(b)
			b.ReportMetric(float64(measured.counters)/float64(b.N*frames), "counters/frame")
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
	const commits, recordsInACommit = 110, 1800
	for _, traffic := range []struct {
		name string
		size func(*rand.Rand) int
	}{
		{"pages", pagesOfAnySize},
		{"hot", hotPages},
	} {
		b.Run(traffic.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			deltas := make([]*counters.Delta, commits)
			var names, events []string
			for i := range deltas {
				source := counters.NewStore(counters.WhenDurable)
				for number := range benefitsOfMerges {
					storetest.Number(b, source, storetest.Record{Benefit: fmt.Sprint("benefit-", number), Event: "show"})
				}
				addPages(b, source, random, traffic.size, recordsInACommit)
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
