package contract

import (
	"os/exec"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestHelpHasEverySettingInAGroup(t *testing.T) {
	t.Parallel()
	help := blackbox.Run(t, nil, "--help").Stdout
	_, options, _ := strings.Cut(help, "GLOBAL OPTIONS:\n")
	first, _, found := strings.Cut(options, "\n\n")
	if flags := flagsIn(first + "\n"); !found || len(flags) != 1 || flags[0] != "--help" {
		t.Errorf("%q are in no group of --help; see service.Settings", flags)
	}
	for _, group := range service.Groups() {
		if !strings.Contains(help, "\n   "+group+"\n\n   --") {
			t.Errorf("--help has no group %q:\n%s", group, help)
		}
	}
}

func TestTheShellCompletesCommandsAndFlags(t *testing.T) {
	t.Parallel()
	for shell, word := range map[string]string{"bash": "complete ", "zsh": "compdef", "fish": "complete ", "pwsh": "Register"} {
		got := blackbox.Run(t, nil, "completion", shell)
		if got.Code != 0 || got.Stderr != "" || !strings.Contains(got.Stdout, word) {
			t.Errorf("completion %s ends with %d, %q and\n%s", shell, got.Code, got.Stderr, got.Stdout)
		}
	}
	commands, flags := blackbox.Run(t, nil, "--generate-shell-completion"), blackbox.Run(t, nil, "--d", "--generate-shell-completion")
	for _, want := range []string{"verify:", "import:", "version:", "manual:", "completion:"} {
		if !strings.Contains(commands.Stdout, want) {
			t.Errorf("the shell does not complete %s\n%s", want, commands.Stdout)
		}
	}
	if got := strings.Fields(flags.Stdout); !strings.Contains(flags.Stdout, "--data-dir") || !strings.Contains(flags.Stdout, "--durability") {
		t.Errorf("the shell completes --d to %q", got)
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to try the script")
	}
	command := exec.CommandContext(t.Context(), bash, "-n")
	command.Stdin = strings.NewReader(blackbox.Run(t, nil, "completion", "bash").Stdout)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("bash does not read the script: %v\n%s", err, output)
	}
}
