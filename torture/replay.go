package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// replayPlan records what a server under load does to its directory, and starts servers on
// what a loss of power could have left of that: at any moment, all that was synced, and of
// the rest anything, in any order, in parts (Pillai et al., All File Systems Are Not Created
// Equal, OSDI 2014).
type replayPlan struct {
	durability string
	cycles     int
	// load is how long a recording is; each serves for so many replays.
	load       time.Duration
	recordings int
}

func (p replayPlan) run(ctx context.Context, l *lab) (*report, error) {
	const connections = 6
	if output, err := command(ctx, "strace", "-f", "-o", os.DevNull, "true"); err != nil {
		return nil, fmt.Errorf("%w: strace (package strace, permission to ptrace): %w: %s", errUnavailable, err, output)
	}
	total := &report{scenario: "replayed losses of power, " + p.durability}
	for range p.recordings {
		s, err := l.newSiege(total.scenario, p.durability, connections)
		if err != nil {
			return total, err
		}
		s.report = total
		recording, err := s.record(p.load)
		if err != nil {
			return total, err
		}
		total.note("%d changes to the directory in %v", len(recording), p.load)
		for n := 0; n < p.cycles/p.recordings && ctx.Err() == nil; n++ {
			if err := s.replay(ctx, recording); err != nil {
				return total, err
			}
			s.cycle(p.cycles)
		}
	}
	return total, ctx.Err()
}

// record has a server serve for a while that is then killed, and returns what it did.
func (s *siege) record(during time.Duration) ([]change, error) {
	log := filepath.Join(s.room(), "recording")
	plain := s.settings
	s.settings.tracer = append([]string{"strace"}, recorderOptions(log)...)
	s.settings.snapshotInterval = snapshotsOften
	life, err := s.settings.start()
	s.settings = plain
	if err != nil {
		return nil, err
	}
	load := startLoad(life.Address, s.ledger)
	err = load.awaitMore(1)
	time.Sleep(during) // what is recorded is random anyway
	err = errors.Join(err, life.Signal(syscall.SIGKILL), life.Expect(harness.Ending{Signal: syscall.SIGKILL}), load.join())
	if err != nil {
		return nil, err
	}
	recording, err := readRecording(log, s.settings.directory)
	if err == nil && len(recording) == 0 {
		err = errors.New("strace recorded nothing")
	}
	return recording, err
}

// replay starts a server on what a loss of power at some moment may have left.
func (s *siege) replay(ctx context.Context, recording []change) error {
	first, last := recording[0].begin, recording[len(recording)-1].end
	crash := first.Add(s.between(0, last.Sub(first)))
	directory := filepath.Join(s.room(), "replay")
	lost := &lossOfPower{recording: recording, at: crash, random: s.random, kept: s.random.Float64()}
	if err := lost.write(directory, s.settings.directory); err != nil {
		return err
	}
	replayed := *s
	replayed.settings.directory, replayed.ledger = directory, s.ledger.clone()
	replayed.settings.snapshotInterval = snapshotsNever
	if err := replayed.verifyReplay(ctx); err != nil {
		return fmt.Errorf("%w; power was lost at %s", err, crash.Format(time.StampMicro))
	}
	allowed := tolerance{crash: crash}
	if s.settings.durability == "everysec" {
		allowed.allowed = everySecondPower
	}
	life, err := replayed.recover(allowed)
	if err != nil {
		return fmt.Errorf("power was lost at %s: %w", crash.Format(time.StampMicro), err)
	}
	return errors.Join(life.Kill(), os.RemoveAll(directory))
}

// verifyReplay requires that stats-recorder verify finds nothing missing.
func (s *siege) verifyReplay(ctx context.Context) error {
	const every = 5
	if s.random.IntN(every) != 0 {
		return nil
	}
	if output, err := command(ctx, s.settings.program, "verify", "--data-dir", s.settings.directory); err != nil {
		return fmt.Errorf("%w: verify: %w\n%s", errBreach, err, output)
	}
	return nil
}

// lossOfPower is one at a moment, after which each change that was not synced is there with
// a probability.
type lossOfPower struct {
	recording []change
	at        time.Time
	random    *rand.Rand
	kept      float64
}

// isDurable says whether a change was synced: that of a name with its directory.
func (l *lossOfPower) isDurable(c change) bool {
	isName := c.kind >= created
	for _, s := range l.recording {
		if s.kind != synced || s.begin.Before(c.end) || s.end.After(l.at) {
			continue
		}
		if !isName && s.inode == c.inode {
			return true
		}
		if isName && s.path == filepath.Dir(c.path) {
			return true
		}
	}
	return false
}

// write makes a directory with what is left of another one.
func (l *lossOfPower) write(directory, original string) error {
	names, contents := map[string]int{}, map[int][]byte{}
	for _, c := range l.recording {
		if c.kind == synced || !c.begin.Before(l.at) {
			continue
		}
		isWhole := l.isDurable(c)
		if !isWhole && l.random.Float64() > l.kept {
			continue
		}
		if c.kind >= created {
			c.rename(names)
			continue
		}
		if !isWhole {
			c = c.torn(l.random)
		}
		contents[c.inode] = c.apply(contents[c.inode])
	}
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return fmt.Errorf("make a replay: %w", err)
	}
	for name, inode := range names {
		relative, err := filepath.Rel(original, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(directory, relative), contents[inode], 0o640)
		}
		if err != nil {
			return fmt.Errorf("make a replay: %w", err)
		}
	}
	return nil
}

// rename changes what files are called.
func (c change) rename(names map[string]int) {
	if (c.kind == renamed || c.kind == unlinked) && names[c.path] == c.inode {
		delete(names, c.path)
	}
	switch c.kind {
	case created:
		names[c.path] = c.inode
	case renamed, linked:
		names[c.to] = c.inode
	}
}

// torn is a change of which sectors are missing, at one of its ends.
func (c change) torn(random *rand.Rand) change {
	const sector = 512
	if c.kind != written || random.IntN(2) == 0 {
		return c
	}
	first := sector - c.offset%sector // up to the next sector
	if first >= c.length {
		return c
	}
	edge := first + random.Int64N((c.length-first)/sector+1)*sector
	if random.IntN(2) == 0 {
		c.data = c.data[:edge]
	} else {
		c.data, c.offset = c.data[edge:], c.offset+edge
	}
	c.length = int64(len(c.data))
	return c
}

// apply changes the content of a file.
func (c change) apply(content []byte) []byte {
	end := int(c.offset + c.length)
	switch c.kind {
	case cut:
		end = int(c.length)
		if len(content) > end {
			return content[:end:end]
		}
		fallthrough
	default:
		if grown := end - len(content); grown > 0 {
			content = append(content, make([]byte, grown)...)
		}
	}
	if c.kind == written {
		copy(content[c.offset:], c.data)
	}
	return content
}
