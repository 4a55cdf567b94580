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

// TestAFullLogCostsNoRecord has the stream of a real log take nothing more, under posts to a node
// with ACK=disk and to one with ACK=cluster, and then take all.
func TestAFullLogCostsNoRecord(t *testing.T) {
	if harnesstest.Scale(0, 1) == 0 {
		t.Skip("it starts three servers of the log and two recorders, and waits for refusals: run with -tags long")
	}
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
	defer func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	}()
	byDisk := w.nodes[0]
	byDisk.settings.Environment = append(byDisk.settings.Environment, "LOG_BACKLOG=65536")
	byLog, err := newNode(recorder, directory, w.network, 2, w.servers.urls(), []string{"ACK=cluster"})
	if err = errors.Join(err, byDisk.stop(), byDisk.start()); err != nil {
		t.Fatal(err)
	}
	w.nodes = append(w.nodes, byLog)
	if err := byLog.start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := func() int64 { total, _, _, _ := w.ledger.sums(); return total.acknowledged }
	refused := func() int { _, _, refused, _ := w.ledger.sums(); return refused.inWords }
	value := func(n *node, metric string) float64 {
		have, err := n.figure(w.client, metric)
		if err != nil {
			t.Fatal(err)
		}
		return have
	}
	says := func(n *node, words string) bool {
		command := exec.Command(recorder, "status", "--during", "10ms", "--admin-addr", n.server.Admin)
		output, _ := command.CombinedOutput() // it exits with 1 where it warns
		return strings.Contains(string(output), words)
	}
	w.ledger.begin()
	for _, n := range w.nodes {
		harnesstest.Until(t, "the node takes a post", func() bool { before := acknowledged(); w.post(n); return acknowledged() > before })
		harnesstest.Until(t, "the log has all", func() bool { return value(n, "stats_recorder_log_waiting_bytes") == 0 && n.ready(w.client) == nil })
	}
	if err := w.stream.limit(t.Context(), 0); err != nil {
		t.Fatal(err)
	}

	before := acknowledged()
	w.post(byDisk)
	if acknowledged() == before {
		t.Error("with ACK=disk a post is not taken because the log is full")
	}
	harnesstest.Until(t, "the log takes nothing", func() bool { return value(byDisk, "stats_recorder_log_failing_seconds") > 0 })
	before = acknowledged()
	w.post(byDisk)
	if acknowledged() == before {
		t.Error("with ACK=disk a post is not taken while the log takes nothing")
	}
	harnesstest.Until(t, "it waits", func() bool { return value(byDisk, "stats_recorder_log_waiting_bytes") > 0 })
	if err := byDisk.ready(w.client); err != nil {
		t.Errorf("a node with ACK=disk is not ready: %v", err)
	}
	if value(byDisk, "stats_recorder_log_trouble") != 1 || !says(byDisk, "the log that nodes share takes nothing") {
		t.Error("neither metric nor status says that the log takes nothing")
	}

	harnesstest.Until(t, "posts are refused at LOG_BACKLOG", func() bool { before := refused(); w.post(byDisk); return refused() > before })
	if err := byDisk.ready(w.client); err == nil {
		t.Error("a node that refuses all posts is ready")
	}
	if !says(byDisk, "LOG_BACKLOG is") {
		t.Error("status does not say that LOG_BACKLOG is reached")
	}

	waits := make(chan struct{})
	go func() {
		defer close(waits)
		w.post(byLog) // it is counted, and answered when the log has it
	}()
	harnesstest.Until(t, "the node knows that the log takes nothing", func() bool { return byLog.ready(w.client) != nil })
	before, refusals := acknowledged(), refused()
	w.post(byLog)
	if acknowledged() != before || refused() != refusals+1 {
		t.Error("with ACK=cluster a post is not refused while the log takes nothing")
	}

	if err := w.stream.limit(t.Context(), 1<<30); err != nil {
		t.Fatal(err)
	}
	<-waits
	for _, n := range w.nodes {
		harnesstest.Until(t, "all is told, and the node takes posts again", func() bool {
			untold := value(n, "stats_recorder_log_untold_seconds")
			return untold >= 0 && untold < 1 && value(n, "stats_recorder_log_trouble") == 0 && n.ready(w.client) == nil
		})
		before := acknowledged()
		w.post(n)
		if acknowledged() == before {
			t.Error("a post is not taken after the log takes all again")
		}
	}
	if _, err := w.settle(t.Context()); err != nil {
		t.Error(err)
	}
	if total, lost, _, _ := w.ledger.sums(); lost > 0 || total.sent != total.acknowledged {
		t.Errorf("%d records are lost, and of %d sent %d are answered", lost, total.sent, total.acknowledged)
	}
}
