// Command stats-recorder counts which entries of a list page are shown and
// clicked, and at which position of how long a page.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // the timeline's zones, where the machine has none

	"stats-recorder/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// The second signal ends the process at once: acknowledged records are on disk.
	context.AfterFunc(ctx, stop)
	if err := command.Run(ctx, os.Args, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stats-recorder:", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(command.ExitCode(err))
	}
}
