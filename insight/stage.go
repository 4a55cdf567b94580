package insight

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// A Stage is how far somebody went with a benefit.
type Stage uint8

// The stages, in their order. NoStage is that of events that say nothing of it.
const (
	NoStage Stage = iota
	StageShown
	StageOpened
	StageActed
)

// String is the stage's name in settings and answers: shown, opened or acted;
// empty for NoStage.
func (s Stage) String() string {
	switch s {
	case StageShown:
		return "shown"
	case StageOpened:
		return "opened"
	case StageActed:
		return "acted"
	}
	return ""
}

// ErrStages is returned for a setting of stages that makes no sense.
var ErrStages = errors.New("stages make no sense")

// Stages says of each event type, by name, which stage it is of. Unknown names
// are of NoStage.
type Stages map[string]Stage

// DefaultStages are those of the page that the contract was made for: show;
// showDetails and, in the grouped variant of its list, showDetailsFromGroupPage;
// and the ways to act. Events about a filtered list or about the benefit's
// amount have no stage, since their positions are not those of the page.
func DefaultStages() Stages {
	stages := Stages{"show": StageShown, "showDetails": StageOpened, "showDetailsFromGroupPage": StageOpened}
	for _, name := range []string{
		"link", "form", "instructions", "msa", "show-locations", "teleservice", "teleservicePrefill",
	} {
		stages[name] = StageActed
	}
	return stages
}

// ParseStages reads own event types in the form "opened:a,b;acted:c", in which
// each stage that is named replaces its default and shown may be named too. It
// returns ErrStages for an unknown stage, a stage or a name that comes twice, or
// an empty name. The empty string is DefaultStages.
func ParseStages(setting string) (Stages, error) {
	stages := DefaultStages()
	if setting == "" {
		return stages, nil
	}
	own := Stages{}
	for part := range strings.SplitSeq(setting, ";") {
		stage, names, err := parseStage(part)
		if err != nil {
			return nil, err
		}
		if err := own.set(stage, names); err != nil {
			return nil, err
		}
		maps.DeleteFunc(stages, func(_ string, of Stage) bool { return of == stage })
	}
	for name, stage := range stages {
		if _, taken := own[name]; !taken {
			own[name] = stage
		}
	}
	return own, nil
}

// parseStage reads one "stage:name,name".
func parseStage(part string) (Stage, []string, error) {
	label, names, found := strings.Cut(part, ":")
	for stage := StageShown; stage <= StageActed && found; stage++ {
		if stage.String() == strings.TrimSpace(label) {
			return stage, strings.Split(names, ","), nil
		}
	}
	return NoStage, nil, fmt.Errorf("%w: %q: want shown, opened or acted, a colon, and event types between commas", ErrStages, part)
}

func (s Stages) set(stage Stage, names []string) error {
	for _, of := range s {
		if of == stage {
			return fmt.Errorf("%w: %s comes twice", ErrStages, stage)
		}
	}
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			return fmt.Errorf("%w: an event type of %s has no name", ErrStages, stage)
		}
		if _, taken := s[name]; taken {
			return fmt.Errorf("%w: event type %q comes twice", ErrStages, name)
		}
		s[name] = stage
	}
	return nil
}

// Role is the role of the named event type in an analysis of the clicks of one
// stage.
func (s Stages) Role(name string, clicks Stage) Role {
	switch stage := s[name]; {
	case stage == StageShown:
		return RoleShow
	case stage == clicks && stage != NoStage:
		return RoleClick
	}
	return RoleNone
}
