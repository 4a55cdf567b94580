package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// soakPlan is half of what the server can take, for long: with snapshots, and
// with kill -9 at a random moment of each part of the time.
type soakPlan struct {
	length time.Duration
	// killEvery is the part in which one kill falls.
	killEvery time.Duration
	// snapshots is SNAPSHOT_INTERVAL, and how often memory is looked at.
	snapshots time.Duration
	// peak is how long the most that the server takes is measured.
	peak time.Duration
}

func standardSoak(length time.Duration) soakPlan {
	return soakPlan{length: length, killEvery: time.Minute, snapshots: 10 * time.Second, peak: 10 * time.Second}
}

func (p soakPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("soak", "always", 0)
	if err != nil {
		return nil, err
	}
	s.settings.snapshotInterval = p.snapshots
	pause, err := p.measurePeak(s)
	if err != nil {
		return s.report, err
	}
	cycles := max(1, int(p.length/p.killEvery))
	memory := soakedMemory{}
	begun := time.Duration(0) // under load, in all
	for n := range cycles {
		if ctx.Err() != nil {
			break
		}
		kill := p.killEvery*time.Duration(n) + s.between(0, p.killEvery)
		if n == cycles-1 {
			kill = p.length
		}
		if err := p.live(s, &memory, pause, begun, kill); err != nil {
			return s.report, err
		}
		begun = kill
		s.cycle(cycles)
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// measurePeak returns how often each connection may send for half of what the
// server takes.
func (p soakPlan) measurePeak(s *siege) (pause time.Duration, err error) {
	life, err := s.recover(tolerance{})
	if err != nil {
		return 0, err
	}
	s.ledger.prepare()
	load := startLoad(life.Address, s.ledger)
	time.Sleep(p.peak) // what is measured
	batches, _ := load.look()
	err = errors.Join(load.stop(), life.Stop(), life.Kill())
	if err == nil && batches.acknowledged == 0 {
		err = fmt.Errorf("%w: an acknowledgement in %v", harness.ErrNotInTime, p.peak)
	}
	if err != nil {
		return 0, err
	}
	rate := float64(batches.acknowledged) / p.peak.Seconds()
	s.report.note("the most were %.0f batches a second", rate)
	return time.Duration(2 * float64(len(s.ledger.accounts)) / rate * float64(time.Second)), nil
}

// live loads one life of the server from one time of the soak to another, and
// kills it then.
func (p soakPlan) live(s *siege, memory *soakedMemory, pause, from, to time.Duration) error {
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	s.ledger.prepare()
	load := startPacedLoad(life.Address, s.ledger, pause)
	for at := from; at < to; {
		wait := min(p.snapshots, to-at)
		time.Sleep(wait) // the load is what happens
		at += wait
		if err := p.sample(s, memory, life, load, at); err != nil {
			return errors.Join(err, life.Kill(), load.join())
		}
	}
	err = errors.Join(life.Signal(syscall.SIGKILL), life.Expect(harness.Ending{Signal: syscall.SIGKILL}), load.join())
	return errors.Join(err, life.Kill())
}

// soakedMemory is the most that the server had in memory in the first life, and
// since.
type soakedMemory struct{ first, most int64 }

// memoryAllowance is what a life may have more in memory than the first one: the
// first may be short, and what a snapshot takes at the moment of the look differs.
const memoryAllowance = 64 << 20

// sample notes what the server has in memory, and makes sure that this does not
// grow from life to life, and that nothing is refused.
func (p soakPlan) sample(s *siege, memory *soakedMemory, life *harness.Server, load *load, at time.Duration) error {
	score, _ := load.look()
	if score.refused > 0 {
		return fmt.Errorf("%w: %d batches were refused, though the disk is fine", errBreach, score.refused)
	}
	resident, err := residentBytes(life.ID())
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	s.report.note("at %v of the load: %d MB, %d batches acknowledged in this life", at.Round(time.Second), resident>>20, score.acknowledged)
	memory.most = max(memory.most, resident)
	if s.report.cycles == 0 {
		memory.first = memory.most
	}
	if memory.most > memory.first+memoryAllowance {
		return fmt.Errorf("%w: its memory grew from %d to %d MB", errBreach, memory.first>>20, memory.most>>20)
	}
	return nil
}
