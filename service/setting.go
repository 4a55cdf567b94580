package service

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Setting is one thing that a person can tell the server: by a flag, by a
// variable of the environment, or by the field of a Config that it is bound to.
// The table of settings is the only place that names it.
type Setting struct {
	// Name is that of the flag, without its dashes.
	Name string
	// Group is the heading that it stands under in lists.
	Group string
	// Usage says in one sentence what it does.
	Usage string
	// Default is the value of a Config from DefaultConfig, for people.
	Default string
	// Placeholder stands for the value in lists: number, duration, text or list.
	// It is empty for a switch, whose flag needs no value.
	Placeholder string
	// Shared says that the commands on the data directory have it too.
	Shared bool

	parse func(text string) error // into the field
	check func() error            // of the field; nil when any value will do
}

// Groups are the groups of settings in the order of lists.
func Groups() []string {
	return []string{groupNetwork, groupData, groupRecords, groupVisitors, groupInsight, groupBounds, groupOperation, groupCluster}
}

const (
	groupNetwork   = "Network"
	groupData      = "Data"
	groupRecords   = "Records"
	groupInsight   = "Insight"
	groupVisitors  = "Visitors"
	groupBounds    = "Bounds"
	groupOperation = "Operation"
	groupCluster   = "Several nodes"
)

// Variable is the setting's variable of the environment.
func (s Setting) Variable() string {
	return strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Set reads a value into the field that the setting is bound to. The error wraps
// ErrConfig, names the variable and the value, and gives an example. It says
// nothing about whether the value makes sense: Validate does.
func (s Setting) Set(text string) error {
	if err := s.parse(text); err != nil {
		return fmt.Errorf("%w: %s: %q: %w", ErrConfig, s.Variable(), text, err)
	}
	return nil
}

// Check returns an error, which wraps ErrConfig and names the variable, if the
// value of the field makes no sense.
func (s Setting) Check() error {
	if s.check == nil {
		return nil
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, s.Variable(), err)
	}
	return nil
}

// Validate checks every setting and returns the first error. It reads the
// settings whose text has a meaning, so it comes before Run's other work.
func (c *Config) Validate() error {
	for _, setting := range c.Settings() {
		if err := setting.Check(); err != nil {
			return err
		}
	}
	return nil
}

// shown replaces the default that lists show.
func (s Setting) shown(preset string) Setting {
	s.Default = preset
	return s
}

// checked adds a check that the kind of setting does not make.
func (s Setting) checked(check func() error) Setting {
	s.check = check
	return s
}

// number is a setting that is an integer within limits.
func number(name, group string, field *int, least, most int, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "number",
		Default: strconv.Itoa(*field),
		parse: func(text string) error {
			if text == "" {
				return nil // as if it were not set
			}
			value, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("want a whole number such as %d", max(*field, least))
			}
			*field = value
			return nil
		},
		check: func() error {
			switch {
			case *field < least && most == math.MaxInt:
				return fmt.Errorf("%d: want %d or more", *field, least)
			case *field < least || *field > most:
				return fmt.Errorf("%d: want %d to %d", *field, least, most)
			}
			return nil
		},
	}
}

// byMemory lets a number be 0 until the memory is known, which then says what it is: see
// Config.followMemory. Nobody can set it to 0.
func (s Setting) byMemory(field *int) Setting {
	parse, check := s.parse, s.check
	s.Default = "by the memory"
	s.parse = func(text string) error {
		err := parse(text)
		if err == nil && text != "" && *field == 0 {
			return errors.New("want 1 or more")
		}
		return err
	}
	s.check = func() error {
		if *field == 0 {
			return nil
		}
		return check()
	}
	return s
}

// duration is a setting that is a length of time, at least so long.
func duration(name, group string, field *time.Duration, least time.Duration, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "duration",
		Default: field.String(),
		parse: func(text string) error {
			if text == "" {
				return nil // as if it were not set
			}
			value, err := ParseDuration(text)
			if err == nil {
				*field = value
			}
			return err
		},
		check: func() error {
			if *field < least {
				return fmt.Errorf("%s: want at least %s", *field, least)
			}
			return nil
		},
	}
}

// errDuration is the error for text that is not a length of time.
var errDuration = errors.New("want a length of time with its unit, such as 90s, 15m, 48h or 30d")

// errTooLong is the error for a length of time that no setting can have.
var errTooLong = errors.New("want at most 65535d; 0 is for ever, or no limit, where a setting has one")

// ParseDuration reads what time.ParseDuration does, and a whole number of days.
func ParseDuration(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.ParseInt(days, 10, 17)
		switch {
		case err == nil:
			return time.Duration(n) * 24 * time.Hour, nil
		case errors.Is(err, strconv.ErrRange):
			return 0, errTooLong
		}
	}
	value, err := time.ParseDuration(text)
	if err != nil {
		return 0, errDuration
	}
	return value, nil
}

// text is a setting that means itself.
func text(name, group string, field *string, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "text",
		Default: strconv.Quote(*field),
		parse: func(text string) error {
			*field = text
			return nil
		},
	}
}

// meaning is a setting whose text stands for a value, which its check reads.
func meaning[T any](name, group string, field *string, value *T, read func(string) (T, error), usage string) Setting {
	return text(name, group, field, usage).checked(func() (err error) {
		*value, err = read(*field)
		return err
	})
}

// list is a setting that is a comma-separated list, whose empty items do not count.
func list(name, group string, field *[]string, longest int, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "list",
		Default: cmp.Or(strings.Join(*field, ","), "none"),
		parse: func(text string) error {
			*field = nil
			for item := range strings.SplitSeq(text, ",") {
				if item = strings.TrimSpace(item); item != "" {
					*field = append(*field, item)
				}
			}
			return nil
		},
		check: func() error {
			for _, item := range *field {
				if item == "" || len(item) > longest || strings.ContainsFunc(item, isNoName) {
					return fmt.Errorf("%q: want names of 1 to %d bytes without spaces, separated by commas", item, longest)
				}
			}
			return nil
		},
	}
}

// isNoName says whether a character has no place in a name of a list.
func isNoName(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError }

// onOff is a setting that is a switch.
func onOff(name, group string, field *bool, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Default: strconv.FormatBool(*field),
		parse: func(text string) error {
			if text == "" {
				*field = false
				return nil
			}
			value, err := strconv.ParseBool(text)
			if err != nil {
				return errors.New("want true or false")
			}
			*field = value
			return nil
		},
	}
}

// onByDefault is a switch that is on: its flag has a value, so that it can be told off.
func onByDefault(name, group string, field *bool, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "text", Default: "on",
		parse: func(text string) error {
			switch text {
			case "":
			case "on", "off":
				*field = text == "on"
			default:
				return errors.New("want on or off")
			}
			return nil
		},
	}
}

// level is a setting that is a level of the log.
func level(name, group string, field *slog.Level, usage string) Setting {
	return Setting{
		Name: name, Group: group, Usage: usage, Placeholder: "text",
		Default: strconv.Quote(strings.ToLower(field.String())),
		parse: func(text string) error {
			if field.UnmarshalText([]byte(text)) != nil {
				return errors.New("want debug, info, warn or error")
			}
			return nil
		},
	}
}
