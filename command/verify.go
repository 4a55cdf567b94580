package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
	"stats-recorder/service"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/salvage"
)

// errMissing makes the process exit with 1 after a report that says why.
var errMissing = errors.New("something acknowledged is missing; see above")

func verifyCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "read everything in the data directory and say whether it is complete",
		Description: "Changes nothing, and exits with 1 when something acknowledged is missing.\n" +
			"With --repair, for a directory that the server refuses: copies every file aside,\n" +
			"keeps all that can be read, and says exactly what it dropped. Stop the server first.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "repair", Usage: "salvage what is good, after copying the originals aside"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			directory, err := existingDirectoryOf(c)
			if err != nil {
				return err
			}
			missing, err := verify(ctx, c, output, directory)
			if err != nil || !c.Bool("repair") {
				return errors.Join(err, missing)
			}
			if missing == nil {
				fmt.Fprintln(output, "nothing to repair")
				return nil
			}
			return repair(output, directory)
		},
	}
}

// verify prints a report and returns errMissing if something is.
func verify(ctx context.Context, c *cli.Command, output io.Writer, directory string) (missing, err error) {
	report, err := salvage.Verify(directory, counters.BuiltInKinds())
	if err != nil {
		return nil, err
	}
	for _, file := range report.Files {
		fmt.Fprintf(output, "%-28s %-24s %10d bytes  %s\n", filepath.Base(file.Path), file.Covers, file.Bytes, file.State)
	}
	for _, warning := range report.Recovery.Warnings {
		fmt.Fprintln(output, "warning:", warning)
	}
	sayImporting(output, report.Importing)
	if report.Missing != nil {
		fmt.Fprintln(output, "MISSING:", report.Missing)
		return errMissing, nil
	}
	if needless := report.Needless(); needless > 0 {
		fmt.Fprintf(output, "damaged, but not needed: %d of the files; nothing is lost, but have the disk checked\n", needless)
	}
	fmt.Fprintf(output, "complete: everything acknowledged is here, up to commit %d\n", report.Recovery.Sequence)
	if report.Membership != nil {
		err = verifyMembership(ctx, c, output, report)
	}
	return nil, err
}

// sayImporting says that an import waits, if one does, and what to do.
func sayImporting(output io.Writer, importing *salvage.Importing) {
	switch {
	case importing == nil:
	case importing.Damage != nil:
		fmt.Fprintln(output, "an import that waits here is damaged, and nothing of it is counted: make it again")
	default:
		fmt.Fprintf(output, "since %s %s\n", dateTime(importing.Since), snapshot.ErrImportWaits)
	}
}

// verifyMembership says what a directory has of the log that it shares with other nodes and,
// with LOG_URL, what the log has of it.
func verifyMembership(ctx context.Context, c *cli.Command, output io.Writer, report salvage.Report) error {
	known := report.Membership
	fmt.Fprintf(output, "counts with other nodes: %s of %s, log %.8s merged up to %d\n",
		several(known.Covered.Frames(), "frame"), several(len(known.Covered.Origins()), "origin"), known.Covered.Position.Epoch, known.Covered.Position.Sequence)
	if known.MustAdopt {
		fmt.Fprintln(output, "its counts are not those of these frames: with LOG_URL it adopts the state of another node at its next start")
	}
	for _, unfinished := range known.Unfinished() {
		fmt.Fprintf(output, "an import is announced and not whole here: %d of its %s are counted; start the node on which it was made, or make the same one on any node\n",
			known.Covered.UpTo(unfinished.Origin), several(unfinished.Frames, "frame"))
	}
	config, err := logConfigOf(c)
	if err != nil || config.Log.URL == "" {
		return err
	}
	compared, err := service.CompareWithLog(ctx, config, known)
	switch {
	case err != nil:
		return fmt.Errorf("compare with the log: %w", err)
	case compared.Another:
		fmt.Fprintln(output, "the log there is another one: was it deleted? See stats-recorder cluster adopt")
	default:
		fmt.Fprintf(output, "the log: %s behind what is merged; other nodes share %d that are not here; %d from here are yet to be told\n",
			several(compared.Unread, "frame"), compared.Lacks, compared.Untold)
	}
	return nil
}

func repair(output io.Writer, directory string) error {
	repaired, err := salvage.Repair(directory, counters.BuiltInKinds(), records.BuiltInEvents, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "copied the originals to %q\n", repaired.Originals)
	if repaired.Snapshot == "" {
		fmt.Fprintln(output, "kept no snapshot: none can be read")
	} else {
		fmt.Fprintf(output, "kept snapshot %q\n", repaired.Snapshot)
	}
	fmt.Fprintf(output, "kept %s of the journal\n", several(repaired.Frames, "commit"))
	for _, rebuilt := range repaired.Rebuilt {
		fmt.Fprintln(output, "made again from older files:", rebuilt)
	}
	for _, dropped := range repaired.Dropped {
		fmt.Fprintln(output, "dropped:", dropped)
	}
	if repaired.MustAdopt {
		fmt.Fprintln(output, "this directory counts with other nodes: with LOG_URL it adopts the state of one of them at its next start,\n"+
			"and tells what only it has; if no other node is left, run `stats-recorder cluster leave` first")
	}
	fmt.Fprintln(output, "the server can start again")
	return nil
}
