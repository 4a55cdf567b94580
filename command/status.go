package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/status"
)

// errUnwell makes the process exit with the code of a report that was printed.
type errUnwell struct{ report status.Report }

// Error says what to look at above.
func (e errUnwell) Error() string {
	if e.report.State == status.Down {
		return "the server is down"
	}
	return several(len(e.report.Warnings), "warning") + "; see above"
}

// Code is that of the report.
func (e errUnwell) Code() int { return e.report.ExitCode() }

// errNoStatus is the error where the state cannot be asked for, which must not look
// like a warning.
type errNoStatus struct{ error }

// Code is that of a server that is down.
func (errNoStatus) Code() int { return status.Unreachable(time.Time{}, "").ExitCode() }

// Unwrap is the reason.
func (e errNoStatus) Unwrap() error { return e.error }

func statusCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "say how the server on this machine is, and what to look at",
		Description: "Asks the server at ADMIN_ADDR twice, a moment apart. Exits with 0 when all is well,\n" +
			"with 1 when there is a warning, and with 2 when it takes no records or does not answer.",
		OnUsageError: func(ctx context.Context, c *cli.Command, err error, sub bool) error {
			return errNoStatus{usageError(ctx, c, err, sub)}
		},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON, for programs"},
			&cli.DurationFlag{Name: "during", Usage: "how long to look for the rate, and for what is going wrong now", Value: time.Second},
			flagOf("admin-addr"),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return errNoStatus{err}
			}
			address, err := adminAddressOf(c)
			if err != nil {
				return errNoStatus{err}
			}
			report := askStatus(ctx, address, c.Duration("during"))
			if err := printStatus(output, report, c.Bool("json")); err != nil {
				return errNoStatus{err}
			}
			if report.State != status.Well {
				return errUnwell{report}
			}
			return nil
		},
	}
}

// askStatus reads the figures of a server twice, with a time between.
func askStatus(ctx context.Context, address string, between time.Duration) status.Report {
	before, err := readStatus(ctx, address)
	if err != nil {
		return status.Unreachable(time.Now(), err.Error())
	}
	select {
	case <-time.After(between):
	case <-ctx.Done():
	}
	now, err := readStatus(ctx, address)
	if err != nil {
		return status.Unreachable(time.Now(), err.Error())
	}
	return status.Compare(before, now)
}

// readStatus reads what a server shows at one moment.
func readStatus(ctx context.Context, address string) (status.Reading, error) {
	text, err := askAdmin(ctx, address, "/metrics")
	if err != nil {
		return status.Reading{}, err
	}
	reading := status.Reading{At: time.Now()}
	if reading.Metrics, err = status.ParseMetrics(bytes.NewReader(text)); err != nil {
		return status.Reading{}, fmt.Errorf("%s: %w", address, err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		_, err := askAdmin(ctx, address, path)
		if refusal, refused := errors.AsType[adminRefusal](err); refused {
			reading.NotReady = refusal.says
			return reading, nil
		} else if err != nil {
			return status.Reading{}, err
		}
	}
	return reading, nil
}

func printStatus(output io.Writer, report status.Report, asJSON bool) error {
	if !asJSON {
		return report.Print(output)
	}
	encoder := json.NewEncoder(output)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}
