package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v3"
)

// buildInfo is what the binary knows of its making.
type buildInfo struct{ version, revision, goVersion string }

func readBuild() buildInfo {
	build := buildInfo{version: "unknown", revision: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	build.goVersion = info.GoVersion
	if info.Main.Version != "" {
		build.version = info.Main.Version
	}
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.revision = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if modified {
		build.revision += " (modified)"
	}
	return build
}

func versionCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:         "version",
		Usage:        "say which version this is",
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return fmt.Errorf("version takes no argument such as %q; see stats-recorder --help", c.Args().First())
			}
			build := readBuild()
			_, err := fmt.Fprintf(output, "stats-recorder %s\nrevision %s\n%s\n", build.version, build.revision, build.goVersion)
			return err
		},
	}
}

// healthPatience is how long a server may take to say how it is.
const healthPatience = 8 * time.Second

func healthCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "ask the server on this machine how it is",
		Description: "Exits with 0 when the server at ADMIN_ADDR is alive, with --ready when it also\n" +
			"takes records; else with 1. For containers, whose image has nothing to ask with.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "ready", Usage: "ask whether it is ready, not only alive"},
			&cli.StringFlag{
				Name: "admin-addr", Value: defaultAdminAddr, Sources: cli.EnvVars("ADMIN_ADDR"),
				Usage: "where the server answers the person on call",
			},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			path := "/healthz"
			if c.Bool("ready") {
				path = "/readyz"
			}
			return askHealth(ctx, output, Config{AdminAddr: c.String("admin-addr")}, path)
		},
	}
}

// askHealth prints what the server says and returns an error if that is not good.
func askHealth(ctx context.Context, output io.Writer, config Config, path string) error {
	if err := config.checkAdminAddr(); err != nil || config.adminOff() {
		return fmt.Errorf("%w: ADMIN_ADDR %q: want the address of a server", ErrConfig, config.AdminAddr)
	}
	host, port, _ := net.SplitHostPort(config.AdminAddr)
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	says, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, bytes.TrimSpace(says))
	}
	_, err = output.Write(says)
	return err
}
