package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

// defaults are those of the command line: unlike a server that a program starts,
// one that a person starts has an admin address.
func defaults() service.Config {
	config := service.DefaultConfig()
	config.AdminAddr = service.DefaultAdminAddr
	return config
}

// settingFlags makes a flag of each setting.
func settingFlags() []cli.Flag {
	config := defaults()
	var flags []cli.Flag
	for _, setting := range config.Settings() {
		flags = append(flags, settingFlag(setting))
	}
	return flags
}

// settingFlag makes the flag of a setting. The library passes its text on:
// configOf reads it, so that a flag and a variable are read by the same words.
func settingFlag(s service.Setting) cli.Flag {
	variable := cli.ValueSourceChain{Chain: []cli.ValueSource{named(s.Variable())}}
	if s.Placeholder == "" {
		return &cli.BoolFlag{Name: s.Name, Category: s.Group, Usage: s.Usage, Sources: variable, Local: true}
	}
	return &cli.StringFlag{
		Name: s.Name, Category: s.Group, Usage: s.Usage, DefaultText: s.Default, Sources: variable, Local: !s.Shared,
	}
}

// named is a variable of the environment that the library lists and does not
// read: its own words for a bad value name neither an example nor, for all kinds
// of value, the variable.
type named string

// Lookup finds nothing.
func (named) Lookup() (string, bool) { return "", false }

// String is the variable's name.
func (n named) String() string { return string(n) }

// GoString is the variable's name.
func (n named) GoString() string { return string(n) }

// IsFromEnv says that this is a variable of the environment.
func (named) IsFromEnv() bool { return true }

// Key is the variable's name.
func (n named) Key() string { return string(n) }

// configOf reads the settings that flags or else the environment give. A flag wins.
func configOf(c *cli.Command) (service.Config, error) {
	config := defaults()
	for _, setting := range config.Settings() {
		if err := give(c, setting); err != nil {
			return config, err
		}
	}
	return config, nil
}

// give reads one setting, if anybody gives it.
func give(c *cli.Command, setting service.Setting) error {
	if c.IsSet(setting.Name) {
		if setting.Placeholder == "" {
			return setting.Set(boolText(c.Bool(setting.Name)))
		}
		return setting.Set(c.String(setting.Name))
	}
	if text, found := os.LookupEnv(setting.Variable()); found {
		return setting.Set(text)
	}
	return nil
}

func boolText(value bool) string {
	if value {
		return "true"
	}
	return "false"
}

// settingOf is configOf for a command that needs one setting.
func settingOf(c *cli.Command, name string) (service.Config, error) {
	config := defaults()
	settings := config.Settings()
	at := slices.IndexFunc(settings, func(s service.Setting) bool { return s.Name == name })
	if err := give(c, settings[at]); err != nil {
		return config, err
	}
	return config, settings[at].Check()
}

// flagOf is the flag of one setting, for a command of its own.
func flagOf(name string) cli.Flag {
	flags := settingFlags()
	at := slices.IndexFunc(flags, func(f cli.Flag) bool { return f.Names()[0] == name })
	return flags[at]
}

// directoryOf is the data directory that a command is to work on, as an absolute
// path, so that a message says where that is.
func directoryOf(c *cli.Command) (string, error) {
	config, err := settingOf(c, "data-dir")
	if err != nil {
		return "", err
	}
	return filepath.Abs(config.DataDir)
}

// errNoDirectory is the error for a data directory that a command is to read and
// that is not there.
var errNoDirectory = errors.New("there is no such data directory; name it with --data-dir or DATA_DIR")

// existingDirectoryOf is directoryOf for a command that reads.
func existingDirectoryOf(c *cli.Command) (string, error) {
	directory, err := directoryOf(c)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(directory); errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%q: %w", directory, errNoDirectory)
	}
	return directory, nil
}
