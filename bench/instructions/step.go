package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// step is one that a record goes through, as a benchmark of a room does it.
type step struct {
	name      string
	room      string // a folder
	benchmark string // an expression, as -bench takes it
	times     int    // how often it is done at first
}

// steps are what a durable post takes, in its order, and then a whole one. Commit has the
// other two of its delta in it, counting and folding, because one cannot be without the other.
var steps = []step{
	{"read a head", "httpapi/conn", "^BenchmarkParse$", 2000},
	{"decode 30 records", "httpapi/records", "^BenchmarkDecode$/^page=30$", 500},
	{"decode 30 records of many shapes", "httpapi/records", "^BenchmarkDecode$/^mixed=30$", 200},
	{"count 30 records", "counters", "^BenchmarkAdd$/^batch=30$", 512},
	{"count, seal and fold 16 batches", "counters", "^BenchmarkSeal$/^batches=16$", 50},
	{"encode a frame of 16 batches", "snapshot", "^BenchmarkEncodeFrame$/^batches=16$", 100},
	{"count a visitor of 30 records", "visitors", "^BenchmarkAddKnown$/^one_visitor_of_16$", 500},
	{"count 30 visitors of a record", "visitors", "^BenchmarkAddKnown$/^a_visitor_a_record_of_480$", 200},
	{"a post of one record, without a disk", "httpapi", "^BenchmarkPostOverTCP$", 500},
}

// errNothingDone means that doing a step twice as often takes no more.
var errNothingDone = errors.New("no such benchmark, or one that does nothing")

// counts are instructions by the name of a step.
type counts map[string]float64

// count returns the instructions that doing the step once takes.
func (s step) count(binary, folder string) (float64, error) {
	first, err := s.total(binary, folder, s.times)
	if err != nil {
		return 0, err
	}
	second, err := s.total(binary, folder, 2*s.times)
	if err != nil {
		return 0, err
	}
	if second <= first {
		return 0, fmt.Errorf("%w: %s in %s", errNothingDone, s.benchmark, s.room)
	}
	return float64(second-first) / float64(s.times), nil
}

// total returns all the instructions of a process that does the step so many times.
func (s step) total(binary, folder string, times int) (int64, error) {
	out := filepath.Join(folder, "callgrind.out")
	command := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file="+out, binary,
		"-test.run=^$", "-test.bench="+s.benchmark, fmt.Sprintf("-test.benchtime=%dx", times))
	command.Dir = s.room
	// One processor and no collection: what happens by the clock is not what is counted.
	command.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	printed, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", s.name, err, printed)
	}
	written, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	return totalOf(written)
}

// summary is the line of a file of callgrind that has the sum of all events, of which
// instructions are the only ones unless more are asked for.
var summary = regexp.MustCompile(`(?m)^(?:summary|totals): (\d+)$`)

func totalOf(callgrind []byte) (int64, error) {
	found := summary.FindSubmatch(callgrind)
	if found == nil {
		return 0, fmt.Errorf("no sum in the %d bytes that callgrind wrote", len(callgrind))
	}
	return strconv.ParseInt(string(found[1]), 10, 64)
}

func load(path string) (c counts, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("baseline %q: %w", path, err)
	}
	return c, nil
}

func (c counts) save(path string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
