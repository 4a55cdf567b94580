package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"stats-recorder/harness"
)

// readers ask a server for an answer, one after the other, while posts are measured.
type readers struct {
	server  *httpTarget
	path    string
	latency *latencies
	stopped atomic.Bool
	running sync.WaitGroup
	mutex   sync.Mutex
	err     error // the first
}

// startReaders starts a number of readers, which may be 0.
func startReaders(ctx context.Context, server *httpTarget, path string, count int, latency *latencies) *readers {
	started := &readers{server: server, path: path, latency: latency}
	for range count {
		started.running.Go(func() { started.read(ctx) })
	}
	return started
}

// stop lets every reader finish its answer and returns the first error of any.
func (r *readers) stop() error {
	r.stopped.Store(true)
	r.running.Wait()
	return r.err
}

func (r *readers) read(ctx context.Context) {
	recorder := r.latency.recorder()
	defer recorder.flush()
	phase := time.Now()
	for !r.stopped.Load() {
		start := time.Now()
		if err := r.readOnce(ctx); err != nil {
			r.mutex.Lock()
			defer r.mutex.Unlock()
			if r.err == nil {
				r.err = err
			}
			return
		}
		recorder.record(start.Sub(phase), time.Since(start))
	}
}

// readOnce reads one answer to its end.
func (r *readers) readOnce(ctx context.Context) error {
	body, err := harness.OpenRead(ctx, r.server.base, r.path)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return fmt.Errorf("read %s under load: %w", r.path, err)
	}
	return nil
}
