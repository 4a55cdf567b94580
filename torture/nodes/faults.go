package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"
)

// A fault breaks something and mends it.
type fault struct {
	name string
	do   func(w *world, ctx context.Context) error
}

// faults are all that a world can be made to suffer.
func faults() []fault {
	return []fault{
		{"a node is killed", func(w *world, ctx context.Context) error { return w.killNodes(ctx, w.any()) }},
		{"all nodes are killed", func(w *world, ctx context.Context) error { return w.killNodes(ctx, w.nodes...) }},
		{"a server of the log is killed", func(w *world, ctx context.Context) error { return w.killServers(ctx, rand.IntN(3)) }},
		{"all servers of the log are killed", func(w *world, ctx context.Context) error { return w.killServers(ctx, 0, 1, 2) }},
		{"a server of the log is paused", (*world).pauseServer},
		{"a node is paused", (*world).pauseNode},
		{"a node's directory is gone once it has told all", (*world).wipe},
	}
}

func (w *world) any() *node { return w.nodes[rand.IntN(len(w.nodes))] }

// rest lets a fault last, or the world recover.
func rest(ctx context.Context, how time.Duration) {
	select {
	case <-time.After(how):
	case <-ctx.Done():
	}
}

func (w *world) killNodes(ctx context.Context, nodes ...*node) error {
	for _, n := range nodes {
		if err := n.kill(); err != nil {
			return err
		}
	}
	rest(ctx, time.Duration(rand.IntN(1500))*time.Millisecond)
	for _, n := range nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) killServers(ctx context.Context, numbers ...int) error {
	for _, i := range numbers {
		if err := w.servers.running[i].Kill(); err != nil {
			return err
		}
	}
	rest(ctx, time.Duration(rand.IntN(3000))*time.Millisecond)
	for _, i := range numbers {
		if err := w.servers.start(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) pauseServer(ctx context.Context) error {
	process := w.servers.running[rand.IntN(len(w.servers.running))]
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	rest(ctx, time.Duration(2000+rand.IntN(4000))*time.Millisecond)
	return process.Signal(syscall.SIGCONT)
}

func (w *world) pauseNode(ctx context.Context) error {
	n := w.any()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.server.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	rest(ctx, time.Duration(1000+rand.IntN(3000))*time.Millisecond)
	return n.server.Signal(syscall.SIGCONT)
}

// wipe removes what a node has on disk, after it was stopped as a node is that is taken
// away: what it had not told would be lost.
func (w *world) wipe(ctx context.Context) error {
	n := w.any()
	n.mu.Lock()
	err := n.server.Stop()
	n.mu.Unlock()
	if err != nil {
		return err
	}
	// A stop waits two seconds at most for the log. One more life makes sure.
	if err := n.start(); err != nil {
		return err
	}
	rest(ctx, 3*time.Second)
	n.mu.Lock()
	err = n.server.Stop()
	n.mu.Unlock()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(n.settings.Data); err != nil {
		return errors.Join(fmt.Errorf("wipe a node: %w", err))
	}
	return n.start()
}
