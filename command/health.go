package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
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
			address, err := adminAddressOf(c)
			if err != nil {
				return err
			}
			says, err := askAdmin(ctx, address, path)
			if err != nil {
				return err
			}
			_, err = output.Write(says)
			return err
		},
	}
}

// adminAddressOf is where the server's admin address can be reached from here.
func adminAddressOf(c *cli.Command) (string, error) {
	config, err := settingOf(c, "admin-addr")
	if err == nil && config.AdminOff() {
		err = fmt.Errorf("%w: ADMIN_ADDR: %q: want the address of a server", service.ErrConfig, config.AdminAddr)
	}
	if err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(config.AdminAddr)
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

// errNobody is returned where no server listens.
var errNobody = errors.New("nobody answers")

// maxAdminAnswer bounds what is read of an answer.
const maxAdminAnswer = 16 << 20

// adminRefusal is what a server answers that is not well.
type adminRefusal struct{ path, says string }

// Error is the path and what is said there.
func (r adminRefusal) Error() string { return r.path + ": " + r.says }

// askAdmin returns what the server at an admin address answers, or an adminRefusal.
func askAdmin(ctx context.Context, address, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w at %s; is the server running, with this ADMIN_ADDR?", errNobody, address)
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	says, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, adminRefusal{path, string(bytes.TrimSpace(says))}
	}
	return says, nil
}
