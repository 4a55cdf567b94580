package blackbox

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// built is the binary of this run of the tests, and crashing the one that kills itself
// where it is told to.
var built, crashing = harnesstest.Binary{}, harnesstest.Binary{Tags: "failpoints"}

// Main runs the tests of a package, for its TestMain, and removes the binaries that they
// have built.
func Main(m *testing.M) {
	defer built.Remove()
	defer crashing.Remove()
	m.Run()
}

// Crashing is the path of the binary that kills itself where STATS_RECORDER_FAILPOINT
// says.
func Crashing(t testing.TB) string {
	t.Helper()
	return crashing.Path(t)
}

// ProgramCommand is the binary with the given environment, and none of the tests' own.
func ProgramCommand(t testing.TB, environment, arguments []string) *exec.Cmd {
	t.Helper()
	command := harness.Settings{Program: built.Path(t), Environment: environment, Arguments: arguments}.Command()
	command.Dir = t.TempDir() // where the default DATA_DIR would be
	return command
}

// Outcome is what became of a run of the binary.
type Outcome struct {
	// Code is the exit code.
	Code           int
	Stdout, Stderr string
}

// Run runs the binary to its end.
func Run(t testing.TB, environment []string, arguments ...string) Outcome {
	t.Helper()
	command := ProgramCommand(t, environment, arguments)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	ending, err := harnesstest.Start(t, command).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if ending.Signal != 0 {
		t.Fatalf("%q with %q: %v:\n%s%s", arguments, environment, ending, &stdout, &stderr)
	}
	return Outcome{ending.Status, stdout.String(), stderr.String()}
}

// ExpectRefusal requires exit code 1 and one line on stderr that says all of
// the given things, and nothing else anywhere.
func (o Outcome) ExpectRefusal(t testing.TB, says ...string) {
	t.Helper()
	if o.Code != 1 || o.Stdout != "" || strings.Count(o.Stderr, "\n") != 1 || !strings.HasPrefix(o.Stderr, "stats-recorder: ") {
		t.Errorf("got exit code %d, stdout %q and stderr %q, want 1 and one line on stderr", o.Code, o.Stdout, o.Stderr)
	}
	for _, part := range says {
		if !strings.Contains(o.Stderr, part) {
			t.Errorf("the error is %q, want %q in it", o.Stderr, part)
		}
	}
}

// Program is a running server.
type Program struct {
	*Server
	*harness.Process
	// Started is when the process was started.
	Started time.Time
}

// StartProgram starts the binary on a directory and waits until it listens. It
// is killed at the end of the test, if it still runs then.
func StartProgram(t testing.TB, directory string, environment []string, arguments ...string) *Program {
	t.Helper()
	settings := slices.Concat([]string{"DATA_DIR=" + directory}, environment)
	return Launch(t, ProgramCommand(t, settings, arguments)).Listening(t)
}

// Launch starts a command that becomes the server.
func Launch(t testing.TB, command *exec.Cmd) *Program {
	t.Helper()
	started := time.Now()
	return &Program{
		Server:  &Server{t: t, Config: service.DefaultConfig()},
		Process: harnesstest.Start(t, command),
		Started: started,
	}
}

// Listening waits until the server listens and makes the helpers of Server send
// to it.
func (p *Program) Listening(t testing.TB) *Program {
	t.Helper()
	p.ReachAt(p.Await(t, "listening").Text(t, "address"))
	return p
}

// ReachAt makes the helpers of Server send to an address.
func (p *Program) ReachAt(address string) {
	p.Address, p.URL = address, "http://"+address
	p.Client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: Patience}
	p.t.Cleanup(p.Client.CloseIdleConnections)
}

// End sends a signal and returns how the process ended, which it may have before.
func (p *Program) End(t testing.TB, signal os.Signal) harness.Ending {
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

// Kill ends the server without a chance to do anything.
func (p *Program) Kill(t testing.TB) {
	t.Helper()
	p.End(t, syscall.SIGKILL)
}

// Terminate ends the server as a supervisor does and requires success.
func (p *Program) Terminate(t testing.TB) {
	t.Helper()
	if ending := p.End(t, syscall.SIGTERM); ending != (harness.Ending{}) {
		t.Errorf("after SIGTERM: %v:\n%s", ending, p.Log)
	}
}

// LogLine is one line of a log by attribute.
type LogLine map[string]any

// Text is an attribute that must be a string.
func (l LogLine) Text(t testing.TB, name string) string {
	t.Helper()
	text, ok := l[name].(string)
	if !ok {
		t.Errorf("%q is %v in the line %v, want a string", name, l[name], l)
	}
	return text
}

// Await requires a line with a message, the first of which it returns as soon as it
// is there.
func (p *Program) Await(t testing.TB, message string) LogLine {
	t.Helper()
	return harnesstest.Await(t, p.Process, harness.Message(message)).Attributes()
}

// Logged are the lines of a log so far, those that are not JSON as their message.
func Logged(process *harness.Process) (lines []LogLine) {
	for _, line := range process.Log.Lines() {
		lines = append(lines, line.Attributes())
	}
	return lines
}

// ResidentBytes is VmRSS of a running program.
func ResidentBytes(b testing.TB, p *Program) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID()))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	b.Fatal("the status of the process has no VmRSS")
	return 0
}

// ExpectReport requires an exit code and all of the given things in a report.
func (o Outcome) ExpectReport(t *testing.T, code int, says ...string) {
	t.Helper()
	if o.Code != code || (code == 0) != (o.Stderr == "") || strings.Count(o.Stderr, "\n") > 1 {
		t.Errorf("exit code %d and stderr %q, want %d; the report:\n%s", o.Code, o.Stderr, code, o.Stdout)
	}
	for _, part := range says {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("the report lacks %q:\n%s", part, o.Stdout)
		}
	}
}

// VerifyOf runs stats-recorder verify on a directory.
func VerifyOf(t *testing.T, directory string, arguments ...string) Outcome {
	t.Helper()
	return Run(t, []string{"DATA_DIR=" + directory}, append([]string{"verify"}, arguments...)...)
}
