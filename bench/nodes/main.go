// Command nodes measures what a record costs on a node with ROLE=ingest while others are
// alive, beside a node that counts alone, and says by a model what 1 to 64 nodes take
// together.
//
//	go run ./bench/nodes
//	go run ./bench/nodes -batch 30 -others 2
//	go run ./bench/nodes -model
//
// It counts the processor time of the two nodes and not how long anything takes. Both have
// the same processor to themselves, in turns of which each is short, so that a machine whose
// speed changes is as fast for one as for the other; while one is loaded, the other is
// stopped. All else has another processor, and does the same in the turns of both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	var p plan
	flag.IntVar(&p.pairs, "pairs", 40, "how often each of the two nodes has its turn, for each number of others")
	flag.DurationVar(&p.length, "duration", 300*time.Millisecond, "length of a turn")
	flag.IntVar(&p.rate, "rate", 3000, "posts a second; they do not wait for each other's answers")
	flag.IntVar(&p.connections, "connections", 64, "connections that the posts are spread over")
	flag.StringVar(&p.programs, "programs", "", "directory that has stats-recorder and nats-server already, to build neither")
	batch := flag.String("batch", "30,page", "what is posted: batches of 30, pages of 1 to 60, or both")
	others := flag.String("others", "1,2,3", "beside how many others, in ascending order")
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
	err := p.choose(*batch, *others)
	if err == nil {
		err = measure(ctx, p, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// choose says what is posted, and beside how many others.
func (p *plan) choose(batch, others string) error {
	for _, name := range strings.Split(batch, ",") {
		found := false
		for _, traffic := range traffics() {
			if traffic.name == name {
				p.traffics, found = append(p.traffics, traffic), true
			}
		}
		if !found {
			return fmt.Errorf("-batch %q: want 30, page, or 30,page", batch)
		}
	}
	most := 0
	for _, text := range strings.Split(others, ",") {
		number, err := strconv.Atoi(text)
		if err != nil || number < most {
			return fmt.Errorf("-others %q: want numbers in ascending order", others)
		}
		p.others, most = append(p.others, number), number
	}
	if p.pairs < 1 || p.rate < 1 || p.connections < 1 || p.length <= 0 {
		return fmt.Errorf("-pairs, -rate, -connections and -duration must be above 0")
	}
	return nil
}
