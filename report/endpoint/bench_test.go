package endpoint_test

import (
	"fmt"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/report"
	"stats-recorder/report/endpoint"
)

// BenchmarkSecondAsk is an answer of a window that was read and fitted before: 600
// benefits at 20 places each. The bound is 2 ms.
func BenchmarkSecondAsk(b *testing.B) {
	store := source{counters.NewStore(counters.WhenDurable)}
	for n := range 600 {
		for place := range 20 {
			index := uint16(1 + (n+place*7)%60)
			store.record(b, fmt.Sprintf("benefit-number-%d", n), "show", 60, index, 50)
			store.record(b, fmt.Sprintf("benefit-number-%d", n), "showDetails", 60, index, uint64(1+(n*place)%9))
		}
	}
	store.commit()
	reporter := report.New(report.Options{Source: store, CacheBytes: 32 << 20})
	for _, read := range endpoint.Reads(reporter, store) {
		if _, err := read.Answer(httpapi.Request{}); err != nil {
			continue // nobody counts visitors here
		}
		b.Run(read.Path, func(b *testing.B) {
			for b.Loop() {
				answer, err := read.Answer(httpapi.Request{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(answer.Body)), "bytes")
			}
		})
	}
}
