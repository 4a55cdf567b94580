package httpapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/httpapi/conn"
)

// storeHistory answers from a store none of whose days is closed.
type storeHistory struct {
	stubHistory
	store *counters.Store
}

func (h storeHistory) Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	h.store.Read(query, nil, visit)
	return nil
}

// benchServer answers for a store; it records nothing.
func benchServer(b *testing.B, store *counters.Store) *Server {
	b.Helper()
	server, err := NewServer(Config{
		Store: store, History: storeHistory{store: store}, Origins: Origins{any: true}, MaxEventAge: twoDays, MaxBodyBytes: 128 << 10,
		Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return server
}

// BenchmarkStatistics answers GET /statistics, uncompressed.
func BenchmarkStatistics(b *testing.B) {
	for _, size := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("counters=%d", size), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			want := storetest.Grow(b, store, size)
			server := benchServer(b, store)
			var ctx fasthttp.RequestCtx
			b.ReportAllocs()
			answers := 0
			for b.Loop() {
				ctx.Response.Reset()
				ctx.Request.SetRequestURI("/statistics")
				server.handle(conn.Detached(&ctx))
				answers++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(answers*size), "ns/counter")
			b.ReportMetric(float64(len(ctx.Response.Body()))/float64(size), "bytes/counter")
			var ranking []struct {
				Events uint64 `json:"events_count"`
			}
			if err := json.Unmarshal(ctx.Response.Body(), &ranking); err != nil {
				b.Fatal(err)
			}
			got := uint64(0)
			for _, benefit := range ranking {
				got += benefit.Events
			}
			if got != want {
				b.Errorf("%d events in the answer, want %d", got, want)
			}
		})
	}
}
