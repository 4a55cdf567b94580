package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

// Run does what a command line says: without a command it serves until the
// context ends. The error is one for the person who wrote the line.
func Run(ctx context.Context, arguments []string, output io.Writer) error {
	return root(output).Run(ctx, arguments)
}

func root(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "stats-recorder",
		Usage: "count which entries of a list page are shown and clicked, at which position",
		Description: "Without a command it serves: POST /benefits records, GET /statistics ranks,\n" +
			"GET /benefits sums since a date. Everything is kept in the data directory.",
		Flags:        settingFlags(),
		Action:       serve,
		Commands:     []*cli.Command{healthCommand(output), versionCommand(output), verifyCommand(output), importCommand(output), exportCommand(output)},
		Writer:       output,
		ErrWriter:    io.Discard, // main prints the error, once
		OnUsageError: usageError,

		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: showCompletion,
	}
}

func usageError(_ context.Context, _ *cli.Command, err error, _ bool) error {
	return fmt.Errorf("%w; see stats-recorder --help", err)
}

// showCompletion makes the completion command, which the library hides, one
// that --help lists.
func showCompletion(command *cli.Command) {
	command.Hidden = false
	command.Usage = "print a script for the shell that completes commands and flags"
	command.OnUsageError = usageError
}

// noArguments refuses arguments where only flags make sense.
func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return fmt.Errorf("%s takes no argument such as %q; see stats-recorder --help", c.Name, c.Args().First())
	}
	return nil
}

func serve(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return fmt.Errorf("unknown command %q; see stats-recorder --help", c.Args().First())
	}
	config, err := configOf(c)
	if err != nil {
		return err
	}
	config.Logger = newLogger(os.Stderr, config.LogLevel)
	return service.Run(ctx, config, func(string) { service.AddProcessor() })
}

// newLogger writes text for people at a terminal, JSON for everything else.
func newLogger(output *os.File, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if info, err := output.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return slog.New(slog.NewTextHandler(output, options))
	}
	return slog.New(slog.NewJSONHandler(output, options))
}
