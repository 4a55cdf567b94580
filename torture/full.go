package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stats-recorder/harness"
)

// fullPlan is a disk that is full for a while, over and over, under load: a
// ballast file takes what the server leaves.
type fullPlan struct {
	filesystem string // tmpfs or ext4
	cycles     int
}

func (p fullPlan) run(ctx context.Context, l *lab) (_ *report, err error) {
	s, err := l.newSiege("full "+p.filesystem, "always", 0)
	if err != nil {
		return nil, err
	}
	d, err := p.mount(ctx, s.room())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.unmount(ctx)) }()
	s.settings.directory = filepath.Join(d.point, "data")
	ballast := filepath.Join(d.point, "ballast")
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		s.settings.snapshotInterval = s.between(50*time.Millisecond, 300*time.Millisecond)
		if err := s.fullOnce(ballast, s.report.cycles%2 == 1); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// mount makes a disk that is large enough for the server, and soon full.
func (p fullPlan) mount(ctx context.Context, directory string) (*disk, error) {
	if p.filesystem == "ext4" {
		return newExt4(ctx, directory, 32, "loop")
	}
	return newTmpfs(ctx, directory, 3<<10)
}

// fullOnce is a life on a disk that gets full. Either it dies there, or there is
// room again and it goes on by itself.
func (s *siege) fullOnce(ballast string, die bool) error {
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err = errors.Join(load.awaitMore(3), fill(ballast))
	if err == nil {
		err = load.await("refusals for want of space", func(now score) bool { return now.refused > 0 })
	}
	if err == nil {
		err = expectReads(life)
	}
	if die {
		return errors.Join(err, life.Kill(), load.join(), s.startOnFullDisk(), os.Remove(ballast))
	}
	err = errors.Join(err, os.Remove(ballast))
	if err == nil {
		err = errors.Join(load.awaitMore(3), load.stop())
	}
	if err == nil {
		err = s.compare(life, tolerance{})
	}
	return errors.Join(err, life.Kill(), load.join())
}

// startOnFullDisk starts a server that may do its work or say that it cannot,
// and must not harm anything.
func (s *siege) startOnFullDisk() error {
	life, err := s.settings.launch()
	if err != nil {
		return err
	}
	err = life.Listen()
	if errors.Is(err, harness.ErrEnded) {
		return life.Expect(givesUp())
	}
	if err == nil {
		err = s.compare(life, tolerance{})
	}
	return errors.Join(err, life.Kill())
}

// limitPlan is a file size limit in the middle of a frame: the journal gets
// short writes, until the limit is lifted.
type limitPlan struct{ cycles int }

func (p limitPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("short writes", "always", 0)
	if err != nil {
		return nil, err
	}
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		// A journal that is replaced often is reached by low limits only.
		s.settings.snapshotInterval = snapshotsNever
		limit := 1000 + s.random.Uint64N(50_000)
		if s.report.cycles%2 == 1 {
			s.settings.snapshotInterval = snapshotsOften
			limit = 50 + s.random.Uint64N(1000)
		}
		if err := s.limitOnce(limit); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

func (s *siege) limitOnce(limit uint64) error {
	const unlimited = 1<<64 - 1
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	process := life.ID()
	if err := limitFileSize(process, limit); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", errUnavailable, err), life.Kill())
	}
	load := startLoad(life.Address, s.ledger)
	err = load.await("refusals for the size limit", func(now score) bool { return now.refused > 0 })
	if err == nil {
		err = errors.Join(expectReads(life), limitFileSize(process, unlimited), load.awaitMore(3), load.stop())
	}
	if err == nil {
		err = s.compare(life, tolerance{})
	}
	return errors.Join(err, life.Kill(), load.join())
}
