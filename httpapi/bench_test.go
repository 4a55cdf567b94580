package httpapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/httpapi/conn"
	"stats-recorder/idempotency"
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

// discarding records nothing, at once.
type discarding struct{ keys *idempotency.Window }

func (discarding) Record(*counters.Batch) (*counters.Ticket, error) { return nil, nil }

func (d discarding) Sent(key, body idempotency.Sum) (idempotency.Sent, bool) {
	return d.keys.Find(key, body)
}

func (d discarding) RecordOnce(batch *counters.Batch, mark counters.Mark) (idempotency.Sent, error) {
	sent, err := d.keys.Add(batch, mark, d.Record)
	d.keys.Commit([]counters.Mark{mark}, 0)
	return sent, err
}

// BenchmarkPostOfAPage answers posts of pages of thirty, but for what the store and the disk take.
func BenchmarkPostOfAPage(b *testing.B) {
	var records []string
	for i := range 30 {
		records = append(records, fmt.Sprintf(`{"benefit_id":"benefit-%d","hash_id":"0123456789abcdef","benefit_index":%d,"page_total":30,"event_type":"show","version":2}`, i, i+1))
	}
	body := "[" + strings.Join(records, ",") + "]"
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("keyed=%v", keyed), func(b *testing.B) {
			server := benchServer(b, counters.NewStore(counters.WhenDurable))
			recorder := discarding{idempotency.NewWindow()}
			recorder.keys.Begin(idempotency.Bounds{Age: time.Hour, Keys: 100_000}, func() time.Duration { return 0 })
			server.config.Recorder, server.config.Once = recorder, recorder
			var ctx fasthttp.RequestCtx
			b.ReportAllocs()
			for posts := 0; b.Loop(); posts++ {
				ctx.Request.Reset()
				ctx.Response.Reset()
				ctx.Request.Header.SetMethod("POST")
				ctx.Request.SetRequestURI("/benefits")
				ctx.Request.Header.SetHost("statistics.example")
				ctx.Request.Header.SetUserAgent("Mozilla/5.0")
				ctx.Request.Header.SetContentType("application/json")
				ctx.Request.Header.Set("Origin", "https://page.example")
				ctx.Request.Header.Set("Accept", "*/*")
				if keyed {
					ctx.Request.Header.Set(headerIdempotencyKey, strconv.Itoa(posts))
				}
				ctx.Request.SetBodyRaw([]byte(body))
				server.handle(conn.Detached(&ctx))
			}
			if status := ctx.Response.StatusCode(); status != fasthttp.StatusOK {
				b.Errorf("status %d: %s", status, ctx.Response.Body())
			}
		})
	}
}
