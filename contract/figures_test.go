package contract

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// millionShape is where a million counters lie.
type millionShape struct {
	name string
	// positions gives the places on pages that each benefit and event type has.
	positions func(random *rand.Rand) []position
	// popular adds records of popular benefits, so that counts differ.
	popular int
}

type position struct{ total, index int }

// millionBenefits × 17 event types × millionPositions are 1,000,008 counters.
const (
	millionBenefits  = 12 * 50
	millionPositions = 98
	millionCounters  = millionBenefits * 17 * millionPositions
)

// BenchmarkMillionCounters measures what a store of a million counters costs
// the built binary. One operation is a restart and one GET /statistics.
func BenchmarkMillionCounters(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("no /proc to read the resident memory from")
	}
	for _, shape := range []millionShape{
		{name: "all-places-of-short-pages-counted-once", positions: firstPlaces},
		{name: "some-places-of-any-page-counted-by-popularity", positions: randomPlaces, popular: 1_000_000},
	} {
		b.Run(shape.name, func(b *testing.B) {
			directory := b.TempDir()
			records := fillMillion(b, directory, shape)
			var sum figures
			for b.Loop() {
				sum.add(measureRestart(b, directory, records))
			}
			sum.report(b, directory)
		})
	}
}

// firstPlaces are the places of the shortest pages.
func firstPlaces(*rand.Rand) (places []position) {
	for total := 1; ; total++ {
		for index := 1; index <= total; index++ {
			if len(places) == millionPositions {
				return places
			}
			places = append(places, position{total, index})
		}
	}
}

// randomPlaces are some of the 1830 places of pages of up to 60 results.
func randomPlaces(random *rand.Rand) (places []position) {
	seen := make(map[position]bool)
	for len(places) < millionPositions {
		total := 1 + random.IntN(60)
		place := position{total, 1 + random.IntN(total)}
		if !seen[place] {
			seen[place] = true
			places = append(places, place)
		}
	}
	return places
}

// fillMillion posts a million counters and returns how many records these took.
func fillMillion(b *testing.B, directory string, shape millionShape) (records int) {
	b.Helper()
	p := blackbox.StartProgram(b, directory, []string{"MAX_BODY_BYTES=4000000"})
	random := rand.New(rand.NewPCG(1, 2))
	popularity := rand.NewZipf(random, 1.2, 10, millionBenefits-1)
	var batch []string
	post := func(c blackbox.Counter) {
		batch = append(batch, c.Record())
		if records++; len(batch) == 10_000 {
			p.Created(b, blackbox.Array(batch...))
			batch = batch[:0]
		}
	}
	places := make(map[string][]position)
	for rank := range millionBenefits {
		for _, event := range knownEventTypes() {
			key := benefitName(rank) + event
			places[key] = shape.positions(random)
			for _, place := range places[key] {
				post(blackbox.Counter{Benefit: benefitName(rank), Event: event, Version: 2, Total: place.total, Index: place.index})
			}
		}
	}
	for range shape.popular {
		benefit, event := benefitName(int(popularity.Uint64())), knownEventTypes()[random.IntN(17)]
		place := places[benefit+event][random.IntN(millionPositions)]
		post(blackbox.Counter{Benefit: benefit, Event: event, Version: 2, Total: place.total, Index: place.index})
	}
	p.Created(b, blackbox.Array(batch...))
	p.Terminate(b)
	return records
}

// figures are sums over restarts.
type figures struct {
	restarts                               int
	reload, statistics                     time.Duration
	resident, residentAfter, residentEmpty int
}

func (f *figures) add(one figures) {
	f.restarts++
	f.reload += one.reload
	f.statistics += one.statistics
	f.resident += one.resident
	f.residentAfter += one.residentAfter
	f.residentEmpty += one.residentEmpty
}

// measureRestart starts the binary on the million and on nothing.
func measureRestart(b *testing.B, directory string, records int) (one figures) {
	b.Helper()
	p := blackbox.StartProgram(b, directory, nil)
	p.Do(b, http.MethodGet, "/", "").ExpectStatus(b, http.StatusNotFound)
	one.reload = time.Since(p.Started)
	line := p.Await(b, "listening")
	if line["counters"] != float64(millionCounters) {
		b.Fatalf("the store has %v counters, want %d", line["counters"], millionCounters)
	}
	one.resident = blackbox.ResidentBytes(b, p)
	asked := time.Now()
	statistics := p.Get(b, "/statistics")
	one.statistics = time.Since(asked)
	one.residentAfter = blackbox.ResidentBytes(b, p)
	p.Terminate(b)

	counted := 0
	for _, match := range regexp.MustCompile(`"events_count":(\d+)`).FindAllStringSubmatch(statistics.Body, -1) {
		count, _ := strconv.Atoi(match[1])
		counted += count
	}
	if counted != records {
		b.Fatalf("GET /statistics counts %d records, want %d", counted, records)
	}
	empty := blackbox.StartProgram(b, b.TempDir(), nil)
	empty.Do(b, http.MethodGet, "/", "")
	one.residentEmpty = blackbox.ResidentBytes(b, empty)
	empty.End(b, syscall.SIGTERM)
	return one
}

func (f *figures) report(b *testing.B, directory string) {
	b.Helper()
	snapshots, err := filepath.Glob(filepath.Join(directory, "snapshot-*"))
	if err != nil || len(snapshots) == 0 {
		b.Fatalf("no snapshot in %q (%v)", directory, err)
	}
	info, err := os.Stat(snapshots[len(snapshots)-1])
	if err != nil {
		b.Fatal(err)
	}
	perCounter := func(bytes int) float64 { return float64(bytes) / millionCounters }
	mean := func(sum int) int { return sum / f.restarts }
	b.ReportMetric(perCounter(int(info.Size())), "snapshot-B/counter")
	b.ReportMetric(f.reload.Seconds()/float64(f.restarts), "reload-s")
	b.ReportMetric(f.statistics.Seconds()/float64(f.restarts), "statistics-s")
	b.ReportMetric(perCounter(mean(f.resident-f.residentEmpty)), "resident-B/counter")
	b.ReportMetric(perCounter(mean(f.residentAfter-f.residentEmpty)), "resident-after-GET-B/counter")
	b.ReportMetric(float64(mean(f.resident))/1e6, "resident-MB")
	b.ReportMetric(float64(mean(f.residentAfter))/1e6, "resident-after-GET-MB")
	b.ReportMetric(float64(mean(f.residentEmpty))/1e6, "empty-MB")
}
