package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestTheManualHasEverySettingAndCommand(t *testing.T) {
	t.Parallel()
	config := service.DefaultConfig()
	commands, settings := blackbox.Run(t, nil, "manual").Stdout, blackbox.Run(t, nil, "manual", "--page", "stats-recorder.conf.5").Stdout
	example := blackbox.Run(t, nil, "manual", "--page", "stats-recorder.conf").Stdout
	for _, s := range config.Settings() {
		if flag := `\-\-` + strings.ReplaceAll(s.Name, "-", `\-`); !strings.Contains(commands, `\fB`+flag) {
			t.Errorf("stats-recorder(1) has no %s", flag)
		}
		if !strings.Contains(settings, `\fB`+s.Variable()) {
			t.Errorf("stats-recorder.conf(5) has no %s", s.Variable())
		}
		if !strings.Contains(example, "\n#"+s.Variable()+"=\n") {
			t.Errorf("the example of the settings has no %s", s.Variable())
		}
	}
	for _, line := range strings.Split(blackbox.Run(t, nil, "--generate-shell-completion").Stdout, "\n") {
		command, _, _ := strings.Cut(line, ":")
		if command != "" && command != "help" && !strings.Contains(commands, "\n.SS "+command) {
			t.Errorf("stats-recorder(1) has no command %s", command)
		}
	}
	blackbox.Run(t, nil, "manual", "--page", "stats-recorder.7").ExpectRefusal(t, "stats-recorder.7", "stats-recorder.1")
}

func TestManReadsTheManualWithoutAWarning(t *testing.T) {
	t.Parallel()
	man, err := exec.LookPath("man")
	if err != nil {
		t.Skip("needs man, of the Debian package man-db")
	}
	for _, page := range []string{"stats-recorder.1", "stats-recorder.conf.5"} {
		path := filepath.Join(t.TempDir(), page)
		if err := os.WriteFile(path, []byte(blackbox.Run(t, nil, "manual", "--page", page).Stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), man, "--warnings", "-E", "UTF-8", "-l", path)
		command.Env = append(os.Environ(), "MANWIDTH=100", "MAN_KEEP_FORMATTING=")
		var warnings strings.Builder
		command.Stderr = &warnings
		output, err := command.Output()
		if err != nil || warnings.Len() > 0 || !strings.Contains(string(output), "NAME") {
			t.Errorf("man says of %s: %v, %s\n%s", page, err, warnings.String(), output)
		}
	}
}
