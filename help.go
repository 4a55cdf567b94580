package main

import (
	"slices"

	"github.com/urfave/cli/v3"
)

// flagGroups are the flags by what they are about, as --help lists them.
func flagGroups() map[string][]string {
	return map[string][]string{
		"Network": {"port", "host", "cors-domain", "trusted-proxies", "read-token", "tls-cert", "tls-key"},
		"Data":    {"data-dir", "snapshot-interval", "durability", "retention"},
		"Records": {"event-types", "max-event-age", "benefits-file"},
		"Bounds": {"max-benefits", "max-counters", "max-body-bytes", "max-connections", "max-header-bytes", "max-answer-bytes",
			"read-timeout", "write-timeout", "idle-timeout", "rate-limit", "rate-burst"},
		"Operation": {"admin-addr", "access-log", "log-level"},
	}
}

// grouped puts each flag into its group.
func grouped(flags []cli.Flag) []cli.Flag {
	for _, flag := range flags {
		for group, names := range flagGroups() {
			if one, ok := flag.(cli.CategorizableFlag); ok && slices.Contains(names, flag.Names()[0]) {
				one.SetCategory(group)
			}
		}
	}
	return flags
}

// showCompletion makes the completion command, which the library hides, one
// that --help lists.
func showCompletion(command *cli.Command) {
	command.Hidden = false
	command.Usage = "print a script for the shell that completes commands and flags"
	command.OnUsageError = usageError
}
