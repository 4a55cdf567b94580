package records

import (
	"fmt"
	"strings"
	"testing"
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
				if difference := o.read(body).difference(decoded(NewDecoder(o.rules, nil), body, o.now)); difference != "" {
					b.Fatal(difference)
				}
				d := NewDecoder(o.rules, nil)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				bodies := 0
				for b.Loop() {
					if err := d.Decode(body, o.now); err != nil || len(d.Records) != size || d.Rejections != 0 {
						b.Fatalf("%d records, %d rejections, %v", len(d.Records), d.Rejections, err)
					}
					bodies++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(bodies*size), "ns/record")
			})
		}
	}
}

// BenchmarkRejects is what a byte of a body without a good record costs. It should be
// at most five times what one of good records that are all different costs, the
// last of these.
func BenchmarkRejects(b *testing.B) {
	for _, shape := range []struct{ name, element string }{
		{"numbers", `1`}, {"texts", `"x"`}, {"nulls", `null`}, {"empty lists", `[]`}, {"lists", `[1]`}, {"empty records", `{}`},
		{"records of one field", `{"benefit_id":1}`}, {"records of an unknown field", `{"x":1}`},
		{"records that are too long", `{"benefit_id":"` + strings.Repeat("x", 300) + `"}`}, {"good records", ""},
	} {
		b.Run(shape.name, func(b *testing.B) {
			const size = 128 << 10
			body := []byte("[" + strings.Repeat(shape.element+",", size/(len(shape.element)+1)) + "1]")
			if shape.element == "" {
				body = mixedBatch(700)
			}
			o := testOracle(twoDays)
			d := NewDecoder(o.rules, nil)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := d.Decode(body, o.now); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(body)), "ns/byte")
		})
	}
}
