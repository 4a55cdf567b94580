package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleReport is a report of two cells with all kinds of lanes.
func sampleReport() *report {
	lane := func(kind laneKind, requests float64, cpu ...float64) laneResult {
		result := laneResult{Name: string(kind), laneSpec: laneSpec{Kind: kind},
			Latency: latencySummary{Median: time.Millisecond, P90: 2 * time.Millisecond, P99: 3 * time.Millisecond, P999: 8 * time.Millisecond, Max: 20 * time.Millisecond}}
		for _, one := range cpu {
			result.Rounds = append(result.Rounds, figures{RequestsPerSecond: requests, RecordsPerSecond: 30 * requests, CPUPerRequest: one})
		}
		result.figures = medianFigures(result.Rounds)
		return result
	}
	cell := cellResult{cellSpec: cellSpec{Batch: 30, Connections: 8, Pipeline: 1}, Lanes: []laneResult{
		lane(serverLane, 30_000, 20_000, 90_000, 22_000), lane(ceilingLane, 60_000, 10_000, 50_000, 10_000), lane(redisLane, 15_000, 30_000, 30_000, 30_000),
	}}
	cell.addRatios()
	other := cell
	other.Batch = 100
	return &report{Started: time.Now(), Cells: []cellResult{cell, other}}
}

func TestRatiosAreMediansOfNeighbouringRounds(t *testing.T) {
	server := sampleReport().Cells[0].Lanes[0]
	if server.CPUPerRequest != 22_000 {
		t.Errorf("median of the rounds is %v", server.CPUPerRequest)
	}
	ceiling, redis := server.Ratios["ceiling"], server.Ratios["redis"]
	if ceiling.Records != 0.5 || ceiling.CPUPerRequest != 2 || redis.Records != 2 {
		t.Errorf("ratios are %+v and %+v", ceiling, redis)
	}
}

func TestTheRatioOfTheP99IsOfNeighbouringRounds(t *testing.T) {
	server := []figures{{P99OfPieces: 2e6}, {P99OfPieces: 90e6}, {P99OfPieces: 6e6}}
	ceiling := []figures{{P99OfPieces: 1e6}, {P99OfPieces: 30e6}, {P99OfPieces: 1e6}}
	if have := compareRounds(server, ceiling).P99OfPieces; have != 3 { // of 2, 3 and 6
		t.Errorf("the ratio is %v", have)
	}
	if have := medianFigures(server).P99OfPieces; have != 6e6 {
		t.Errorf("the median of the rounds is %v", have)
	}
}

func TestTheP99OfAllAndThatOfPiecesAreBothCompared(t *testing.T) {
	found := sampleReport()
	cell := &found.Cells[0]
	cell.Rate = 1000
	for i := range cell.Lanes {
		for round := range cell.Lanes[i].Rounds {
			cell.Lanes[i].Rounds[round].P99OfPieces = float64(4-i) * 1e6
		}
	}
	cell.addRatios()
	titles, server := cell.rows()[0], cell.rows()[1]
	for title, want := range map[string]string{"p99 ÷ ceiling": "1.00", "p99 of 0.1 s ÷ ceiling": "1.33"} {
		place := slices.Index(titles, title)
		if place < 0 || server[place] != want {
			t.Errorf("%q is not %s in %q and %q", title, want, titles, server)
		}
	}
}

func TestTablesShowEveryLane(t *testing.T) {
	found := sampleReport()
	var text, markdown bytes.Buffer
	found.writeTables(&text)
	found.writeMarkdown(&markdown, []picture{{name: "figure.png", shows: "Throughput and latency"}})
	for _, want := range []string{"batches of 30, 8 connections", "900,000", "20.00", "22.0", "0.50"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	for _, want := range []string{"## Batches of 30, 8 connections", "| server ", "| redis ", "![Throughput and latency](figure.png)"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in\n%s", want, markdown.String())
		}
	}
	lines := strings.Split(markdown.String(), "\n")
	columns := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "|") {
			if columns > 0 && strings.Count(line, "|") != columns {
				t.Errorf("another number of columns: %s", line)
			}
			columns = strings.Count(line, "|")
		}
	}
}

func TestPlotIsAPicture(t *testing.T) {
	picture, err := sampleReport().plot()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil || decoded.Bounds().Dx() < 1000 {
		t.Fatal(decoded.Bounds(), err)
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 12.4: "12", 999: "999", 1000: "1,000", 1234567.8: "1,234,568"} {
		if have := grouped(value); have != want {
			t.Errorf("%v: %q, want %q", value, have, want)
		}
	}
	for value, want := range map[float64]string{12: "12", 10_000: "10k", 1_000_000: "1M", 2_500_000: "2.5M"} {
		if have := shortCount(value); have != want {
			t.Errorf("%v: %q, want %q", value, have, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 8}, 3}} {
		if have := median(test.values); have != test.want {
			t.Errorf("median of %v is %v", test.values, have)
		}
	}
}

func TestResultsAreComparedWithThoseOfAnEarlierRun(t *testing.T) {
	ofCost := func(cpu float64) *report {
		cell := cellSpec{Batch: 30, Connections: 64, Pipeline: 1, manner: manner{Encrypted: true}}
		return &report{Cells: []cellResult{{cellSpec: cell, Lanes: []laneResult{
			{Name: "server", Ratios: map[string]ratio{"ceiling": {Records: 0.5, CPUPerRequest: cpu}}},
		}}}}
	}
	path := filepath.Join(t.TempDir(), "before.json")
	content, err := json.Marshal(ofCost(1.25))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	earlier, err := loadReport(path)
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	ofCost(1.125).writeComparison(&printed, earlier)
	for _, want := range []string{"batches of 30, 64 connections, TLS", "1.25", "1.12", "0.50"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("%q is not in the comparison:\n%s", want, printed.String())
		}
	}
	other := ofCost(1)
	other.Cells[0].Connections = 16
	printed.Reset()
	if other.writeComparison(&printed, earlier); !strings.Contains(printed.String(), "no load was measured in both") {
		t.Errorf("another load is compared:\n%s", printed.String())
	}
}
