package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

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
			flagOf("admin-addr"),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			path := "/healthz"
			if c.Bool("ready") {
				path = "/readyz"
			}
			config, err := settingOf(c, "admin-addr")
			if err == nil && config.AdminOff() {
				err = fmt.Errorf("%w: ADMIN_ADDR: %q: want the address of a server", service.ErrConfig, config.AdminAddr)
			}
			if err != nil {
				return err
			}
			return askHealth(ctx, output, config.AdminAddr, path)
		},
	}
}

// askHealth prints what the server says and returns an error if that is not good.
func askHealth(ctx context.Context, output io.Writer, address, path string) error {
	host, port, _ := net.SplitHostPort(address)
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
