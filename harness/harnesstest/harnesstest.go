// Package harnesstest gives the harness to tests: what fails there fails the test, and
// what a test starts ends with it.
package harnesstest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"

	"stats-recorder/harness"
)

// Binary is the server's program, built when a test first needs it. A package of tests
// has one for each way to build it, and removes it in its TestMain.
type Binary struct {
	// Tags and Environment are those of harness.BuildSettings.
	Tags        string
	Environment []string

	once      sync.Once
	directory string
	path      string
	err       error
}

// Path is where the program is. It may be called by tests that run at the same time.
func (b *Binary) Path(t testing.TB) string {
	t.Helper()
	b.once.Do(func() {
		if b.directory, b.err = os.MkdirTemp("", "stats-recorder-test-"); b.err != nil {
			return
		}
		settings := harness.BuildSettings{Directory: b.directory, Tags: b.Tags, Environment: b.Environment}
		// It is for all tests, and does not end with the one that needed it first.
		b.path, b.err = harness.Build(context.Background(), settings)
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// Remove removes the program, if it was built.
func (b *Binary) Remove() { os.RemoveAll(b.directory) }

// Start starts a command for the length of a test. At the end it is killed, and its log
// is shown if the test has failed.
func Start(t testing.TB, command *exec.Cmd) *harness.Process {
	t.Helper()
	return Launch(t, command).Process
}

// Launch starts a command that will listen, like Start.
func Launch(t testing.TB, command *exec.Cmd) *harness.Server {
	t.Helper()
	server, err := harness.Launch(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", command.Path, server.Log.Tail())
		}
	})
	return server
}

// Await requires a line of a process's log, and waits for it.
func Await(t testing.TB, process *harness.Process, wanted harness.Match) harness.Line {
	t.Helper()
	line, err := process.Log.Await(wanted, 0)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// Until waits until a condition holds, by asking again and again, and requires that it
// does in the end. The title says what is waited for.
func Until(t testing.TB, title string, condition func() bool) {
	t.Helper()
	if !harness.Until(condition) {
		t.Fatalf("%s: not in %v", title, harness.Patience)
	}
}
