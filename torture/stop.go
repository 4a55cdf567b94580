package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// stopPlan is orderly and hurried ends under load, and a second process on the
// same directory. However an end was asked for, no mode may lose anything by it.
type stopPlan struct{ rounds int }

// stopWay is one way to end a server under load.
type stopWay struct {
	name       string
	durability string
	interval   time.Duration
	end        func(*siege, *harness.Server) error
}

func stopWays() []stopWay {
	return []stopWay{
		{"a second process", "always", snapshotsOften, (*siege).secondProcess},
		{"SIGTERM, always", "always", snapshotsNever, (*siege).terminate},
		{"SIGTERM, everysec", "everysec", snapshotsNever, (*siege).terminate},
		{"SIGTERM, snapshot", "snapshot", snapshotsNever, (*siege).terminate},
		{"SIGTERM during snapshots", "always", time.Millisecond, (*siege).terminate},
		{"SIGTERM during a snapshot, snapshot", "snapshot", time.Millisecond, (*siege).terminate},
		{"a second signal while stopping", "always", snapshotsOften, (*siege).terminateTwice},
		{"SIGTERM while starting", "always", snapshotsOften, (*siege).terminateStart},
	}
}

func (p stopPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("stops", "always", 0)
	if err != nil {
		return nil, err
	}
	for range p.rounds {
		for _, way := range stopWays() {
			if ctx.Err() != nil {
				break
			}
			if err := s.endBy(way); err != nil {
				return s.report, fmt.Errorf("%s: %w", way.name, err)
			}
			s.cycle(p.rounds * len(stopWays()))
		}
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// endBy is a life that ends in one way, and the recovery from that.
func (s *siege) endBy(way stopWay) error {
	s.settings.durability, s.settings.snapshotInterval = way.durability, way.interval
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	if err = load.awaitMore(2); err == nil {
		time.Sleep(s.between(0, 50*time.Millisecond)) // the moment of the signal is the random part
		err = way.end(s, life)
	}
	if err = errors.Join(err, life.Kill(), load.join()); err != nil {
		return err
	}
	recovered, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	return recovered.Kill()
}

// terminate asks a server to end, which it must do without an error.
func (s *siege) terminate(life *harness.Server) error { return life.Stop() }

// secondProcess starts another server on the directory, which must say in one
// line that it cannot. The first one goes on.
func (s *siege) secondProcess(life *harness.Server) error {
	second, err := s.settings.launch()
	if err != nil {
		return err
	}
	if err := errors.Join(second.Expect(givesUp()), second.Kill()); err != nil {
		return err
	}
	if lines := second.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0].Text, "in use by another process") {
		return fmt.Errorf("%w: the second process on the directory wrote %q, want one line that says so", errBreach, second.Log)
	}
	return errors.Join(expectReads(life), life.Stop())
}

// terminateTwice asks again while a client that never finishes its request
// keeps the server from ending. It must then end at once, by the signal.
func (s *siege) terminateTwice(life *harness.Server) error {
	slow, err := net.DialTimeout("tcp", life.Address, patience)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", life.Address, err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "POST /benefits HTTP/1.1\r\nHost: torture\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n["); err != nil {
		return fmt.Errorf("send half a request: %w", err)
	}
	if err := life.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if _, err := life.Log.Await(harness.Message("stopping"), 0); err != nil {
		return err
	}
	// The first ones may come before the server has put back the signal's default.
	harness.Until(func() bool { return life.Signal(syscall.SIGTERM) != nil })
	return life.Expect(harness.Ending{Signal: syscall.SIGTERM})
}

// terminateStart ends the server and asks the next one to end while it starts.
func (s *siege) terminateStart(life *harness.Server) error {
	if err := life.Stop(); err != nil {
		return err
	}
	next, err := s.settings.launch()
	if err != nil {
		return err
	}
	time.Sleep(s.between(0, 40*time.Millisecond)) // again random
	err = next.Signal(syscall.SIGTERM)
	got, waitError := next.Wait()
	if err = errors.Join(err, waitError); err == nil && got != (harness.Ending{}) && got != (harness.Ending{Signal: syscall.SIGTERM}) {
		err = fmt.Errorf("%w: it ended with %v; it wrote:\n%s", errBreach, got, next.Log.Tail())
	}
	return errors.Join(err, next.Kill())
}
