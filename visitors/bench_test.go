//go:build unix

package visitors_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// The site of the benchmarks: pages of 30 of 600 benefits, two experiments.
const (
	siteBenefits = 600
	pageLength   = 30
)

// visitorID is an id as the real client sends it: 16 hexadecimal digits.
func visitorID(n uint64) []byte { return fmt.Appendf(nil, "%016x", n*0x9e3779b97f4a7c15) }

// siteAssignments are the four ways to be in two experiments of two variants.
func siteAssignments() (all [4][]visitors.Assignment) {
	for i := range all {
		all[i] = []visitors.Assignment{
			{Experiment: []byte("aides_bafa"), Variant: []byte{'A' + byte(i&1)}},
			{Experiment: []byte("plans_to_ask_question"), Variant: []byte{'A' + byte(i>>1)}},
		}
	}
	return all
}

// A site makes batches of a page shown. The records are the same few each time, so
// that they are in the processor's cache as those just parsed are; the ids in them
// change.
type site struct {
	ids [][]byte
	// visitors is how many come, spread says that each record is of its own.
	visitors uint64
	spread   bool
	filled   []visitors.Batch // of pages
	pages    [][]visitors.Recorded
}

// gathered is a batch of so many posts.
func (s *site) gathered(posts int) *visitors.Batch {
	var all []visitors.Recorded
	for i := range posts {
		page := slices.Clone(s.pages[i%len(s.pages)])
		for j := range page {
			// Scatter says whose it is; here, posts differ.
			page[j].HashID = binary.LittleEndian.AppendUint64(nil, uint64(i*pageLength))
			if s.spread {
				page[j].HashID = binary.LittleEndian.AppendUint64(nil, uint64(i*pageLength+j))
			}
			page[j].HashID = append(page[j].HashID, s.pages[i%len(s.pages)][j].HashID[8:]...)
		}
		all = append(all, page...)
	}
	batch := new(visitors.Batch)
	batch.Fill(all)
	return batch
}

func newSite(visitorCount uint64, spread bool) *site {
	random := rand.New(rand.NewPCG(1, 2))
	assignments := siteAssignments()
	s := &site{visitors: visitorCount, spread: spread}
	for i := range pageLength {
		s.ids = append(s.ids, visitorID(uint64(i)))
	}
	for range 16 {
		page := make([]visitors.Recorded, pageLength)
		s.pages = append(s.pages, page)
		for j, benefit := range random.Perm(siteBenefits)[:pageLength] {
			page[j] = visitors.Recorded{
				HashID: s.ids[0], Assignments: assignments[0], Hour: noon,
				Benefit: counters.Benefit(benefit), Index: uint16(j + 1), Event: show,
			}
			if spread {
				page[j].HashID, page[j].Assignments = s.ids[j], assignments[j&3]
			}
		}
		s.filled = append(s.filled, visitors.Batch{})
		s.filled[len(s.filled)-1].Fill(page)
	}
	return s
}

// batch is the nth batch, the same each time. All visitors come once in the first
// s.batches().
func (s *site) batch(n uint64) *visitors.Batch {
	batch := &s.filled[n%uint64(len(s.filled))]
	batch.Renumber(n * s.step())
	return batch
}

func (s *site) batches() uint64 { return s.visitors / s.step() }

// pageCount is how many pages there are: the visitors of batch n meet page n modulo that.
func (s *site) pageCount() uint64 { return uint64(len(s.pages)) }

// step is how many visitors a batch has.
func (s *site) step() uint64 {
	if s.spread {
		return pageLength
	}
	return 1
}

// fill lets every visitor come once.
func (s *site) fill(ledger *visitors.Ledger) {
	for n := range s.batches() {
		ledger.Add(s.batch(n))
	}
}

// measureCPU makes a benchmark report the processor time of an operation, which
// says the same on a machine that has other work. It is called where the measured
// part begins, what it returns where that ends.
func measureCPU(b *testing.B) (end func()) {
	before := processorTime(b)
	return func() {
		b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	}
}

// processorTime is what the process has used.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchmarkSites are days that the default limits hold, and fuller ones.
var benchmarkSites = []struct {
	name     string
	visitors uint64
	spread   bool
}{
	{"one visitor of 16", 16, false},
	{"a visitor a record of 480", 480, true},
	{"one visitor of 16000", 16_000, false},
	{"one visitor of 128000", 128_000, false},
	{"a visitor a record of 60000", 60_000, true},
	{"a visitor a record of 480000", 480_000, true},
}

// BenchmarkAddKnown measures a batch of 30 records of visitors who were there
// before, in a random order.
func BenchmarkAddKnown(b *testing.B) {
	for _, bench := range benchmarkSites {
		b.Run(bench.name, func(b *testing.B) {
			ledger, site := newLedger(b, visitors.DefaultLimits()), newSite(bench.visitors, bench.spread)
			site.fill(ledger)
			random := rand.New(rand.NewPCG(3, 4))
			b.ReportAllocs()
			b.ResetTimer()
			defer measureCPU(b)()
			for range b.N {
				ledger.Add(site.batch(random.Uint64N(site.batches())))
			}
		})
	}
}

// BenchmarkAddNew measures a batch of 30 records of visitors who are new, with
// all that it takes to grow, to halve, and to close the day when all were there.
func BenchmarkAddNew(b *testing.B) {
	for _, bench := range benchmarkSites {
		b.Run(bench.name, func(b *testing.B) {
			site := newSite(bench.visitors, bench.spread)
			var ledger *visitors.Ledger
			b.ReportAllocs()
			b.ResetTimer()
			defer measureCPU(b)()
			for i := range uint64(b.N) {
				n := i % site.batches()
				if n == 0 {
					ledger = newLedger(b, visitors.DefaultLimits())
				}
				ledger.Add(site.batch(n))
			}
		})
	}
}

// BenchmarkAddParallel is BenchmarkAddKnown by all processors at once.
func BenchmarkAddParallel(b *testing.B) {
	for _, bench := range benchmarkSites {
		b.Run(bench.name, func(b *testing.B) {
			ledger := newLedger(b, visitors.DefaultLimits())
			newSite(bench.visitors, bench.spread).fill(ledger)
			var goroutine atomic.Uint64
			b.ReportAllocs()
			b.ResetTimer()
			defer measureCPU(b)()
			b.RunParallel(func(pb *testing.PB) {
				site, random := newSite(bench.visitors, bench.spread), rand.New(rand.NewPCG(goroutine.Add(1), 4))
				for pb.Next() {
					ledger.Add(site.batch(random.Uint64N(site.batches())))
				}
			})
		})
	}
}

// BenchmarkSums measures the sums of a full day.
func BenchmarkSums(b *testing.B) {
	ledger := newLedger(b, visitors.DefaultLimits())
	newSite(17_000, false).fill(ledger)
	b.ReportAllocs()
	b.ResetTimer()
	defer measureCPU(b)()
	for range b.N {
		if _, ok := ledger.Sums(noon.Day()); !ok {
			b.Fatal("the day is not open")
		}
	}
}

// BenchmarkHalve measures the batch that finds a full set and halves it.
func BenchmarkHalve(b *testing.B) {
	for range b.N {
		b.StopTimer()
		ledger := newLedger(b, visitors.DefaultLimits())
		crowd{visitors: 1 << 16, benefits: 7}.arrive(ledger)
		one := shown("one more", noon)
		b.StartTimer()
		ledger.AddRecords(one)
		b.StopTimer()
		if ledger.Stats().Days[0].Halvings != 1 {
			b.Fatal("the set was not halved")
		}
	}
}

// BenchmarkHash measures the hash of one id.
func BenchmarkHash(b *testing.B) {
	id := visitorID(1)
	defer measureCPU(b)()
	for range b.N {
		visitors.SipHash(1, 2, id)
	}
}

// BenchmarkAddGathered is BenchmarkAddKnown of 64 posts that are counted together.
func BenchmarkAddGathered(b *testing.B) {
	const posts = 64
	for _, bench := range benchmarkSites {
		b.Run(bench.name, func(b *testing.B) {
			ledger, site := newLedger(b, visitors.DefaultLimits()), newSite(bench.visitors, bench.spread)
			site.fill(ledger)
			batch := site.gathered(posts)
			random := rand.New(rand.NewPCG(3, 4))
			b.ReportAllocs()
			b.ResetTimer()
			defer measureCPU(b)()
			for range b.N {
				batch.Scatter(int(site.step()), func(post int) uint64 {
					return site.step() * (site.pageCount()*random.Uint64N(site.batches()/site.pageCount()) + uint64(post)%site.pageCount())
				})
				ledger.Add(batch)
			}
		})
	}
}
