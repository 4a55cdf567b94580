package idempotency_test

import (
	"encoding/binary"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
)

// BenchmarkRestore fills a window with a million keys, as a start does.
func BenchmarkRestore(b *testing.B) {
	const keys = 1_000_000
	b.ReportAllocs()
	restored := 0
	for b.Loop() {
		w := idempotency.NewWindow()
		for n := range uint64(keys) {
			var m counters.Mark
			binary.LittleEndian.PutUint64(m.Key[:], n*0x9e3779b97f4a7c15)
			binary.LittleEndian.PutUint64(m.Key[8:], n*0xbf58476d1ce4e5b9)
			w.Restore(m, time.Duration(n))
		}
		restored += keys
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(restored), "ns/key")
}
