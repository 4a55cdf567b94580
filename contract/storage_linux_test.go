package contract

import (
	"errors"
	"net/http"
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

// TestAStartOnAFullDiskAnswersReadsAndTakesRecordsLater fills the disk while no server
// runs.
func TestAStartOnAFullDiskAnswersReadsAndTakesRecordsLater(t *testing.T) {
	t.Parallel()
	small := mounted(t, "tmpfs", "size=1m")
	directory := filepath.Join(small, "data")
	for _, durability := range []string{"always", "everysec"} {
		before := blackbox.StartProgram(t, directory, []string{"DURABILITY=" + durability})
		before.Created(t, blackbox.RecordOf(durability))
		before.Kill(t)
		filler := filepath.Join(small, "filler")
		fill(t, filler)
		p := blackbox.StartProgram(t, directory, []string{"DURABILITY=" + durability, "SNAPSHOT_INTERVAL=50ms"})
		p.ExpectTotal(t, durability, 1)
		refused, err := p.Client.Post(p.URL+"/benefits", "application/json", strings.NewReader(blackbox.RecordOf(durability)))
		if err != nil {
			t.Fatal(err)
		}
		refused.Body.Close()
		if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
			t.Errorf("a post gets %s, %v", refused.Status, refused.Header)
		}
		p.ExpectTotal(t, durability, 1)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		p.Created(t, blackbox.RecordOf(durability))
		p.Kill(t)
		again := blackbox.StartProgram(t, directory, nil)
		again.ExpectTotal(t, durability, 2)
		again.Terminate(t)
	}
}

// fill writes to a file until there is no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
