package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// testPlan runs random tests of a room over and over, each time with another seed: for what
// no process needs to be harmed from outside, such as a clock that a test turns.
type testPlan struct {
	room string
	// tests is a regular expression for the names of the tests.
	tests string
	runs  int
}

// seedVariable is what the tests take their seed from.
const seedVariable = "TEST_SEED"

func (p testPlan) run(ctx context.Context, l *lab) (*report, error) {
	r := &report{scenario: "tests of " + p.room}
	directory, err := os.MkdirTemp(l.directory, "tests")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	program := filepath.Join(directory, "tests")
	if output, err := command(ctx, "go", "test", "-c", "-o", program, "./"+p.room); err != nil {
		return nil, fmt.Errorf("build the tests of %s: %w\n%s", p.room, err, output)
	}
	began := time.Now()
	for r.cycles < p.runs && ctx.Err() == nil {
		seed := l.seed + uint64(r.cycles)
		test := exec.CommandContext(ctx, program, "-test.run", p.tests)
		test.Dir = p.room // where their testdata is
		test.Env = append(os.Environ(), seedVariable+"="+strconv.FormatUint(seed, 10))
		if output, err := test.CombinedOutput(); err != nil {
			return r, errors.Join(ctx.Err(), fmt.Errorf("%w: %s=%d go test ./%s -run '%s': %w\n%s", errBreach, seedVariable, seed, p.room, p.tests, err, output))
		}
		r.cycles++
		l.progress("%s: %d of %d runs, %v", r.scenario, r.cycles, p.runs, time.Since(began).Round(time.Second))
	}
	r.note("%s=%d and on: %s", seedVariable, l.seed, p.tests)
	return r, ctx.Err()
}
