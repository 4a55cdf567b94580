// Command bench loads a server of the contract over the wire and reports how
// fast it is, what it costs, and whether it counted right. See its --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	if err := execute(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// execute runs the program until it is done or told to end, and cleans up.
func execute(arguments []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, arguments, os.Stdout, os.Stderr)
}

// run is the whole program: the harness, or the ceiling that the harness starts.
func run(ctx context.Context, arguments []string, output io.Writer, progressOutput *os.File) error {
	if slices.Equal(arguments, []string{ceilingArgument}) {
		return serveCeiling(ctx, os.Stdin, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	wanted, err := parseOptions(arguments, progressOutput)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	earlier, err := loadReport(wanted.compared)
	if err != nil {
		return err
	}
	found, err := loadReport(wanted.from)
	if err == nil && found == nil {
		found, err = measure(ctx, wanted, progressOutput)
	}
	if err != nil {
		return err
	}
	if wanted.from == "" {
		found.Command = append([]string{"go", "run", "./bench"}, arguments...)
	}
	found.writeTables(output)
	found.writeComparison(output, earlier)
	names, err := found.save(wanted.output)
	if err == nil && wanted.document != "" {
		names, err = append(names, wanted.document), found.writeInto(wanted.document)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Fprintln(output, name)
	}
	return nil
}

// measure runs the whole matrix.
func measure(ctx context.Context, wanted *options, progressOutput *os.File) (*report, error) {
	directory, err := os.MkdirTemp(wanted.directory, "bench")
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	defer os.RemoveAll(directory)
	running := &matrixRun{options: wanted, directory: directory, programs: map[laneKind]string{}}
	found := &report{Started: time.Now(), Machine: describeMachine(), Revision: describeRevision(ctx)}
	fmt.Fprintln(progressOutput, "building the server")
	if found.Notes, err = running.findTargets(ctx); err != nil {
		return nil, err
	}
	foreign, err := known(readForeignTime())
	if err != nil {
		return nil, err
	}
	cells := running.options.matrix()
	if slices.ContainsFunc(cells, func(cell cellSpec) bool { return cell.Encrypted }) {
		if running.certified, err = newSecrets(directory); err != nil {
			return nil, err
		}
	}
	growths := running.options.growths()
	steps := slices.Concat(cells, growthCells(growths, running.options.smoke))
	running.progress = newProgress(progressOutput, countSteps(steps, running.options.rounds))
	defer running.progress.finish()
	for _, cell := range cells {
		cell.Rate = max(cell.Rate, cell.PeakShare*found.peak(cell))
		result, err := running.runCell(ctx, cell)
		if err != nil {
			return nil, err
		}
		found.Cells = append(found.Cells, *result)
	}
	for _, one := range growths {
		grown, err := running.grow(ctx, one)
		if err != nil {
			return nil, err
		}
		found.Growth = append(found.Growth, grown)
		found.Notes = append(found.Notes, grown.warnings()...)
	}
	found.Seconds = time.Since(found.Started).Seconds()
	return found, found.noteForeignLoad(foreign)
}

// noteForeignLoad adds a note when other processes took part of the machine. A
// tenth of a core is about what an idle system needs.
func (r *report) noteForeignLoad(before time.Duration) error {
	after, err := known(readForeignTime())
	if err != nil {
		return err
	}
	if cores := (after - before).Seconds() / r.Seconds; cores > 0.1 {
		r.Notes = append(r.Notes, fmt.Sprintf("Other processes used %.1f cores meanwhile: rates and latencies suffer from it, ratios less.", cores))
	}
	return nil
}
