package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// memoryPlan is a server with all defaults in a control group with little memory, and
// strangers who send and ask for what takes most of it. Each cycle is a directory of
// three lives: one that a signal ends under load, one that is killed, and a last one.
// Nothing may be killed for memory, and what was acknowledged must count, beyond the
// limits under __other__.
type memoryPlan struct {
	cycles int
	load   time.Duration
}

// The cells of the plan: each cycle is the next one.
var (
	memorySizes      = []int64{128 << 20, 256 << 20, 512 << 20}
	memoryProcessors = []int{1, 16, 64}
)

// errMemory is wrapped by the error for a server that was killed for memory.
var errMemory = errors.New("killed for want of memory")

func (p memoryPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("memory", "always", 0)
	if err != nil {
		return nil, err
	}
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		size := memorySizes[s.report.cycles%len(memorySizes)]
		processors := memoryProcessors[s.report.cycles/len(memorySizes)%len(memoryProcessors)]
		if err := p.starve(ctx, s, size, processors); err != nil {
			return s.report, fmt.Errorf("%d MB, GOMAXPROCS=%d: %w", size>>20, processors, err)
		}
		if err := os.RemoveAll(s.settings.directory); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	return s.report, ctx.Err()
}

// starve is a cycle.
func (p memoryPlan) starve(ctx context.Context, s *siege, size int64, processors int) (err error) {
	group, err := newMemoryGroup(size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.remove()) }()
	settings := harness.Settings{
		Program: s.settings.program, Data: s.settings.directory, Inherited: os.Environ(), Tracer: group.tracer(),
		Environment: []string{fmt.Sprint("GOMAXPROCS=", processors), "SNAPSHOT_INTERVAL=1s", "LOG_LEVEL=info"},
	}
	strangers := &strangers{seed: s.random.Uint64()}
	for _, end := range []func(*harness.Server) error{(*harness.Server).Stop, (*harness.Server).Kill, (*harness.Server).Stop} {
		if err := p.live(ctx, settings, strangers, end); err != nil {
			if killed := group.killed(); killed > 0 {
				err = fmt.Errorf("%w: %w", errMemory, err)
			}
			return err
		}
	}
	s.report.verdict.compared += strangers.acknowledged.Load()
	s.report.note("%d MB, GOMAXPROCS=%d: %d records, at most %d MB in use, %d reads, %d refused", size>>20, processors,
		strangers.acknowledged.Load(), group.peak()>>20, strangers.reads.Load(), strangers.refused.Load())
	return nil
}

// live starts a server, compares what it has, and ends it under load.
func (p memoryPlan) live(ctx context.Context, settings harness.Settings, strangers *strangers, end func(*harness.Server) error) error {
	life, err := settings.Start()
	if err != nil {
		return err
	}
	if err := strangers.expectCounted(life); err != nil {
		return errors.Join(err, life.Kill())
	}
	flood, stop := context.WithTimeout(ctx, p.load)
	defer stop()
	done := strangers.flood(flood, life.Address)
	<-flood.Done()
	if signalled := life.Signal(syscall.Signal(0)); signalled != nil { // it must be alive
		<-done
		return signalled
	}
	err = end(life)
	<-done
	return err
}

// expectCounted compares the records that a server counts with those that it
// acknowledged; those whose answer never came may count or not.
func (s *strangers) expectCounted(life *harness.Server) error {
	response, err := http.Get("http://" + life.Address + "/benefits")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var benefits []struct{ Events map[string]uint64 }
	if err := json.Unmarshal(body, &benefits); err != nil {
		return fmt.Errorf("status %d, %.100q: %w", response.StatusCode, body, err)
	}
	have, least, unknown := uint64(0), s.acknowledged.Load(), s.unknown.Load()
	for _, benefit := range benefits {
		for _, count := range benefit.Events {
			have += count
		}
	}
	if have < least || have > least+unknown {
		return fmt.Errorf("%w: %d records, want %d to %d", errLoss, have, least, least+unknown)
	}
	// What is not known is known now.
	s.acknowledged.Store(have)
	s.unknown.Store(0)
	return nil
}
