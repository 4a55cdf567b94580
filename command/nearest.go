package command

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

// nearest returns the name that somebody probably meant, or "" if none is near:
// at most one letter in three of the shorter one may be wrong, and three in all.
func nearest(written string, names []string) (meant string) {
	const most = 3
	fewest := most + 1
	for _, name := range names {
		allowed := max(1, min(most, len(written)/3, len(name)/3))
		if distance := levenshtein.ComputeDistance(written, name); distance <= allowed && distance < fewest {
			meant, fewest = name, distance
		}
	}
	return meant
}

func unknownCommand(c *cli.Command) error {
	var names []string
	for _, command := range c.Commands {
		names = append(names, command.Name)
	}
	return fmt.Errorf("unknown command %q%s; see stats-recorder --help", c.Args().First(), suggestion(nearest(c.Args().First(), names)))
}

func suggestion(meant string) string {
	if meant == "" {
		return ""
	}
	return ", did you mean " + meant + "?"
}

// unknownFlag finds the name in the library's words for a flag that there is not.
var unknownFlag = regexp.MustCompile(`^flag provided but not defined: -+(.*)$`)

// usageError is the error for a command line with a flag that makes no sense.
func usageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	if match := unknownFlag.FindStringSubmatch(err.Error()); match != nil {
		var names []string
		for _, flag := range append(c.Flags, c.Root().Flags...) {
			names = append(names, "--"+flag.Names()[0])
		}
		written := "--" + match[1]
		return fmt.Errorf("unknown flag %s%s; see stats-recorder --help", written, suggestion(nearest(written, names)))
	}
	return fmt.Errorf("%w; see stats-recorder --help", err)
}

// misspelling is a variable of the environment that is no setting, though
// somebody may have meant one.
type misspelling struct{ variable, setting string }

// leastTelling is the length from which on a setting's name as a part of a longer
// one is no accident: every platform has its own HOST and PORT.
const leastTelling = 8

// misspelt finds the variables that are near a setting's. Nobody else would tell:
// a READ_TOKENS leaves the statistics public.
func misspelt(environment []string, settings []service.Setting) (found []misspelling) {
	known := map[string]bool{}
	var names []string
	for _, setting := range settings {
		known[setting.Variable()] = true
		names = append(names, setting.Variable())
	}
	for _, entry := range environment {
		variable, _, _ := strings.Cut(entry, "=")
		if known[variable] {
			continue
		}
		if meant := meantBy(variable, names); meant != "" {
			found = append(found, misspelling{variable, meant})
		}
	}
	return found
}

func meantBy(variable string, names []string) string {
	upper := strings.ToUpper(strings.ReplaceAll(variable, "-", "_"))
	for _, name := range names {
		longer := len(name) >= leastTelling && (strings.HasPrefix(upper, name+"_") || strings.HasSuffix(upper, "_"+name))
		if upper == name || longer {
			return name
		}
	}
	return nearest(upper, names)
}
