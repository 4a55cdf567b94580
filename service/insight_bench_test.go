//go:build unix

package service

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/report"
	"stats-recorder/report/endpoint"
	"stats-recorder/snapshot"
)

// yearEnd is the day after the year of the benchmark.
var yearEnd = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func yearOptions(directory string) snapshot.Options {
	return snapshot.Options{
		Directory: directory, SnapshotInterval: time.Hour, MaxEventAge: 48 * time.Hour, Now: func() time.Time { return yearEnd },
	}
}

// fillYear imports 365 days of a site of 600 benefits that are seen at some 40 places
// each: about 24,000 counters a day, as in BenchmarkYears of snapshot.
func fillYear(b *testing.B, directory string) {
	b.Helper()
	session, err := snapshot.OpenImport(yearOptions(directory))
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	for _, name := range []string{"show", "showDetails"} {
		if _, err := session.Store().Events.Number([]byte(name)); err != nil {
			b.Fatal(err)
		}
	}
	for n := range 600 {
		if _, err := session.Store().Benefits.Number(fmt.Appendf(nil, "benefit-number-%d", n)); err != nil {
			b.Fatal(err)
		}
	}
	for day := range 365 {
		hour := counters.HourOf(yearEnd.AddDate(0, 0, -day-1)) + 12
		if err := session.Add(func(store *counters.Store) error { return fillDay(store, hour, uint64(day)) }); err != nil {
			b.Fatal(err)
		}
	}
	if err := session.Commit(snapshot.Imports{}); err != nil {
		b.Fatal(err)
	}
}

// fillDay adds a day; the places of a benefit are the same every day, the counts not.
func fillDay(store *counters.Store, hour counters.Hour, seed uint64) error {
	counts := rand.New(rand.NewPCG(1, seed))
	for benefit := range counters.Benefit(600) {
		places := rand.New(rand.NewPCG(2, uint64(benefit)))
		cells := make([]counters.Cell, 0, 40)
		for range 20 {
			total := 20 + places.IntN(20)
			index := 1 + (int(benefit)*total/600+places.IntN(4))%total
			shows := uint64(1 + counts.IntN(50))
			for event, count := range []uint64{shows, uint64(float64(shows)*counts.Float64()/float64(index)) + 1} {
				key, err := counters.NewKey(counters.EventType(event+1), 2, uint16(total), uint16(index))
				if err != nil {
					return err
				}
				cells = append(cells, counters.Cell{Key: key, Count: count})
			}
		}
		if err := store.Replay(hour, benefit, cells); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkInsightYear is what answers of a year of closed days cost, from the files to
// the bytes: the first ask, and the second, which finds what was kept. The bounds are 400 ms
// for the first table and 2 ms for the second.
func BenchmarkInsightYear(b *testing.B) {
	directory := b.TempDir()
	fillYear(b, directory)
	for _, query := range []string{"benefits", "positions", "timeline", "funnel", "quality"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				askTwice(b, directory, "/insight/"+query)
			}
		})
	}
}

func askTwice(b *testing.B, directory, path string) {
	b.Helper()
	keeper, err := snapshot.Open(yearOptions(directory))
	if err != nil {
		b.Fatal(err)
	}
	defer keeper.Close()
	reporter := report.New(report.Options{Source: keeper.History(), CacheBytes: mostInsight})
	request := httpapi.Request{Query: httpapi.Query{
		{Name: "start_at", Value: yearEnd.AddDate(-1, 0, 0).Format(time.DateOnly)}, {Name: "end_at", Value: yearEnd.Format(time.DateOnly)},
	}}
	for _, read := range endpoint.Reads(reporter, keeper.History()) {
		if read.Path != path {
			continue
		}
		for _, unit := range []string{"first", "second"} {
			start, before := time.Now(), cpuTime()
			answer, err := read.Answer(request)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, unit+"-ms")
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000, unit+"-cpu-ms")
			b.ReportMetric(float64(len(answer.Body)), "bytes")
		}
	}
}

// cpuTime is the CPU time that the process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
