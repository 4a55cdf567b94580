package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// machine is the root of a fresh Debian, which a test may do anything to.
type machine struct{ root string }

// debian is the release that packages are tried on.
const debian = "bookworm"

// bootstrap makes the Debian that all machines begin as. It is kept from one run
// to the next.
var bootstrap = sync.OnceValues(func() (root string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root = filepath.Join(cache, "stats-recorder-release", debian+"-1")
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return "", err
	}
	half, err := os.MkdirTemp(filepath.Dir(root), debian+"-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(half, 0o755); err != nil {
		return "", err
	}
	_, err = output(exec.Command("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,curl", debian, half))
	if err != nil {
		return "", err
	}
	return root, os.Rename(half, root)
})

// newMachine makes a machine. The test is skipped where that is impossible.
func newMachine(t *testing.T) machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a machine")
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Skip("needs debootstrap, of the Debian package debootstrap")
	}
	base, err := bootstrap()
	if err != nil {
		t.Skipf("no Debian can be made here: %v", err)
	}
	layers := t.TempDir()
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(layers, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(layers, "root")
	options := "lowerdir=" + base + ",upperdir=" + layers + "/upper,workdir=" + layers + "/work"
	if err := syscall.Mount("overlay", root, "overlay", 0, options); err != nil {
		t.Skipf("this machine cannot mount an overlay: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(root, syscall.MNT_DETACH) })
	return machine{root: root}
}

// put copies a file into the root.
func (m machine) put(t *testing.T, from, to string) {
	t.Helper()
	path := filepath.Join(m.root, to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, read(t, from), 0o755); err != nil {
		t.Fatal(err)
	}
}

// command is a shell command of root on the machine, where no systemd runs.
func (m machine) command(line string) *exec.Cmd {
	command := exec.Command("/bin/sh", "-ec", line)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root}
	command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "HOME=/root"}
	return command
}

// run runs a command to its end and returns all that it says.
func (m machine) run(t *testing.T, line string) string {
	t.Helper()
	said, err := m.command(line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, said)
	}
	return string(said)
}

// has says whether there is a file.
func (m machine) has(path string) bool {
	_, err := os.Lstat(filepath.Join(m.root, path))
	return err == nil
}

// packageOf finds the package of a release by the end of its name.
func packageOf(t *testing.T, directory, ending string) string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ending) {
			return filepath.Join(directory, e.Name())
		}
	}
	t.Fatalf("%q has no package %s", directory, ending)
	return ""
}
