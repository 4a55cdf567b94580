package snapshot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stats-recorder/snapshot"
)

// strangersDirectory is how this test tells its own process in a user namespace
// which directory to use.
const strangersDirectory = "STATS_RECORDER_STRANGERS_DIRECTORY"

// TestAJournalFileThatCannotBeGivenToItsOwnerIsRemoved runs itself again where root
// may not give files away: in a user namespace without the owner. By its name a
// file that stayed would claim the commits that the file before it gets.
func TestAJournalFileThatCannotBeGivenToItsOwnerIsRemoved(t *testing.T) {
	if directory := os.Getenv(strangersDirectory); directory != "" {
		_, err := snapshot.NewJournal(directory, 7)
		if err == nil || !strings.Contains(err.Error(), "owner") {
			t.Errorf("the error is %v, want one about the owner", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root has files to give away")
	}
	const stranger = 12345
	parent, err := os.MkdirTemp("", "stranger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	directory := filepath.Join(parent, "data")
	for _, err := range []error{os.Chmod(parent, 0o755), os.Mkdir(directory, 0o777), os.Chmod(directory, 0o777), os.Chown(directory, stranger, stranger)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), strangersDirectory+"="+directory)
	root := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: root, GidMappings: root}
	output, err := again.CombinedOutput()
	if err != nil && again.ProcessState == nil {
		t.Skip("there are no user namespaces:", err)
	}
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Fatalf("%v:\n%s", err, output)
	}
	if left := files(t, directory); len(left) > 0 {
		t.Errorf("%d files are left, want none", len(left))
	}
}
