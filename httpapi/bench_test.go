package httpapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// clientPage is what the real client posts when it shows a page of results.
func clientPage(size int) []byte {
	var records []string
	for i := range size {
		records = append(records, fmt.Sprintf(`{"benefit_id":"aide-au-logement-%d","hash_id":"5f2b9c1e7a3d4f6089ab12cd34ef5678",`+
			`"abtesting":{"home_page":"B","results_order":"A"},"benefit_index":%d,"page_total":%d,"event_type":"show","version":2}`,
			(i*7919)%600, i+1, size))
	}
	return []byte("[" + strings.Join(records, ",") + "]")
}

// mixedBatch is a batch in which each record differs from the one before in
// every field, and fields come in another order.
func mixedBatch(size int) []byte {
	var records []string
	for i := range size {
		fields := []string{
			fmt.Sprintf(`"benefit_id":"aide-au-logement-%d"`, (i*7919)%600),
			fmt.Sprintf(`"hash_id":"5f2b9c1e7a3d4f6089ab12cd34ef%04d"`, i),
			fmt.Sprintf(`"abtesting":{"home_page":"%c"}`, 'A'+i%20),
			fmt.Sprintf(`"benefit_index":%d`, i%9+1),
			fmt.Sprintf(`"page_total":%d`, i%50+9),
			fmt.Sprintf(`"event_type":%q`, BuiltInEvents[i%len(BuiltInEvents)]),
			fmt.Sprintf(`"version":%d`, i%3+1),
		}
		turn := i % len(fields)
		records = append(records, "{"+strings.Join(append(fields[turn:], fields[:turn]...), ",")+"}")
	}
	return []byte("[" + strings.Join(records, ",") + "]")
}

func BenchmarkDecode(b *testing.B) {
	for _, shape := range []struct {
		name string
		body func(size int) []byte
	}{{"page", clientPage}, {"mixed", mixedBatch}} {
		for _, size := range []int{1, 30, 100} {
			b.Run(fmt.Sprintf("%s=%d", shape.name, size), func(b *testing.B) {
				o, body := testOracle(twoDays), shape.body(size)
				if difference := o.read(body).difference(decoded(&decoder{rules: o.rules}, body, o.now)); difference != "" {
					b.Fatal(difference)
				}
				d := &decoder{rules: o.rules}
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				bodies := 0
				for b.Loop() {
					if err := d.decode(body, o.now); err != nil || len(d.records) != size || d.rejections != 0 {
						b.Fatalf("%d records, %d rejections, %v", len(d.records), d.rejections, err)
					}
					bodies++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(bodies*size), "ns/record")
			})
		}
	}
}

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
				server.handle(&ctx)
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
