package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// errBadOption is returned for arguments that make no sense; the message names
// the flag.
var errBadOption = errors.New("bad argument")

// options is what a run was asked for.
type options struct {
	cycles      int
	connections int
	seed        uint64
	directory   string
	only        []string
	soak        time.Duration
	duration    time.Duration
}

// parseOptions reads the command line. It returns flag.ErrHelp, having printed
// the usage, when that was asked for.
func parseOptions(arguments []string, output io.Writer) (*options, error) {
	parsed := &options{}
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Usage = func() { printUsage(output, flags) }
	flags.IntVar(&parsed.cycles, "cycles", 500, "`number` of times that kill -9 ends a server with DURABILITY=always; the other\nscenarios have theirs in proportion")
	flags.IntVar(&parsed.connections, "connections", 32, "`number` of connections that load a server")
	flags.Uint64Var(&parsed.seed, "seed", 0, "`number` that what is sent, and when it is harmed, is drawn from; 0 takes one from\nthe clock. The same seed does not bring back the same moments")
	flags.StringVar(&parsed.directory, "directory", "", "`directory` for the data, made below it and removed at the end unless something\nfailed (default the system's for temporary files); should be on a real disk")
	flags.DurationVar(&parsed.soak, "soak", 0, "`length` of the scenario soak, which is left out when it is 0")
	flags.DurationVar(&parsed.duration, "duration", 0, "`length` of time for which the scenarios begin anew, each time with another seed, until\none fails; they go on to their end then (default once)")
	flags.Func("only", "scenarios to run; `list` (default all)", func(text string) error {
		parsed.only = strings.Split(text, ",")
		return nil
	})
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if parsed.seed == 0 {
		parsed.seed = uint64(time.Now().UnixNano())
	}
	return parsed, parsed.validate(flags.Args())
}

func (o *options) validate(rest []string) error {
	// A connection's number is part of the page totals that it sends.
	const mostConnections = 900
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%w: %q", errBadOption, rest[0])
	case o.cycles < 1:
		return fmt.Errorf("%w: -cycles must be at least 1", errBadOption)
	case o.duration < 0:
		return fmt.Errorf("%w: -duration must not be negative", errBadOption)
	case o.soak < 0:
		return fmt.Errorf("%w: -soak must not be negative", errBadOption)
	case o.connections < 1 || o.connections > mostConnections:
		return fmt.Errorf("%w: -connections must be 1 to %d", errBadOption, mostConnections)
	}
	for _, name := range o.only {
		known := func(s scenario) bool { return s.name == name }
		if !slices.ContainsFunc(o.scenarios(), known) {
			return fmt.Errorf("%w: -only: no scenario is called %q", errBadOption, name)
		}
	}
	return nil
}

// scenario is one way to harm a server.
type scenario struct {
	name string
	run  func(context.Context, *lab) (*report, error)
}

// chosen are the scenarios to run.
func (o *options) chosen() []scenario {
	return slices.DeleteFunc(o.scenarios(), func(s scenario) bool {
		return len(o.only) > 0 && !slices.Contains(o.only, s.name)
	})
}

// scenarios are all there are, each at the length that was asked for.
func (o *options) scenarios() []scenario {
	part := func(divisor int) int { return max(1, o.cycles/divisor) }
	const load = 400 * time.Millisecond
	scenarios := []scenario{
		{"kill", killPlan{durability: "always", cycles: o.cycles, load: load}.run},
		{"kill-everysec", killPlan{durability: "everysec", cycles: part(10), load: load}.run},
		{"kill-slow", killPlan{durability: "everysec", cycles: part(25), load: 2 * time.Second, sync: 10 * time.Millisecond}.run},
		{"kill-slower", killPlan{durability: "everysec", cycles: part(100), load: 8 * time.Second, sync: time.Second}.run},
		{"kill-snapshot", killPlan{durability: "snapshot", cycles: part(10), load: load}.run},
		{"failpoints", failpointPlan{occurrences: []int{1, 2, 3, 7}, whileStopping: true}.run},
		{"power", powerPlan{durability: "always", cycles: part(5), load: load}.run},
		{"power-everysec", powerPlan{durability: "everysec", cycles: part(50), load: load}.run},
		{"power-snapshot", powerPlan{durability: "snapshot", cycles: part(50), load: load}.run},
		{"replays", replayPlan{durability: "always", cycles: part(2), load: 2 * time.Second, recordings: part(100)}.run},
		{"replays-everysec", replayPlan{durability: "everysec", cycles: part(10), load: 4 * time.Second, recordings: part(250)}.run},
		{"faults", faultPlan{faults: standardFaults("EIO", "ENOSPC"), rounds: part(100)}.run},
		{"full", fullPlan{filesystem: "tmpfs", cycles: part(25)}.run},
		{"full-ext4", fullPlan{filesystem: "ext4", cycles: part(250)}.run},
		{"short-writes", limitPlan{cycles: part(25)}.run},
		{"imports", importPlan{cycles: part(25), load: load}.run},
		{"clock", testPlan{"snapshot", "^TestNothingThatASaneClockKeepsIsLost$|^TestNoReadingCostsADay$", part(50)}.run},
		{"repairs", testPlan{"snapshot/salvage", "^TestRandomDirectoriesWithRandomDamage$|^TestAfterAnyDamageEveryBatchCanBeSentAgain$", part(50)}.run},
		{"backup", backupPlan{durability: "always", cycles: part(10), load: load}.run},
		{"backup-everysec", backupPlan{durability: "everysec", cycles: part(50), load: load}.run},
		{"memory", memoryPlan{cycles: part(50), load: 4 * time.Second}.run},
		{"stops", stopPlan{rounds: part(50)}.run},
	}
	if o.soak > 0 {
		scenarios = append(scenarios, scenario{"soak", standardSoak(o.soak).run})
	}
	return scenarios
}

// printUsage prints what --help shows.
func printUsage(output io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(output, `torture harms the server, under load, over and over on the same data, and compares
what it recovers with what its clients know.

    go run ./torture                     everything, 500 kills and more: about ten minutes
    go run ./torture -cycles 5000 -only kill,power
    go run ./torture -cycles 50          everything, briefly
    go run ./torture -only soak -soak 15m
    go run ./torture -only backup -duration 20m

It builds the server and runs it as a process, with real sockets and files. Each
connection bumps counters of its own, one batch after the other, and keeps a
ledger. After each harm the server must have, of every connection, whole batches:
all that it acknowledged in time, none that it refused, no half one.

    kill, kill-everysec, kill-snapshot
                   kill -9 at random moments, in each DURABILITY, also during the
                   recovery, with snapshots going on all the time
    kill-slow, kill-slower
                   the same with everysec, where each sync takes 10 ms or a second
    failpoints     a crash before and after each operation on the disk
    power, power-everysec, power-snapshot
                   an ext4 of its own that forgets what is not on its device, also
                   soon after a crash; needs root and mkfs.ext4
    replays, replays-everysec
                   what a server does to its directory is recorded; then one starts on
                   what a loss of power may have left of it, at any moment and in any
                   order; needs strace
    faults         system calls fail with EIO or ENOSPC; needs strace
    full, full-ext4
                   a full disk that gets room again; needs root
    short-writes   a file size limit in the middle of a frame
    backup, backup-everysec
                   backups under load and kill -9, each restored elsewhere: it must have all
                   that was acknowledged before it began
    memory         strangers' floods of a server with 128, 256 and 512 MB and 1, 16 and 64
                   processors, in a control group; needs root
    soak           half of what the server takes, with a snapshot each 10 seconds and
                   kill -9 in each minute; its memory is in the summary
    imports        kill -9 in an import and in its undoing, before and after each of
                   their operations on the disk
    clock          years of days with a clock that jumps, against a model
    repairs        random directories with random damage are repaired
    stops          SIGTERM, twice, while starting, during snapshots; a second process
                   on the same directory

What cannot run here is left out, and the summary says why. The exit status is 1
when anything was lost, or was not as the contract says.

Flags:
`)
	flags.PrintDefaults()
}
