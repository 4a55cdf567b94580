package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/demo"
	"stats-recorder/service"
)

const (
	// demoSeed makes the demonstration the same everywhere on a day.
	demoSeed = 20261126
	demoDays = 60
	// demoEvery is how often what happens now is posted.
	demoEvery = 2 * time.Second
	// demoSnapshots is often, since visitors of past days leave memory by snapshots.
	demoSnapshots = 20 * time.Millisecond
)

func demoCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "show what the page makes of made-up traffic, in a directory that is removed at the end",
		Description: "Starts a server on a scratch directory with 60 days of made-up visits of a list of 600\n" +
			"benefits, two experiments among them, and goes on making some up. Nothing of it is real.",
		OnUsageError: usageError,
		Flags:        []cli.Flag{flagOf("host"), flagOf("port"), flagOf("time-zone"), flagOf("log-level")},
		Action:       func(ctx context.Context, c *cli.Command) error { return demonstrate(ctx, c, output) },
	}
}

func demonstrate(ctx context.Context, c *cli.Command, output io.Writer) (err error) {
	if err := noArguments(c); err != nil {
		return err
	}
	config, err := demoConfig(c)
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "stats-recorder-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demonstration: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	config.DataDir, config.LabelsFile = filepath.Join(directory, "data"), filepath.Join(directory, "labels.csv")
	if err := writeDemoLabels(config.LabelsFile); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	made := make(chan error, 1)
	err = service.Run(ctx, config, func(address string) {
		go func() {
			err := fillDemo(ctx, address, config, output)
			if err != nil {
				stop()
			}
			made <- err
		}()
	})
	stop()
	select {
	case failed := <-made:
		return errors.Join(err, failed)
	default:
		return err
	}
}

// demoConfig is that of the demonstration: everything on its own, and old records too.
func demoConfig(c *cli.Command) (service.Config, error) {
	config := defaults()
	for _, setting := range config.Settings() {
		switch setting.Name {
		case "host", "port", "time-zone", "log-level":
			if err := give(c, setting); err != nil {
				return config, err
			}
		}
	}
	config.AdminAddr, config.Durability, config.MaxEventAge = "off", "snapshot", 0
	config.SnapshotInterval = demoSnapshots
	config.SiteTitle = "Démonstration (données inventées)"
	config.Logger = newLogger(os.Stderr, config.LogLevel)
	return config, config.Validate()
}

func writeDemoLabels(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the demonstration's labels: %w", err)
	}
	return errors.Join(demo.WriteLabels(file, demoSeed), file.Close())
}

// fillDemo posts the past, says where to look, and goes on.
func fillDemo(ctx context.Context, address string, config service.Config, output io.Writer) error {
	origin := "http://" + strings.Replace(address, "[::]", "localhost", 1)
	now := time.Now().In(config.Zone())
	t := demo.Traffic{Seed: demoSeed, From: now.AddDate(0, 0, -demoDays), To: now, PagesADay: demo.PagesADay}
	if err := demo.Fill(ctx, origin, config.DataDir, t); err != nil {
		return fmt.Errorf("fill the demonstration: %w", err)
	}
	fmt.Fprintf(output, "The demonstration is ready: %s/\nIts data are made up. It ends, and is removed, with Ctrl-C.\n", origin)
	return demo.Trickle(ctx, origin, t, demoEvery)
}
