package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/service"
	"stats-recorder/snapshot"
)

func clusterCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:         "cluster",
		Usage:        "look at the log that several nodes share, or have a directory join another one",
		Description:  "The log is that of LOG_URL and LOG_STREAM; LOG_CREDENTIALS, LOG_CA, LOG_CERT and LOG_KEY are read too.",
		OnUsageError: usageError,
		Commands: []*cli.Command{
			{
				Name: "status", OnUsageError: usageError, Flags: logFlags(),
				Usage:  "say where the log is, which nodes share states, and how far they are",
				Action: func(ctx context.Context, c *cli.Command) error { return clusterStatus(ctx, c, output) },
			},
			{
				Name: "adopt", OnUsageError: usageError, Flags: logFlags(),
				Usage: "have the data directory count with the log that is there now, after the one before was deleted",
				Description: "Stop the server first, and do it on every node. What the directory knows stays; what others\n" +
					"may lack of it goes into the new log at the next start.",
				Action: func(ctx context.Context, c *cli.Command) error { return clusterAdopt(ctx, c, output) },
			},
			{
				Name: "leave", OnUsageError: usageError,
				Usage: "have the data directory forget the log that it counted with",
				Description: "Stop the server first. The counts stay, and may be corrected. After that the\n" +
					"directory counts alone, or begins a log of another LOG_STREAM. It cannot join the same log again.",
				Action: func(_ context.Context, c *cli.Command) error { return clusterLeave(c, output) },
			},
			{
				Name: "hash", OnUsageError: usageError,
				ArgsUsage: "[DIRECTORY]",
				Usage:     "print a hash of all counts in the data directory and of the frames that it has",
				Description: "Two directories with the same frames must have the same counts. A server may be running;\n" +
					"what it has not written yet is missing. With another directory it compares both, and exits\n" +
					"with 1 if they have the same frames and other counts.",
				Action: func(_ context.Context, c *cli.Command) error { return clusterHash(c, output) },
			},
		},
	}
}

func logFlags() []cli.Flag { return []cli.Flag{flagOf("log-url"), flagOf("log-stream")} }

// logConfigOf reads the settings of the log: flags where the command has them, else the
// environment.
func logConfigOf(c *cli.Command) (service.Config, error) {
	config := defaults()
	for _, setting := range config.Settings() {
		var err error
		if name := setting.Name; name == "log-url" || name == "log-stream" || name == "data-dir" {
			err = give(c, setting)
		} else if text, found := os.LookupEnv(setting.Variable()); found {
			err = setting.Set(text)
		}
		if err != nil {
			return config, err
		}
	}
	config.Logger = newLogger(os.Stderr, config.LogLevel)
	return config, config.Validate()
}

func clusterStatus(ctx context.Context, c *cli.Command, output io.Writer) error {
	if err := noArguments(c); err != nil {
		return err
	}
	config, err := logConfigOf(c)
	if err != nil {
		return err
	}
	status, err := service.LookAtLog(ctx, config)
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "log %s: frames %d to %d\n", status.Epoch, status.First, status.Last)
	for _, node := range status.Nodes {
		state := fmt.Sprintf("%d behind", status.Last-min(status.Last, node.Position))
		if node.Epoch != status.Epoch {
			state = "of another log, or gone"
		}
		fmt.Fprintf(output, "node %s: shared a state up to %d (%s) with %s of %s; lacks %d that others have shared\n",
			node.Origin, node.Position, state, several(node.Frames, "frame"), several(node.Origins, "origin"), node.Lacks)
	}
	if len(status.Nodes) == 0 {
		fmt.Fprintln(output, "no node has shared a state yet")
	}
	if status.Limit > 0 {
		fmt.Fprintf(output, "the log holds %s of %s\n", humanize.Bytes(uint64(status.Used)), humanize.Bytes(uint64(status.Limit)))
	}
	for _, name := range slices.Sorted(maps.Keys(status.Settings)) {
		fmt.Fprintf(output, "the node that opened the log last has %s=%s\n", name, status.Settings[name])
	}
	for _, difference := range status.Differing {
		fmt.Fprintf(output, "not the same: %s\n", difference)
	}
	return nil
}

func clusterAdopt(ctx context.Context, c *cli.Command, output io.Writer) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if _, err := existingDirectoryOf(c); err != nil {
		return err
	}
	config, err := logConfigOf(c)
	if err != nil {
		return err
	}
	epoch, err := service.AdoptLog(ctx, config)
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "the directory counts with log %s from now on; the server can start\n", epoch)
	return nil
}

func clusterLeave(c *cli.Command, output io.Writer) error {
	if err := noArguments(c); err != nil {
		return err
	}
	directory, err := existingDirectoryOf(c)
	if err != nil {
		return err
	}
	known, err := snapshot.Leave(snapshot.Options{Directory: directory})
	if err != nil {
		return err
	}
	for _, unfinished := range known.Unfinished() {
		fmt.Fprintf(output, "an import of %s was announced, and nothing of it is counted here: import the same again\n", several(unfinished.Frames, "frame"))
	}
	fmt.Fprintf(output, "left log %s, which was merged up to %d; the directory counts alone from now on\n",
		known.Covered.Position.Epoch, known.Covered.Position.Sequence)
	return nil
}

// errApart makes the process exit with 1.
var errApart = errors.New("the directories have the same frames and other counts: one of both is wrong")

func clusterHash(c *cli.Command, output io.Writer) error {
	other := c.Args().First()
	if c.Args().Len() > 1 {
		return fmt.Errorf("%s takes at most one argument, another data directory; see stats-recorder cluster hash --help", c.Name)
	}
	directory, err := existingDirectoryOf(c)
	if err != nil {
		return err
	}
	sum, have, err := snapshot.HashOf(directory, counters.BuiltInKinds())
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "counts  %016x\nframes  %s\ncommit  %d\n", sum.Counts, sum.Frames, sum.Commit)
	if other == "" {
		return nil
	}
	theirs, theyHave, err := snapshot.HashOf(other, counters.BuiltInKinds())
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "%s:\ncounts  %016x\nframes  %s\ncommit  %d\n", other, theirs.Counts, theirs.Frames, theirs.Commit)
	switch {
	case have == nil || theyHave == nil:
		fmt.Fprintln(output, "not both count with other nodes: their frames cannot be compared")
	case sum.Frames != theirs.Frames:
		fmt.Fprintf(output, "other frames: the first lacks %d of the second, the second %d of the first\n", have.Lacks(theyHave), theyHave.Lacks(have))
	case sum.Counts != theirs.Counts:
		return errApart
	default:
		fmt.Fprintln(output, "the same frames and the same counts")
	}
	return nil
}
