package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// backupPlan is backups under load, while snapshots and rotations go on all the time and
// kill -9 ends the server before, during or after. Each is restored into a directory of
// its own, which must have all that was acknowledged before the backup began.
type backupPlan struct {
	durability string
	cycles     int
	load       time.Duration
}

// takenBackup is one that is to be restored.
type takenBackup struct {
	file  string
	began time.Time
}

func (p backupPlan) run(ctx context.Context, l *lab) (*report, error) {
	s, err := l.newSiege("backup, "+p.durability, p.durability, 0)
	if err != nil {
		return nil, err
	}
	restored := 0
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		s.settings.snapshotInterval = s.between(5*time.Millisecond, 100*time.Millisecond)
		life, err := s.recover(tolerance{})
		if err != nil {
			return s.report, err
		}
		taken, err := s.backUpUnderLoad(ctx, life, s.between(10*time.Millisecond, p.load))
		if err = errors.Join(err, life.Kill()); err != nil {
			return s.report, err
		}
		for _, one := range taken {
			if err := s.restore(ctx, one); err != nil {
				return s.report, err
			}
			restored++
		}
		s.cycle(p.cycles)
	}
	s.report.note("%d backups were restored and compared", restored)
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// backUpUnderLoad takes backups of a server that is under load and then killed, the last
// of them of what that leaves.
func (s *siege) backUpUnderLoad(ctx context.Context, life *harness.Server, after time.Duration) (taken []takenBackup, err error) {
	load := startLoad(life.Address, s.ledger)
	if err := load.awaitMore(1); err != nil {
		return nil, err
	}
	killed := make(chan error, 1)
	go func() {
		time.Sleep(after) // the moment of the kill is the random part
		killed <- life.Signal(syscall.SIGKILL)
	}()
	isKilled := false
	for !isKilled && err == nil {
		select {
		case err = <-killed:
			isKilled = true
		default:
		}
		one, failure := s.backUp(ctx, len(taken))
		if err = errors.Join(err, failure); err == nil {
			taken = append(taken, one)
		}
	}
	if !isKilled {
		err = errors.Join(err, <-killed)
	}
	return taken, errors.Join(err, life.Expect(harness.Ending{Signal: syscall.SIGKILL}), load.join())
}

func (s *siege) backUp(ctx context.Context, number int) (takenBackup, error) {
	one := takenBackup{file: filepath.Join(s.room(), fmt.Sprintf("backup-%d", number)), began: time.Now()}
	if output, err := command(ctx, s.settings.program, "backup", "--data-dir", s.settings.directory, one.file); err != nil {
		return one, fmt.Errorf("%w: backup: %w\n%s", errBreach, err, output)
	}
	return one, nil
}

// restore restores a backup, and compares it with the ledger, which stays as it is.
func (s *siege) restore(ctx context.Context, one takenBackup) error {
	scratch := s.settings
	scratch.directory = filepath.Join(s.room(), "restored")
	if output, err := command(ctx, scratch.program, "restore", "--data-dir", scratch.directory, one.file); err != nil {
		return fmt.Errorf("%w: restore: %w\n%s", errBreach, err, output)
	}
	life, err := scratch.start()
	if err != nil {
		return fmt.Errorf("start what was restored from %q: %w", one.file, err)
	}
	found, err := readBack(life)
	if err = errors.Join(err, life.Kill()); err != nil {
		return err
	}
	v := s.ledger.within(found, one.began)
	s.report.verdict.add(v)
	if v.losses() > 0 {
		return fmt.Errorf("%w: backup %q: %d records lost, %d half batches\n%s", errLoss, one.file, v.lost, v.halves, joinLines(v.findings))
	}
	return errors.Join(os.RemoveAll(scratch.directory), os.Remove(one.file))
}

// within requires that a copy has whole batches of every account, and of these at least
// all that were acknowledged before it was begun.
func (l *ledger) within(found tallies, began time.Time) (v verdict) {
	shares := make([]tallies, len(l.accounts))
	for slot := range shares {
		shares[slot] = tallies{}
	}
	for c, count := range found {
		if slot := c.Total - firstPageTotal; slot >= 0 && slot < len(shares) {
			shares[slot][c] = count
		} else {
			v.add(verdict{surplus: count, findings: []string{fmt.Sprintf("%v: have %d, nobody ever sent it", c, count)}})
		}
	}
	for slot, a := range l.accounts {
		v.add(a.within(shares[slot], began))
	}
	return v
}

func (a *account) within(found tallies, began time.Time) (v verdict) {
	whole, ok := a.wholeBatches(found)
	if !ok {
		return verdict{halves: 1, findings: []string{fmt.Sprintf("connection %d: no number of whole batches has these counts", a.slot)}}
	}
	for i, b := range a.batches {
		if b.acknowledged.IsZero() || !b.acknowledged.Before(began) {
			continue
		}
		v.compared += b.records.sum()
		if i >= whole {
			v.lost += b.records.sum()
			v.findings = append(v.findings, fmt.Sprintf("connection %d: %d of its %d batches are there; one acknowledged at %s, before %s, is missing",
				a.slot, whole, len(a.batches), b.acknowledged.Format(time.RFC3339Nano), began.Format(time.RFC3339Nano)))
		}
	}
	return v
}
