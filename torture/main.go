// Command torture kills the server, cuts its power, fails its system calls and
// fills its disk, under load, and compares what it recovers with what it
// acknowledged. See its --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"stats-recorder/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// errFailed is returned when a scenario lost something, or did not go as it must.
var errFailed = errors.New("not every scenario ended well")

// run is the whole program.
func run(ctx context.Context, arguments []string, output, progress io.Writer) error {
	wanted, err := parseOptions(arguments, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp(wanted.directory, "torture")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	l := &lab{directory: directory, connections: wanted.connections, seed: wanted.seed, progress: stamped(progress)}
	results, err := torture(ctx, l, wanted.chosen(), wanted.duration)
	if err != nil {
		return errors.Join(err, os.RemoveAll(directory))
	}
	writeSummary(output, results, wanted.seed)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), os.RemoveAll(directory))
	}
	for _, r := range results {
		if r.failed() {
			fmt.Fprintf(output, "what was left is in %s\n", directory)
			return fmt.Errorf("%w: %s: %w", errFailed, r.name, r.err)
		}
	}
	return os.RemoveAll(directory)
}

// stamped prints lines with the time of day.
func stamped(output io.Writer) func(format string, arguments ...any) {
	return func(format string, arguments ...any) {
		fmt.Fprintf(output, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
	}
}

// torture builds the server and goes through the scenarios, one after the other, for at
// least a length of time.
func torture(ctx context.Context, l *lab, scenarios []scenario, length time.Duration) ([]result, error) {
	var err error
	if l.program, err = harness.Build(ctx, harness.BuildSettings{Directory: l.directory}); err != nil {
		return nil, err
	}
	if l.failpoints, err = harness.Build(ctx, harness.BuildSettings{Directory: l.directory, Tags: "failpoints"}); err != nil {
		return nil, err
	}
	return l.rounds(ctx, scenarios, length), nil
}

// rounds goes through scenarios until a length of time has passed or one has failed.
func (l *lab) rounds(ctx context.Context, scenarios []scenario, length time.Duration) []result {
	began := time.Now()
	results := l.round(ctx, scenarios)
	for time.Since(began) < length && slices.ContainsFunc(results, result.canGoOn) && !slices.ContainsFunc(results, result.failed) {
		l.seed++
		for i, again := range l.round(ctx, scenarios) {
			results[i].add(again)
		}
	}
	return results
}

// round goes through scenarios once.
func (l *lab) round(ctx context.Context, scenarios []scenario) (results []result) {
	for _, s := range scenarios {
		if ctx.Err() != nil {
			break
		}
		l.progress("%s, seed %d", s.name, l.seed)
		found, err := s.run(ctx, l)
		if err != nil {
			l.progress("%s: %v", s.name, err)
		}
		results = append(results, result{s.name, found, err})
	}
	return results
}
