package main

import (
	"context"
	"errors"
	"time"
)

// A cut lasts longer than an election.
const (
	leastCut = 6 * time.Second
	mostCut  = 14 * time.Second
)

// cutServer cuts the server that leads the stream, or one that does not, off from the
// other servers and from all nodes.
func cutServer(leads bool, lost ...direction) func(*world, context.Context) error {
	return func(w *world, ctx context.Context) error {
		number, err := w.leader(ctx)
		if err != nil {
			return err
		}
		if !leads {
			number = (number + 1 + w.random.IntN(2)) % 3
		}
		others := w.servers.others(number)
		for _, n := range w.nodes {
			others = append(others, n.site)
		}
		return w.cut(ctx, w.servers.sites[number], others, lost...)
	}
}

// cutNode cuts a node off from the servers of the log, not from its clients.
func cutNode(lost ...direction) func(*world, context.Context) error {
	return func(w *world, ctx context.Context) error {
		return w.cut(ctx, w.any().site, w.servers.sites, lost...)
	}
}

func (w *world) cut(ctx context.Context, from site, others []site, lost ...direction) error {
	if err := w.network.cut(from, others, lost...); err != nil {
		return err
	}
	rest(ctx, w.between(leastCut, mostCut))
	return w.network.heal(from)
}

// cutAll leaves no two servers that hear each other; nodes hear them all.
func (w *world) cutAll(ctx context.Context) (err error) {
	for i, at := range w.servers.sites {
		err = errors.Join(err, w.network.cut(at, w.servers.others(i), incoming, outgoing))
	}
	rest(ctx, w.between(leastCut, mostCut))
	for _, at := range w.servers.sites {
		err = errors.Join(err, w.network.heal(at))
	}
	return err
}

// fillDisk leaves the last server no room, then makes some and starts it again: a server
// whose disk was full takes nothing until then.
func (w *world) fillDisk(ctx context.Context) error {
	last := len(w.servers.running) - 1
	release, err := fill(w.servers.store(last))
	if err != nil {
		return err
	}
	rest(ctx, w.between(leastCut, mostCut))
	if err := errors.Join(w.servers.running[last].Kill(), release()); err != nil {
		return err
	}
	return w.servers.start(last)
}
