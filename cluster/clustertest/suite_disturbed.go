package clustertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
)

const (
	disturbedWriters = 3
	// framesAfter is how many frames of each writer are acknowledged before, during and
	// after the disturbance.
	framesAfter = 15
)

// TestDisturbed appends to a log while it is disturbed, and expects each frame that
// was acknowledged in it once, and the same order for all readers. It is part of
// TestLog, for one kind of disturbance.
func TestDisturbed(t *testing.T, c Cluster) {
	ctx := within(t)
	reader := c.Open(t).Log
	_, start := bounds(t, reader)
	writers := make([]*disturbedWriter, disturbedWriters)
	var writing sync.WaitGroup
	stop := make(chan struct{})
	for i := range writers {
		writers[i] = &disturbedWriter{log: c.Open(t).Log, origin: cluster.NewOrigin(), acknowledged: make(chan struct{})}
		writing.Go(func() { writers[i].run(ctx, t, stop) })
	}
	awaitFrames(t, writers)
	calm := c.Disturb(t)
	awaitFrames(t, writers)
	calm()
	awaitFrames(t, writers)
	close(stop)
	writing.Wait()

	last := start
	for _, writer := range writers {
		if end := writer.at[len(writer.at)-1]; end.Sequence > last.Sequence {
			last = end
		}
	}
	frames := readUpTo(t, reader, start, last)
	others := readUpTo(t, writers[0].log, start, last)
	for i := range frames {
		if frames[i].at != others[i].at || frames[i].frame.Sequence != others[i].frame.Sequence {
			t.Fatalf("readers differ at %s and %s", frames[i].at, others[i].at)
		}
	}
	longest := time.Duration(0)
	for _, writer := range writers {
		writer.expect(t, frames)
		longest = max(longest, writer.longest)
	}
	t.Logf("%d frames; the longest time without an acknowledgement was %s", len(frames), longest.Round(time.Millisecond))
}

func awaitFrames(t *testing.T, writers []*disturbedWriter) {
	t.Helper()
	for range framesAfter {
		for _, writer := range writers {
			select {
			case <-writer.acknowledged:
			case <-time.After(patience):
				t.Fatal("no frame was acknowledged for as long as the test has patience")
			}
		}
	}
}

// A disturbedWriter appends frames until it is stopped, each until it is acknowledged.
type disturbedWriter struct {
	log          cluster.Log
	origin       cluster.Origin
	acknowledged chan struct{}
	at           []cluster.Position // of frame 1, 2, …
	longest      time.Duration      // that a frame took
}

func (w *disturbedWriter) run(ctx context.Context, t *testing.T, stop <-chan struct{}) {
	for sequence := uint64(1); ; sequence++ {
		began := time.Now()
		frame := numbered(w.origin, sequence)
		at, err := persist(ctx, func(ctx context.Context) (cluster.Position, error) { return w.log.Append(ctx, frame) })
		if err != nil {
			t.Errorf("frame %d of %s: %v", sequence, w.origin, err)
			return
		}
		w.at = append(w.at, at)
		w.longest = max(w.longest, time.Since(began))
		select {
		case w.acknowledged <- struct{}{}:
		case <-stop:
			return
		}
	}
}

// expect expects all frames of the writer where they were acknowledged, and nowhere
// else.
func (w *disturbedWriter) expect(t *testing.T, frames []placed) {
	t.Helper()
	next := 0
	for _, placed := range frames {
		if placed.frame.Origin != w.origin {
			continue
		}
		if next == len(w.at) || placed.at != w.at[next] || placed.frame.Sequence != uint64(next+1) {
			t.Fatalf("the log has frame %d of %s at %s, want those at %v", placed.frame.Sequence, w.origin, placed.at, w.at)
		}
		next++
	}
	if next != len(w.at) {
		t.Fatalf("the log has %d frames of %s, %d were acknowledged", next, w.origin, len(w.at))
	}
}
