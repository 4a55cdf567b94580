package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A report says what a world has suffered and what became of it.
type report struct {
	kinds    []fault
	happened map[string]int
	sums     account
	lost     int64
	disks    int
	dumps    int
	refused  refusals
	silent   time.Duration
	states   int
	stream   *stream
	skipped  []string // by each node since its last start
}

// String is the report for people.
func (r report) String() string {
	var b strings.Builder
	cycles := 0
	for _, kind := range r.kinds {
		cycles += r.happened[kind.name]
		fmt.Fprintf(&b, "%6d × %s\n", r.happened[kind.name], kind.name)
	}
	fmt.Fprintf(&b, "%d faults of %d kinds; after them all states were equal on all nodes, %d times\n", cycles, len(r.kinds), r.states)
	fmt.Fprintf(&b, "records: %d acknowledged and counted, %d sent or not answered, %d acknowledged and lost with %d disks\n",
		r.sums.acknowledged, r.sums.sent, r.lost, r.disks)
	fmt.Fprintf(&b, "dumps: %d imported and counted once on all nodes\n", r.dumps)
	fmt.Fprintf(&b, "posts: %d refused in words, %d found nobody\n", r.refused.inWords, r.refused.nobody)
	fmt.Fprintf(&b, "frames: %d in the log, %d of them again; skipped since their last start by the nodes, their own and repetitions: %s\n",
		r.stream.frames, r.stream.duplicates, strings.Join(r.skipped, ", "))
	fmt.Fprintf(&b, "longest time without an acknowledgement of any node: %v", r.silent.Round(time.Millisecond))
	return b.String()
}

// suffer breaks things under load, one after the other, each kind at least once if the
// cycles suffice, and compares the nodes after every few of them.
func (w *world) suffer(ctx context.Context, cycles, few int, records int64, kinds []fault) (r report, err error) {
	r = report{kinds: kinds, happened: map[string]int{}, stream: w.stream}
	defer func() {
		r.sums, r.lost, r.refused, r.silent = w.ledger.sums()
		r.states, r.disks, r.dumps = w.states, w.disks, len(w.ledger.dumps)
	}()
	order := w.random.Perm(len(kinds))
	for cycle := 0; ctx.Err() == nil && (cycle < cycles || r.sums.acknowledged < records); {
		var next []fault
		for range min(few, max(1, cycles-cycle)) {
			kind := kinds[w.random.IntN(len(kinds))]
			if cycle < len(order) {
				kind = kinds[order[cycle]]
			}
			next = append(next, kind)
			if cycle++; kind.loses { // what is lost then is held to what this one disk may cost
				break
			}
		}
		if err := w.sufferUnderLoad(ctx, next, r.happened); err != nil {
			return r, err
		}
		lost, err := w.settle(ctx)
		if err != nil {
			return r, err
		}
		r.sums, _, _, _ = w.ledger.sums()
		w.say("%d faults, %d records acknowledged, %d lost since the last comparison, all nodes agree", cycle, r.sums.acknowledged, lost)
	}
	r.skipped, err = w.skipped()
	return r, err
}

func (w *world) sufferUnderLoad(ctx context.Context, next []fault, happened map[string]int) (err error) {
	loading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.load(loading, w.posters(), 5*time.Millisecond)
	}()
	defer func() {
		stop()
		<-done
	}()
	rest(ctx, time.Second)
	for _, kind := range next {
		w.say("%s", kind.name)
		happened[kind.name]++
		if err := kind.do(w, ctx); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		rest(ctx, time.Second)
	}
	return nil
}

// posters is how many post to a node at a time: with ACK=cluster each waits for the log.
func (w *world) posters() int {
	if w.byDisk {
		return 3
	}
	return 24
}

// skipped are the frames that each node read and had.
func (w *world) skipped() ([]string, error) {
	var counts []string
	for _, n := range w.nodes {
		count, err := n.figure(w.client, "stats_recorder_log_skipped_frames_total")
		if err != nil {
			return nil, err
		}
		counts = append(counts, fmt.Sprint(count))
	}
	return slices.Clip(counts), nil
}
