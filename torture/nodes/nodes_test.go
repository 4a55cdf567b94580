package main

import (
	"testing"

	"stats-recorder/harness"
)

func TestNodesOverARealLogLoseNothingAndCountNothingTwice(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts three servers of the log and three recorders")
	}
	directory := t.TempDir()
	recorder, err := harness.Build(t.Context(), harness.BuildSettings{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	program, err := harness.BuildLogServer(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(t.Context(), plan{
		directory: directory, recorder: recorder, natsServer: program, network: &network{}, nodes: 3, ack: "disk", say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.end()
	report, err := w.suffer(t.Context(), 3, 3, 0, faults()[:3])
	t.Log(report)
	if err != nil {
		for i, n := range w.nodes {
			t.Logf("node %d wrote:\n%s", i+1, n.server.Log.Tail())
		}
		t.Fatal(err)
	}
}
