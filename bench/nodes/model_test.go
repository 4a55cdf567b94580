package main

import (
	"math"
	"os"
	"strings"
	"testing"
)

func TestTheDocumentHasWhatTheModelSays(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/several-nodes.md")
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	measuredCosts.print(&printed)
	if !strings.Contains(string(document), "```text\n"+printed.String()+"```") {
		t.Errorf("docs/several-nodes.md does not have what `go run ./bench/nodes -model` prints:\n%s", printed.String())
	}
}

func TestANodeInTheModelHasNoMoreThanItsProcessors(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3, 64} {
		for _, rows := range [][]told{tellsPages, tellsHot} {
			c := cluster{nodes: nodes, window: 0.1, parse: 500, tell: 50, merge: 40, rows: rows}
			rate, share := c.rate()
			own, merging := c.load(rate)
			if math.Abs(own+merging-processors) > 1e-6 || math.Abs(merging/processors-share) > 1e-9 {
				t.Errorf("%d nodes: at %.0f records/s a node works %.6f s of a second by itself and %.6f for others, want %d together", nodes, rate, own, merging, processors)
			}
		}
	}
}
