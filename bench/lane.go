package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"stats-recorder/harness"
)

// lane is a target in a cell, with the traffic that is sent to it. It is used
// by one goroutine.
type lane struct {
	spec      laneSpec
	target    target
	traffic   *workload
	walks     []*walk // of its connections, and of the request whose answer was captured
	clients   int     // how many connections it opens, the first of its walks
	depth     int
	manner    manner
	rate      float64
	directory string                                    // where the target keeps its data; empty when it keeps none here
	emptySize int64                                     // of that directory when the target had started
	restart   func(ctx context.Context) (target, error) // starts the target again on that directory
	rounds    []figures
	latency   *latencies
	read      string     // the path that readers ask for meanwhile
	reading   *latencies // of that
	probes    []string   // paths to read once the load is over
}

// newLane prepares the traffic of a lane.
func newLane(cell cellSpec, spec laneSpec, reached target, traffic *workload) *lane {
	clients, depth := reached.plan(cell.Connections, cell.Pipeline)
	return &lane{
		spec: spec, target: reached, traffic: traffic, rate: cell.Rate,
		walks: newWalks(traffic, clients), clients: clients, depth: depth, manner: cell.manner,
		latency: newLatencies(), reading: newLatencies(), probes: cell.probes,
	}
}

// fillPatience is how long touching all counters may take.
const fillPatience = 10 * time.Minute

// fill sends every request of the workload once, so that all the counters it
// spreads over exist before anything is measured.
func (l *lane) fill(ctx context.Context) error {
	share := (l.traffic.count() + l.clients - 1) / l.clients
	return l.withClients(ctx, func(clients []client) error {
		_, err := runLoad(ctx, clients, phase{duration: fillPatience, depth: l.depth, limit: int64(share)})
		return err
	})
}

// warmUp puts the target under the load of a round without measuring.
func (l *lane) warmUp(ctx context.Context, duration time.Duration) error {
	return l.withClients(ctx, func(clients []client) error {
		_, err := runLoad(ctx, clients, phase{duration: duration, depth: l.depth, rate: l.rate})
		return err
	})
}

// measure puts the target under load for one round. Connecting is not measured,
// nor is the first moment in which the connections get going.
func (l *lane) measure(ctx context.Context, duration time.Duration) error {
	const leadShare = 10
	return l.withClients(ctx, func(clients []client) error {
		lead := phase{duration: duration / leadShare, depth: l.depth, rate: l.rate}
		if _, err := runLoad(ctx, clients, lead); err != nil {
			return err
		}
		before, err := l.usages()
		if err != nil {
			return err
		}
		load, err := l.loadAndRead(ctx, clients, phase{duration: duration, depth: l.depth, rate: l.rate})
		if err != nil {
			return err
		}
		after, err := l.usages()
		if err != nil {
			return err
		}
		l.rounds = append(l.rounds, newFigures(load, before, after))
		l.latency.merge(load.latency)
		return nil
	})
}

// loadAndRead puts the target under load while the lane's readers read.
func (l *lane) loadAndRead(ctx context.Context, clients []client, wanted phase) (*loadResult, error) {
	server, isServer := l.target.(*httpTarget)
	if !isServer || l.spec.Readers == 0 {
		return runLoad(ctx, clients, wanted)
	}
	reading := startReaders(ctx, server, l.read, l.spec.Readers, l.reading)
	load, err := runLoad(ctx, clients, wanted)
	return load, errors.Join(err, reading.stop())
}

// withClients opens the lane's connections for some work and closes them. They
// do not outlive a round, for a server may close connections that are idle
// while other lanes have their turn.
func (l *lane) withClients(ctx context.Context, work func(clients []client) error) error {
	var clients []client
	var err error
	for _, way := range l.walks[:l.clients] {
		var opened client
		if opened, err = l.target.connect(ctx, way, l.manner); err != nil {
			break
		}
		clients = append(clients, opened)
	}
	if err == nil {
		err = work(clients)
	}
	failures := []error{err}
	for _, one := range clients {
		failures = append(failures, one.close())
	}
	return firstFailures(failures)
}

// usages is what both sides of the wire used so far.
type usages struct {
	target    usage
	generator time.Duration
}

func (l *lane) usages() (usages, error) {
	both := usages{}
	var err error
	if both.target, err = known(l.target.usage()); err != nil {
		return usages{}, err
	}
	both.generator, err = known(harness.ProcessorTime(os.Getpid()))
	return both, err
}

// known turns what a system does not tell into nothing.
func known[T any](value T, err error) (T, error) {
	if errors.Is(err, errors.ErrUnsupported) {
		var nothing T
		return nothing, nil
	}
	return value, err
}

// finish compares the target's counts with all that was acknowledged, and
// returns what the lane found.
func (l *lane) finish(ctx context.Context) (laneResult, error) {
	result := laneResult{Name: l.spec.name(), laneSpec: l.spec, Rounds: l.rounds,
		figures: medianFigures(l.rounds), Latency: l.latency.summary(), Verified: l.spec.Kind != ceilingLane}
	used, err := known(l.target.usage())
	if err != nil {
		return laneResult{}, err
	}
	result.Resident, result.Peak = used.resident, used.peak
	if l.spec.Readers > 0 {
		reading := l.reading.summary()
		result.Reading = &reading
	}
	if result.Reads, err = l.probe(ctx); err != nil {
		return laneResult{}, err
	}
	account := harness.NewLedger()
	addAcknowledged(account, l.traffic, acknowledged(l.traffic, l.walks))
	result.Acknowledged, result.Distinct = account.Records(), account.Counters()
	if err := l.target.verify(ctx, account); err != nil {
		return laneResult{}, fmt.Errorf("verify: %w", err)
	}
	if l.directory != "" {
		size, err := directoryBytes(l.directory)
		if err != nil {
			return laneResult{}, err
		}
		result.Kept = divide(float64(size-l.emptySize), float64(result.Acknowledged))
	}
	if l.restart != nil {
		result.Restart, err = l.measureRestart(ctx, account)
	}
	return result, err
}

// measureRestart stops the target and starts it again on the same data, which
// then has to give the same counts.
func (l *lane) measureRestart(ctx context.Context, account *harness.Ledger) (*restartResult, error) {
	if err := l.target.stop(); err != nil {
		return nil, err
	}
	size, err := directoryBytes(l.directory)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	again, err := l.restart(ctx)
	if err != nil {
		return nil, fmt.Errorf("restart: %w", err)
	}
	result := &restartResult{Seconds: time.Since(begin).Seconds(), Bytes: size, Stored: divide(float64(size), float64(account.Counters()))}
	l.target = again
	used, err := known(again.usage())
	if err != nil {
		return nil, err
	}
	result.Resident = used.resident
	if err := again.verify(ctx, account); err != nil {
		return nil, fmt.Errorf("verify after restart: %w", err)
	}
	return result, nil
}

// close ends the target and removes what it kept.
func (l *lane) close() error {
	err := l.target.stop()
	if l.directory != "" {
		err = errors.Join(err, os.RemoveAll(l.directory))
	}
	return err
}
