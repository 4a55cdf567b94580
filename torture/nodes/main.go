// Command nodes breaks several nodes over a real log, again and again, under load, and
// holds every node to a ledger: what was acknowledged is counted, once, on all of them.
//
//	go run ./torture/nodes -cycles 50
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"stats-recorder/harness"
)

func main() {
	cycles := flag.Int("cycles", 30, "how often something is broken")
	nodes := flag.Int("nodes", 3, "how many nodes there are")
	ack := flag.String("ack", "disk", "ACK of the nodes")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, *cycles, *nodes, *ack); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cycles, nodes int, ack string) error {
	directory, err := os.MkdirTemp("", "torture-nodes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	recorder, err := harness.Build(ctx, harness.BuildSettings{Directory: directory})
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, directory, recorder, nodes, "ACK="+ack)
	if err != nil {
		return err
	}
	defer w.end()
	report, err := w.suffer(ctx, cycles, faults())
	fmt.Println(report)
	return err
}

// suffer breaks things under load, one after the other, and compares the nodes after
// every few of them.
func (w *world) suffer(ctx context.Context, cycles int, kinds []fault) (report string, err error) {
	happened := map[string]int{}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		report = fmt.Sprintf("faults: %v\nrecords: %d acknowledged, %d sent, %d posts refused\nlongest time without an acknowledgement: %v",
			happened, w.acknowledged, w.sent, w.refused, w.longest.Round(time.Millisecond))
	}()
	for cycle := 0; cycle < cycles && ctx.Err() == nil; {
		loading, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.load(loading, 8, 5*time.Millisecond)
		}()
		for range min(5, cycles-cycle) {
			kind := kinds[rand.IntN(len(kinds))]
			if cycle < len(kinds) {
				kind = kinds[cycle] // each at least once
			}
			happened[kind.name]++
			cycle++
			if err := kind.do(w, ctx); err != nil {
				stop()
				<-done
				return "", fmt.Errorf("%s: %w", kind.name, err)
			}
			rest(ctx, time.Second)
		}
		stop()
		<-done
		if _, err := w.settle(ctx); err != nil {
			return "", err
		}
	}
	return "", nil
}
