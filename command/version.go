package command

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

func versionCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:         "version",
		Usage:        "say which version this is",
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return printVersion(output)
		},
	}
}

// versionFlag does what the version command does: it is tried first by habit.
const versionFlag = "version"

func printVersion(output io.Writer) error {
	build := service.ReadBuild()
	_, err := fmt.Fprintf(output, "stats-recorder %s\nrevision %s\ndate %s\n%s\n", build.Version, build.Revision, build.Date, build.GoVersion)
	return err
}
