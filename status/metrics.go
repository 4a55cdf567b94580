package status

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ErrMetrics is returned for text that is not the metrics of a server.
var ErrMetrics = errors.New("not the metrics of a server")

// Sample is one value of a metric.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Metrics are the samples of one reading, by the metric's name.
type Metrics map[string][]Sample

// ParseMetrics reads the text format of Prometheus, version 0.0.4, as a server of this
// kind writes it: without times. The library of Prometheus reads it too; it would bring
// Protocol Buffers into the binary for these lines.
func ParseMetrics(text io.Reader) (Metrics, error) {
	metrics := Metrics{}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, sample, err := parseSample(line)
		if err != nil {
			return nil, err
		}
		metrics[name] = append(metrics[name], sample)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	if len(metrics["stats_recorder_ready"]) == 0 {
		return nil, fmt.Errorf("%w: there is no stats_recorder_ready", ErrMetrics)
	}
	return metrics, nil
}

// parseSample reads name{label="value",…} number.
func parseSample(line string) (name string, sample Sample, err error) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		return "", sample, fmt.Errorf("%w: line %q", ErrMetrics, line)
	}
	if sample.Value, err = strconv.ParseFloat(line[at+1:], 64); err != nil {
		return "", sample, fmt.Errorf("%w: line %q: %w", ErrMetrics, line, err)
	}
	name, labels, _ := strings.Cut(strings.TrimSpace(line[:at]), "{")
	sample.Labels = map[string]string{}
	for labels = strings.TrimPrefix(labels, ","); labels != "" && labels != "}"; labels = strings.TrimLeft(labels, ", ") {
		label, rest, _ := strings.Cut(labels, "=")
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", sample, fmt.Errorf("%w: line %q: a label without a value", ErrMetrics, line)
		}
		if sample.Labels[label], err = strconv.Unquote(quoted); err != nil {
			return "", sample, fmt.Errorf("%w: line %q: %w", ErrMetrics, line, err)
		}
		labels = rest[len(quoted):]
	}
	return name, sample, nil
}

// sum adds the samples of a metric up that have a label of one of these values; with no
// values, all of them.
func (m Metrics) sum(name, label string, values ...string) (total float64) {
	for _, sample := range m[name] {
		if len(values) == 0 {
			total += sample.Value
		}
		for _, value := range values {
			if sample.Labels[label] == value {
				total += sample.Value
			}
		}
	}
	return total
}

// value is the value of a metric without labels; 0 if there is none.
func (m Metrics) value(name string) float64 { return m.sum(name, "") }

// label is the value of a label of the first sample of a metric.
func (m Metrics) label(name, label string) string {
	for _, sample := range m[name] {
		return sample.Labels[label]
	}
	return ""
}

// quantile is the upper bound of the bucket of a histogram in which a share of all
// observations lies, in the histogram's unit; 0 without observations.
func (m Metrics) quantile(name string, share float64) float64 {
	all := m.value(name + "_count")
	bound := math.Inf(1)
	for _, bucket := range m[name+"_bucket"] {
		if upper, err := strconv.ParseFloat(bucket.Labels["le"], 64); err == nil && bucket.Value >= share*all {
			bound = min(bound, upper)
		}
	}
	if all == 0 {
		return 0
	}
	return bound
}
