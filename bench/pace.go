package main

import (
	"sync/atomic"
	"time"
)

// An open loop sends requests when they are due, whether or not earlier ones
// are answered, as independent visitors do. The latency of a request is counted
// from the time it was due: a server that stalls is charged for all that wait,
// not only for the one it was working on (no coordinated omission).

// overtime is how long after the end of a phase requests that were due in it are
// still sent. What is left then is reported as unsent.
const overtime = time.Second

// pulseInterval is how often the pacer looks what is due. A request is sent up to
// that much late, which counts as the server's latency. Waking for each request
// instead took a tenth more of the processor time that the generator takes from
// the server, and at half of full load made its p99 half as long again.
const pulseInterval = 250 * time.Microsecond

// waitingTickets bounds how many due requests wait for a free connection. The
// pacer blocks beyond it, which changes nothing: due times are computed.
const waitingTickets = 1 << 16

// startPacer returns a channel of the due times of a phase's requests, since
// its start, each sent when it is due. The channel is closed after the last.
func startPacer(start time.Time, wanted phase, stopped *atomic.Bool) (<-chan time.Duration, error) {
	beat, err := newPulse(pulseInterval)
	if err != nil {
		return nil, err
	}
	tickets := make(chan time.Duration, waitingTickets)
	go func() {
		defer close(tickets)
		defer beat.stop()
		interval := float64(time.Second) / wanted.rate
		for number := 0; !stopped.Load(); number++ {
			due := time.Duration(float64(number) * interval)
			if due >= wanted.duration {
				return
			}
			for due > time.Since(start) {
				beat.await()
			}
			tickets <- due
		}
	}()
	return tickets, nil
}

// driveOpen sends requests as they fall due, several at once only when several
// are due and the phase pipelines.
func (run *loadRun) driveOpen(one client) clientResult {
	result := clientResult{}
	recorder := run.latency.recorder()
	defer recorder.flush()
	due := make([]time.Duration, 0, run.phase.depth)
	for first := range run.tickets {
		if time.Since(run.start) > run.phase.duration+overtime {
			run.countUnsent(first)
			return result
		}
		due = run.takeDue(append(due[:0], first))
		records, err := one.exchange(len(due))
		if err != nil {
			result.err = err
			return result
		}
		end := time.Since(run.start)
		for _, intended := range due {
			recorder.record(intended, end-intended)
		}
		result.requests += int64(len(due))
		result.records += int64(records)
	}
	return result
}

// takeDue appends requests that are due already, up to the capacity.
func (run *loadRun) takeDue(due []time.Duration) []time.Duration {
	for len(due) < cap(due) {
		select {
		case next, open := <-run.tickets:
			if !open {
				return due
			}
			due = append(due, next)
		default:
			return due
		}
	}
	return due
}

// finishPacing ends the pacer, once all clients are done, and counts what was
// due and never sent.
func (run *loadRun) finishPacing() {
	if run.tickets == nil {
		return
	}
	for due := range run.tickets {
		run.countUnsent(due)
	}
}

// countUnsent notes a request that was due and never sent. It has waited at
// least until now, so the latencies have it too.
func (run *loadRun) countUnsent(due time.Duration) {
	run.unsent.Add(1)
	recorder := run.latency.recorder()
	recorder.record(due, time.Since(run.start)-due)
	recorder.flush()
}
