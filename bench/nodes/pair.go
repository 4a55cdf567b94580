package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// The nodes of a pair.
const (
	alone = iota
	ingest
)

// settling is how long a node is loaded before a turn is measured: what it was stopped in,
// and some windows, are over.
const settling = 150 * time.Millisecond

// A pair is two nodes that have turns. While it is the turn of one, a twin of the other one, which
// is not measured, is loaded as much on the other processor: so all that runs beside a node is the
// same in the turns of both, and with it the memory and caches that it is left.
type pair struct {
	plan
	nodes, twins [2]*harness.Server
	posts        []post
	costs        [2]cost
}

// A cost is what records took of a processor.
type cost struct {
	took    time.Duration
	records int64
}

func (c cost) each() float64 { return float64(c.took.Nanoseconds()) / float64(c.records) }

func (c cost) and(other cost) cost { return cost{c.took + other.took, c.records + other.records} }

// alternate gives each node its turns, in an order that changes, and returns how many times
// that of the first node a record costs on the second one, of each two turns that follow each
// other.
func (p *pair) alternate(ctx context.Context) (ratios []float64, err error) {
	defer func() {
		for i, node := range p.nodes {
			err = errors.Join(err, node.Signal(syscall.SIGCONT), p.twins[i].Signal(syscall.SIGCONT))
		}
	}()
	for i := range p.pairs {
		var both [2]cost
		for turn := range both {
			which := (i + turn) % 2
			if both[which], err = p.turn(ctx, which); err != nil {
				return nil, err
			}
			p.costs[which] = p.costs[which].and(both[which])
		}
		ratios = append(ratios, both[ingest].each()/both[alone].each())
	}
	return ratios, nil
}

// turn loads one node, and the twin of the other, while the rest is stopped.
func (p *pair) turn(ctx context.Context, which int) (cost, error) {
	node, beside := p.nodes[which], p.twins[1-which]
	if err := errors.Join(p.nodes[1-which].Signal(syscall.SIGSTOP), p.twins[which].Signal(syscall.SIGSTOP),
		node.Signal(syscall.SIGCONT), beside.Signal(syscall.SIGCONT)); err != nil {
		return cost{}, err
	}
	load, other := startLoading(ctx, p.plan, node.Address, p.posts), startLoading(ctx, p.plan, beside.Address, p.posts)
	rest(ctx, settling)
	records := load.records.Load()
	began, err := harness.ProcessorTime(node.ID())
	if err != nil {
		return cost{}, errors.Join(err, load.end(), other.end())
	}
	rest(ctx, p.length)
	ended, err := harness.ProcessorTime(node.ID())
	records = load.records.Load() - records
	return cost{ended - began, records}, errors.Join(err, load.end(), other.end(), ctx.Err())
}

func (p *pair) recordsOfAPost() float64 {
	records := 0
	for _, one := range p.posts {
		records += one.records
	}
	return float64(records) / float64(len(p.posts))
}

// quantile is the value below which a share of the values are, between two in proportion.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := share * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}
