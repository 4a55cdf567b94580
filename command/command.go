package command

import (
	"context"
	"errors"
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

// ExitCode is the code of the process for an error of Run: 1, unless the command has
// codes of its own. It is for main alone.
func ExitCode(err error) int {
	if coded, ok := errors.AsType[interface {
		error
		Code() int // not ExitCode, for which the library would end the process itself
	}](err); ok {
		return coded.Code()
	}
	return 1
}

func root(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "stats-recorder",
		Usage: "count which entries of a list page are shown and clicked, at which position",
		Description: "Without a command it serves: POST /benefits records, GET /statistics ranks,\n" +
			"GET /benefits sums since a date. Everything is kept in the data directory.",
		Flags:        append(settingFlags(), &cli.BoolFlag{Name: versionFlag, Category: "Operation", Usage: "say which version this is", Local: true}),
		Action:       serve,
		Commands:     []*cli.Command{demoCommand(output), healthCommand(output), statusCommand(output), versionCommand(output), manualCommand(output), verifyCommand(output), importCommand(output), exportCommand(output), insightCommand(output), shareCommand(output), backupCommand(output), restoreCommand(output), renameCommand(output), dropCommand(output), mergeCommand(output), undoCommand(output), clusterCommand(output)},
		Writer:       output,
		ErrWriter:    io.Discard, // main prints the error, once
		OnUsageError: usageError,

		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: showCompletion,
	}
}

// showCompletion makes the completion command, which the library hides, one
// that --help lists.
func showCompletion(command *cli.Command) {
	command.Hidden = false
	command.Usage = "print a script for the shell that completes commands and flags"
	command.Description = "Name the shell: bash, zsh, fish or pwsh. The packages install the scripts. Elsewhere, for\n" +
		"bash: source <(stats-recorder completion bash)"
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
		return unknownCommand(c)
	}
	if c.Bool(versionFlag) {
		return printVersion(c.Writer)
	}
	config, err := configOf(c)
	if err != nil {
		return err
	}
	config.Logger = newLogger(os.Stderr, config.LogLevel)
	for _, wrong := range misspelt(os.Environ(), config.Settings()) {
		config.Logger.Warn("a variable of the environment is no setting", "variable", wrong.variable, "did_you_mean", wrong.setting)
	}
	for _, variable := range databaseVariables(os.Environ()) {
		config.Logger.Info("this server keeps its counts in DATA_DIR and reads no database; docs/migration.md says how to import the old ones; then remove the variable",
			"variable", variable)
	}
	return service.Run(ctx, config, nil)
}

// newLogger writes text for people at a terminal, JSON for everything else.
func newLogger(output *os.File, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: withUnit}
	if info, err := output.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return slog.New(slog.NewTextHandler(output, options))
	}
	return slog.New(slog.NewJSONHandler(output, options))
}

// withUnit writes a length of time as text, such as 1.5s: a number would be
// nanoseconds, which nothing in the line says.
func withUnit(_ []string, attribute slog.Attr) slog.Attr {
	if attribute.Value.Kind() == slog.KindDuration {
		attribute.Value = slog.StringValue(attribute.Value.Duration().String())
	}
	return attribute
}
