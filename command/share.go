package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/httpapi"
	"stats-recorder/service"
)

// errNothingToShare is the error for a link to what everybody may read.
var errNothingToShare = errors.New("there is no READ_TOKEN: give the server's, or share the address as it is if it has none")

func shareCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "share",
		Usage: "make a link with which others can read one view of /insight without the token",
		Description: "Name the address of the view, with its parameters. The link shows exactly that, to\n" +
			"everybody who has it, until it ends. A new READ_TOKEN ends all links.",
		ArgsUsage:    "URL",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "for", Value: "30d", Usage: "how long it is good, at most 30d"},
			flagOf("read-token"),
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return fmt.Errorf("%w: share needs one address, such as https://host/insight/benefits?start_at=2026-01-01", service.ErrConfig)
			}
			setting, err := settingOf(c, "read-token")
			if err != nil {
				return err
			}
			if setting.ReadToken == "" {
				return errNothingToShare
			}
			good, err := service.ParseDuration(c.String("for"))
			if err != nil {
				return fmt.Errorf("%w: --for %q: %w", service.ErrConfig, c.String("for"), err)
			}
			now := time.Now()
			link, err := httpapi.ShareLink(setting.ReadToken, c.Args().First(), now, now.Add(good))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(output, link)
			return err
		},
	}
}
