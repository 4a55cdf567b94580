package admin

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// family adds a name, and returns the set for its values.
func (m *Metrics) family(name, kind, help string) *metrics.Set {
	set := metrics.NewSet()
	m.families = append(m.families, family{name: name, kind: kind, help: help, set: set})
	return set
}

func (m *Metrics) counter(name, help string) *metrics.Counter {
	return m.family(name, "counter", help).NewCounter(name)
}

func (m *Metrics) histogram(name, help string, bounds []float64) *metrics.PrometheusHistogram {
	return m.family(name, "histogram", help).NewPrometheusHistogramExt(name, bounds)
}

// gauge adds a value that there always is.
func (m *Metrics) gauge(name, help string, read func() float64) {
	m.family(name, "gauge", help).NewGauge(name, read)
}

// figure adds a value that there is once there is a subject.
func (m *Metrics) figure(name, help string, read func() float64) {
	m.visited(name, "gauge", help, func(w io.Writer) { metrics.WriteGaugeFloat64(w, name, read()) })
}

// visitedCounter is figure for a value that only grows.
func (m *Metrics) visitedCounter(name, help string, read func() uint64) {
	m.visited(name, "counter", help, func(w io.Writer) { metrics.WriteCounterUint64(w, name, read()) })
}

// visited adds values that are written once there is a subject.
func (m *Metrics) visited(name, kind, help string, write func(io.Writer)) {
	m.family(name, kind, help).RegisterMetricsWriter(func(w io.Writer) {
		if m.subject != nil {
			write(w)
		}
	})
}

// label returns a name with labels, given as names and values in turn.
func label(name string, labels ...string) string {
	b := append([]byte(name), '{')
	for i := 0; i < len(labels); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, labels[i]...)
		b = append(b, `="`...)
		b = append(b, labelEscapes.Replace(labels[i+1])...)
		b = append(b, '"')
	}
	return string(append(b, '}'))
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// writeHistogram writes buckets that each count only their own.
func writeHistogram(w io.Writer, name string, labels []string, bounds []time.Duration, buckets []uint64, sum time.Duration) {
	count := uint64(0)
	for i, n := range buckets {
		count += n
		bound := "+Inf"
		if i < len(bounds) {
			bound = strconv.FormatFloat(bounds[i].Seconds(), 'g', -1, 64)
		}
		metrics.WriteCounterUint64(w, label(name+"_bucket", append(labels[:len(labels):len(labels)], "le", bound)...), count)
	}
	metrics.WriteCounterFloat64(w, label(name+"_sum", labels...), sum.Seconds())
	metrics.WriteCounterUint64(w, label(name+"_count", labels...), count)
}
