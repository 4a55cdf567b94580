package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// foreign are the platforms that this machine can run, with the emulator that each
// takes. A kernel for amd64 runs 386 by itself.
var foreign = map[string]string{"linux/arm64": "qemu-aarch64", "linux/armv7": "qemu-arm", "linux/386": ""}

// TestBuildsForOtherProcessorsCount runs them: one record goes in, and is there
// after a restart.
func TestBuildsForOtherProcessorsCount(t *testing.T) {
	for target, emulator := range foreign {
		t.Run(target, func(t *testing.T) {
			if *targets != "" && !strings.Contains(*targets, target) {
				t.Skipf("this run does not build for %s", target)
			}
			expectForeignCounts(t, runnerOf(t, emulator), target)
		})
	}
}

// runnerOf returns the words that come before a binary to run it.
func runnerOf(t *testing.T, emulator string) []string {
	t.Helper()
	if emulator == "" && runtime.GOOS+"/"+runtime.GOARCH == here {
		return nil
	}
	path, err := exec.LookPath(emulator)
	if err != nil {
		t.Skipf("needs %q, of the Debian package qemu-user", emulator)
	}
	return []string{path}
}

func expectForeignCounts(t *testing.T, runner []string, target string) {
	t.Helper()
	binary := filepath.Join(unpackRelease(t, strings.ReplaceAll(target, "/", "_")), program)
	command := func(arguments ...string) *exec.Cmd {
		words := append(append(append([]string{}, runner...), binary), arguments...)
		return exec.CommandContext(t.Context(), words[0], words[1:]...)
	}
	said, err := output(command("version"))
	if err != nil || !strings.HasPrefix(said, "stats-recorder v"+secondVersion+"\n") {
		t.Fatalf("version: %q, %v", said, err)
	}
	directory := t.TempDir()
	for want := 1; want <= 2; want++ {
		s := serve(t, command(), "DATA_DIR="+directory)
		s.post(t)
		s.expectCount(t, want)
		s.stop(t)
	}
	said, err = output(command("verify", "--data-dir", directory))
	if err != nil || !strings.Contains(said, "complete") {
		t.Errorf("verify: %q, %v", said, err)
	}
}
