package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/exchange/importer"
	"stats-recorder/httpapi/records"
	"stats-recorder/service"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/correction"
)

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "say what would happen, and change nothing"}
}

func renameCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "rename",
		Usage:     "count what one benefit has under the name of another",
		ArgsUsage: "OLD NEW",
		Description: "In all days and sums. Where NEW has counts already, both are added up. What comes under\n" +
			"OLD afterwards counts under OLD again. Stop the server first. undo goes back as long as\n" +
			"nothing else is counted.",
		OnUsageError: usageError,
		Flags:        []cli.Flag{dryRunFlag()},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Len() != 2 {
				return errors.New("rename takes two names: the old one and the new one; see stats-recorder rename --help")
			}
			what, err := correction.Rename(c.Args().Get(0), c.Args().Get(1))
			if err != nil {
				return fmt.Errorf("%w: %w", service.ErrConfig, err)
			}
			return correct(c, output, what)
		},
	}
}

func dropCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "drop",
		Usage:     "forget what a benefit counted, or what was counted on some days",
		ArgsUsage: "[BENEFIT]",
		Description: "With --from and --to, only on these UTC days, for a flood of bots; without a benefit,\n" +
			"everything of these days. Stop the server first. undo goes back as long as nothing else\n" +
			"is counted.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "first UTC day, such as 2026-01-31", DefaultText: "the first there is"},
			&cli.StringFlag{Name: "to", Usage: "UTC day before which to stop", DefaultText: "after the last there is"},
			dryRunFlag(),
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Len() > 1 {
				return fmt.Errorf("drop takes one benefit, and not also %q; see stats-recorder drop --help", c.Args().Get(1))
			}
			from, err := parseDay("from", c.String("from"), 0)
			if err != nil {
				return err
			}
			to, err := parseDay("to", c.String("to"), counters.MaxDay+1)
			if err != nil {
				return err
			}
			what, err := correction.Drop(c.Args().First(), from, to)
			if err != nil {
				return fmt.Errorf("%w: %w", service.ErrConfig, err)
			}
			return correct(c, output, what)
		},
	}
}

// correct corrects a directory, or says what that would do.
func correct(c *cli.Command, output io.Writer, what correction.Correction) error {
	directory, err := existingDirectoryOf(c)
	if err != nil {
		return err
	}
	do, done := snapshot.Correct, undoable
	if c.Bool("dry-run") {
		do, done = snapshot.RehearseCorrection, rehearsed
	}
	corrected, err := do(snapshot.Options{Directory: directory, EventTypes: records.BuiltInEvents}, what)
	if err != nil {
		return fmt.Errorf("nothing was corrected in %q: %w", directory, err)
	}
	printCorrected(output, corrected)
	fmt.Fprintln(output, done)
	return nil
}

// What ends the report of a change.
const (
	undoable  = "done; the server can start, and undo goes back as long as nothing else is counted"
	rehearsed = "nothing was changed"
)

// printCorrected prints the sums before and after.
func printCorrected(output io.Writer, corrected snapshot.Corrected) {
	const most = 20 // lines for people
	row := func(name string, before, after uint64) { fmt.Fprintf(output, "%-40s %14d %14d\n", name, before, after) }
	fmt.Fprintf(output, "%-40s %14s %14s\n", "events", "before", "after")
	row("all", corrected.Before, corrected.After)
	for i, one := range corrected.Benefits {
		if i == most {
			fmt.Fprintf(output, "and %s\n", several(len(corrected.Benefits)-most, "more benefit"))
			break
		}
		row(one.Name, one.Before, one.After)
	}
	if days := corrected.Days; len(days) > 0 {
		fmt.Fprintf(output, "closed days written again: %d, from %s to %s\n", len(days), days[0], days[len(days)-1])
	}
	if corrected.KeptFrom > 0 {
		fmt.Fprintf(output, "not corrected: days before %s, which RETENTION took; they are in the sums of all time only\n", corrected.KeptFrom)
	}
}

func mergeCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "add everything that another data directory has counted",
		ArgsUsage: "DIRECTORY",
		Description: "Makes one server of two: days, hours and sums are added up by name. Stop both servers\n" +
			"first; the other directory is not changed, and must not count on. Directories that have\n" +
			"imported the same are refused. undo goes back as long as nothing else is counted.",
		OnUsageError: usageError,
		Flags:        []cli.Flag{dryRunFlag()},
		Action: func(_ context.Context, c *cli.Command) error {
			from, err := oneArgument(c, "the other data directory")
			if err != nil {
				return err
			}
			directory, err := existingDirectoryOf(c)
			if err != nil {
				return err
			}
			if from, err = filepath.Abs(from); err != nil {
				return err
			}
			return merge(output, directory, snapshot.Merging{From: from, SourceOf: importer.ExportSource, Rehearse: c.Bool("dry-run")})
		},
	}
}

func merge(output io.Writer, directory string, what snapshot.Merging) error {
	merged, err := snapshot.Merge(snapshot.Options{Directory: directory, EventTypes: records.BuiltInEvents}, what)
	if err != nil {
		return fmt.Errorf("nothing of %q was merged into %q: %w", what.From, directory, err)
	}
	fmt.Fprintf(output, "events: %d here and %d there, %d together; there on %s, and %d on no known day\n",
		merged.Before, merged.Added, merged.Before+merged.Added, several(merged.Days, "day"), merged.Undated)
	if what.Rehearse {
		fmt.Fprintln(output, rehearsed)
	} else {
		fmt.Fprintln(output, undoable)
	}
	return nil
}

func undoCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:         "undo",
		Usage:        "go back to before the last import, rename, drop or merge",
		Description:  "As long as nothing else was counted. Stop the server first.",
		OnUsageError: usageError,
		Flags:        []cli.Flag{dryRunFlag()},
		Action:       func(_ context.Context, c *cli.Command) error { return undo(c, output) },
	}
}

// undo undoes the last import or correction, or says what that would do.
func undo(c *cli.Command, output io.Writer) error {
	if c.Args().Present() {
		return fmt.Errorf("%w: undo takes no file such as %q: it is for the whole last import or correction", service.ErrConfig, c.Args().First())
	}
	directory, err := existingDirectoryOf(c)
	if err != nil {
		return err
	}
	do, done := snapshot.Undo, "undone; the server can start"
	if c.Bool("dry-run") {
		do, done = snapshot.RehearseUndo, "it can be undone; nothing was changed"
	}
	undone, err := do(snapshot.Options{Directory: directory, EventTypes: records.BuiltInEvents})
	if err != nil {
		return fmt.Errorf("nothing was undone in %q: %w", directory, err)
	}
	for _, one := range undone.Imports {
		fmt.Fprintf(output, "imported on %s: %s\n", dateTime(one.At), several(one.Documents, "document"))
	}
	if len(undone.Imports) > 0 {
		fmt.Fprintf(output, "with %s: %s\n", several(undone.Now-undone.Before, "event"), done)
		return nil
	}
	fmt.Fprintf(output, "a correction: %s now, and %d before it: %s\n", several(undone.Now, "event"), undone.Before, done)
	return nil
}
