package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
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
	for _, a := range s.ledger.accounts {
		const batches = 64
		a.deal(batches)
	}
	pause, err := p.measurePeak(s)
	if err != nil {
		return s.report, err
	}
	cycles := max(1, int(p.length/p.killEvery))
	begun := time.Duration(0) // under load, in all
	for n := range cycles {
		if ctx.Err() != nil {
			break
		}
		kill := p.killEvery*time.Duration(n) + s.between(0, p.killEvery)
		if n == cycles-1 {
			kill = p.length
		}
		if err := p.live(s, pause, begun, kill); err != nil {
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
	load := startLoad(life.address, s.ledger)
	time.Sleep(p.peak) // what is measured
	batches, _ := load.look()
	err = errors.Join(load.stop(), life.stop(), life.kill())
	if err == nil && batches.acknowledged == 0 {
		err = fmt.Errorf("%w: an acknowledgement in %v", errNotInTime, p.peak)
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
func (p soakPlan) live(s *siege, pause, from, to time.Duration) error {
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	load := startPacedLoad(life.address, s.ledger, pause)
	for at := from; at < to; {
		wait := min(p.snapshots, to-at)
		time.Sleep(wait) // the load is what happens
		at += wait
		if err := p.sample(s, life, load, at); err != nil {
			return errors.Join(err, life.kill(), load.join())
		}
	}
	err = errors.Join(life.signal(syscall.SIGKILL), life.expect(ending{signal: syscall.SIGKILL}), load.join())
	return errors.Join(err, life.kill())
}

// sample notes what the server has in memory, and makes sure that it is well.
func (p soakPlan) sample(s *siege, life *server, load *load, at time.Duration) error {
	resident, err := residentBytes(life.command.Process.Pid)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	score, _ := load.look()
	s.report.note("at %v of the load: %d MB, %d batches acknowledged and %d refused in this life",
		at.Round(time.Second), resident>>20, score.acknowledged, score.refused)
	if err == nil && score.refused > 0 {
		err = fmt.Errorf("%w: %d batches were refused, though the disk is fine", errBreach, score.refused)
	}
	return err
}
