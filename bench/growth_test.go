package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSlopesAreExponents(t *testing.T) {
	for _, test := range []struct {
		name              string
		sizes             []int
		values            []float64
		small             float64
		overall, steepest float64
	}{
		{"linear", []int{1, 10, 100}, []float64{3, 30, 300}, 0, 1, 1},
		{"the same", []int{1, 10, 100}, []float64{7, 7, 7}, 0, 0, 0},
		{"a square", []int{2, 4, 8}, []float64{4, 16, 64}, 0, 2, 2},
		{"steeper at the end", []int{1, 10, 100}, []float64{1, 1, 100}, 0, 1, 2},
		{"small ones", []int{1, 10, 100}, []float64{0.01, 1, 100}, 10, 0.5, 1},
		{"one that is not known", []int{1, 10, 100}, []float64{0, 10, 100}, 0, 1, 1},
		{"a single one", []int{10}, []float64{4}, 0, 0, 0},
	} {
		overall, steepest := slopes(test.sizes, test.values, test.small)
		if math.Abs(overall-test.overall) > 1e-9 || math.Abs(steepest-test.steepest) > 1e-9 {
			t.Errorf("%s: %v and %v, want %v and %v", test.name, overall, steepest, test.overall, test.steepest)
		}
	}
}

// sampleCurve is a curve of two sizes, with a read that grows like their square.
func sampleCurve() curve {
	cell := func(reading time.Duration) cellResult {
		cost := readCost{Took: time.Minute, CPU: reading}
		return cellResult{Lanes: []laneResult{{
			Name: "server", laneSpec: laneSpec{Kind: serverLane}, figures: figures{CPUPerRequest: 20_000}, Resident: 40e6,
			Reads:   []readResult{{Path: "statistics?version=2", First: cost, Again: cost, AfterRecord: cost}},
			Restart: &restartResult{Seconds: 0.05, Bytes: 1e6, Resident: 30e6},
		}}}
	}
	grown := curve{Of: "counters", Sizes: []int{1000, 10_000}, Cells: []cellResult{cell(20 * time.Millisecond), cell(2 * time.Second)}}
	grown.addCosts()
	return grown
}

func TestWhatGrowsFasterThanLinearIsNamed(t *testing.T) {
	grown := sampleCurve()
	warnings := strings.Join(grown.warnings(), "\n")
	if !strings.Contains(warnings, "counters: /statistics CPU ms grows with an exponent of up to 2.00") || strings.Contains(warnings, "a request") {
		t.Errorf("warnings: %s", warnings)
	}
}

func TestWhatMayGrowFasterThanLinearIsNamedAsSuch(t *testing.T) {
	grown := curve{Of: "days", Costs: []cost{{Name: "a", Steepest: 1.02}, {Name: "b", Steepest: 1.05}, {Name: "c", Steepest: 1.15}}}
	want := []string{
		"Worse than linear, or within what runs differ by, in days: b grows with an exponent of up to 1.05.",
		"Worse than linear in days: c grows with an exponent of up to 1.15.",
	}
	if got := grown.warnings(); !slices.Equal(got, want) {
		t.Errorf("warnings: %q, want %q", got, want)
	}
}

func TestCurvesAreTabledAndDrawn(t *testing.T) {
	found := &report{Started: time.Now(), Growth: []curve{sampleCurve(), sampleCurve(), sampleCurve()}}
	var text bytes.Buffer
	found.writeTables(&text)
	for _, want := range []string{"growth with counters", "10,000", "/statistics after a record", "exponent", "2.00"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	pictures, err := found.pictures("name")
	if err != nil || len(pictures) != 1 || pictures[0].name != "name-growth.png" {
		t.Fatal(pictures, err)
	}
	if _, err := png.Decode(bytes.NewReader(pictures[0].content)); err != nil {
		t.Error(err)
	}
}

func TestHistoryIsOneRowForEachCounterAndDay(t *testing.T) {
	var written bytes.Buffer
	if err := writeDays(&written, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 3, 2); err != nil {
		t.Fatal(err)
	}
	days, places := map[string]int{}, map[string]bool{}
	for lines := bufio.NewScanner(&written); lines.Scan(); {
		var row struct {
			Day, Benefit string
			Event        string `json:"event_type"`
			Index        int    `json:"benefit_index"`
			Count        int
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row.Count < 1 {
			t.Fatal(lines.Text(), err)
		}
		days[row.Day]++
		places[row.Benefit+row.Event+string(rune(row.Index))] = true
	}
	const each = historyBenefits * historyPlaces
	if len(days) != 3 || days["2026-02-28"] != each || days["2026-03-02"] != each || len(places) != each {
		t.Errorf("days %v with %d places, want 3 with %d", days, len(places), each)
	}
}

func TestResultsAreWrittenBetweenTheMarksOfADocument(t *testing.T) {
	found := sampleReport()
	found.Command, found.Revision, found.Growth = []string{"go", "run", "./bench", "-full"}, "abc1234", []curve{sampleCurve()}
	server := found.Cells[0].Lanes[0]
	server.Name, server.Setting = "server VISITORS=off", withoutVisitors
	found.Cells[0].Lanes = append([]laneResult{server}, found.Cells[0].Lanes...)
	found.Cells[0].addRatios()
	path := filepath.Join(t.TempDir(), "performance.md")
	text := "# Before\n\n" + beginMark + "nothing -->\nold\n" + endMark + "\n\n# After\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time in place of the first
		if err := found.writeInto(path); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have := string(content)
	if strings.Contains(have, "\nold\n") || strings.Count(have, beginMark) != 1 || !strings.HasPrefix(have, "# Before\n") || !strings.HasSuffix(have, endMark+"\n\n# After\n") {
		t.Errorf("not in place of what was there:\n%s", have)
	}
	for _, want := range []string{
		"`go run ./bench -full`", "abc1234", "### Beside the ceiling", "`go run ./bench -batch 30 -connections 8 -setting VISITORS=off,none`",
		"### Growth with counters", "`go run ./bench -growth counters`", "| exponent",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("no %q in\n%s", want, have)
		}
	}
	if err := os.WriteFile(path, []byte("# No place\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := found.writeInto(path); err == nil || !strings.Contains(err.Error(), "performance.md") {
		t.Errorf("written into a document without marks: %v", err)
	}
}
