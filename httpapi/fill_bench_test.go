package httpapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// variedPages are bodies as many visitors send them, so that a processor cannot
// foresee what comes next: names of many lengths in any order. With strangers, each record is of
// a visitor of its own; if they are elsewhere, each of a page of another length, too.
func variedPages(count int, strangers, elsewhere bool) [][]byte {
	random := rand.New(rand.NewPCG(3, 4))
	var names []string
	for i := range 600 {
		names = append(names, fmt.Sprintf("%s-%d", "ile-de-france-prime-activite-garantie-visale"[:6+random.IntN(28)], i))
	}
	bodies := make([][]byte, count)
	for i := range bodies {
		visitor, page := random.Uint64(), random.Perm(len(names))[:30]
		var elements []string
		for j, number := range page {
			total := len(page)
			if strangers {
				visitor = random.Uint64()
			}
			if elsewhere {
				total += random.IntN(30)
			}
			elements = append(elements, fmt.Sprintf(`{"benefit_id":"%s","hash_id":"%016x%016[2]x","abtesting":{"home_page":"%c","results_order":"%c"},"benefit_index":%d,"page_total":%d,"event_type":"show","version":2}`,
				names[number], visitor, 'A'+byte(visitor%2), 'A'+byte(visitor/2%2), j+1, total))
		}
		bodies[i] = []byte("[" + strings.Join(elements, ",") + "]")
	}
	return bodies
}

// BenchmarkFill is from the bytes of pages of thirty to a batch that can be recorded.
func BenchmarkFill(b *testing.B) {
	for _, of := range []struct{ strangers, elsewhere bool }{{}, {strangers: true}, {strangers: true, elsewhere: true}} {
		b.Run(fmt.Sprintf("strangers=%v,elsewhere=%v", of.strangers, of.elsewhere), func(b *testing.B) {
			store := counters.NewStore(counters.WhenDurable)
			server := benchServer(b, store)
			store.SetLimits(counters.Limits{Benefits: 10_000, Counters: 1_000_000})
			p := &post{decoder: records.NewDecoder(server.rules, nil), batch: store.NewBatch()}
			bodies, now := variedPages(24, of.strangers, of.elsewhere), time.Now()
			b.ReportAllocs()
			for posts := 0; b.Loop(); posts++ {
				done, err := server.fill(p, bodies[posts%len(bodies)], nil, now)
				if err != nil || done.records != 30 {
					b.Fatalf("%d records, %v", done.records, err)
				}
			}
		})
	}
}
