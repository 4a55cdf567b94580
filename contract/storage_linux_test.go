package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stats-recorder/contract/blackbox"
)

// mounted mounts a file system for the length of the test.
func mounted(t *testing.T, kind, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	directory := t.TempDir()
	if output, err := exec.Command("mount", "-t", kind, "-o", options, kind, directory).CombinedOutput(); err != nil {
		t.Skipf("this machine does not mount %s: %s", kind, output)
	}
	t.Cleanup(func() { syscall.Unmount(directory, syscall.MNT_DETACH) })
	return directory
}

func TestADirectoryThatWillNotBeThereTomorrowIsWarnedOf(t *testing.T) {
	t.Parallel()
	memory := mounted(t, "tmpfs", "size=64m")
	p := blackbox.StartProgram(t, filepath.Join(memory, "data"), nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	if log := p.Log.String(); !strings.Contains(log, "DATA_DIR is in memory") || !strings.Contains(log, "little free space") {
		t.Errorf("the log does not warn of memory and little space:\n%s", log)
	}
	layers := mounted(t, "tmpfs", "size=2g")
	for _, name := range []string{"lower", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(layers, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	own := mounted(t, "overlay", "lowerdir="+layers+"/lower,upperdir="+layers+"/upper,workdir="+layers+"/work")
	p = blackbox.StartProgram(t, filepath.Join(own, "data"), nil)
	if log := p.Log.String(); !strings.Contains(log, "container's own layer") || strings.Contains(log, "little free space") {
		t.Errorf("the log does not warn of the layer alone:\n%s", log)
	}
	p = blackbox.StartProgram(t, t.TempDir(), nil)
	if log := p.Log.String(); strings.Contains(log, "DATA_DIR is in") {
		t.Errorf("the log warns of a disk:\n%s", log)
	}
}

func TestTheFreeSpaceIsAMetric(t *testing.T) {
	t.Parallel()
	_, admin := startOperated(t)
	if free := scrape(t, admin)["stats_recorder_disk_free_bytes"]; free < 1<<20 {
		t.Errorf("%v bytes are free", free)
	}
}

func TestAPlatformThatReplacesItsDiskIsWarnedOfAtTheStart(t *testing.T) {
	t.Parallel()
	p := blackbox.StartProgram(t, t.TempDir(), []string{"DYNO=web.1"})
	if log := p.Log.String(); !strings.Contains(log, "DATA_DIR is on a disk that the platform replaces") {
		t.Errorf("the log does not warn of the platform:\n%s", log)
	}
}
