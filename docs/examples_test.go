package docs

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// documentedAddress is where the server is in the documents.
const documentedAddress = "http://localhost:4000"

// fence is a block of code, with its language and its text.
var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// TestExamplesAnswerAsDocumented runs the blocks of curl commands of each
// document in their order against a new server. Where a block of JSON follows
// one, that must be the answer, spaces and line ends between values aside.
func TestExamplesAnswerAsDocumented(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	for _, path := range []string{"README.md", "docs/api.md"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			url, _ := startServer(t, nil)
			blocks := fence.FindAllStringSubmatch(readDocument(t, path), -1)
			tried := 0
			for i, block := range blocks {
				language, text := block[1], block[2]
				if language != "sh" || !strings.HasPrefix(text, "curl ") || !strings.Contains(text, documentedAddress) {
					continue
				}
				tried++
				answer := runShell(t, strings.ReplaceAll(text, documentedAddress, url))
				if next := i + 1; next < len(blocks) && blocks[next][1] == "json" && compact(answer) != compact(blocks[next][2]) {
					t.Errorf("%s\nanswers\n%s\nbut the document has\n%s", text, answer, blocks[next][2])
				}
			}
			if tried == 0 {
				t.Error("there is no example to try")
			}
		})
	}
}

// runShell runs a script to its end and returns its output.
func runShell(t *testing.T, script string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", "-ec", script)
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		t.Errorf("%s\n%v\n%s", script, err, said.String())
	}
	return string(output)
}

// indentation is what a document adds to JSON for people.
var indentation = regexp.MustCompile(`\n\s*|(": )|(, )`)

// compact takes the indentation out of JSON.
func compact(text string) string {
	return indentation.ReplaceAllStringFunc(strings.TrimSpace(text), strings.TrimSpace)
}
