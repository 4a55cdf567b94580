package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"stats-recorder/harness"
)

// lab is what all scenarios share.
type lab struct {
	// program is the server; failpoints is it with the build tag of that name.
	program, failpoints string
	// directory is where each scenario makes its own.
	directory string
	// connections is how many load a server.
	connections int
	seed        uint64
	// progress takes a line for people now and then.
	progress func(format string, arguments ...any)
}

// errUnavailable is wrapped by the error of a scenario that cannot run here; it
// says what is missing.
var errUnavailable = errors.New("cannot run here")

// errLoss is wrapped by the error for counts that are not the ledger's.
var errLoss = errors.New("the counts are not those that were acknowledged")

// report is what a scenario did and found.
type report struct {
	scenario string
	// cycles is how many times a server was harmed, and its counts compared.
	cycles  int
	verdict verdict
	// notes say what else was seen, for people.
	notes []string
}

func (r *report) note(format string, arguments ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, arguments...))
}

// siege is one data directory, the lives of its server, and the ledger of all
// its clients.
type siege struct {
	settings settings
	ledger   *ledger
	// imported are the states in which the imports may be: one, unless one crashed.
	imported []tallies
	report   *report
	random   *rand.Rand
	progress func(format string, arguments ...any)
	began    time.Time
}

// newSiege makes a data directory for a scenario. The connections are the lab's
// where none are given.
func (l *lab) newSiege(scenario, durability string, connections int) (*siege, error) {
	if connections == 0 {
		connections = l.connections
	}
	directory, err := os.MkdirTemp(l.directory, "torture")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	return &siege{
		settings: settings{
			program:          l.program,
			directory:        filepath.Join(directory, "data"),
			durability:       durability,
			snapshotInterval: 100 * time.Millisecond,
		},
		ledger:   newLedger(connections, l.seed),
		imported: []tallies{{}},
		report:   &report{scenario: scenario},
		random:   rand.New(rand.NewPCG(l.seed, 1)),
		progress: l.progress,
		began:    time.Now(),
	}, nil
}

// room is the directory around the data directory.
func (s *siege) room() string { return filepath.Dir(s.settings.directory) }

// between draws a duration.
func (s *siege) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(s.random.Int64N(int64(longest-shortest)))
}

// recover starts the server and compares what it has with the ledger.
func (s *siege) recover(t tolerance) (*harness.Server, error) {
	life, err := s.settings.start()
	if err != nil {
		return nil, fmt.Errorf("recover %q: %w", s.settings.directory, err)
	}
	if err := s.compare(life, t); err != nil {
		return nil, errors.Join(err, life.Kill())
	}
	return life, nil
}

// compare compares what a server has with the ledger. The server must not be
// under load.
func (s *siege) compare(life *harness.Server, t tolerance) error {
	found, err := readBack(life)
	if err != nil {
		return err
	}
	v := s.settleImported(takeImported(found))
	v.add(s.ledger.compare(found, t))
	s.report.verdict.add(v)
	if v.losses() > 0 {
		return fmt.Errorf("%w: data directory %q: %d records lost, %d too many, %d half batches\n%s\nthe server wrote:\n%s",
			errLoss, s.settings.directory, v.lost, v.surplus, v.halves, joinLines(v.findings), life.Log.Tail())
	}
	return nil
}

// finish recovers after the last harm, and then once more after an orderly end,
// which must change nothing.
func (s *siege) finish(t tolerance) error {
	for range 2 {
		life, err := s.recover(t)
		if err != nil {
			return err
		}
		if err := errors.Join(life.Stop(), life.Kill()); err != nil {
			return err
		}
		t = tolerance{}
	}
	return nil
}

// cycle counts one harm and says now and then how far it went.
func (s *siege) cycle(of int) {
	const progressEvery = 10
	s.report.cycles++
	if s.report.cycles%progressEvery == 0 || s.report.cycles == of {
		s.progress("%s: %d of %d cycles, %d acknowledged records compared, %d losses, %v",
			s.report.scenario, s.report.cycles, of, s.report.verdict.compared, s.report.verdict.losses(),
			time.Since(s.began).Round(time.Second))
	}
}
