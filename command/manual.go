package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

// The pages that the manual command can print, named as their files are.
const (
	commandPage  = "stats-recorder.1"
	settingsPage = "stats-recorder.conf.5"
	settingsFile = "stats-recorder.conf"
)

func manualCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "manual",
		Usage: "print the manual: stats-recorder manual | man -l -",
		Description: "Two pages in the format of man(7), and an example of the settings file with every\n" +
			"setting in it, commented out.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "page", Value: commandPage, Usage: settingsPage + " for the settings, " + settingsFile + " for the example"},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			text, err := manualPage(c.String("page"), c.Root())
			if err != nil {
				return err
			}
			_, err = io.WriteString(output, text)
			return err
		},
	}
}

// manualPage writes one of the pages, of this command line.
func manualPage(name string, root *cli.Command) (string, error) {
	config := defaults()
	switch name {
	case commandPage:
		return manualOfCommands(root, config.Settings()), nil
	case settingsPage:
		return manualOfSettings(config.Settings()), nil
	case settingsFile:
		return exampleOfSettings(config.Settings()), nil
	}
	return "", fmt.Errorf("%w: --page %q: want %s, %s or %s", service.ErrConfig, name, commandPage, settingsPage, settingsFile)
}

func manualOfCommands(root *cli.Command, settings []service.Setting) string {
	page := newRoff("STATS-RECORDER", "1")
	page.section("NAME")
	page.lines("stats-recorder - " + root.Usage)
	page.section("SYNOPSIS")
	page.lines("stats-recorder [OPTION]...", "stats-recorder COMMAND [OPTION]... [ARGUMENT]...")
	page.section("DESCRIPTION")
	page.text(root.Description)
	page.section("COMMANDS")
	for _, command := range root.Commands {
		if command.Hidden || command.Name == "help" {
			continue
		}
		page.subsection(strings.TrimSpace(command.Name + " " + command.ArgsUsage))
		page.text(sentence(command.Usage))
		page.text(command.Description)
		for _, flag := range command.Flags {
			page.flag(flag)
		}
	}
	page.section("OPTIONS")
	page.text("Each is also a variable of the environment, named in stats-recorder.conf(5): --data-dir is DATA_DIR. An option wins.")
	page.settings(settings, func(s service.Setting) string { return "--" + s.Name })
	page.section("SIGNALS")
	page.entry("SIGTERM, SIGINT", "Answer what has arrived, save everything and end. A second one ends at once: what was acknowledged is on disk.")
	page.entry("SIGHUP", "Read BENEFITS_FILE, LABELS_FILE and the certificate again.")
	page.section("EXIT STATUS")
	page.text("0 when all went well, else 1, and a line on standard error says why.")
	page.section("SEE ALSO")
	page.text("stats-recorder.conf(5)")
	return page.String()
}

func manualOfSettings(settings []service.Setting) string {
	page := newRoff("STATS-RECORDER.CONF", "5")
	page.section("NAME")
	page.lines("stats-recorder.conf - settings of stats-recorder(1)")
	page.section("SYNOPSIS")
	page.text("/etc/stats-recorder.conf")
	page.section("DESCRIPTION")
	page.text("The service reads this file when it starts: one NAME=value a line; a line that begins with # is a comment. " +
		"See EnvironmentFile in systemd.exec(5) for quoting. After a change:")
	page.lines(afterChange...)
	page.text("After one of HOST or PORT, which the socket has to follow:")
	page.lines(afterMove...)
	page.text("The same names are variables of the environment wherever the server runs without systemd.")
	page.section("SETTINGS")
	page.settings(settings, service.Setting.Variable)
	page.section("SEE ALSO")
	page.text("stats-recorder(1), systemd.exec(5)")
	return page.String()
}

// afterChange and afterMove are the commands that make changed settings count.
// Systemd gives a socket no new address while its service runs.
var (
	afterChange = []string{"systemctl restart stats-recorder.service"}
	afterMove   = []string{
		"systemctl daemon-reload",
		"systemctl stop stats-recorder.socket stats-recorder.service",
		"systemctl start stats-recorder.socket stats-recorder.service",
	}
)

// exampleOfSettings is a settings file that says what the defaults are.
func exampleOfSettings(settings []service.Setting) string {
	var text strings.Builder
	text.WriteString("# Settings of stats-recorder, one NAME=value a line; see stats-recorder.conf(5).\n" +
		"# Those that are commented out have their defaults. After a change:\n#   " +
		strings.Join(afterChange, "\n#   ") + "\n# After one of HOST or PORT, which the socket has to follow:\n#   " +
		strings.Join(afterMove, "\n#   ") + "\n")
	for _, group := range service.Groups() {
		fmt.Fprintf(&text, "\n# %s\n", group)
		for _, s := range settings {
			if s.Group == group {
				fmt.Fprintf(&text, "\n# %s (%s)\n#%s=\n", s.Usage, defaultOf(s), s.Variable())
			}
		}
	}
	return text.String()
}

// sentence makes one of a usage.
func sentence(usage string) string { return strings.ToUpper(usage[:1]) + usage[1:] + "." }

func defaultOf(s service.Setting) string { return "default: " + strings.Trim(s.Default, `"`) }
