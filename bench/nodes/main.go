// Command nodes measures what a record costs on a node with ROLE=ingest while others are
// alive, beside a node that counts alone, and says by a model what 1 to 64 nodes take
// together.
//
//	go run ./bench/nodes
//	go run ./bench/nodes -model
//
// It counts processor time of the node alone and not how long anything takes, so that
// the others, the log's servers and the clients may share its machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each number of nodes has its turn")
	length := flag.Duration("duration", 2*time.Second, "length of a turn")
	connections := flag.Int("connections", 256, "concurrent connections")
	model := flag.Bool("model", false, "do not measure: print what the model says of 1 to 64 nodes")
	costs := measuredCosts
	flag.Float64Var(&costs.pages, "pages", costs.pages, "ns of a record of pages, for the model")
	flag.Float64Var(&costs.hot, "hot", costs.hot, "ns of a record of hot counters, for the model")
	flag.Float64Var(&costs.tellPages, "tell-pages", costs.tellPages, "ns of a record of pages to tell others, for the model")
	flag.Float64Var(&costs.tellHot, "tell-hot", costs.tellHot, "ns of a record of hot counters to tell others, for the model")
	flag.Float64Var(&costs.mergePages, "merge-pages", costs.mergePages, "ns of a counter of pages that is merged, for the model")
	flag.Float64Var(&costs.mergeHot, "merge-hot", costs.mergeHot, "ns of a hot counter that is merged, for the model")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if *model {
		costs.print(os.Stdout)
		return
	}
	if err := measure(ctx, plan{*rounds, *length, *connections}, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
