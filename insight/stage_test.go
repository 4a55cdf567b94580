package insight_test

import (
	"errors"
	"maps"
	"testing"

	"stats-recorder/insight"
)

func TestStagesAreReadFromASetting(t *testing.T) {
	t.Parallel()
	changed := func(own insight.Stages, without insight.Stage) insight.Stages {
		stages := insight.DefaultStages()
		maps.DeleteFunc(stages, func(_ string, of insight.Stage) bool { return of == without })
		maps.Copy(stages, own)
		return stages
	}
	for setting, want := range map[string]insight.Stages{
		"":                         insight.DefaultStages(),
		"opened:a,b":               changed(insight.Stages{"a": insight.StageOpened, "b": insight.StageOpened}, insight.StageOpened),
		" acted : a , b ":          changed(insight.Stages{"a": insight.StageActed, "b": insight.StageActed}, insight.StageActed),
		"opened:link":              changed(insight.Stages{"link": insight.StageOpened}, insight.StageOpened),
		"shown:s;opened:o":         changed(insight.Stages{"o": insight.StageOpened}, insight.StageOpened),
		"shown:s;opened:o;acted:a": {"s": insight.StageShown, "o": insight.StageOpened, "a": insight.StageActed},
	} {
		if setting == "shown:s;opened:o" {
			delete(want, "show")
			want["s"] = insight.StageShown
		}
		have, err := insight.ParseStages(setting)
		if err != nil || !maps.Equal(have, want) {
			t.Errorf("%q is %v, %v, want %v", setting, have, err, want)
		}
	}
}

func TestSettingsOfStagesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"opened", "seen:a", ":a", "opened:", "opened:a,", "opened:a;opened:b", "opened:a;acted:a", "opened:a,a", ";", "opened:a;",
	} {
		if have, err := insight.ParseStages(setting); !errors.Is(err, insight.ErrStages) {
			t.Errorf("%q is %v, %v, want ErrStages", setting, have, err)
		}
	}
}

func TestRolesFollowFromStages(t *testing.T) {
	t.Parallel()
	stages := insight.DefaultStages()
	for _, c := range []struct {
		event  string
		clicks insight.Stage
		want   insight.Role
	}{
		{"show", insight.StageOpened, insight.RoleShow}, {"show", insight.StageActed, insight.RoleShow},
		{"showDetails", insight.StageOpened, insight.RoleClick}, {"showDetails", insight.StageActed, insight.RoleNone},
		{"showDetailsFromGroupPage", insight.StageOpened, insight.RoleClick},
		{"teleservicePrefill", insight.StageActed, insight.RoleClick}, {"link", insight.StageOpened, insight.RoleNone},
		{"show-unexpected-amount-link", insight.StageOpened, insight.RoleNone}, {"close", insight.StageActed, insight.RoleNone},
		{"never heard of", insight.StageOpened, insight.RoleNone}, {"close", insight.NoStage, insight.RoleNone},
	} {
		if have := stages.Role(c.event, c.clicks); have != c.want {
			t.Errorf("the role of %s for %v is %d, want %d", c.event, c.clicks, have, c.want)
		}
	}
}
