package snapshot_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot"
)

// lastDay is the day before which the years of the benchmark lie.
var lastDay = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// openDays is how many of the days are not closed on lastDay.
const openDays = 3

// yearsOptions are those of a server on lastDay: late records may still come for
// the three days before, so that these are open.
func yearsOptions(directory string) snapshot.Options {
	return snapshot.Options{
		Directory: directory, SnapshotInterval: time.Hour, MaxEventAge: 48 * time.Hour,
		Now: func() time.Time { return lastDay },
	}
}

// fillDays imports days of a site whose pages list its benefits in an order that
// changes little: 600 benefits, each at some 40 positions, most of them shown,
// some clicked; about 20,000 distinct counters a day.
func fillDays(b *testing.B, directory string, days int) (records int) {
	b.Helper()
	session, err := snapshot.OpenImport(yearsOptions(directory))
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	for n := range 17 {
		number(b, session.Store().Events, fmt.Sprintf("event-%d", n))
	}
	for n := range 600 {
		number(b, session.Store().Benefits, fmt.Sprintf("benefit-number-%d", n))
	}
	random := rand.New(rand.NewPCG(1, uint64(days)))
	site := siteCounters(b)
	for day := range days {
		first := counters.HourOf(lastDay.AddDate(0, 0, -day-1))
		for hour := range counters.Hour(24) {
			records += fillHour(b, session, random, site, first+hour)
		}
	}
	if err := session.Commit(snapshot.Imports{}); err != nil {
		b.Fatal(err)
	}
	return records
}

// siteCounter is a counter of the site, and how often it is seen in an hour.
type siteCounter struct {
	benefit counters.Benefit
	key     counters.Key
	rate    float64
}

func siteCounters(b *testing.B) (site []siteCounter) {
	b.Helper()
	random := rand.New(rand.NewPCG(2, 2))
	for benefit := range counters.Benefit(600) {
		for n := range 40 {
			event := counters.EventType(1)
			if n >= 34 {
				event = counters.EventType(2 + random.IntN(16))
			}
			total := 20 + random.IntN(20)
			index := 1 + (int(benefit)*total/600+random.IntN(4))%total
			key, err := counters.NewKey(event, 2, uint16(total), uint16(index))
			if err != nil {
				b.Fatal(err)
			}
			site = append(site, siteCounter{benefit, key, math.Exp(random.NormFloat64() - 2)})
		}
	}
	return site
}

func fillHour(b *testing.B, session *snapshot.Import, random *rand.Rand, site []siteCounter, hour counters.Hour) (records int) {
	b.Helper()
	err := session.Add(func(store *counters.Store) error {
		for _, seen := range site {
			count := uint64(random.ExpFloat64() * seen.rate)
			if random.Float64() < seen.rate-float64(int(seen.rate)) {
				count++
			}
			if count == 0 {
				continue
			}
			records += int(count)
			if err := store.Replay(hour, seen.benefit, []counters.Cell{{Key: seen.key, Count: count}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return records
}

func number(b *testing.B, directory *counters.Directory, name string) {
	b.Helper()
	if _, err := directory.Number([]byte(name)); err != nil {
		b.Fatal(err)
	}
}

// directorySizes returns the sizes of the newest snapshot and of all closed days.
func directorySizes(b *testing.B, directory string) (newest, segments int64) {
	b.Helper()
	for pattern, size := range map[string]*int64{"snapshot-*": &newest, "day-*": &segments} {
		paths, err := filepath.Glob(filepath.Join(directory, pattern))
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			*size += info.Size()
		}
	}
	return newest, segments
}

// BenchmarkYears reports what a month and five years of history cost.
func BenchmarkYears(b *testing.B) {
	for _, days := range []int{30, 5 * 365} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			directory := b.TempDir()
			records := fillDays(b, directory, days)
			newest, segments := directorySizes(b, directory)
			for b.Loop() {
				measureYears(b, directory, records)
			}
			b.ReportMetric(float64(newest), "snapshot-B")
			b.ReportMetric(float64(segments)/float64(days-openDays), "segment-B/day")
		})
	}
}

func measureYears(b *testing.B, directory string, records int) {
	b.Helper()
	took := func(unit string, do func()) {
		start := time.Now()
		do()
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, unit)
	}
	var keeper *snapshot.Keeper
	took("open-ms", func() {
		var err error
		if keeper, err = snapshot.Open(yearsOptions(directory)); err != nil {
			b.Fatal(err)
		}
	})
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc)/1e6, "heap-MB")
	events := uint64(0)
	totals := func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			events += cell.Count
		}
	}
	took("benefits-since-ms", func() {
		if err := keeper.History().Read(counters.EventTotals([]counters.Hour{1, counters.EndOfTime}), totals); err != nil {
			b.Fatal(err)
		}
	})
	if events != uint64(records) {
		b.Fatalf("%d events, want %d", events, records)
	}
	to := counters.HourOf(lastDay).Day()
	found := 0
	year := func() {
		found = 0
		err := keeper.History().Read(counters.PositionsOf(2, []counters.Hour{(to - 365).FirstHour(), to.FirstHour()}), func(_ counters.Benefit, cells []counters.Cell) { found += len(cells) })
		if err != nil {
			b.Fatal(err)
		}
	}
	took("year-cold-ms", year)
	took("year-warm-ms", year)
	b.ReportMetric(float64(found), "year-counters")
	dayCounters := 0
	if err := keeper.History().Read(counters.PositionsOf(2, []counters.Hour{(to - 1).FirstHour(), to.FirstHour()}), func(_ counters.Benefit, cells []counters.Cell) { dayCounters += len(cells) }); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(dayCounters), "day-counters")
	debug.FreeOSMemory()
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc)/1e6, "heap-after-MB")
	if err := keeper.Close(); err != nil {
		b.Fatal(err)
	}
}
