// Command nodes breaks several nodes over a real log, again and again, under load, and
// holds every node to a ledger: what was acknowledged is counted, once, on all of them.
//
//	go run ./torture/nodes -cycles 50
//
// As root on Linux, with ip and nft, each process is in a network namespace of its own,
// and they are cut off from each other, too. Without, these faults are left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// window is LOG_WINDOW of the nodes.
const window = 100 * time.Millisecond

// options are what the command is asked for.
type options struct {
	cycles  int
	few     int
	records int64
	nodes   int
	acks    string
	seed    uint64
	only    string
	// built is where the programs are, in the process that has a network of its own.
	built string
}

func main() {
	var o options
	flag.IntVar(&o.cycles, "cycles", 50, "how often something is broken, at least")
	flag.IntVar(&o.few, "few", 5, "after how many of them the nodes are compared")
	flag.Int64Var(&o.records, "records", 1_000_000, "how many records must be acknowledged, at least")
	flag.IntVar(&o.nodes, "nodes", 3, "how many nodes there are")
	flag.StringVar(&o.acks, "ack", "disk,cluster", "ACK of the nodes; of several, one after the other")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64()%1_000_000, "which faults come in which order")
	flag.StringVar(&o.only, "only", "", "only faults whose names contain this")
	flag.StringVar(&o.built, "built", "", "set by the program itself: where it has built what it runs")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run builds what is needed, and breaks it: in a network of its own where that can be had.
func run(ctx context.Context, o options, output io.Writer) error {
	if o.built != "" {
		network, err := newNetwork()
		if err != nil {
			return err
		}
		return tortureAll(ctx, o, network, output)
	}
	directory, err := os.MkdirTemp("", "torture-nodes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	o.built = directory
	if _, err := harness.Build(ctx, harness.BuildSettings{Directory: directory}); err != nil {
		return err
	}
	if _, err := harness.BuildLogServer(ctx, directory); err != nil {
		return err
	}
	if err := canHaveNetwork(); err != nil {
		fmt.Fprintf(output, "nothing is cut off, and no disk is full: %v\n", err)
		return tortureAll(ctx, o, &network{}, output)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, self, "-built="+directory, fmt.Sprint("-cycles=", o.cycles), fmt.Sprint("-few=", o.few), fmt.Sprint("-records=", o.records),
		fmt.Sprint("-nodes=", o.nodes), "-ack="+o.acks, fmt.Sprint("-seed=", o.seed), "-only="+o.only)
	command.Stdout, command.Stderr = output, os.Stderr
	return alone(command)
}

// tortureAll makes a world for each way to acknowledge.
func tortureAll(ctx context.Context, o options, net *network, output io.Writer) error {
	for _, ack := range strings.Split(o.acks, ",") {
		directory := filepath.Join(o.built, "ack-"+ack)
		if err := os.Mkdir(directory, 0o700); err != nil {
			return err
		}
		fmt.Fprintf(output, "ACK=%s, seed %d\n", ack, o.seed)
		started := time.Now()
		w, err := newWorld(ctx, plan{
			directory: directory, recorder: filepath.Join(o.built, "stats-recorder"), natsServer: filepath.Join(o.built, "nats-server"),
			network: net, nodes: o.nodes, ack: ack, seed: o.seed,
			say: func(format string, values ...any) {
				fmt.Fprintf(output, "%7.1f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, values...))
			},
		})
		if err != nil {
			return err
		}
		kinds := slices.DeleteFunc(faults(), func(f fault) bool { return f.cuts && !net.isOwn || !strings.Contains(f.name, o.only) })
		suffered, err := w.suffer(ctx, o.cycles, o.few, o.records, kinds)
		fmt.Fprintln(output, suffered)
		if err != nil {
			err = errors.Join(err, w.keep(output))
		}
		if err = errors.Join(err, w.end()); err != nil {
			return fmt.Errorf("ACK=%s, seed %d: %w", ack, o.seed, err)
		}
	}
	return nil
}

// keep prints what the nodes wrote last.
func (w *world) keep(output io.Writer) error {
	for i, n := range w.nodes {
		fmt.Fprintf(output, "node %d wrote:\n%s", i+1, n.server.Log.Tail())
	}
	return nil
}
