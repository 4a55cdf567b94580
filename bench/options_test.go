package main

import (
	"bytes"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
)

func TestWithoutArgumentsItIsTheStandardMatrix(t *testing.T) {
	parsed, err := parseOptions([]string{"-targets", "server,ceiling,redis"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	cells := parsed.matrix()
	var batches []int
	for _, cell := range cells[:4] {
		if cell.Connections != 256 || cell.Rate != 0 {
			t.Errorf("%+v", cell)
		}
		batches = append(batches, cell.Batch)
	}
	if !slices.Equal(batches, []int{1, 30, 100, 0}) {
		t.Errorf("batches %v", batches)
	}
	// Connecting, starting and reading back come on top; a third is ample.
	turns := float64(countSteps(cells, parsed.rounds))
	if seconds := turns * parsed.duration.Seconds() * 1.1; seconds > 120 {
		t.Errorf("load alone takes %.0f s of three minutes", seconds)
	}
}

func TestFlagsMakeEveryCombination(t *testing.T) {
	parsed, err := parseOptions(strings.Fields("-batch 30,page -connections 16,64 -counters 0,10000 -durability always,everysec -targets server,redis"), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	cells := parsed.matrix()
	if len(cells) != 4 {
		t.Fatalf("%d cells", len(cells))
	}
	var names []string
	for _, lane := range cells[0].Specs {
		names = append(names, lane.name())
	}
	want := []string{"server", "server 10k counters", "server everysec", "server everysec 10k counters", "redis"}
	if !slices.Equal(names, want) {
		t.Errorf("lanes %q", names)
	}
}

func TestMannersOfConnectionsAreCellsOfTheirOwn(t *testing.T) {
	parsed, err := parseOptions(strings.Fields("-connections 64 -posts 0,1,3 -reads 0,1% -rate 50%"), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	cells := parsed.matrix()
	var titles []string
	for i, cell := range cells {
		if i%2 == 0 {
			titles = append(titles, strings.TrimPrefix(cell.title(), "pages of 1 to 60, 64 connections"))
		} else if !cell.sameLoad(cells[i-1]) || cell.sameLoad(cells[(i+1)%len(cells)]) {
			t.Errorf("the open loop of %q is compared with another load", cell.title())
		}
		hasRedis := slices.ContainsFunc(cell.Specs, func(lane laneSpec) bool { return lane.Kind == redisLane })
		if usual := cell.manner == (manner{}); hasRedis != usual || len(cell.Specs) < 4 {
			t.Errorf("%q has the lanes %+v", cell.title(), cell.Specs)
		}
	}
	want := []string{"", ", 1 % reads", ", 1 post each", ", 1 post each, 1 % reads", ", 3 posts each", ", 3 posts each, 1 % reads"}
	if !slices.Equal(titles, want) {
		t.Errorf("cells %q, want %q", titles, want)
	}
}

func TestAShareOfThePeakIsMeasuredAfterThePeak(t *testing.T) {
	parsed, err := parseOptions(strings.Fields("-batch 30,page -rate 50%"), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	cells := parsed.matrix()
	if len(cells) != 4 {
		t.Fatalf("%d cells", len(cells))
	}
	for i, cell := range cells {
		wanted := float64(i%2) / 2 // each load in a closed loop, then in an open one
		if cell.PeakShare != wanted || cell.Rate != 0 || !cell.sameLoad(cells[i/2*2]) {
			t.Errorf("cell %d: %s", i, cell.title())
		}
	}
}

func TestBadArgumentsAreRefusedByName(t *testing.T) {
	for _, arguments := range []string{
		"-batch 0x", "-batch -1", "-batch 1001", "-connections 0", "-pipeline 0", "-counters -1", "-posts -1", "-posts x", "-posts 1 -pipeline 2", "-reads -1", "-reads 51", "-reads NaN", "-reads 1 -pipeline 2", "-benefits 0", "-zipf -1",
		"-rate -1", "-rate x", "-rate 101%", "-rate -1%", "-rate x%", "-rate NaN", "-rate 1e10", "-rate NaN%", "-version 65536", "-rounds 0", "-duration 0s", "-durability sometimes", "-targets mongo", "-growth time", "-visitors nobody", "-nonsense",
	} {
		name, _, _ := strings.Cut(arguments, " ")
		_, err := parseOptions(strings.Fields(arguments), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", arguments, err)
		}
	}
	if _, err := parseOptions([]string{"smoke"}, &bytes.Buffer{}); !errors.Is(err, errBadOption) {
		t.Error(err)
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var output bytes.Buffer
	if _, err := parseOptions([]string{"--help"}, &output); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("batch connections pipeline counters readers read restart durability rate benefits zipf seed version url rival targets rounds duration warmup smoke full growth visitors compare from document out data") {
		if !strings.Contains(output.String(), "\n  -"+name+" ") && !strings.Contains(output.String(), "\n  -"+name+"\n") {
			t.Errorf("-%s is not explained", name)
		}
	}
	if strings.Contains(output.String(), ceilingArgument) {
		t.Error("the ceiling's argument is none of the user's business")
	}
}

func TestTargetsThatCannotBeMeasuredAreRefused(t *testing.T) {
	for _, targets := range []string{"ceiling", "url", "ceiling,redis", "rival,ceiling"} {
		if _, err := runBench(t, "-smoke", "-targets", targets, "-out", t.TempDir()); !errors.Is(err, errBadOption) {
			t.Errorf("%s: %v", targets, err)
		}
	}
}

func TestTheFullMatrixHasWhatTheDocumentTellsOf(t *testing.T) {
	parsed, err := parseOptions(strings.Fields("-full -growth all"), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	cells, growths := parsed.matrix(), parsed.growths()
	var titles []string
	for _, cell := range cells {
		titles = append(titles, cell.title())
	}
	for _, want := range []string{
		"batches of 1, 256 connections", "pages of 1 to 60, 256 connections", "batches of 30, 64 connections", "batches of 30, 16 connections",
		"batches of 30, 256 connections, a visitor for each record", "batches of 30, 64 connections, 1 post each",
		"batches of 30, 64 connections, 3 posts each", "batches of 30, 256 connections, TLS",
		"batches of 30, 256 connections, open loop at 50 % of the peak",
	} {
		if !slices.Contains(titles, want) {
			t.Errorf("%q is not measured", want)
		}
	}
	var grown []string
	for _, one := range growths {
		grown = append(grown, one.of)
	}
	if want := []string{"connections", "counters", "benefits", "days"}; !slices.Equal(grown, want) {
		t.Errorf("curves of %q, want %q", grown, want)
	}
	steps := countSteps(slices.Concat(cells, growthCells(growths, false)), parsed.rounds)
	if minutes := float64(steps) * parsed.duration.Minutes() * 1.1; minutes > 10 {
		t.Errorf("load alone takes %.1f of fifteen minutes", minutes)
	}
}

func TestGrowthIsAllThatIsMeasuredWhereNothingElseIsAskedFor(t *testing.T) {
	for arguments, want := range map[string]int{"-growth days": 0, "-growth days -smoke": 0, "-growth days -batch 30": 1} {
		parsed, err := parseOptions(strings.Fields(arguments), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if cells := parsed.matrix(); len(cells) != want || len(parsed.growths()) != 1 {
			t.Errorf("%s: %d cells and %d curves", arguments, len(cells), len(parsed.growths()))
		}
	}
}
