package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildsForOtherProcessorsCount runs them under an emulator: one record goes
// in, and is there after a restart.
func TestBuildsForOtherProcessorsCount(t *testing.T) {
	if !*everyPlatform {
		t.Skip("builds of other processors come with -every-platform")
	}
	for target, emulator := range map[string]string{"linux_arm64": "qemu-aarch64", "linux_armv7": "qemu-arm", "linux_386": "qemu-i386"} {
		t.Run(target, func(t *testing.T) {
			path, err := exec.LookPath(emulator)
			if err != nil {
				t.Skipf("needs %s, of the Debian package qemu-user", emulator)
			}
			binary := filepath.Join(unpackRelease(t, target), program)
			said, err := output(exec.CommandContext(t.Context(), path, binary, "version"))
			if err != nil || !strings.HasPrefix(said, "stats-recorder v"+secondVersion+"\n") {
				t.Fatalf("version: %q, %v", said, err)
			}
			directory := t.TempDir()
			for want := 1; want <= 2; want++ {
				s := serve(t, exec.Command(path, binary), "DATA_DIR="+directory)
				s.post(t)
				s.expectCount(t, want)
				s.stop(t)
			}
			said, err = output(exec.CommandContext(t.Context(), path, binary, "verify", "--data-dir", directory))
			if err != nil || !strings.Contains(said, "complete") {
				t.Errorf("verify: %q, %v", said, err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(built(t).second, "stats-recorder_"+secondVersion+"_freebsd_arm64.tar.gz")); err != nil {
		t.Error(err)
	}
}
