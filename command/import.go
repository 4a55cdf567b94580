package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v3"

	"stats-recorder/exchange/importer"
	"stats-recorder/service"
	"stats-recorder/snapshot"
)

func importCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "add the records of the replaced service, or an export of this one",
		ArgsUsage: "FILE…",
		Description: "Reads mongoexport JSON, mongodump BSON files, directories and archives, and this\n" +
			"program's own jsonl export, compressed or not; - is standard input. Without a dump it\n" +
			"takes the answers of GET /statistics and GET /benefits, saved to files, or the URL of a\n" +
			"server that is asked for them: sums of all time alone. Stop the server first. Either\n" +
			"everything is imported or nothing is, and the same document only once. A directory that\n" +
			"counts with other nodes needs LOG_URL and what belongs to it: then all of them count it.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "collection", Usage: "which collection of a dump to read, where it has several"},
			&cli.BoolFlag{Name: "continue", Usage: "leave out the documents of earlier imports, and import those that came since"},
			&cli.BoolFlag{Name: "force", Usage: "count what has been imported before once more"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would happen, and change nothing"},
			&cli.BoolFlag{Name: "undo", Usage: "go back to before the last import, if nothing was counted since; as the command undo does"},
			&cli.StringFlag{Name: "compare", Usage: "URL of a running server: compare its answers with the documents of FILE…, or else with the data directory; import nothing", DefaultText: "none"},
			&cli.StringFlag{Name: "source", Usage: "name of the database that the documents come from, where there are several", DefaultText: "none"},
			&cli.StringFlag{Name: "skipped", Usage: "file to write every document that is skipped to, as JSON lines", DefaultText: "none"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			switch {
			case c.IsSet("compare"):
				return compareCommand(ctx, c, output)
			case c.Bool("undo"):
				return undo(c, output)
			}
			directory, err := directoryOf(c)
			if err != nil {
				return err
			}
			job, err := importJobOf(c, directory)
			if err != nil {
				return err
			}
			if job.answers, err = withAnswers(ctx, &job.options); err != nil {
				return fmt.Errorf("nothing was imported: %w", err)
			}
			return job.run(ctx, output)
		},
	}
}

// maxSourceBytes bounds the name of a source.
const maxSourceBytes = 64

func importJobOf(c *cli.Command, directory string) (importJob, error) {
	if !c.Args().Present() {
		return importJob{}, errors.New("import what? name a file, a dump directory, the URL of a server whose answers are to be taken, or - for standard input")
	}
	if c.Bool("continue") && c.Bool("force") {
		return importJob{}, fmt.Errorf("%w: --continue leaves out what was imported before, and --force counts it once more: give one of them", service.ErrConfig)
	}
	if len(c.String("source")) > maxSourceBytes {
		return importJob{}, fmt.Errorf("%w: --source %q: want at most %d bytes", service.ErrConfig, c.String("source"), maxSourceBytes)
	}
	job := importJob{
		directory: directory,
		open:      snapshot.OpenImport,
		skipped:   c.String("skipped"),
		log:       func() (service.Config, error) { return logConfigForImport(c) },
		options: importer.Options{
			Paths: c.Args().Slice(), Collection: c.String("collection"), Source: c.String("source"), Progress: os.Stderr,
		},
	}
	switch {
	case c.Bool("continue"):
		job.overlap = leaveOut
	case c.Bool("force"):
		job.overlap = countAgain
		job.options.Overlap = importer.HandOver
	}
	if c.Bool("dry-run") {
		job.open, job.isRehearsal = snapshot.RehearseImport, true
	}
	return job, nil
}

// logConfigForImport is logConfigOf for a node that runs for as long as an import takes: what it
// does is no news to who imports.
func logConfigForImport(c *cli.Command) (service.Config, error) {
	config, err := logConfigOf(c)
	config.Logger = newLogger(os.Stderr, max(config.LogLevel, slog.LevelWarn))
	return config, err
}
