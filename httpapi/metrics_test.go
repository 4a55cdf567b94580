package httpapi

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// BenchmarkMetrics is what counting adds to a request.
func BenchmarkMetrics(b *testing.B) {
	m := newMetrics([]endpoint{{path: "/benefits"}})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.answered(0, endpointRoute(0, methodPost), fasthttp.StatusOK, 300*time.Microsecond)
			m.accepted(0, 30, time.Now())
		}
	})
	total := uint64(0)
	m.Requests(func(_, _ string, _ int, count uint64) { total += count })
	if total != uint64(b.N) || m.Accepted() != 30*uint64(b.N) {
		b.Errorf("%d requests and %d records are counted, want %d and %d", total, m.Accepted(), b.N, 30*b.N)
	}
}
