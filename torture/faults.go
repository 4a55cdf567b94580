package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stats-recorder/harness"
)

// faultPlan has system calls of the server fail, by strace, under modest load.
type faultPlan struct {
	faults []fault
	// rounds is how many times each is tried, each time from another call on.
	rounds int
}

// fault is which calls fail, and what the server must do then.
type fault struct {
	name string
	// calls are for strace -e inject=…, with %d for the first call to fail, as
	// counted by thread.
	calls []string
	// first is the lowest number of that call.
	first    int
	interval time.Duration
	must     func(*siege, *harness.Server) error
}

// syncsOfAStart is more files and directories than a start syncs, of which the failure
// of one refuses it: each journal since the last snapshot and its name, what it cuts
// off or removes, and the next journal. Snapshots are soon past that many.
const syncsOfAStart = 40

// opensOfAStart is about how many files a thread opens until the server listens. One that
// cannot open what it needs for that gives up.
const opensOfAStart = 25

// standardFaults are all that the plan knows, with calls that fail by each of the
// codes.
func standardFaults(codes ...string) []fault {
	var faults []fault
	for _, code := range codes {
		faults = append(faults,
			fault{"a journal sync fails: " + code, []string{"fdatasync:error=" + code + ":when=%d"}, 1, snapshotsNever, (*siege).mustGiveUp},
			fault{"no journal sync works: " + code, []string{"fdatasync:error=" + code + ":when=1+"}, 1, snapshotsNever, (*siege).mustAcknowledgeNothing},
			fault{"journal writes fail: " + code, []string{"pwrite64:error=" + code + ":when=%d+3"}, 2, snapshotsNever, (*siege).mustRefuse},
			fault{"snapshot syncs fail: " + code, []string{"fsync:error=" + code + ":when=%d"}, syncsOfAStart + 1, snapshotsOften, (*siege).mustRetrySnapshots},
			fault{"renames fail: " + code, []string{"?rename,?renameat,renameat2:error=" + code + ":when=%d"}, 5, snapshotsOften, (*siege).mustRetrySnapshots},
			fault{"reserving space fails: " + code, []string{"fallocate:error=" + code + ":when=1+"}, 1, snapshotsNever, (*siege).mustNotNotice},
			fault{"writing zeros ahead fails: " + code, []string{"pwritev:error=" + code + ":when=%d+2"}, 1, snapshotsNever, (*siege).mustNotNotice},
		)
	}
	return append(faults,
		fault{"journal writes and cutting back fail", []string{"pwrite64:error=EIO:when=%d+3", "ftruncate:error=EIO:when=1+"}, 2, snapshotsNever, (*siege).mustRefuse},
		fault{"opening and making files fails", []string{"openat:error=EMFILE:when=%d+5"}, opensOfAStart + 1, snapshotsOften, (*siege).mustSurvive},
		fault{"removing files fails", []string{"?unlink,unlinkat:error=EIO:when=%d+2"}, 3, snapshotsOften, (*siege).mustSurvive},
		fault{"making and removing files fails", []string{"fsync:error=EIO:when=%d+4", "?unlink,unlinkat:error=EIO:when=2+2"}, syncsOfAStart + 1, snapshotsOften, (*siege).mustSurvive},
		fault{"a start cannot write", []string{"pwrite64:error=ENOSPC:when=1+"}, 1, snapshotsNever, (*siege).mustOnlyRead},
	)
}

func (p faultPlan) run(ctx context.Context, l *lab) (*report, error) {
	const connections = 6
	s, err := l.newSiege("failing system calls", "always", connections)
	if err != nil {
		return nil, err
	}
	if output, err := command(ctx, "strace", append(tracerOptions(os.DevNull, "fsync:error=EIO"), "true")...); err != nil {
		return nil, fmt.Errorf("%w: strace (package strace, permission to ptrace): %w: %s", errUnavailable, err, output)
	}
	for round := range p.rounds {
		for _, f := range p.faults {
			if ctx.Err() != nil {
				break
			}
			if err := s.injectUntilAlone(f, f.first+round); err != nil {
				return s.report, fmt.Errorf("%s (round %d): %w", f.name, round, err)
			}
			s.cycle(p.rounds * len(p.faults))
		}
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// tracerOptions are strace's arguments before the command to run, which stays
// our own child. It stops only at the calls that are to fail.
func tracerOptions(log string, calls ...string) []string {
	options := []string{"-D", "-f", "--seccomp-bpf", "-o", log}
	var names []string
	for _, call := range calls {
		name, _, _ := strings.Cut(call, ":")
		names = append(names, name)
		options = append(options, "-e", "inject="+call)
	}
	return append(options, "-e", "trace="+strings.Join(names, ","))
}

// errFailedTogether means that calls of two threads failed, one right after the other, as
// strace counts calls by thread. A server that can neither use nor remove a file ends
// then, as it must; what it does when one call fails is still to be seen.
var errFailedTogether = errors.New("calls of two threads failed together")

// injectUntilAlone is inject, from a later call on while two fail together. What was
// acknowledged is there after each.
func (s *siege) injectUntilAlone(f fault, first int) error {
	const tries = 5
	var err error
	for n := range tries {
		if err = s.inject(f, first+n); !errors.Is(err, errFailedTogether) {
			return err
		}
	}
	return err
}

// inject is a life with a fault, and the recovery from it without.
func (s *siege) inject(f fault, first int) error {
	log := s.tracerLog()
	var calls []string
	for _, call := range f.calls {
		calls = append(calls, strings.ReplaceAll(call, "%d", fmt.Sprint(first)))
	}
	plain := s.settings
	s.settings.tracer = append([]string{"strace"}, tracerOptions(log, calls...)...)
	s.settings.snapshotInterval = f.interval
	// Calls are counted by thread: with few, they fail seldom in a row.
	s.settings.environment = []string{"GOMAXPROCS=1"}
	life, err := s.settings.launch()
	s.settings = plain
	if err != nil {
		return err
	}
	err = f.must(s, life)
	together := errors.Is(err, errFailedTogether)
	if together {
		err = nil
	}
	if err := errors.Join(err, life.Kill(), expectInjected(log)); err != nil {
		return err
	}
	recovered, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	if err := recovered.Kill(); err != nil || !together {
		return err
	}
	return errFailedTogether
}

// tracerLog is where strace writes what calls it saw and had fail.
func (s *siege) tracerLog() string { return filepath.Join(s.room(), "strace") }

// expectInjected makes sure that a fault was not only planned.
func expectInjected(log string) error {
	content, err := os.ReadFile(log)
	if err != nil {
		return fmt.Errorf("read what strace did: %w", err)
	}
	if !bytes.Contains(content, []byte("(INJECTED)")) {
		return fmt.Errorf("strace injected nothing:\n%.2000s", content)
	}
	return nil
}

// mustGiveUp: the server ends with an error that it logs or prints, and
// acknowledges nothing that it did not sync.
func (s *siege) mustGiveUp(life *harness.Server) error {
	err := life.Listen()
	if errors.Is(err, harness.ErrEnded) {
		return life.Expect(givesUp())
	}
	if err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err = errors.Join(life.Expect(givesUp()), load.join())
	if _, lineError := life.Log.Await(harness.Containing("sync"), 0); lineError != nil {
		err = errors.Join(err, fmt.Errorf("%w: no word about the failed sync: %w", errBreach, lineError))
	}
	return err
}

// mustAcknowledgeNothing: as no sync works, not even those who wait for the first
// one get an answer that their records are safe.
func (s *siege) mustAcknowledgeNothing(life *harness.Server) error {
	if err := life.Listen(); err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err := errors.Join(life.Expect(givesUp()), load.join())
	if now, _ := load.look(); now.acknowledged > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d batches acknowledged without a sync", errBreach, now.acknowledged))
	}
	return err
}

// mustRefuse: posts get 503 while their writes fail and 200 when they work, what
// was refused is not counted, and reads go on.
func (s *siege) mustRefuse(life *harness.Server) error {
	if err := life.Listen(); err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err := load.await("a refusal", func(now score) bool { return now.refused > 0 })
	if err == nil {
		err = errors.Join(expectReads(life), load.awaitMore(5))
	}
	if err = errors.Join(err, load.stop()); err != nil {
		return err
	}
	return s.compare(life, tolerance{})
}

// mustRetrySnapshots: a snapshot fails, nobody notices, and a later one succeeds.
// errFailedTogether means that a new journal file could neither be begun nor removed.
func (s *siege) mustRetrySnapshots(life *harness.Server) error {
	if err := life.Listen(); err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	failure, err := life.Log.Await(harness.Containing("could not"), 0)
	if err == nil {
		_, err = life.Log.Await(harness.Message("wrote a snapshot"), failure.Number+1)
	}
	if strings.Contains(life.Log.String(), "a journal file that could not be begun is left") {
		if err := errors.Join(life.Expect(givesUp()), load.join()); err != nil {
			return err
		}
		return errFailedTogether
	}
	return errors.Join(err, s.endUnnoticed(life, load))
}

// preparedJournal is more than what a journal file may have before the space ahead
// of its frames is prepared.
const preparedJournal = 256 << 10

// mustNotNotice: the server can do without.
func (s *siege) mustNotNotice(life *harness.Server) error {
	if err := life.Listen(); err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err := load.await("enough frames", func(score) bool { return s.journalSize() >= preparedJournal })
	if err == nil { // what was reserved counts as size: go on until frames are there too
		err = load.awaitMore(500)
	}
	return errors.Join(err, s.endUnnoticed(life, load))
}

// journalSize is the size of the newest journal file, 0 if there is none.
func (s *siege) journalSize() int64 {
	paths, _ := filepath.Glob(filepath.Join(s.settings.directory, "journal-*")) // in order; the pattern is good
	if len(paths) == 0 {
		return 0
	}
	information, err := os.Stat(paths[len(paths)-1])
	if err != nil {
		return 0 // it may be gone by now
	}
	return information.Size()
}

// endUnnoticed ends a load of which nothing may have been refused, and compares.
func (s *siege) endUnnoticed(life *harness.Server, load *load) error {
	err := errors.Join(load.awaitMore(2), load.stop())
	if now, _ := load.look(); now.refused > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d batches refused, though the journal works", errBreach, now.refused))
	}
	if err != nil {
		return err
	}
	return s.compare(life, tolerance{})
}

// mustSurvive: whatever else fails, the server may go on or give up, at its
// start too, and loses nothing.
func (s *siege) mustSurvive(life *harness.Server) error {
	err := life.Listen()
	if errors.Is(err, harness.ErrEnded) {
		return life.Expect(givesUp())
	}
	if err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err = load.awaitMore(100)
	for tries := 100; tries > 0 && err == nil && expectInjected(s.tracerLog()) != nil; tries-- {
		err = load.awaitMore(100) // the thread that fails may be late to its call
	}
	if errors.Is(err, harness.ErrNotInTime) { // all connections have ended
		return errors.Join(life.Expect(givesUp()), load.join())
	}
	return errors.Join(err, life.Kill(), load.join())
}

// mustOnlyRead: the server starts and answers reads, and refuses every batch.
func (s *siege) mustOnlyRead(life *harness.Server) error {
	if err := life.Listen(); err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	err := load.await("refusals", func(now score) bool { return now.refused >= 20 })
	err = errors.Join(err, expectReads(life), load.stop())
	if now, _ := load.look(); now.acknowledged > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d batches acknowledged that could not be written", errBreach, now.acknowledged))
	}
	if err != nil {
		return err
	}
	return s.compare(life, tolerance{})
}
