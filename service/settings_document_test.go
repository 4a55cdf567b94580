package service

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const settingsDocument = "../docs/settings.md"

// settingsIntroduction stands before the tables.
const settingsIntroduction = `# Settings

<!-- This file is made from the table in service/settings.go: go test ./service -run TestSettingsDocument -update -->

Each setting is a variable of the environment and a flag; a flag wins. A bad value is refused at the start, with a
message that names the variable and gives an example. ` + "`stats-recorder --help`" + ` lists the same settings.

A length of time is a number with its unit: ` + "`90s`, `15m`, `48h`, `30d`" + `. A list is separated by commas. Sizes are in bytes.
`

// TestSettingsDocument compares docs/settings.md with the table of settings, or
// with -update writes it anew.
func TestSettingsDocument(t *testing.T) {
	config := DefaultConfig()
	config.AdminAddr = DefaultAdminAddr // as the command line has it
	want := documentOf(config.Settings())
	have, err := os.ReadFile(settingsDocument)
	if err == nil && string(have) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date (%v): run go test ./service -run TestSettingsDocument -update", settingsDocument, err)
	}
	if err := os.WriteFile(settingsDocument, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func documentOf(settings []Setting) string {
	var b strings.Builder
	b.WriteString(settingsIntroduction)
	for _, group := range Groups() {
		b.WriteString("\n## " + group + "\n\n| variable | flag | default | meaning |\n|---|---|---|---|\n")
		for _, s := range settings {
			if s.Group == group {
				b.WriteString("| `" + s.Variable() + "` | `--" + s.Name + "` | " + defaultCell(s.Default) + " | " + cell(s.Usage) + " |\n")
			}
		}
	}
	return b.String()
}

// defaultCell is a default as code where it is a value that can be given, and as
// words where it stands for having none.
func defaultCell(preset string) string {
	if strings.Contains(preset, " ") || preset == "none" {
		return cell(preset)
	}
	return "`" + cell(strings.Trim(preset, `"`)) + "`"
}

// literal is a part of a text that stands for itself: a path, or a name with
// underscores at its ends, which Markdown would take for emphasis.
var literal = regexp.MustCompile(`/[a-z]+(?:/[a-z]+)*\b|\b__[a-z]+__\b`)

// cell keeps a text in its place in a table.
func cell(text string) string {
	return literal.ReplaceAllString(strings.ReplaceAll(text, "|", `\|`), "`$0`")
}
