package salvage_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"stats-recorder/snapshot"
	"stats-recorder/snapshot/salvage"
)

// The environment variables that have TestInAChild repair a directory, or start on it.
const (
	childRepair = "CHILD_REPAIRS"
	childStart  = "CHILD_STARTS"
)

// childReport is what a repair or a start in another process came to.
type childReport struct {
	Repaired salvage.Repaired
	Error    string
}

// TestInAChild is the process whose system calls fail.
func TestInAChild(t *testing.T) {
	var report childReport
	var err error
	directory := os.Getenv(childRepair)
	switch {
	case directory != "":
		report.Repaired, err = repair(directory)
	case os.Getenv(childStart) != "":
		directory = os.Getenv(childStart)
		_, err = snapshot.Open(snapshot.Options{Directory: directory, SnapshotInterval: time.Hour})
	default:
		t.Skip("other tests run this, in a process of its own")
	}
	if err != nil {
		report.Error = err.Error()
	}
	content, err := json.Marshal(report)
	if err == nil {
		err = os.WriteFile(directory+".report", content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	os.Exit(0) // before coverage is written: its system calls would fail too
}

// traceable says why no system call can be made to fail, if so.
func traceable() error {
	if output, err := exec.Command("strace", "-qq", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		return fmt.Errorf("a system call that fails needs strace, and the right to trace: %w %s", err, output)
	}
	return nil
}

// repairWith repairs in another process, in which some system calls fail: those on one
// file, or all for no path.
func repairWith(t *testing.T, directory, path, calls, failure string) childReport {
	t.Helper()
	return childWith(t, childRepair, directory, path, calls, failure)
}

// childWith has a child act in which some system calls fail, as for repairWith.
func childWith(t *testing.T, action, directory, path, calls, failure string) (report childReport) {
	t.Helper()
	if err := traceable(); err != nil {
		t.Skip(err)
	}
	arguments := []string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + calls, "-e", "inject=" + calls + ":error=" + failure}
	if path != "" {
		arguments = append(arguments, "-P", path)
	}
	child := exec.Command("strace", append(arguments, os.Args[0], "-test.run=^TestInAChild$")...)
	child.Env = append(os.Environ(), action+"="+directory)
	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("the child: %v\n%s", err, output)
	}
	content, err := os.ReadFile(directory + ".report")
	if err == nil {
		err = json.Unmarshal(content, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	return report
}
