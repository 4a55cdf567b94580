package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// phase is a stretch of load on one target.
type phase struct {
	duration time.Duration
	depth    int     // requests that a client sends at once
	limit    int64   // requests after which a client stops, in a closed loop; 0 is none
	rate     float64 // requests per second over all clients; 0 is as fast as they are answered
}

// patience is how long a server may take for an answer before the run fails.
const patience = 30 * time.Second

// loadResult is what the load generator saw of one phase.
type loadResult struct {
	requests int64
	records  int64
	unsent   int64 // intended in time but never sent, in an open loop
	elapsed  time.Duration
	latency  *latencies
}

// runLoad puts a target under load through its clients, each in a goroutine of
// its own. It returns when every request that was sent is acknowledged; the
// first error stops all of them.
func runLoad(ctx context.Context, clients []client, wanted phase) (*loadResult, error) {
	shared := &loadRun{phase: wanted, latency: newLatencies()}
	stop := context.AfterFunc(ctx, func() { shared.stopped.Store(true) })
	defer stop()
	shared.start = time.Now()
	for _, one := range clients {
		if err := one.expire(shared.start.Add(2*wanted.duration + patience)); err != nil {
			return nil, err
		}
	}
	if wanted.rate > 0 {
		var err error
		if shared.tickets, err = startPacer(shared.start, wanted, &shared.stopped); err != nil {
			return nil, err
		}
	}
	results := make([]clientResult, len(clients))
	var running sync.WaitGroup
	for position, one := range clients {
		running.Go(func() { results[position] = shared.drive(one) })
	}
	running.Wait()
	shared.finishPacing()
	return shared.collect(ctx, results)
}

// loadRun is what the clients of a phase share.
type loadRun struct {
	phase   phase
	start   time.Time
	stopped atomic.Bool
	tickets <-chan time.Duration // nil in a closed loop
	latency *latencies
	unsent  atomic.Int64
}

type clientResult struct {
	requests int64
	records  int64
	err      error
}

func (run *loadRun) collect(ctx context.Context, results []clientResult) (*loadResult, error) {
	sum := &loadResult{elapsed: time.Since(run.start), latency: run.latency, unsent: run.unsent.Load()}
	var failures []error
	for _, one := range results {
		sum.requests += one.requests
		sum.records += one.records
		failures = append(failures, one.err)
	}
	if err := errors.Join(firstFailures(failures), ctx.Err()); err != nil {
		return nil, err
	}
	return sum, nil
}

// firstFailures keeps the first errors only: when a server dies, all of its
// connections say so.
func firstFailures(failures []error) error {
	const kept = 3
	var first []error
	for _, err := range failures {
		if err != nil && len(first) < kept {
			first = append(first, err)
		}
	}
	return errors.Join(first...)
}

// drive lets one client work until the phase is over.
func (run *loadRun) drive(one client) clientResult {
	var result clientResult
	if run.tickets == nil {
		result = run.driveClosed(one)
	} else {
		result = run.driveOpen(one)
	}
	if result.err != nil {
		run.stopped.Store(true)
	}
	return result
}

// driveClosed sends the next requests as soon as the last are answered. The
// latency of requests sent at once is that of the last of them.
func (run *loadRun) driveClosed(one client) clientResult {
	result := clientResult{}
	recorder := run.latency.recorder()
	defer recorder.flush()
	for now := time.Since(run.start); now < run.phase.duration && !run.stopped.Load(); {
		if limit := run.phase.limit; limit > 0 && result.requests >= limit {
			break
		}
		records, err := one.exchange(run.phase.depth)
		if err != nil {
			result.err = err
			return result
		}
		end := time.Since(run.start)
		for range run.phase.depth {
			recorder.record(now, end-now)
		}
		now = end
		result.requests += int64(run.phase.depth)
		result.records += int64(records)
	}
	return result
}
