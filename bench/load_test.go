package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// fakeClient acknowledges after a delay that depends on how many it had before.
type fakeClient struct {
	mutex sync.Mutex
	sent  int
	delay func(sent int) time.Duration
	fail  int // exchange that fails; 0 is none
}

var errFake = errors.New("fake failure")

func (c *fakeClient) exchange(requests int) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.delay != nil {
		time.Sleep(c.delay(c.sent))
	}
	c.sent += requests
	if c.fail > 0 && c.sent >= c.fail {
		return 0, errFake
	}
	return 3 * requests, nil
}

func (c *fakeClient) expire(time.Time) error { return nil }

func (c *fakeClient) close() error { return nil }

func TestOpenLoopChargesTheWholeStall(t *testing.T) {
	// One stall of 200 ms at a thousand requests a second: 200 of them are due
	// meanwhile, and wait 100 ms on average. A generator that only times what it
	// is doing would see a single slow request.
	stalling := &fakeClient{delay: func(sent int) time.Duration {
		if sent == 50 {
			return 200 * time.Millisecond
		}
		return 0
	}}
	load, err := runLoad(context.Background(), []client{stalling}, phase{duration: 500 * time.Millisecond, depth: 1, rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if load.requests != 500 || load.records != 1500 || load.unsent != 0 {
		t.Fatalf("%d requests, %d records, %d unsent", load.requests, load.records, load.unsent)
	}
	slow := 0.0
	for percentile := 99.9; percentile > 0; percentile -= 0.1 {
		if load.latency.histogram.ValueAtPercentile(percentile) > int64(20*time.Millisecond) {
			slow += 0.1
		}
	}
	if slow < 30 || slow > 60 { // 180 of 500 are due in the first 180 ms of the stall
		t.Errorf("%.0f %% of the requests waited more than 20 ms", slow)
	}
	if summary := load.latency.summary(); summary.Max < 195*time.Millisecond {
		t.Errorf("the longest wait was %v", summary.Max)
	}
}

func TestOpenLoopTellsWhatItCouldNotSend(t *testing.T) {
	slow := &fakeClient{delay: func(int) time.Duration { return 100 * time.Millisecond }}
	load, err := runLoad(context.Background(), []client{slow}, phase{duration: 200 * time.Millisecond, depth: 1, rate: 500})
	if err != nil {
		t.Fatal(err)
	}
	if load.requests+load.unsent != 100 || load.unsent < 80 {
		t.Errorf("%d requests and %d unsent, of 100 that were due", load.requests, load.unsent)
	}
	if summary := load.latency.summary(); summary.Median < overtime {
		t.Errorf("half of the unsent requests waited less than %v", summary.Median)
	}
	if count := load.latency.histogram.TotalCount(); count != 100 {
		t.Errorf("%d latencies", count)
	}
}

func TestClosedLoopCountsWhatIsAcknowledged(t *testing.T) {
	clients := []*fakeClient{{}, {}}
	load, err := runLoad(context.Background(), []client{clients[0], clients[1]}, phase{duration: 20 * time.Millisecond, depth: 4})
	if err != nil {
		t.Fatal(err)
	}
	sent := int64(clients[0].sent + clients[1].sent)
	if load.requests != sent || load.records != 3*sent || load.latency.histogram.TotalCount() != sent {
		t.Errorf("%d requests, %d records, %d latencies of %d sent", load.requests, load.records, load.latency.histogram.TotalCount(), sent)
	}
}

func TestClosedLoopStopsAtItsLimit(t *testing.T) {
	limited := &fakeClient{}
	load, err := runLoad(context.Background(), []client{limited}, phase{duration: time.Minute, depth: 2, limit: 10})
	if err != nil || load.requests != 10 {
		t.Fatal(load, err)
	}
}

func TestOneFailureEndsTheLoad(t *testing.T) {
	for _, rate := range []float64{0, 1000} {
		failing, endless := &fakeClient{fail: 5}, &fakeClient{}
		started := time.Now()
		_, err := runLoad(context.Background(), []client{failing, endless}, phase{duration: time.Minute, depth: 1, rate: rate})
		if !errors.Is(err, errFake) || time.Since(started) > 10*time.Second {
			t.Errorf("rate %v: %v after %v", rate, err, time.Since(started))
		}
	}
}

func TestCancellingEndsTheLoad(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := runLoad(ctx, []client{&fakeClient{}}, phase{duration: time.Minute, depth: 1})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
