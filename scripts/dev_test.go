// Package scripts has what make does that takes more than a line; its tests run it.
package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// served is a program that says a word and waits for its end.
const served = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	fmt.Println("listening WORD", os.Args[1:])
	<-told
	fmt.Println("stopped WORD")
}
`

// project is a Go project with the script for development, and the path of its source.
func project(t *testing.T) (script, source string) {
	t.Helper()
	content, err := os.ReadFile("dev")
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	script, source = filepath.Join(directory, "scripts", "dev"), filepath.Join(directory, "main.go")
	if err := os.Mkdir(filepath.Dir(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, content, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(directory, "go.mod"), "module served\n\ngo 1.26\n")
	write(t, source, strings.ReplaceAll(served, "WORD", "first"))
	return script, source
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDevRestartsTheServerWhenASourceChanges(t *testing.T) {
	t.Parallel()
	script, source := project(t)
	command := exec.Command(script, "--port", "0")
	command.Env = os.Environ()
	process := harnesstest.Start(t, command)
	harnesstest.Await(t, process, harness.Containing("listening first [--port 0]"))

	write(t, source, "package main, which is no Go\n")
	broken := harnesstest.Await(t, process, harness.Containing("building"))
	harnesstest.Await(t, process, harness.Containing("main.go:1"))
	if strings.Contains(process.Log.String(), "stopped") {
		t.Errorf("a build that fails ends the server:\n%s", process.Log)
	}

	// Two changes, the later perhaps while the earlier is built.
	write(t, source, strings.ReplaceAll(served, "WORD", "hasty"))
	write(t, source, strings.ReplaceAll(served, "WORD", "second"))
	again := harnesstest.Await(t, process, harness.Containing("listening second"))
	if stopped := harnesstest.Await(t, process, harness.Containing("stopped first")); stopped.Number > again.Number || stopped.Number < broken.Number {
		t.Errorf("the old server has not ended when the new one starts:\n%s", process.Log)
	}

	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Expect(harness.Ending{}); err != nil {
		t.Error(err)
	}
	harnesstest.Await(t, process, harness.Containing("stopped second"))
}
