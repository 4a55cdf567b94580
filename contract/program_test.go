package contract

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// built is the binary of this run of the tests, and builtCrashing the one that kills
// itself where it is told to.
var built, builtCrashing = harnesstest.Binary{}, harnesstest.Binary{Tags: "failpoints"}

// TestMain removes the binaries that tests have built.
func TestMain(m *testing.M) {
	defer built.Remove()
	defer builtCrashing.Remove()
	m.Run()
}

// programCommand is the binary with the given environment, and none of the tests' own.
func programCommand(t testing.TB, environment, arguments []string) *exec.Cmd {
	t.Helper()
	command := harness.Settings{Program: built.Path(t), Environment: environment, Arguments: arguments}.Command()
	command.Dir = t.TempDir() // where the default DATA_DIR would be
	return command
}

// outcome is what became of a run of the binary.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the binary to its end.
func run(t testing.TB, environment []string, arguments ...string) outcome {
	t.Helper()
	command := programCommand(t, environment, arguments)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	ending, err := harnesstest.Start(t, command).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if ending.Signal != 0 {
		t.Fatalf("%q with %q: %v:\n%s%s", arguments, environment, ending, &stdout, &stderr)
	}
	return outcome{ending.Status, stdout.String(), stderr.String()}
}

// expectRefusal requires exit code 1 and one line on stderr that says all of
// the given things, and nothing else anywhere.
func (o outcome) expectRefusal(t testing.TB, says ...string) {
	t.Helper()
	if o.code != 1 || o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasPrefix(o.stderr, "stats-recorder: ") {
		t.Errorf("got exit code %d, stdout %q and stderr %q, want 1 and one line on stderr", o.code, o.stdout, o.stderr)
	}
	for _, part := range says {
		if !strings.Contains(o.stderr, part) {
			t.Errorf("the error is %q, want %q in it", o.stderr, part)
		}
	}
}

// program is a running server.
type program struct {
	*testServer
	*harness.Process
	started time.Time
}

// startProgram starts the binary on a directory and waits until it listens. It
// is killed at the end of the test, if it still runs then.
func startProgram(t testing.TB, directory string, environment []string, arguments ...string) *program {
	t.Helper()
	settings := slices.Concat([]string{"DATA_DIR=" + directory}, environment)
	return launch(t, programCommand(t, settings, arguments)).listening(t)
}

// launch starts a command that becomes the server.
func launch(t testing.TB, command *exec.Cmd) *program {
	t.Helper()
	started := time.Now()
	return &program{
		testServer: &testServer{t: t, config: service.DefaultConfig()},
		Process:    harnesstest.Start(t, command),
		started:    started,
	}
}

// listening waits until the server listens and makes the helpers of testServer send
// to it.
func (p *program) listening(t testing.TB) *program {
	t.Helper()
	p.reachAt(p.await(t, "listening").text(t, "address"))
	return p
}

// reachAt makes the helpers of testServer send to an address.
func (p *program) reachAt(address string) {
	p.address, p.URL = address, "http://"+address
	p.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: patience}
	p.t.Cleanup(p.client.CloseIdleConnections)
}

// end sends a signal and returns how the process ended, which it may have before.
func (p *program) end(t testing.TB, signal os.Signal) harness.Ending {
	t.Helper()
	if err := p.Signal(signal); err != nil && !errors.Is(err, harness.ErrEnded) {
		t.Fatal(err)
	}
	ending, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return ending
}

func (p *program) kill(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

// terminate ends the server as a supervisor does and requires success.
func (p *program) terminate(t testing.TB) {
	t.Helper()
	if ending := p.end(t, syscall.SIGTERM); ending != (harness.Ending{}) {
		t.Errorf("after SIGTERM: %v:\n%s", ending, p.Log)
	}
}

// logLine is one line of a log by attribute.
type logLine map[string]any

// text is an attribute that must be a string.
func (l logLine) text(t testing.TB, name string) string {
	t.Helper()
	text, ok := l[name].(string)
	if !ok {
		t.Errorf("%q is %v in the line %v, want a string", name, l[name], l)
	}
	return text
}

// await requires a line with a message, the first of which it returns as soon as it
// is there.
func (p *program) await(t testing.TB, message string) logLine {
	t.Helper()
	return harnesstest.Await(t, p.Process, harness.Message(message)).Attributes()
}

// logged are the lines of a log so far, those that are not JSON as their message.
func logged(process *harness.Process) (lines []logLine) {
	for _, line := range process.Log.Lines() {
		lines = append(lines, line.Attributes())
	}
	return lines
}
