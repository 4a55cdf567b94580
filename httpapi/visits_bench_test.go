//go:build unix

package httpapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/records"
	"stats-recorder/visitors"
)

// visitorBodies are pages of thirty by visitors in two experiments: one a page, or one a
// record.
func visitorBodies(spread bool) (bodies [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 512 {
		visitor := random.Uint64N(20_000)
		var records []string
		for i, benefit := range random.Perm(600)[:30] {
			if spread {
				visitor = random.Uint64N(20_000)
			}
			records = append(records, fmt.Sprintf(`{"benefit_id":"benefit-%d","hash_id":"%016x","abtesting":{"aides_bafa":"%d","plans_to_ask_question":"%d"},`+
				`"benefit_index":%d,"page_total":30,"event_type":"show","version":2}`, benefit, visitor*0x9e3779b97f4a7c15, visitor&1, visitor>>1&1, i+1))
		}
		bodies = append(bodies, []byte("["+strings.Join(records, ",")+"]"))
	}
	return bodies
}

// BenchmarkPostOfVisitors says how many times as much processor time a post takes with
// visitors counted as without, but for what the network, the store and the disk take: of
// a whole request it is less.
func BenchmarkPostOfVisitors(b *testing.B) {
	for _, spread := range []bool{false, true} {
		b.Run(fmt.Sprintf("spread=%v", spread), func(b *testing.B) {
			without, with := benchServer(b, counters.NewStore(counters.WhenDurable)), benchServer(b, counters.NewStore(counters.WhenDurable))
			for _, server := range []*Server{without, with} {
				server.config.Recorder = discarding{}
			}
			register, err := visitors.NewRegister(with.config.Store.Words, visitors.Config{
				Limits: visitors.DefaultLimits(), Anonymous: []string{"uid_"}, Stages: visitors.StageTable{1: visitors.Shown},
				Variants: func(source []byte, visit func(experiment, variant []byte)) { records.Experiments(source).Each(visit) },
			})
			if err != nil {
				b.Fatal(err)
			}
			with.config.Visitors = register
			bodies := visitorBodies(spread)
			postAll(b, with, bodies)
			var took [2]float64
			rounds := 0
			for b.Loop() {
				for i, server := range []*Server{without, with} {
					before := processorTime(b)
					postAll(b, server, bodies)
					took[i] += processorTime(b) - before
				}
				rounds++
			}
			posts := float64(rounds * len(bodies))
			b.ReportMetric(took[0]/posts, "without-cpu-ns/post")
			b.ReportMetric(took[1]/posts, "with-cpu-ns/post")
			b.ReportMetric(took[1]/took[0], "ratio")
		})
	}
}

func postAll(b *testing.B, server *Server, bodies [][]byte) {
	b.Helper()
	var ctx fasthttp.RequestCtx
	for _, body := range bodies {
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.Header.SetMethod("POST")
		ctx.Request.SetRequestURI("/benefits")
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyRaw(body)
		server.handle(conn.Detached(&ctx))
		if status := ctx.Response.StatusCode(); status != fasthttp.StatusOK {
			b.Fatalf("status %d: %s", status, ctx.Response.Body())
		}
	}
}

func processorTime(b *testing.B) (nanoseconds float64) {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}
