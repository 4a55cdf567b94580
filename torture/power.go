package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"stats-recorder/harness"
)

// powerPlan is a loss of power, over and over: the data directory is on an ext4
// of its own, which forgets under load what is not on its device.
type powerPlan struct {
	durability string
	cycles     int
	// load is how long the longest load lasts before the power fails, beyond what
	// the mode may lose.
	load time.Duration
}

// everySecondPower is what DURABILITY=everysec may lose with the power: a
// second, what a sync takes, and some allowance for a busy machine.
const everySecondPower = 1500 * time.Millisecond

func (p powerPlan) run(ctx context.Context, l *lab) (_ *report, err error) {
	s, err := l.newSiege("power loss, "+p.durability, p.durability, 0)
	if err != nil {
		return nil, err
	}
	d, err := newExt4(ctx, s.room(), 256, "loop,data=ordered")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.unmount(ctx)) }()
	s.report.note("ext4 on a loop device, FS_IOC_SHUTDOWN without a log flush")
	s.settings.directory = filepath.Join(d.point, "data")
	atLeast := 10 * time.Millisecond
	if p.durability == "everysec" {
		atLeast += everySecondPower
	}
	var allowed tolerance
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		s.settings.snapshotInterval = s.between(50*time.Millisecond, 300*time.Millisecond)
		// Sometimes only the process dies first: what it had written and not
		// synced is then recovered from memory, and must be made durable.
		if s.report.cycles%2 == 1 {
			if allowed, err = s.crashBefore(l.failpoints, allowed); err != nil {
				return s.report, err
			}
		}
		if allowed, err = s.losePower(ctx, d, allowed, atLeast+s.between(0, p.load)); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	err = errors.Join(ctx.Err(), s.finish(allowed))
	s.noteForgiven()
	return s.report, err
}

// crashBefore is a life that ends with the process only: where each commit is
// synced, between write and sync, else at random.
func (s *siege) crashBefore(failpoints string, allowed tolerance) (tolerance, error) {
	life, err := s.recover(allowed)
	if err != nil {
		return allowed, err
	}
	if s.settings.durability != "always" {
		allowed, err = s.killUnderLoad(life, s.between(time.Millisecond, 300*time.Millisecond))
		return allowed, errors.Join(err, life.Kill())
	}
	if err := life.Kill(); err != nil {
		return allowed, err
	}
	plain := s.settings
	defer func() { s.settings = plain }()
	s.settings.program = failpoints
	// The first times are those of a file's header.
	point := crashPoint{place: "journal.sync.before", occurrence: 3 + s.random.IntN(30)}
	s.settings.environment = []string{failpointVariable + "=" + point.String()}
	return tolerance{}, s.lifeUntilCrash(false)
}

// losePower is a life that ends with a loss of power under load. It returns
// what that may cost.
func (s *siege) losePower(ctx context.Context, d *disk, allowed tolerance, after time.Duration) (tolerance, error) {
	life, err := s.recover(allowed)
	if err != nil {
		return allowed, err
	}
	load := startLoad(life.Address, s.ledger)
	err = load.awaitMore(1)
	time.Sleep(after) // the moment is the random part
	crash := time.Now()
	err = errors.Join(err, cutPower(d.point), life.Kill(), load.join())
	if err != nil {
		return allowed, err
	}
	if err := errors.Join(d.unmount(ctx), d.mount(ctx)); err != nil {
		return allowed, err
	}
	return s.powerTolerance(life, crash)
}

// powerTolerance is what a mode may lose with the power. No mode is held to what
// it acknowledged after the power failed: a sync that is under way just then may
// succeed for a file system that is being shut down, as no real one does.
func (s *siege) powerTolerance(life *harness.Server, crash time.Time) (tolerance, error) {
	switch s.settings.durability {
	case "always":
		return tolerance{crash: crash}, nil
	case "everysec":
		return tolerance{crash: crash, allowed: everySecondPower}, nil
	default:
		return s.killTolerance(life, crash)
	}
}
