package insight_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// traffic draws pages of up to longest benefits, in a fixed order of benefits
// with a little noise, and clicks with a probability of 1 ÷ place times merit.
// It returns the cells of each benefit as a store gives them.
func traffic(t testing.TB, seed uint64, benefits, pages, longest int) [][]counters.Cell {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	counts := make([]map[counters.Key]uint64, benefits)
	for b := range counts {
		counts[b] = make(map[counters.Key]uint64)
	}
	for range pages {
		length := min(1+int(math.Exp(2.7+0.6*random.NormFloat64())), longest, benefits)
		start := random.IntN(benefits)
		for index := 1; index <= length; index++ {
			b := (start + index*7 + random.IntN(3)) % benefits
			counts[b][cell(t, show, uint16(length), uint16(index), 0).Key]++
			if random.Float64() < 0.5*float64(1+b%10)/10/float64(index) {
				counts[b][cell(t, showDetails, uint16(length), uint16(index), 0).Key]++
			}
		}
	}
	return sorted(counts)
}

// full has shows and clicks of every benefit at every place of pages to longest.
func full(t testing.TB, benefits, longest int) [][]counters.Cell {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	all := make([][]counters.Cell, benefits)
	for b := range all {
		for total := 1; total <= longest; total++ {
			for index := 1; index <= total; index++ {
				shows := uint64(1 + random.IntN(200))
				clicks := uint64(random.Float64()*float64(shows*uint64(1+b%10))/float64(10*index) + random.Float64())
				all[b] = append(all[b],
					cell(t, show, uint16(total), uint16(index), shows),
					cell(t, showDetails, uint16(total), uint16(index), max(1, clicks)))
			}
		}
		sortCells(all[b])
	}
	return all
}

func sorted(counts []map[counters.Key]uint64) [][]counters.Cell {
	all := make([][]counters.Cell, len(counts))
	for b, of := range counts {
		for key, count := range of {
			all[b] = append(all[b], counters.Cell{Key: key, Count: count})
		}
		sortCells(all[b])
	}
	return all
}

// gathered are the cells as counts, by names that sort like the benefits.
func gathered(all [][]counters.Cell) *insight.Counts {
	counts := insight.NewCounts(fixtureVersion, openedRoles())
	for b, cells := range all {
		counts.Add(benefitName(b), cells)
	}
	return counts
}

func benefitName(b int) string { return fmt.Sprintf("benefit-%05d", b) }

// loads are the windows that the cost of an analysis is bounded for.
var loads = []struct {
	name  string
	cells func(testing.TB) [][]counters.Cell
}{
	{"40 benefits, 30000 pages", func(t testing.TB) [][]counters.Cell { return traffic(t, 1, 40, 30_000, 60) }},
	{"600 benefits, 100000 pages", func(t testing.TB) [][]counters.Cell { return traffic(t, 1, 600, 100_000, 60) }},
	{"600 benefits x 1830 places", func(t testing.TB) [][]counters.Cell { return full(t, 600, 60) }},
}

// BenchmarkAnalyse is the whole way from counts to rows. The bounds are 10 ms of
// CPU for the first load, 200 ms for the last.
func BenchmarkAnalyse(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			counts := gathered(load.cells(b))
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				if a := insight.Analyse(counts); !a.Model.Identified {
					b.Fatal("not identified")
				}
			}
			b.ReportMetric((cpuTime()-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkGather is what filling counts from a store's cells adds.
func BenchmarkGather(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			cells := load.cells(b)
			b.ReportAllocs()
			for b.Loop() {
				gathered(cells)
			}
		})
	}
}

// BenchmarkPositions, like the others, is beside a fit in an answer.
func BenchmarkPositions(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			counts := gathered(load.cells(b))
			model := insight.Analyse(counts).Model
			for b.Loop() {
				insight.Positions(counts, model)
			}
		})
	}
}

// BenchmarkExamine is the cost of the checks of a window.
func BenchmarkExamine(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			counts := gathered(load.cells(b))
			for b.Loop() {
				insight.Examine(counts)
			}
		})
	}
}
