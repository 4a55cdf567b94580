package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"stats-recorder/harness"
)

// patience bounds every wait; only something broken uses it up.
const patience = harness.Patience

// settings say how to run the server. They are the same for each of its lives,
// but for what a scenario changes in between.
type settings struct {
	program          string
	directory        string // DATA_DIR
	durability       string
	snapshotInterval time.Duration
	// environment is added to the server's, "NAME=value".
	environment []string
	// tracer is a command that runs the command that follows it, and gives that
	// its own process.
	tracer []string
}

// harness says it to the harness.
func (s settings) harness() harness.Settings {
	environment := []string{
		"LOG_LEVEL=debug", "DURABILITY=" + s.durability, "SNAPSHOT_INTERVAL=" + s.snapshotInterval.String(),
		"MAX_EVENT_AGE=0", "MAX_BENEFITS=1000000", // what clients send is of any age, with many names
	}
	return harness.Settings{
		Program: s.program, Data: s.directory, Inherited: os.Environ(),
		Environment: append(environment, s.environment...), Tracer: s.tracer,
	}
}

// launch starts the server and does not wait until it listens.
func (s settings) launch() (*harness.Server, error) { return s.harness().Launch() }

// start starts the server and waits until it listens.
func (s settings) start() (*harness.Server, error) { return s.harness().Start() }

// givesUp is how a server ends that cannot go on.
func givesUp() harness.Ending { return harness.Ending{Status: 1} }

// torturedVersion is the version that records without one count as.
const torturedVersion = 2

// readBack asks a server for all its counts, in both ways that it has, which
// must agree.
func readBack(life *harness.Server) (tallies, error) {
	counts, err := harness.ReadBack(context.Background(), life.URL(), torturedVersion)
	if err != nil {
		return nil, err
	}
	found := tallies{}
	for counter, count := range counts.All() {
		found[counter] = uint64(count)
	}
	return found, nil
}

// expectReads requires that both answers come, whatever else does not work. They
// need not agree: the server may be under load.
func expectReads(life *harness.Server) error {
	if _, err := harness.ReadStatistics(context.Background(), life.URL(), torturedVersion); err != nil {
		return fmt.Errorf("reads must stay alive: %w", err)
	}
	if _, err := harness.ReadTotals(context.Background(), life.URL()); err != nil {
		return fmt.Errorf("reads must stay alive: %w", err)
	}
	return nil
}
