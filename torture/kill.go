package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// killPlan is kill -9 at random moments under load, over and over on the same
// directory, while snapshots and rotations go on all the time.
type killPlan struct {
	durability string
	cycles     int
	// load is how long the longest load lasts before the kill.
	load time.Duration
	// sync is how much longer than the disk the server takes for each sync.
	sync time.Duration
}

// syncDelayVariable is how a server built with the tag failpoints is told how slow its
// disk is.
const syncDelayVariable = "STATS_RECORDER_SYNC_DELAY"

func (p killPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("kill -9, "+p.durability, p.durability, 0)
	if err != nil {
		return nil, err
	}
	if p.sync > 0 {
		s.settings.program = l.failpoints
		s.settings.environment = []string{syncDelayVariable + "=" + p.sync.String()}
		s.report.note("each sync took %v longer than the disk does", p.sync)
	}
	var allowed tolerance
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		s.settings.snapshotInterval = s.between(50*time.Millisecond, 300*time.Millisecond)
		if err := s.verify(ctx); err != nil {
			return s.report, err
		}
		life, err := s.recover(allowed)
		if err != nil {
			return s.report, err
		}
		allowed, err = s.killUnderLoad(life, s.between(10*time.Millisecond, p.load))
		if err = errors.Join(err, life.Kill()); err != nil {
			return s.report, err
		}
		if err := s.killWhileRecovering(); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	err = errors.Join(ctx.Err(), s.finish(allowed))
	s.noteForgiven()
	return s.report, err
}

// noteForgiven says what a mode lost that may.
func (s *siege) noteForgiven() {
	if v := s.report.verdict; v.forgiven > 0 {
		s.report.note("lost at most what was acknowledged in the last %v, in all %d records, as this mode may",
			v.window.Round(time.Millisecond), v.forgiven)
	}
}

// killUnderLoad loads a server and kills it some time after the first
// acknowledgement. It returns what the kill may cost.
func (s *siege) killUnderLoad(life *harness.Server, after time.Duration) (tolerance, error) {
	load := startLoad(life.Address, s.ledger)
	err := load.awaitMore(1)
	time.Sleep(after) // the moment of the kill is the random part
	crash := time.Now()
	err = errors.Join(err, life.Signal(syscall.SIGKILL), life.Expect(harness.Ending{Signal: syscall.SIGKILL}), load.join())
	if err != nil {
		return tolerance{}, err
	}
	return s.killTolerance(life, crash)
}

// killTolerance is what a mode may lose when the process died.
func (s *siege) killTolerance(life *harness.Server, crash time.Time) (tolerance, error) {
	if s.settings.durability != "snapshot" {
		return tolerance{}, nil
	}
	last, err := lastSnapshot(life)
	return tolerance{crash: crash, allowed: crash.Sub(last)}, err
}

// verify requires that stats-recorder verify, too, finds all that was
// acknowledged in a directory that a crash left, once there is one.
func (s *siege) verify(ctx context.Context) error {
	if s.report.cycles == 0 {
		return nil
	}
	if output, err := command(ctx, s.settings.program, "verify", "--data-dir", s.settings.directory); err != nil {
		return fmt.Errorf("%w: verify after a crash: %w\n%s", errBreach, err, output)
	}
	return nil
}

// lastSnapshot returns from when on records may be missing in the last snapshot
// that a server says it wrote; without one, the beginning of time: what the
// server began with must be there in any case.
func lastSnapshot(life *harness.Server) (time.Time, error) {
	// gathering is how long a record may wait before it is in the base.
	const gathering = 100 * time.Millisecond
	var last time.Time
	for _, line := range life.Log.Lines() {
		if line.Attribute("msg") != "wrote a snapshot" {
			continue
		}
		written, err := time.Parse(time.RFC3339Nano, line.Attribute("time"))
		if err != nil {
			return last, fmt.Errorf("read the log line %q: %w", line.Text, err)
		}
		took, err := time.ParseDuration(line.Attribute("took"))
		if err != nil {
			return last, fmt.Errorf("read the log line %q: %w", line.Text, err)
		}
		last = written.Add(-took - gathering)
	}
	return last, nil
}

// killWhileRecovering sometimes kills the next server too, before it listens.
func (s *siege) killWhileRecovering() error {
	const (
		every   = 3
		longest = 40 * time.Millisecond
	)
	if s.random.IntN(every) != 0 {
		return nil
	}
	life, err := s.settings.launch()
	if err != nil {
		return err
	}
	time.Sleep(s.between(0, longest)) // again the moment is the random part
	return life.Kill()
}
