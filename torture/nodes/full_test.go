package main

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// limit has the stream take so many bytes, and none more; 0 for those that it has.
func (s *stream) limit(ctx context.Context, bytes int64) error {
	info, err := s.info(ctx)
	if err != nil {
		return err
	}
	if info.Config.MaxBytes = bytes; bytes == 0 {
		info.Config.MaxBytes = int64(info.State.Bytes)
	}
	return again(ctx, func(ctx context.Context) error {
		_, err := s.js.UpdateStream(ctx, info.Config)
		return err
	})
}

// ready says why a node is not, nil if it is.
func (n *node) ready(client *http.Client) error {
	response, err := client.Get("http://" + n.server.Admin + "/readyz")
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// fullLog is a world whose log is about to be full, with a node that acknowledges by its disk and
// one that does so by the log.
type fullLog struct {
	*world
	t             *testing.T
	recorder      string
	byDisk, byLog *node
}

func newFullLog(t *testing.T) *fullLog {
	t.Helper()
	directory := t.TempDir()
	recorder, err := harness.Build(t.Context(), harness.BuildSettings{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	program, err := harness.BuildLogServer(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(t.Context(), plan{directory: directory, recorder: recorder, natsServer: program, network: &network{}, nodes: 1, ack: "disk", say: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	f := &fullLog{world: w, t: t, recorder: recorder, byDisk: w.nodes[0]}
	f.byDisk.settings.Environment = append(f.byDisk.settings.Environment, "LOG_BACKLOG=65536")
	f.byLog, err = newNode(recorder, directory, w.network, 2, w.servers.urls(), []string{"ACK=cluster"})
	if err = errors.Join(err, f.byDisk.stop(), f.byDisk.start()); err != nil {
		t.Fatal(err)
	}
	w.nodes = append(w.nodes, f.byLog)
	if err := f.byLog.start(); err != nil {
		t.Fatal(err)
	}
	w.ledger.begin()
	return f
}

// takes posts to a node, and says whether that was acknowledged.
func (f *fullLog) takes(n *node) bool {
	acknowledged := func() int64 { total, _, _, _ := f.ledger.sums(); return total.acknowledged }
	before := acknowledged()
	f.post(n)
	return acknowledged() > before
}

// refuses posts to a node, and says whether that was refused in words.
func (f *fullLog) refuses(n *node) bool {
	refused := func() int { _, _, refused, _ := f.ledger.sums(); return refused.inWords }
	before := refused()
	f.post(n)
	return refused() > before
}

func (f *fullLog) value(n *node, metric string) float64 {
	f.t.Helper()
	have, err := n.figure(f.client, metric)
	if err != nil {
		f.t.Fatal(err)
	}
	return have
}

// says asks the command status.
func (f *fullLog) says(n *node, words string) bool {
	command := exec.Command(f.recorder, "status", "--during", "10ms", "--admin-addr", n.server.Admin)
	output, _ := command.CombinedOutput() // it exits with 1 where it warns
	return strings.Contains(string(output), words)
}

func (f *fullLog) limitTo(bytes int64) {
	f.t.Helper()
	if err := f.stream.limit(f.t.Context(), bytes); err != nil {
		f.t.Fatal(err)
	}
}

// TestAFullLogCostsNoRecord has the stream of a real log take nothing more, under posts to a node
// with ACK=disk and to one with ACK=cluster, and then take all.
func TestAFullLogCostsNoRecord(t *testing.T) {
	if harnesstest.Scale(0, 1) == 0 {
		t.Skip("it starts three servers of the log and two recorders, and waits for refusals: run with -tags long")
	}
	f := newFullLog(t)
	for _, n := range f.nodes {
		harnesstest.Until(t, "the node takes a post", func() bool { return f.takes(n) })
		harnesstest.Until(t, "the log has all", func() bool { return f.value(n, "stats_recorder_log_waiting_bytes") == 0 && n.ready(f.client) == nil })
	}
	f.limitTo(0)
	f.byDiskTakesPosts()
	f.byDiskRefusesPostsAtItsBacklog()
	waits := f.byLogRefusesPosts()
	f.limitTo(1 << 30)
	<-waits
	f.allIsTold()
}

func (f *fullLog) byDiskTakesPosts() {
	f.t.Helper()
	if !f.takes(f.byDisk) {
		f.t.Error("with ACK=disk a post is not taken because the log is full")
	}
	harnesstest.Until(f.t, "the log takes nothing", func() bool { return f.value(f.byDisk, "stats_recorder_log_failing_seconds") > 0 })
	if !f.takes(f.byDisk) {
		f.t.Error("with ACK=disk a post is not taken while the log takes nothing")
	}
	harnesstest.Until(f.t, "it waits", func() bool { return f.value(f.byDisk, "stats_recorder_log_waiting_bytes") > 0 })
	if err := f.byDisk.ready(f.client); err != nil {
		f.t.Errorf("a node with ACK=disk is not ready: %v", err)
	}
	if f.value(f.byDisk, "stats_recorder_log_trouble") != 1 || !f.says(f.byDisk, "the log that nodes share takes nothing") {
		f.t.Error("neither metric nor status says that the log takes nothing")
	}
}

func (f *fullLog) byDiskRefusesPostsAtItsBacklog() {
	f.t.Helper()
	harnesstest.Until(f.t, "posts are refused at LOG_BACKLOG", func() bool { return f.refuses(f.byDisk) })
	if err := f.byDisk.ready(f.client); err == nil {
		f.t.Error("a node that refuses all posts is ready")
	}
	if !f.says(f.byDisk, "LOG_BACKLOG is") {
		f.t.Error("status does not say that LOG_BACKLOG is reached")
	}
}

// byLogRefusesPosts returns what is closed once the post is answered that came before the node
// knew that the log takes nothing.
func (f *fullLog) byLogRefusesPosts() (waits <-chan struct{}) {
	f.t.Helper()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		f.post(f.byLog) // it is counted, and answered when the log has it
	}()
	harnesstest.Until(f.t, "the node knows that the log takes nothing", func() bool { return f.byLog.ready(f.client) != nil })
	if !f.refuses(f.byLog) {
		f.t.Error("with ACK=cluster a post is not refused while the log takes nothing")
	}
	return answered
}

func (f *fullLog) allIsTold() {
	f.t.Helper()
	for _, n := range f.nodes {
		harnesstest.Until(f.t, "all is told, and the node takes posts again", func() bool {
			untold := f.value(n, "stats_recorder_log_untold_seconds")
			return untold >= 0 && untold < 1 && f.value(n, "stats_recorder_log_trouble") == 0 && n.ready(f.client) == nil
		})
		if !f.takes(n) {
			f.t.Error("a post is not taken after the log takes all again")
		}
	}
	if _, err := f.settle(f.t.Context()); err != nil {
		f.t.Error(err)
	}
	if total, lost, _, _ := f.ledger.sums(); lost > 0 || total.sent != total.acknowledged {
		f.t.Errorf("%d records are lost, and of %d sent %d are answered", lost, total.sent, total.acknowledged)
	}
}
