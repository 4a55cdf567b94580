package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// A fault breaks something and mends it.
type fault struct {
	name string
	// cuts says that it needs a network that can be cut, and a disk that can be filled.
	cuts bool
	// loses says that a disk is gone for good.
	loses bool
	do    func(w *world, ctx context.Context) error
}

// faults are all that a world can be made to suffer. The first are those of the short test.
func faults() []fault {
	return []fault{
		{name: "a node is killed", do: func(w *world, ctx context.Context) error { return w.killNodes(ctx, w.any()) }},
		{name: "all nodes are killed", do: func(w *world, ctx context.Context) error { return w.killNodes(ctx, w.nodes...) }},
		{name: "a server of the log is killed", do: func(w *world, ctx context.Context) error { return w.killServers(ctx, w.random.IntN(3)) }},
		{name: "two servers of the log are killed", do: (*world).killTwoServers},
		{name: "all servers of the log are killed", do: func(w *world, ctx context.Context) error { return w.killServers(ctx, 0, 1, 2) }},
		{name: "everything is killed", do: (*world).killAll},
		{name: "a node is paused", do: func(w *world, ctx context.Context) error { return w.pause(ctx, w.any().server.Process) }},
		{name: "the leader of the log is paused", do: (*world).pauseLeader},
		{name: "everything is paused", do: (*world).pauseAll},
		{name: "frames are in the log twice", do: func(w *world, ctx context.Context) error { return w.stream.repeat(ctx, 20) }},
		{name: "the stream is deleted", do: (*world).deleteStream},
		{name: "a directory comes back from a backup", do: (*world).restore},
		{name: "a dump is imported into a node, and the import killed", do: (*world).importDump},
		{name: "a node's disk is gone for good", loses: true, do: (*world).loseNode},
		{name: "a node's disk is gone for good while the log takes nothing", loses: true, do: (*world).loseNodeWithoutLog},
		{name: "a machine's disk is gone for good, node and server", loses: true, do: (*world).loseMachine},
		{name: "the leader of the log is cut off", cuts: true, do: cutServer(true, incoming, outgoing)},
		{name: "a follower of the log is cut off", cuts: true, do: cutServer(false, incoming, outgoing)},
		{name: "all servers of the log are cut off from each other", cuts: true, do: (*world).cutAll},
		{name: "the leader of the log is not heard", cuts: true, do: cutServer(true, outgoing)},
		{name: "the leader of the log hears nothing", cuts: true, do: cutServer(true, incoming)},
		{name: "a node is cut off from the log", cuts: true, do: cutNode(incoming, outgoing)},
		{name: "a node is not heard by the log", cuts: true, do: cutNode(outgoing)},
		{name: "a node hears nothing of the log", cuts: true, do: cutNode(incoming)},
		{name: "the disk of a server of the log is full", cuts: true, do: (*world).fillDisk},
	}
}

func (w *world) any() *node { return w.nodes[w.random.IntN(len(w.nodes))] }

// between is a time between two others.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)))
}

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
	rest(ctx, w.between(0, 1500*time.Millisecond))
	return startNodes(nodes)
}

func startNodes(nodes []*node) error {
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
	rest(ctx, w.between(0, 3*time.Second))
	return w.startServers(numbers...)
}

func (w *world) startServers(numbers ...int) error {
	for _, i := range numbers {
		if err := w.servers.start(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) killTwoServers(ctx context.Context) error {
	left := w.random.IntN(3)
	return w.killServers(ctx, (left+1)%3, (left+2)%3)
}

func (w *world) killAll(ctx context.Context) error {
	for _, n := range w.nodes {
		if err := n.kill(); err != nil {
			return err
		}
	}
	if err := w.killServers(ctx, 0, 1, 2); err != nil {
		return err
	}
	return startNodes(w.nodes)
}

// pause stops processes for some seconds.
func (w *world) pause(ctx context.Context, processes ...*harness.Process) (err error) {
	for _, process := range processes {
		err = errors.Join(err, process.Signal(syscall.SIGSTOP))
	}
	rest(ctx, w.between(2*time.Second, 8*time.Second))
	for _, process := range processes {
		err = errors.Join(err, process.Signal(syscall.SIGCONT))
	}
	return err
}

func (w *world) pauseLeader(ctx context.Context) error {
	leader, err := w.leader(ctx)
	if err != nil {
		return err
	}
	return w.pause(ctx, w.servers.running[leader])
}

func (w *world) pauseAll(ctx context.Context) error {
	processes := slices.Clone(w.servers.running)
	for _, n := range w.nodes {
		processes = append(processes, n.server.Process)
	}
	return w.pause(ctx, processes...)
}

// leader is the number of the server that leads the stream.
func (w *world) leader(ctx context.Context) (int, error) {
	info, err := w.stream.info(ctx)
	if err != nil {
		return 0, err
	}
	for i := range w.servers.running {
		if w.servers.name(i) == info.Cluster.Leader {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no server is called %q", info.Cluster.Leader)
}

// deleteStream deletes the stream, and does what an operator must do then.
func (w *world) deleteStream(ctx context.Context) error {
	if err := w.stream.delete(ctx); err != nil {
		return err
	}
	rest(ctx, w.between(0, 4*time.Second))
	for _, n := range w.nodes {
		if err := n.stop(); err != nil {
			return err
		}
	}
	for _, n := range w.nodes {
		if err := again(ctx, func(context.Context) error {
			_, err := n.program("cluster", "adopt")
			return err
		}); err != nil {
			return err
		}
	}
	if err := w.stream.shortenWindow(ctx); err != nil {
		return err
	}
	return startNodes(w.nodes)
}

// restore brings back an old copy of a node's directory, made as the node was killed, so
// that the copy has counts that it told later. The node itself has told all when it is
// taken away: what it had not told would be lost.
func (w *world) restore(ctx context.Context) error {
	n := w.any()
	if err := n.kill(); err != nil {
		return err
	}
	backup := n.settings.Data + "-backup"
	if err := os.CopyFS(backup, os.DirFS(n.settings.Data)); err != nil {
		return err
	}
	if err := n.start(); err != nil {
		return err
	}
	rest(ctx, w.between(time.Second, 4*time.Second))
	if err := w.stopTold(ctx, n); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(n.settings.Data), os.Rename(backup, n.settings.Data)); err != nil {
		return err
	}
	return n.start()
}

// stopTold stops a node at a moment when the log has all that it has acknowledged.
func (w *world) stopTold(ctx context.Context, n *node) error {
	if err := n.stop(); err != nil {
		return err
	}
	// A stop waits two seconds at most for the log. A life without posts makes sure.
	at := n.settings
	at.Environment = append(slices.Clone(at.Environment), "HOST="+n.site.host, "PORT=0")
	quiet := &node{site: n.site, settings: at}
	if err := quiet.start(); err != nil {
		return err
	}
	err := again(ctx, func(context.Context) error { return w.hasTold(quiet) })
	return errors.Join(err, quiet.stop())
}

// hasTold says what a node that gets no posts has yet to tell.
func (w *world) hasTold(n *node) error {
	return errors.Join(
		w.expect(n, "stats_recorder_log_joined", 1),
		w.expect(n, "stats_recorder_log_waiting_bytes", 0),
		w.expect(n, "stats_recorder_log_failing_seconds", 0),
	)
}

// roundTrip is how long the log may take to get a frame on a busy machine.
const roundTrip = 2 * time.Second

// loseNode takes a node's disk away under load, for good. With ACK=disk what the node
// acknowledged in the last window may be lost.
func (w *world) loseNode(ctx context.Context) error {
	n := w.any()
	if err := w.loseDirectory(ctx, n, w.awaitLog, window+roundTrip); err != nil {
		return err
	}
	rest(ctx, w.between(0, 3*time.Second))
	return n.start()
}

// loseNodeWithoutLog is loseNode when most servers of the log have been away for some time:
// all of that may be lost.
func (w *world) loseNodeWithoutLog(ctx context.Context) error {
	n, left := w.any(), w.random.IntN(3)
	if err := w.awaitLog(ctx); err != nil {
		return err
	}
	away := []int{(left + 1) % 3, (left + 2) % 3}
	began := time.Now()
	for _, i := range away {
		if err := w.servers.running[i].Kill(); err != nil {
			return err
		}
	}
	rest(ctx, w.between(2*time.Second, 8*time.Second))
	err := w.loseDirectory(ctx, n, func(context.Context) error { return nil }, time.Since(began)+window+roundTrip)
	if err != nil {
		return err
	}
	if err := w.startServers(away...); err != nil {
		return err
	}
	return n.start()
}

// awaitLog waits until the log takes what nodes tell and all servers have all of it: what
// is promised for one fault is not promised for two.
func (w *world) awaitLog(ctx context.Context) error {
	if err := w.stream.whole(ctx); err != nil {
		return err
	}
	return again(ctx, func(context.Context) (err error) {
		for _, n := range w.nodes {
			err = errors.Join(err, w.expect(n, "stats_recorder_log_joined", 1), w.expect(n, "stats_recorder_log_failing_seconds", 0))
		}
		return err
	})
}

// expect returns an error unless a metric of a node has a value.
func (w *world) expect(n *node, metric string, want float64) error {
	have, err := n.figure(w.client, metric)
	if err == nil && have != want {
		err = fmt.Errorf("%s is %v, want %v", metric, have, want)
	}
	return err
}

// loseDirectory kills a node and removes its directory once the world is ready for it and the
// node says that the log lacks at most so much of what it has acknowledged. With ACK=disk the
// ledger expects everything that is older than what the node says, and with ACK=cluster all.
func (w *world) loseDirectory(ctx context.Context, n *node, ready func(context.Context) error, most time.Duration) error {
	var told time.Time
	err := again(ctx, func(ctx context.Context) error {
		if err := ready(ctx); err != nil {
			return err
		}
		asked := time.Now()
		untold, err := n.figure(w.client, "stats_recorder_log_untold_seconds")
		if err != nil {
			return err
		}
		told = asked.Add(-time.Duration(untold * float64(time.Second)))
		if untold < 0 || time.Since(told) > most {
			return fmt.Errorf("%w: the oldest that it has not told is %v s old, want at most %v", errWrong, untold, most)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := n.kill(); err != nil {
		return err
	}
	w.disks++
	if w.byDisk {
		after := time.Since(told)
		mayBeLost, err := w.ledger.loseDisk(n, told)
		if err != nil {
			return err
		}
		w.say("the disk is gone; what it acknowledged in its last %v may be lost, at least %d records", after.Round(time.Millisecond), mayBeLost)
	}
	return os.RemoveAll(n.settings.Data)
}

// loseMachine takes the disk of a node and of the server beside it.
func (w *world) loseMachine(ctx context.Context) error {
	i := w.random.IntN(min(len(w.nodes), len(w.servers.running)))
	if err := w.loseDirectory(ctx, w.nodes[i], w.awaitLog, window+roundTrip); err != nil {
		return err
	}
	if err := errors.Join(w.servers.running[i].Kill(), w.servers.lose(i)); err != nil {
		return err
	}
	rest(ctx, w.between(0, 3*time.Second))
	if err := errors.Join(w.servers.start(i), w.nodes[i].start()); err != nil {
		return err
	}
	return w.stream.whole(ctx)
}
