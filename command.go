package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// command is the command line: the server, and what else the binary can do.
// Every setting is a flag and an environment variable; a flag wins.
func command(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "stats-recorder",
		Usage: "count which entries of a list page are shown and clicked, at which position",
		Description: "Without a command it serves: POST /benefits records, GET /statistics ranks,\n" +
			"GET /benefits sums since a date. Everything is kept in the data directory.",
		Flags:        grouped(serveFlags()),
		Action:       func(ctx context.Context, c *cli.Command) error { return serveCommand(ctx, c) },
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

// serveFlags are the settings of the server.
func serveFlags() []cli.Flag {
	return slices.Concat(networkFlags(), countingFlags(), exposureFlags(), operationFlags())
}

func networkFlags() []cli.Flag {
	defaults := DefaultConfig()
	return []cli.Flag{
		&cli.IntFlag{
			Name: "port", Value: defaults.Port, Sources: cli.EnvVars("PORT"), Local: true,
			Usage: "TCP port; 0 picks a free one, and the log says which",
		},
		&cli.StringFlag{
			Name: "host", Sources: cli.EnvVars("HOST"), Local: true, DefaultText: "all interfaces",
			Usage: "address to bind",
		},
		&cli.StringFlag{
			Name: "cors-domain", Value: defaults.CORSDomain, Sources: cli.EnvVars("CORS_DOMAIN"), Local: true,
			Usage: "* or a comma-separated list of origins whose pages may read the answers",
		},
	}
}

func countingFlags() []cli.Flag {
	defaults := DefaultConfig()
	return []cli.Flag{
		&cli.StringFlag{ // not Local: the commands work on the data directory too
			Name: "data-dir", Value: defaults.DataDir, Sources: cli.EnvVars("DATA_DIR"),
			Usage: "directory of everything that is kept on disk",
		},
		&cli.DurationFlag{
			Name: "snapshot-interval", Value: defaults.SnapshotInterval, Sources: cli.EnvVars("SNAPSHOT_INTERVAL"), Local: true,
			Usage: "how often a changed state is written as a compressed snapshot",
		},
		&cli.StringFlag{
			Name: "durability", Value: defaults.Durability, Sources: cli.EnvVars("DURABILITY"), Local: true,
			Usage: "what an acknowledged record survives: always, everysec or snapshot",
		},
		&cli.StringFlag{
			Name: "event-types", Sources: cli.EnvVars("EVENT_TYPES"), Local: true, DefaultText: "none",
			Usage: "comma-separated event types accepted beside the built-in ones",
		},
		&cli.DurationFlag{
			Name: "max-event-age", Value: defaults.MaxEventAge, Sources: cli.EnvVars("MAX_EVENT_AGE"), Local: true,
			Usage: "how old a record's created_at may be; 0 means no limit",
		},
		&cli.StringFlag{
			Name: "retention", Sources: cli.EnvVars("RETENTION"), Local: true, DefaultText: "for ever",
			Usage: "how long closed days are kept, such as 1095d",
		},
		&cli.IntFlag{
			Name: "max-benefits", Value: defaults.MaxBenefits, Sources: cli.EnvVars("MAX_BENEFITS"), Local: true,
			Usage: "how many distinct benefits get counters of their own; later ones count as __other__",
		},
		&cli.IntFlag{
			Name: "max-counters", Value: defaults.MaxCounters, Sources: cli.EnvVars("MAX_COUNTERS"), Local: true,
			Usage: "how many counters there may be in memory; later ones count as __other__",
		},
		&cli.StringFlag{
			Name: "benefits-file", Sources: cli.EnvVars("BENEFITS_FILE"), Local: true, DefaultText: "none",
			Usage: "file with the benefits that exist, one a line; read again on SIGHUP",
		},
		&cli.IntFlag{
			Name: "max-body-bytes", Value: defaults.MaxBodyBytes, Sources: cli.EnvVars("MAX_BODY_BYTES"), Local: true,
			Usage: "limit of a request's body, counted after inflation",
		},
	}
}

func operationFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "admin-addr", Value: defaultAdminAddr, Sources: cli.EnvVars("ADMIN_ADDR"), Local: true,
			Usage: "where /metrics, /healthz, /readyz and /debug/pprof are, not for the public; or off",
		},
		&cli.BoolFlag{
			Name: "access-log", Sources: cli.EnvVars("ACCESS_LOG"), Local: true,
			Usage: "log a line for each request, without anything about who sent it",
		},
		&cli.StringFlag{
			Name: "log-level", Value: "info", Sources: cli.EnvVars("LOG_LEVEL"), Local: true,
			Usage: "debug, info, warn or error",
		},
	}
}

func serveCommand(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return fmt.Errorf("unknown command %q; see stats-recorder --help", c.Args().First())
	}
	logger, err := newLogger(os.Stderr, c.String("log-level"))
	if err != nil {
		return err
	}
	retention, err := parseRetention(c.String("retention"))
	if err != nil {
		return err
	}
	return Run(ctx, Config{
		Host:             c.String("host"),
		Port:             c.Int("port"),
		CORSDomain:       c.String("cors-domain"),
		DataDir:          c.String("data-dir"),
		SnapshotInterval: c.Duration("snapshot-interval"),
		EventTypes:       splitList(c.String("event-types")),
		MaxEventAge:      c.Duration("max-event-age"),
		Retention:        retention,
		MaxBenefits:      c.Int("max-benefits"),
		MaxCounters:      c.Int("max-counters"),
		BenefitsFile:     c.String("benefits-file"),
		MaxBodyBytes:     c.Int("max-body-bytes"),
		Durability:       c.String("durability"),
		AdminAddr:        c.String("admin-addr"),
		AccessLog:        c.Bool("access-log"),
		Exposure:         exposureAsked(c),
		Logger:           logger,
	}, func(string) { addProcessor() })
}

// parseRetention reads a number of days, such as 1095d, or a Go duration.
// Nothing, or 0, is for ever.
func parseRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%w: RETENTION: %q: want a number of days such as 1095d", ErrConfig, text)
	}
	return duration, nil
}

// newLogger writes text for people at a terminal, JSON for everything else.
func newLogger(output *os.File, level string) (*slog.Logger, error) {
	var minimum slog.Level
	if err := minimum.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%w: LOG_LEVEL: %q: want debug, info, warn or error", ErrConfig, level)
	}
	options := &slog.HandlerOptions{Level: minimum}
	if info, err := output.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return slog.New(slog.NewTextHandler(output, options)), nil
	}
	return slog.New(slog.NewJSONHandler(output, options)), nil
}

// splitList splits a comma-separated list and drops what is empty.
func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
